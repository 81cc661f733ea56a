"""The sinks: whether they are there and take our key, asked without sending an event."""

import os
import re
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from auditwake.errors import AuditwakeError, SinkError
from auditwake.forwarder.answers import Ack, Hold
from auditwake.forwarder.config.model import (
    DatadogSink,
    DeltaSink,
    ElasticsearchSink,
    FileSink,
    HttpSink,
    OtlpSink,
    ParquetSink,
    SinkConfig,
    SplunkSink,
    StdoutSink,
)
from auditwake.forwarder.config.secret import SecretFile
from auditwake.forwarder.doctor.facts import SinkFacts, SinkState
from auditwake.forwarder.doctor.gathering.node import room_of

if TYPE_CHECKING:
    from auditwake.forwarder.config.model import HttpOptions
    from auditwake.forwarder.sinks.http import HttpClient

__all__ = ["Probe", "describe_sink", "probe_sink", "validation_url"]

HttpConfig: TypeAlias = DatadogSink | HttpSink | OtlpSink | ElasticsearchSink | SplunkSink

Probe: TypeAlias = Callable[[SinkConfig, str], SinkFacts]
"""Asks a sink; the second is the name of this host."""

INTAKE: Final = re.compile(r"(?:.*\.)?logs\.(?P<site>(?:[a-z0-9-]+\.)*(?:datadoghq|ddog-gov)\.(?:com|eu))")
VALIDATE: Final = "/api/v1/validate"
OK, FORBIDDEN, UNAUTHORIZED = 200, 403, 401
PROVED: Final = {
    "datadog": "it takes an empty list of logs with this key",
    "http": "it answers an empty request, which it may do before it looks at the key",
    "otlp": "it takes a request without records",
    "elasticsearch": "it knows us; whether we may write to the index was not tried",
    "splunk": "it takes the token",
}
"""What the check of a sink proves."""


def validation_url(url: str) -> str:
    """Give the address that says whether a key is valid: of the site of the intake, else of the intake's own host.

    Args:
        url: The URL of the intake.

    Example:
        >>> validation_url("https://agent-http-intake.logs.us3.datadoghq.com/api/v2/logs")
        'https://api.us3.datadoghq.com/api/v1/validate'
    """
    parts = urlsplit(url)
    site = INTAKE.fullmatch(parts.hostname or "")
    return f"https://api.{site['site']}{VALIDATE}" if site else f"{parts.scheme}://{_host(parts)}{VALIDATE}"


def describe_sink(config: SinkConfig) -> SinkFacts:
    """Say what a sink is, without asking it.

    Args:
        config: The sink.
    """
    return _facts(config, "skipped", "it was not asked")


def probe_sink(config: SinkConfig, hostname: str) -> SinkFacts:
    """Ask a sink whether it is there and takes our key; no event is sent.

    Args:
        config: The sink.
        hostname: The name of this host.
    """
    try:
        return _ask(config, hostname)
    except (AuditwakeError, ImportError, OSError, ValueError) as error:
        if isinstance(error, ImportError) or type(error) is AuditwakeError:
            return _facts(config, "no-client", str(error))
        said = str(error) if isinstance(error, SinkError) else f"{type(error).__name__} while it was asked"
        return _facts(config, "unproved", said)


def _ask(config: SinkConfig, hostname: str) -> SinkFacts:
    if isinstance(config, StdoutSink):
        return _facts(config, "accepted", "it is always there")
    if isinstance(config, (FileSink, ParquetSink)):
        return _directory(config, config.path if isinstance(config, FileSink) else config.directory)
    if isinstance(config, DeltaSink):
        return _table(config, hostname) if "://" in config.table else _directory(config, Path(config.table))
    return _http(config, hostname)


# --- what it is ------------------------------------------------------------------------------------------------------


def _facts(
    config: SinkConfig, state: SinkState, detail: str, *, reason: str = "", clock: float | None = None
) -> SinkFacts:
    http: HttpOptions | None = getattr(config, "http", None)
    batching = getattr(config, "batching", None)
    parts = urlsplit(http.url) if http else None
    return SinkFacts(
        name=config.name,
        type=config.type,
        target=_host(parts) if parts else _target(config),
        state=state,
        scheme=parts.scheme if parts else "",
        detail=detail,
        reason=reason,
        proxy=_proxy(http) if http else "",
        verified=http is None or http.verify or http.url.startswith("http://"),
        encrypted=parts is None or parts.scheme == "https" or _is_loopback(parts.hostname or ""),
        clock=clock,
        max_event_bytes=batching.max_event_bytes if batching else None,
    )


