"""Any receiver of lines over HTTP: NDJSON, or a JSON array of events."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from auditwake.forwarder.encoding import Encoding
from auditwake.forwarder.sinks.http import HttpClient, classify
from auditwake.forwarder.sinks.receiver import agent, shown

if TYPE_CHECKING:
    from auditwake._core import Payload
    from auditwake.forwarder.answers import Answer
    from auditwake.forwarder.config.model import HttpSink, Source
    from auditwake.forwarder.sinks.outcome import Meaning

__all__ = ["HttpLines"]

TABLE: Mapping[int, "Meaning"] = {422: "reject"}
CONTENT_TYPE = {"ndjson": "application/x-ndjson", "json": "application/json"}


class HttpLines:
    """Posts payloads to a URL; 2xx says that all of it was taken.

    Example:
        >>> from auditwake.forwarder.config.model import HttpOptions, HttpSink
        >>> HttpLines(HttpSink(http=HttpOptions(url="https://logs.example.com/in?key=1234"))).describe()
        'NDJSON to https://logs.example.com/in (gzip)'
    """

    def __init__(self, config: "HttpSink") -> None:
        self._config = config
        self._http = HttpClient(config.http)
        self._headers = {"Content-Type": CONTENT_TYPE[config.body], **agent()}

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self._config.name

    def encoding(self, source: "Source", stream: str) -> Encoding:  # noqa: ARG002  # the same for all
        """Say how the events of a stream are encoded: as they are."""
        config = self._config
        return Encoding(
            format=config.body,
            compression=config.http.compression,
            compression_level=config.http.compression_level,
            max_events=config.batching.max_events,
            max_bytes=config.batching.max_bytes,
            max_event_bytes=config.batching.max_event_bytes,
        )

    def send(self, payload: "Payload") -> "Answer":
        """Send a payload once."""
        return classify(self._http.post(payload.body, self._headers), TABLE)

    def check(self) -> "Answer":
        """Send nothing: no events as NDJSON, `[]` as JSON.

        A receiver that takes it, or finds fault with its being empty, is there and takes our key. One that answers
        before it looks at the key cannot be told from that.
        """
        body = b"[]" if self._config.body == "json" else b""
        answer = self._http.post(body, self._headers, encoded=False)
        return classify(answer, {400: "ack", 411: "ack", 422: "ack"})

    def describe(self) -> str:
        """Say where to."""
        form = "NDJSON" if self._config.body == "ndjson" else "JSON"
        return f"{form} to {shown(self._config.http)}"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
