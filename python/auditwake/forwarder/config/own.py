"""The table of keys of the `auditwake:` block."""

from dataclasses import replace
from typing import Final

from auditwake.forwarder.config.key import Group, Key
from auditwake.forwarder.config.rules import RULE

__all__ = ["BACKOFF", "BATCHING", "DAY", "HOUR", "OWN", "RETENTION", "SINK", "WEBHOOK"]

# In seconds. No clock of a system waits for any number of them.
HOUR: Final = 3600
DAY: Final = 24 * HOUR

BATCHING: Final = Group(
    "`batching:` of a sink",
    "When a payload is full. The defaults are those of the sink.",
    (
        Key(name="wait", kind="number", least=0, most=3600, meaning="seconds until a payload is sent that is not full"),
        Key(name="max_events", kind="whole", least=1, meaning="events of a payload"),
        Key(name="max_bytes", kind="whole", least=1000, meaning="bytes of a payload before compression"),
        Key(
            name="max_event_bytes",
            kind="whole",
            least=1000,
            nullable=True,
            meaning="bytes of an event; a larger one is shrunk",
        ),
        Key(name="concurrency", kind="whole", least=1, most=64, meaning="payloads under way at once"),
    ),
    closed=True,
)

BACKOFF: Final = Group(
    "`backoff:` of a sink",
    "How long it waits for the next try.",
    (
        Key(name="base", kind="number", default=1.0, least=0.001, most=DAY, meaning="seconds to the first further try"),
        Key(name="factor", kind="number", default=2.0, least=1, most=1000, meaning="factor between two tries"),
        Key(name="max", kind="number", default=120.0, least=0.001, most=DAY, meaning="most seconds between two tries"),
    ),
    closed=True,
)

BATCHED: Final = Key(name="batching", kind="group", group=BATCHING, meaning="when a payload is full")

HTTP: Final = (
    Key(name="url", kind="url", meaning="where to; required unless the sink is Datadog's"),
    Key(name="headers", kind="secrets", default={}, meaning="more headers; their values are never shown"),
    Key(name="username", kind="word", default="", meaning="for basic authentication"),
    Key(name="password", kind="secret", meaning="for basic authentication"),
    Key(name="password_file", kind="path", meaning="a file with the password"),
    Key(name="token", kind="secret", meaning="for `Authorization: Bearer`"),
    Key(name="token_file", kind="path", meaning="a file with the token, read again when it changes"),
    Key(
        name="ca_file",
        kind="path",
        meaning="who signs the receiver's certificate, beside those that the machine trusts",
    ),
    Key(name="client_cert_file", kind="path", meaning="our certificate"),
    Key(name="client_key_file", kind="path", meaning="its key"),
    Key(name="verify", kind="flag", default=True, meaning="whether the receiver's certificate is checked"),
    Key(name="proxy", kind="url", meaning="URL of a proxy, with its credentials in it"),
    Key(name="http2", kind="flag", default=True, meaning="whether HTTP/2 is offered"),
    Key(name="timeout", kind="number", default=10.0, least=0.1, most=HOUR, meaning="seconds for a request"),
    Key(name="compression", kind="text", default="gzip", choices=("zstd", "gzip", "none"), meaning="of a payload"),
    Key(
        name="compression_level",
        kind="whole",
        least=1,
        most=22,
        shown="6 for gzip, 1 for zstd",
        meaning="1 to 9 for gzip, to 22 for zstd",
    ),
    BATCHED,
)

COLUMNS: Final = (
    Key(name="columns", kind="words", shown="all", meaning="names of columns and groups, as for `auditwake convert`"),
    Key(name="bodies", kind="flag", default=True, meaning="whether request and response bodies are among them"),
)
COMPRESSIONS: Final = ("zstd", "snappy", "lz4", "none")

# What holds for a sink of Datadog's without a key of its own, by the key.
AS_THE_AGENT: Final = {
    "verify": "as `skip_ssl_validation`",
    "proxy": "as `proxy:`",
    "http2": "as `http_protocol`",
    "timeout": "as `http_timeout`",
    "compression": "as `compression_kind`",
    "compression_level": "as `zstd_compression_level` or `compression_level` of `logs_config`",
    "batching": "as `logs_config`",
}

