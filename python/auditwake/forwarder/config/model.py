"""What a configuration says, once it is read and checked: frozen, complete, and with no text of the files in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from auditwake.forwarder.config.secret import Secret, SecretFile

__all__ = [
    "AgentConfig",
    "Backoff",
    "Batching",
    "DatadogSink",
    "DeltaSink",
    "ElasticsearchSink",
    "FileSink",
    "HttpOptions",
    "HttpSink",
    "LogSource",
    "OtlpSink",
    "ParquetSink",
    "ProcessingRule",
    "SinkConfig",
    "Source",
    "SplunkSink",
    "StdoutSink",
    "WebhookSource",
]

MB = 1_000_000
MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingRule:
    """One of `log_processing_rules`; they apply in order, each to what the one before it left.

    Attributes:
        name: For people.
        type: `exclude_at_match` drops a line that matches, `include_at_match` one that does not, `mask_sequences`
            replaces every match.
        pattern: A regular expression in RE2's language.
        replace_placeholder: What stands in place of a match; `$1` is its first group.
    """

    name: str
    type: Literal["exclude_at_match", "include_at_match", "mask_sequences"]
    pattern: str
    replace_placeholder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSource:
    """An entry of `logs:` with `type: file`.

    Attributes:
        integration: Name of the folder in `conf.d` without `.d`; else of the file without its suffix.
        file: The file of the configuration.
        path: A log, or a pattern for logs.
        exclude_paths: Patterns for logs that are left out.
        start_position: `forceBeginning` and `forceEnd` leave the saved offset out of account.
        service: Attribute `service`.
        source: Attribute `ddsource`.
        sourcecategory: As configured; it is among the tags already.
        tags: Tags of this entry and those for all, `key:value`.
        rules: Its processing rules, the ones for all in front.
    """

    integration: str
    file: Path
    path: str
    exclude_paths: tuple[str, ...] = ()
    start_position: Literal["beginning", "end", "forceBeginning", "forceEnd"] = "beginning"
    service: str = ""
    source: str = ""
    sourcecategory: str = ""
    tags: tuple[str, ...] = ()
    rules: tuple[ProcessingRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSource:
    """An entry of `auditwake: webhook:`: receives what `--audit-webhook-config-file` of a server sends.

    Attributes:
        integration: As of a log.
        file: The file of the configuration.
        address: `host:port` to listen on; `localhost` names are allowed.
        name: What its log and its offsets are kept under; empty: the address.
        path: Path of the URL.
        cert_file: Certificate of the receiver; without one it speaks plain HTTP, and then on loopback only.
        key_file: Its key.
        client_ca_file: Who signs the certificates of clients; without one, no client is asked for one.
        token: What a client has to say in `Authorization: Bearer`, if anything.
        max_body_bytes: Largest body; a larger one is answered with 413.
        max_backlog_bytes: Most bytes that are kept for sinks that do not take them; beyond, the answer is 503.
        service: As of a log.
        source: As of a log.
        tags: As of a log.
        rules: As of a log.
    """

    integration: str
    file: Path
    address: str
    name: str = ""
    path: str = "/"
    cert_file: Path | None = None
    key_file: Path | None = None
    client_ca_file: Path | None = None
    token: Secret | SecretFile | None = None
    max_body_bytes: int = 64 * MIB
    max_backlog_bytes: int = 1024 * MIB
    service: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()
    rules: tuple[ProcessingRule, ...] = ()


Source: TypeAlias = LogSource | WebhookSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Batching:
    """When a payload is full, and how many are under way.

    Attributes:
        wait: Seconds after which a payload is sent although it is not full.
        max_events: Most events of a payload.
        max_bytes: Most bytes of a payload before compression.
        max_event_bytes: Most bytes of an event; a larger one is shrunk. None: no limit but `max_bytes`.
        concurrency: Payloads that are under way at once.
    """

    wait: float = 1.0
    max_events: int = 10_000
    max_bytes: int = 5 * MB
    max_event_bytes: int | None = None
    concurrency: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait for the next try: `base` seconds, `factor` times as long each time, `max` at most, jittered."""

    base: float = 1.0
    factor: float = 2.0
    max: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """How to speak to a receiver.

    Attributes:
        url: Where to.
        headers: More headers; their values may be secrets.
        username: For basic authentication.
        password: For basic authentication.
        token: For `Authorization: Bearer`.
        ca_file: Who signs the receiver's certificate, beside those that the machine trusts.
        client_cert_file: Our certificate, if the receiver asks for one.
        client_key_file: Its key.
        verify: Whether the receiver's certificate is checked.
        proxy: URL of a proxy, without credentials; empty: none at all. None takes `HTTPS_PROXY`, `HTTP_PROXY` and
            `NO_PROXY`.
        proxy_username: For the proxy.
        proxy_password: For the proxy.
        http2: Whether HTTP/2 is offered.
        timeout: Seconds for a request.
        compression: How bodies are compressed.
        compression_level: 1 to 22 for zstd, 1 to 9 for gzip.
    """

    url: str
    headers: Mapping[str, Secret] = field(default_factory=dict)
    username: str = ""
    password: Secret | SecretFile | None = None
    token: Secret | SecretFile | None = None
    ca_file: Path | None = None
    client_cert_file: Path | None = None
    client_key_file: Path | None = None
    verify: bool = True
    proxy: str | None = None
    proxy_username: str = ""
    proxy_password: Secret | None = None
    http2: bool = True
    timeout: float = 10.0
    compression: Literal["zstd", "gzip", "none"] = "gzip"
    compression_level: int = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DatadogSink:
    """Datadog's logs intake, version 2; `http.url` is its whole URL, with `/api/v2/logs`."""

    name: str = "datadog"
    type: Literal["datadog"] = "datadog"
    http: HttpOptions
    api_key: Secret | SecretFile
    batching: Batching = Batching(wait=5.0, max_events=1000, max_bytes=5 * MB, max_event_bytes=MB)
    backoff: Backoff = Backoff()


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSink:
    """Any receiver of lines: NDJSON, or a JSON array of events."""

    name: str = "http"
    type: Literal["http"] = "http"
    http: HttpOptions
    body: Literal["ndjson", "json"] = "ndjson"
    batching: Batching = Batching()
    backoff: Backoff = Backoff()


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpSink:
    """OTLP/HTTP logs in protobuf; `http.url` is the whole URL, with `/v1/logs`."""

    name: str = "otlp"
    type: Literal["otlp"] = "otlp"
    http: HttpOptions
    resource_attributes: Mapping[str, str] = field(default_factory=dict)
    batching: Batching = Batching(max_bytes=4 * MB)
    backoff: Backoff = Backoff()


