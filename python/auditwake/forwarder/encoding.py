"""How the events of a stream become payloads: what the core's encoder is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = ["Encoding", "Format"]

Format: TypeAlias = Literal["ndjson", "json", "datadog", "otlp", "elasticsearch", "splunk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """What a payload is made like.

    Attributes:
        format: `ndjson`: lines; `json`: an array of events; `datadog`: logs intake v2; `otlp`: an
            ExportLogsServiceRequest; `elasticsearch`: the actions and documents of `_bulk`; `splunk`: events of HEC.
        compression: Of the whole payload.
        compression_level: For zstd or gzip.
        max_events: Most events of a payload.
        max_bytes: Most bytes of a payload before compression.
        max_event_bytes: Most bytes of an event as it stands in the payload; a larger one loses its responseObject, then
            its requestObject, and gets the annotation `audit.k8s.io/truncated: "true"`, as kube-apiserver does it.
        attributes: Constant values. datadog: hostname, service, ddsource, ddtags. otlp: attributes of the resource.
            elasticsearch: index. splunk: host, source, sourcetype, index.
    """

    format: Format
    compression: Literal["zstd", "gzip", "none"] = "none"
    compression_level: int = 1
    max_events: int = 10_000
    max_bytes: int = 5_000_000
    max_event_bytes: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
