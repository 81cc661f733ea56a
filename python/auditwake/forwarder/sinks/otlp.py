"""OTLP/HTTP logs: an ExportLogsServiceRequest in protobuf."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from auditwake.forwarder.answers import Ack, Counted, Reject
from auditwake.forwarder.encoding import Encoding
from auditwake.forwarder.sinks.http import HttpClient, classify
from auditwake.forwarder.sinks.outcome import Response
from auditwake.forwarder.sinks.protobuf import fields
from auditwake.forwarder.sinks.receiver import agent, gzip_only, shown

if TYPE_CHECKING:
    from auditwake._core import Payload
    from auditwake.forwarder.answers import Answer
    from auditwake.forwarder.config.model import OtlpSink, Source
    from auditwake.forwarder.sinks.outcome import Meaning

__all__ = ["OtlpLogs"]

logger = logging.getLogger(__name__)

TABLE: Mapping[int, "Meaning"] = {
    400: "reject",
    413: "split",
    408: "hold",
    425: "hold",
    **dict.fromkeys(range(500, 600), "hold"),
    **dict.fromkeys((429, 502, 503, 504), "retry"),
}
"""The specification lets 429, 502, 503 and 504 be sent again, and wants everything else to be dropped. An audit log is
not dropped: what is not in its list waits for a person."""

PARTIAL_SUCCESS, REJECTED_RECORDS, MESSAGE = 1, 1, 2  # numbers of fields


class OtlpLogs:
    """Sends payloads to an OTLP receiver.

    A receiver that takes a part of a payload says how many records it rejected and not which, and the specification
    forbids to send them again: they are counted, in the log too.

    Args:
        config: The sink.
        hostname: Attribute `host.name` of the resource.
        cluster: Attribute `k8s.cluster.name`; None for none.

    Example:
        >>> from auditwake.forwarder.config.model import HttpOptions, OtlpSink
        >>> OtlpLogs(OtlpSink(http=HttpOptions(url="http://collector:4318/v1/logs")), "node-1").describe()
        'OTLP to http://collector:4318/v1/logs (gzip)'
    """

    def __init__(self, config: "OtlpSink", hostname: str, cluster: str | None = None) -> None:
        self._config = config
        self._options = gzip_only(config.http)
        self._http = HttpClient(self._options)
        self._headers = {"Content-Type": "application/x-protobuf", **agent()}
        self._resource = {"host.name": hostname, **({"k8s.cluster.name": cluster} if cluster else {})}

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self._config.name

    def encoding(self, source: "Source", stream: str) -> Encoding:
        """Say how the events of a stream are encoded: as records of a resource that is this machine."""
        batching = self._config.batching
        service = {"service.name": source.service} if source.service else {}
        return Encoding(
            format="otlp",
            compression=self._options.compression,
            compression_level=self._options.compression_level,
            max_events=batching.max_events,
            max_bytes=batching.max_bytes,
            max_event_bytes=batching.max_event_bytes,
            attributes={**self._resource, **service, "log.file.path": stream, **self._config.resource_attributes},
        )

    def send(self, payload: "Payload") -> "Answer":
        """Send a payload once."""
        outcome = self._http.post(payload.body, self._headers)
        answer = classify(outcome, TABLE)
        if isinstance(answer, Ack) and isinstance(outcome, Response):
            rejected = self._rejected(outcome, payload.events)
            if rejected >= payload.events > 0:
                # Which ones is known then, and nothing would come twice.
                return Reject("partialSuccess: every record was rejected")
            if rejected > 0:
                return Counted(rejected)
        return answer

    def check(self) -> "Answer":
        """Send a request that has no records, which is a valid one."""
        return classify(self._http.post(b"", self._headers, encoded=False), TABLE)

    def describe(self) -> str:
        """Say where to."""
        return f"OTLP to {shown(self._options)}"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _rejected(self, response: Response, events: int) -> int:
        """Give how much the receiver says that it has not taken, and log it."""
        rejected, message = partial_success(response)
        if rejected:
            logger.warning(
                "%s: the receiver has rejected %d of %d records and does not say which (%s); they are not sent again",
                self.name,
                rejected,
                events,
                message,
            )
        elif message:
            logger.warning("%s: the receiver has taken all records, and says %s", self.name, message)
        return rejected


def partial_success(response: Response) -> tuple[int, str]:
    r"""Read what an ExportLogsServiceResponse says: records that were rejected, and the message, escaped.

    Example:
        >>> partial_success(Response(200, {}, b"\x0a\x06\x08\x03\x12\x02no")), partial_success(Response(200, {}, b"{}"))
        ((3, "'no'"), (0, ''))
    """
    rejected, message = 0, ""
    try:
        for number, part in fields(response.body):
            if number == PARTIAL_SUCCESS and isinstance(part, bytes):
                for inner, value in fields(part):
                    if inner == REJECTED_RECORDS and isinstance(value, int):
                        rejected = value
                    elif inner == MESSAGE and isinstance(value, bytes):
                        message = ascii(value[:200].decode("utf-8", "replace")) if value else ""
    except ValueError:
        # Some receivers answer 200 with JSON or with nothing; the status is what counts.
        return 0, ""
    return rejected, message