def _target(config: SinkConfig) -> str:
    if isinstance(config, DeltaSink):
        # A URI may have a password in it.
        parts = urlsplit(config.table)
        return f"{parts.scheme}://{_host(parts)}{parts.path}" if parts.netloc else config.table
    if isinstance(config, FileSink):
        return str(config.path)
    return str(config.directory) if isinstance(config, ParquetSink) else "standard output"


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"


def _proxy(http: "HttpOptions") -> str:
    """Give host and port of the proxy that is in force; `NO_PROXY` as most programs read it."""
    import urllib.request

    parts = urlsplit(http.url)
    if http.proxy is not None:
        return _host(urlsplit(http.proxy)) if http.proxy else ""
    host = parts.hostname or ""
    if urllib.request.proxy_bypass(host):
        return ""
    named = urllib.request.getproxies()
    proxy = named.get(parts.scheme) or named.get("all")
    return _host(urlsplit(proxy if "://" in proxy else f"http://{proxy}")) if proxy else ""


# --- on disk ---------------------------------------------------------------------------------------------------------


def _directory(config: SinkConfig, path: Path) -> SinkFacts:
    if path.is_file() and not os.access(path, os.W_OK):
        return _facts(config, "not-writable", f"{path} cannot be written by this user")
    room = room_of(path, ())
    if room is None or not room.writable:
        return _facts(config, "not-writable", f"{room.path if room else path} cannot be written by this user")
    return _facts(config, "accepted", f"{room.path} can be written")


def _table(config: DeltaSink, hostname: str) -> SinkFacts:
    from auditwake.forwarder.sinks.make import make

    sink = make(config, hostname)
    try:
        if hasattr(sink, "resume"):
            sink.resume()
    finally:
        sink.close()
    return _facts(config, "accepted", "the table can be read; whether it can be written was not tried")


# --- over HTTP -------------------------------------------------------------------------------------------------------


def _http(config: HttpConfig, hostname: str) -> SinkFacts:
    from auditwake.forwarder.sinks.http import HttpClient
    from auditwake.forwarder.sinks.outcome import Failure

    client = HttpClient(config.http)
    try:
        asked = time.time()
        answer = client.get()
        if isinstance(answer, Failure):
            if answer.reason == "credentials":
                return _facts(config, "no-key", answer.detail)
            return _facts(config, "unreachable", answer.detail, reason=answer.reason)
        clock = _clock(answer.headers, asked, time.time())
        state, detail = _key(config, hostname, client)
    finally:
        client.close()
    return _facts(config, state, detail, clock=clock)


def _key(config: HttpConfig, hostname: str, client: "HttpClient") -> tuple[SinkState, str]:
    from auditwake.forwarder.sinks.make import make

    if isinstance(config, DatadogSink):
        state, detail = _datadog(config, client)
        if state != "unproved":
            return state, detail
    sink = make(config, hostname)
    try:
        answer = sink.check() if hasattr(sink, "check") else Ack()
    finally:
        sink.close()
    if isinstance(answer, Ack):
        return "accepted", f"{PROVED[config.type]}; no event was sent"
    reason = getattr(answer, "reason", "")
    return ("refused" if isinstance(answer, Hold) else "unproved"), reason


def _datadog(config: DatadogSink, client: "HttpClient") -> tuple[SinkState, str]:
    """Ask the API of the site whether it knows the key."""
    from auditwake.forwarder.sinks.outcome import Response

    key = config.api_key
    try:
        text = (key.current() if isinstance(key, SecretFile) else key).reveal()
    except OSError as error:
        where = key.path if isinstance(key, SecretFile) else "the key"
        return "no-key", f"{where} cannot be read: {error.strerror}"
    if not text:
        return "no-key", f"{key.path} is empty" if isinstance(key, SecretFile) else "the key is empty"
    url = validation_url(config.http.url)
    host = _host(urlsplit(url))
    answer = client.get(url, {"DD-API-KEY": key})
    if not isinstance(answer, Response):
        return "unproved", f"{host} did not say whether the key is valid ({answer.reason})"
    if answer.status == OK:
        return "accepted", f"{host} says that the key is valid; no event was sent"
    if answer.status in {UNAUTHORIZED, FORBIDDEN}:
        return "refused", f"{host} answered {answer.status}: it does not know this key"
    return "unproved", f"{host} did not say whether the key is valid ({answer.status})"


def _clock(headers: Mapping[str, str], before: float, after: float) -> float | None:
    """Say how far the clock of a receiver is ahead of ours; its header has whole seconds."""
    try:
        theirs = parsedate_to_datetime({name.lower(): value for name, value in headers.items()}["date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        return None
    return theirs + 0.5 - (before + after) / 2
