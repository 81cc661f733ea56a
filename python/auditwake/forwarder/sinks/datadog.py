"""Datadog's logs intake, version 2: as the Agent speaks to it, under a name of our own, over HTTP and nothing else."""

import posixpath
from pathlib import PurePath
from typing import TYPE_CHECKING

from auditwake.forwarder.config.secret import SecretFile
from auditwake.forwarder.encoding import Encoding
from auditwake.forwarder.sinks.http import HttpClient, classify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditwake._core import Payload
    from auditwake.forwarder.answers import Answer
    from auditwake.forwarder.config.model import DatadogSink, Source
    from auditwake.forwarder.sinks.http import HeaderValue

__all__ = ["DatadogLogs"]


class DatadogLogs:
    """Sends payloads to Datadog.

    Example:
        >>> from auditwake.forwarder.config.model import DatadogSink, HttpOptions
        >>> from auditwake.forwarder.config.secret import Secret
        >>> http = HttpOptions(url="https://http-intake.logs.datadoghq.eu/api/v2/logs")
        >>> DatadogLogs(DatadogSink(http=http, api_key=Secret("0123456789abcdef0123456789abcdef")), "host").describe()
        'Sending compressed logs in HTTPS to http-intake.logs.datadoghq.eu on port 443 (API Key: ***...bcdef)'
    """

    def __init__(self, config: "DatadogSink", hostname: str) -> None:
        from auditwake import _core

        self._config = config
        self._hostname = hostname
        self._http = HttpClient(config.http)
        # `DD-PROTOCOL: agent-json` says how the Agent's own envelope is read, and the origin who sends: what we send is
        # what the public API documents, so the one is left out and the other is our name.
        self._headers: Mapping[str, HeaderValue] = {
            "Content-Type": "application/json",
            "User-Agent": f"auditwake/{_core.__version__}",
            "DD-EVP-ORIGIN": "auditwake",
            "DD-EVP-ORIGIN-VERSION": _core.__version__,
            "DD-API-KEY": config.api_key,
        }

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self._config.name

    def encoding(self, source: "Source", stream: str) -> Encoding:
        """Say how the events of a stream are encoded: as the Agent does it for a file."""
        config = self._config
        return Encoding(
            format="datadog",
            compression=config.http.compression,
            compression_level=config.http.compression_level,
            max_events=config.batching.max_events,
            max_bytes=config.batching.max_bytes,
            max_event_bytes=config.batching.max_event_bytes,
            attributes={
                "hostname": self._hostname,
                "service": source.service,
                "ddsource": source.source,
                "ddtags": ",".join(_tags(source, stream)),
            },
        )

    def send(self, payload: "Payload") -> "Answer":
        """Send a payload once.

        400, 401, 403 and 413 make the Agent drop it: here only the event that is at fault leaves the way.
        """
        return classify(self._http.post(payload.body, self._headers))

    def check(self) -> "Answer":
        """Ask whether the key is taken: an empty list of logs is one that the intake answers, and keeps nothing of."""
        return classify(self._http.post(b"[]", self._headers, encoded=False), {400: "ack"})

    def describe(self) -> str:
        """Say where to, as the Agent's status does."""
        http = self._config.http
        how = "uncompressed" if http.compression == "none" else "compressed"
        return (
            f"Sending {how} logs in {self._http.scheme.upper()} to {self._http.host} "
            f"on port {self._http.port} (API Key: {self._key()})"
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _key(self) -> str:
        key = self._config.api_key
        try:
            return (key.current() if isinstance(key, SecretFile) else key).masked
        except OSError:
            return "not readable"


def _tags(source: "Source", stream: str) -> list[str]:
    """Give the tags of a file in the Agent's order: its own, the source's category, and those of the configuration."""
    category = getattr(source, "sourcecategory", "")
    path = PurePath(stream)
    named = [f"filename:{path.name}", f"dirname:{posixpath.normpath(path.parent.as_posix())}"]
    return list(dict.fromkeys([*named, *([f"sourcecategory:{category}"] if category else []), *source.tags]))