DATADOG_SINK: Final = (
    Key(name="api_key", kind="secret", shown="`DD_API_KEY`", meaning="the key of the intake"),
    Key(
        name="api_key_file",
        kind="path",
        shown="`DD_API_KEY_FILE`",
        meaning="a file with the key, read again when it changes",
    ),
    Key(name="site", kind="text", shown="`DD_SITE`", meaning="Datadog's site"),
    *(replace(key, default=None, shown=AS_THE_AGENT[key.name]) if key.name in AS_THE_AGENT else key for key in HTTP),
)

VARIANTS: Final = {
    "datadog": Group(
        "`type: datadog`",
        "Datadog's logs intake. What is not said holds as in `logs_config`.",
        DATADOG_SINK,
        closed=True,
    ),
    "http": Group(
        "`type: http`",
        "Any receiver of NDJSON or JSON.",
        (
            *HTTP,
            Key(name="body", kind="text", default="ndjson", choices=("ndjson", "json"), meaning="lines, or an array"),
        ),
        closed=True,
    ),
    "otlp": Group(
        "`type: otlp`",
        "OTLP/HTTP logs in protobuf; a `url` without a path gets `/v1/logs`.",
        (*HTTP, Key(name="resource_attributes", kind="map", default={}, meaning="attributes of the resource")),
        closed=True,
    ),
    "elasticsearch": Group(
        "`type: elasticsearch`",
        "Elasticsearch or OpenSearch by `_bulk`; `url` is the cluster's.",
        (
            *HTTP,
            Key(name="index", kind="word", default="logs-kubernetes.audit-default", meaning="index or data stream"),
        ),
        closed=True,
    ),
    "splunk": Group(
        "`type: splunk`",
        "Splunk's HTTP event collector; a `url` without a path gets `/services/collector/event`.",
        (
            *HTTP,
            Key(name="hec_token", kind="secret", meaning="the collector's token; it or `hec_token_file` is required"),
            Key(name="hec_token_file", kind="path", meaning="a file with it, read again when it changes"),
            Key(name="index", kind="word", default="", meaning="index; the token's own if empty"),
            Key(name="sourcetype", kind="word", default="kube:audit", meaning="`sourcetype`"),
            Key(name="ack", kind="flag", default=False, meaning="whether an event counts when the indexer says so"),
        ),
        closed=True,
    ),
    "file": Group(
        "`type: file`",
        "An NDJSON file that is appended to.",
        (Key(name="path", kind="path", required=True, meaning="the file"), BATCHED),
        closed=True,
    ),
    "stdout": Group("`type: stdout`", "NDJSON on standard output.", (BATCHED,), closed=True),
    "parquet": Group(
        "`type: parquet`",
        "Parquet files in a directory, each there as a whole or not at all.",
        (
            Key(name="directory", kind="path", required=True, meaning="where they go"),
            *COLUMNS,
            Key(name="compression", kind="text", default="zstd", choices=COMPRESSIONS, meaning="of the pages"),
            Key(
                name="roll_bytes",
                kind="whole",
                default=256 << 20,
                least=1,
                meaning="bytes of the log that a file is made of",
            ),
            Key(
                name="roll_seconds",
                kind="number",
                default=300.0,
                least=0.001,
                most=30 * DAY,
                meaning="seconds after its first row until it is closed",
            ),
        ),
        closed=True,
    ),
    "delta": Group(
        "`type: delta`",
        "A Delta table; the offsets are in the very commits that the rows are in.",
        (
            Key(name="table", kind="url", required=True, meaning="path or URI"),
            Key(
                name="storage_options", kind="secrets", default={}, meaning="for the store; the values are never shown"
            ),
            Key(name="partition_by", kind="words", default=(), meaning="columns that a new table is partitioned by"),
            *COLUMNS,
            Key(
                name="roll_bytes",
                kind="whole",
                default=64 << 20,
                least=1,
                meaning="bytes of the log that a commit is made of",
            ),
            Key(
                name="roll_seconds",
                kind="number",
                default=60.0,
                least=0.001,
                most=30 * DAY,
                meaning="seconds after its first row until it is made",
            ),
        ),
        closed=True,
    ),
}

SINK: Final = Group(
    "A sink of `sinks:`",
    "Where events go. Each sink has offsets of its own: one that stands still holds no other up.",
    (
        Key(name="type", kind="text", required=True, choices=tuple(VARIANTS), meaning="what it is"),
        Key(
            name="name",
            kind="word",
            shown="the type, then `type-2`...",
            meaning="its name; the offsets are kept under it",
        ),
        Key(name="backoff", kind="group", group=BACKOFF, meaning="how long it waits for the next try"),
    ),
    closed=True,
    variants=VARIANTS,
)