@dataclass(frozen=True, slots=True, kw_only=True)
class ElasticsearchSink:
    """Elasticsearch or OpenSearch by `_bulk`; `http.url` is the cluster's, without `/_bulk`."""

    name: str = "elasticsearch"
    type: Literal["elasticsearch"] = "elasticsearch"
    http: HttpOptions
    index: str = "logs-kubernetes.audit-default"
    batching: Batching = Batching(max_bytes=10 * MB)
    backoff: Backoff = Backoff()


@dataclass(frozen=True, slots=True, kw_only=True)
class SplunkSink:
    """Splunk's HTTP event collector; `http.url` is its whole URL, with `/services/collector/event`.

    Attributes:
        ack: Whether an event counts as taken when the indexer says so (`/services/collector/ack`).
    """

    name: str = "splunk"
    type: Literal["splunk"] = "splunk"
    http: HttpOptions
    hec_token: Secret | SecretFile
    index: str = ""
    sourcetype: str = "kube:audit"
    ack: bool = False
    batching: Batching = Batching(max_bytes=MB)
    backoff: Backoff = Backoff()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSink:
    """An NDJSON file that is appended to; whoever rotates it renames it, and a new one is made."""

    name: str = "file"
    type: Literal["file"] = "file"
    path: Path
    batching: Batching = Batching()
    backoff: Backoff = Backoff()