WEBHOOK: Final = Group(
    "A receiver of `webhook:`",
    "It takes what `--audit-webhook-config-file` of a server sends.",
    (
        Key(name="address", kind="text", required=True, meaning="`host:port` to listen on"),
        Key(
            name="name",
            kind="word",
            shown="the address",
            meaning="what its log and its offsets are kept under; give it to change the address later",
        ),
        Key(name="path", kind="text", default="/", meaning="path of the URL"),
        Key(name="cert_file", kind="path", meaning="certificate; without one it speaks plain HTTP, on loopback only"),
        Key(name="key_file", kind="path", meaning="its key"),
        Key(name="client_ca_file", kind="path", meaning="who signs the certificates of clients"),
        Key(name="token", kind="secret", meaning="what a client has to say in `Authorization: Bearer`"),
        Key(name="token_file", kind="path", meaning="a file with it, read again when it changes"),
        Key(
            name="max_body_bytes",
            kind="whole",
            default=64 << 20,
            least=1024,
            meaning="largest body; a larger one is answered with 413",
        ),
        Key(
            name="max_backlog_bytes",
            kind="whole",
            default=1 << 30,
            least=1 << 20,
            meaning="most bytes that are kept for sinks that do not take them; beyond, the answer is 503",
        ),
        Key(name="service", kind="word", default="", meaning="as of a log"),
        Key(name="source", kind="word", default="", meaning="as of a log"),
        Key(name="tags", kind="words", default=(), meaning="as of a log"),
        Key(name="log_processing_rules", kind="groups", default=(), group=RULE, meaning="as of a log"),
    ),
    closed=True,
)

RETENTION: Final = Group(
    "`retention:`",
    "How the server keeps rotated files: the forecast of losses is better when it knows.",
    (
        Key(name="maxsize", kind="whole", least=0, meaning="`--audit-log-maxsize`, in MiB"),
        Key(name="maxbackup", kind="whole", least=0, meaning="`--audit-log-maxbackup`, in files"),
        Key(name="maxage", kind="number", least=0, most=36_500, meaning="`--audit-log-maxage`, in days"),
    ),
    closed=True,
)

OWN: Final = Group(
    "The `auditwake:` block",
    "What only this agent has. An unknown key in it is an error.",
    (
        Key(
            name="state_dir",
            kind="path",
            default="/var/lib/auditwake",
            env="AUDITWAKE_STATE",
            meaning="directory of the offsets; `DD_LOGS_CONFIG_RUN_PATH` is in front of the default",
        ),
        Key(name="sinks", kind="groups", group=SINK, meaning="where events go, in place of Datadog"),
        Key(name="policy", kind="path", meaning="an audit policy that is applied before shipping"),
        Key(
            name="kube_version", kind="word", default="1.37", meaning="the server version whose policy rules are meant"
        ),
        Key(
            name="metrics_address",
            kind="text",
            default="127.0.0.1:8686",
            nullable=True,
            env="AUDITWAKE_METRICS_ADDRESS",
            meaning="`host:port` of `/metrics`, `/healthz` and `/readyz`; null, or `none` in the variable: none",
        ),
        Key(
            name="socket",
            kind="path",
            shown="`agent.sock` in the state directory",
            env="AUDITWAKE_SOCKET",
            meaning="Unix socket of `status` and `stream-logs`",
        ),
        Key(
            name="grace",
            kind="number",
            shown="`stop_grace_period`",
            least=0,
            most=DAY,
            meaning="seconds that a stop waits for what is under way",
        ),
        Key(
            name="log_level",
            kind="text",
            default="info",
            choices=("debug", "info", "warning", "error"),
            env="AUDITWAKE_LOG_LEVEL",
            meaning="of the agent's own logs",
        ),
        Key(
            name="log_format",
            kind="text",
            default="text",
            choices=("text", "json"),
            env="AUDITWAKE_LOG_FORMAT",
            meaning="of the agent's own logs",
        ),
        Key(name="cluster", kind="word", meaning="value of the column `cluster`"),
        Key(name="retention", kind="group", group=RETENTION, meaning="how the server keeps rotated files"),
        Key(
            name="backups",
            kind="text",
            meaning="pattern for rotated files that are not called as kube-apiserver calls them",
        ),
        Key(name="webhook", kind="groups", default=(), group=WEBHOOK, meaning="receivers of audit webhooks"),
        Key(
            name="processing_rules",
            kind="groups",
            default=(),
            group=RULE,
            meaning="rules for all logs, in front of their own",
        ),
    ),
    closed=True,
)