@dataclass(frozen=True, slots=True, kw_only=True)
class StdoutSink:
    """NDJSON on standard output."""

    name: str = "stdout"
    type: Literal["stdout"] = "stdout"
    batching: Batching = Batching(wait=0.2)
    backoff: Backoff = Backoff()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetSink:
    """Parquet files in a directory, each there as a whole or not at all.

    Attributes:
        directory: Where they go.
        columns: As for `auditwake.read`; None for all.
        bodies: Whether request and response bodies are among them.
        compression: Of the pages.
        roll_bytes: A file is closed when it was made of so many bytes of the log,
        roll_seconds: or so long after its first row.
    """

    name: str = "parquet"
    type: Literal["parquet"] = "parquet"
    directory: Path
    columns: tuple[str, ...] | None = None
    bodies: bool = True
    compression: Literal["zstd", "snappy", "lz4", "none"] = "zstd"
    roll_bytes: int = 256 * MIB
    roll_seconds: float = 300.0
    backoff: Backoff = Backoff()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaSink:
    """A Delta table; the offsets are in the very commits that the rows are in.

    Attributes:
        table: Path or URI.
        storage_options: For the store behind a URI; their values may be secrets.
        partition_by: Columns that a new table is partitioned by.
        columns: As for `auditwake.read`; None for all.
        bodies: As for Parquet files.
        roll_bytes: A commit is made for so many bytes of the log,
        roll_seconds: or so long after its first row.
    """

    name: str = "delta"
    type: Literal["delta"] = "delta"
    table: str
    storage_options: Mapping[str, Secret] = field(default_factory=dict)
    partition_by: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    bodies: bool = True
    roll_bytes: int = 64 * MIB
    roll_seconds: float = 60.0
    backoff: Backoff = Backoff()


PayloadSinkConfig: TypeAlias = (
    DatadogSink | HttpSink | OtlpSink | ElasticsearchSink | SplunkSink | FileSink | StdoutSink
)
TableSinkConfig: TypeAlias = ParquetSink | DeltaSink
SinkConfig: TypeAlias = PayloadSinkConfig | TableSinkConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """All that an agent needs to know.

    Attributes:
        sources: What is read, in the order of the files.
        sinks: Where all of it goes; each sink has offsets of its own, so that one that stands still holds no other up.
        enabled: `DD_LOGS_ENABLED`, or true where sinks stand in an `auditwake:` block.
        state: Directory of the offsets, of the quarantine and, unless it is named, of the socket.
        socket: Unix socket of `status` and `stream-logs`.
        hostname: `DD_HOSTNAME`, else the machine's name.
        policy: Path of an audit policy that is applied before shipping.
        kube_version: The server version whose policy rules are meant.
        metrics_address: `host:port` of `/metrics`, `/healthz` and `/readyz`; None for none.
        grace: Seconds that a stop waits for what is under way.
        backups: As for `auditwake.tail`.
        maxsize: `--audit-log-maxsize` of the server, for the forecast of losses; None if unknown.
        maxbackup: `--audit-log-maxbackup`.
        maxage: `--audit-log-maxage`.
        cluster: Value of the column `cluster`, and an attribute where a sink has one.
        log_level: Of the agent's own logs.
        log_format: Of the agent's own logs.
        files: The files that were read, in order.
        warnings: What is legal and has no effect, or is likely to be a mistake; whole texts with their places.
        environment: The variables that had an effect, with their values as they may be shown.
    """

    sources: tuple[Source, ...]
    sinks: tuple[SinkConfig, ...]
    enabled: bool
    state: Path
    socket: Path
    hostname: str
    policy: Path | None = None
    kube_version: str = "1.37"
    metrics_address: str | None = "127.0.0.1:8686"
    grace: float = 30.0
    backups: str | None = None
    maxsize: int | None = None
    maxbackup: int | None = None
    maxage: float | None = None
    cluster: str | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    files: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
