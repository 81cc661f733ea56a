"""The table of keys in Datadog's shape. Checker, JSON Schema and `docs/agent-config.md` are made from it.

The keys of our own block are in `own`; `FILE` and `DATADOG` are the two kinds of files.
"""

from typing import Final

from auditwake.forwarder.config.key import Group, Key
from auditwake.forwarder.config.own import DAY, HOUR, OWN
from auditwake.forwarder.config.rules import RULE

__all__ = ["DATADOG", "ENDPOINT", "FILE", "LOG", "LOGS_CONFIG", "PROXY", "TYPES", "words"]

TYPES: Final = ("file", "tcp", "udp", "docker", "containerd", "journald", "integration", "windows_event")

LINES: Final = "an event of an audit log is one line"
READS_ALL: Final = "all logs are read at once, and none is left out"
SCANS: Final = "new and rotated files are seen when they come"
NEVER_EXPIRES: Final = "offsets never expire, and a log is known by its content"
NO_DEADLINE: Final = "rotated files are read to their end, without a deadline"
BOUNDED: Final = "memory is bounded by the bytes that are under way"

LOG: Final = Group(
    "An entry of `logs:`",
    "What is read. One that is not `type: file` is left out with a warning.",
    (
        Key(name="type", kind="text", required=True, choices=TYPES, meaning="`file`; this agent follows files only"),
        Key(name="path", kind="text", needed_by=("file",), meaning="the log, or a pattern with `*`, `?` or `[`"),
        Key(name="exclude_paths", kind="words", default=(), meaning="patterns for logs that are left out"),
        Key(
            name="start_position",
            kind="text",
            default="beginning",
            choices=("beginning", "end", "forceBeginning", "forceEnd"),
            meaning="where a log begins that has no saved offset; `force...` takes no account of the offset",
        ),
        Key(name="service", kind="word", default="", meaning="attribute `service`"),
        Key(name="source", kind="word", default="", meaning="attribute `ddsource`"),
        Key(name="sourcecategory", kind="word", default="", meaning="becomes the tag `sourcecategory:...`"),
        Key(name="tags", kind="words", default=(), meaning="tags `key:value`, beside those of `DD_TAGS`"),
        Key(
            name="encoding",
            kind="text",
            default="utf-8",
            choices=("utf-8",),
            why="kube-apiserver writes UTF-8 and nothing else",
            meaning="`utf-8`; kube-apiserver writes no other",
        ),
        Key(name="log_processing_rules", kind="groups", default=(), group=RULE, meaning="what is left out or masked"),
        Key(name="auto_multi_line_detection", kind="any", reason=LINES),
        Key(name="auto_multi_line", kind="any", reason=LINES),
        Key(name="auto_multi_line_detection_custom_samples", kind="any", reason=LINES),
        Key(name="auto_multi_line_sample_size", kind="any", reason=LINES),
        Key(name="auto_multi_line_match_threshold", kind="any", reason=LINES),
        Key(name="fingerprint_config", kind="any", reason="a log is always known by its content"),
        Key(name="process_raw_message", kind="any", reason="it is for structured sources, and a file is none"),
        Key(name="identifier", kind="any", reason="it is the id of a container"),
        Key(name="port", kind="any", reason="this agent listens to no port for logs"),
        Key(name="idle_timeout", kind="any", reason="this agent listens to no port for logs"),
        Key(name="channel_path", kind="any", reason="this agent reads no Windows events"),
        Key(name="query", kind="any", reason="this agent reads no Windows events"),
        *(
            Key(name=name, kind="any", reason="this agent reads no journal")
            for name in ("config_id", "include_units", "exclude_units", "include_matches", "exclude_matches")
        ),
        *(
            Key(name=name, kind="any", reason="this agent reads no containers' output")
            for name in ("image", "label", "container_mode", "default_application_name")
        ),
    ),
)

FILE: Final = Group(
    "A file of `conf.d`",
    "`conf.d/NAME.d/conf.yaml` or `conf.d/NAME.yaml`; `NAME` is the name of the integration.",
    (
        Key(name="logs", kind="groups", default=(), group=LOG, meaning="what is read"),
        Key(name="auditwake", kind="group", group=OWN, meaning="what only this agent has; once in all files"),
        Key(name="init_config", kind="any", reason="this agent runs no checks"),
        Key(name="instances", kind="any", reason="this agent runs no checks"),
        Key(name="jmx_metrics", kind="any", reason="this agent runs no checks"),
        Key(name="ad_identifiers", kind="any", reason="this agent discovers no containers"),
        Key(name="advanced_ad_identifiers", kind="any", reason="this agent discovers no containers"),
        Key(name="cluster_check", kind="any", reason="this agent runs no checks"),
        Key(name="ignore_autodiscovery_tags", kind="any", reason="this agent discovers no containers"),
        Key(name="docker_images", kind="any", reason="this agent discovers no containers"),
    ),
)


ENDPOINT: Final = Group(
    "An entry of `additional_endpoints:`",
    "One more intake.",
    (
        Key(name="api_key", kind="secret", required=True, meaning="its key"),
        Key(name="host", kind="word", meaning="its host"),
        Key(name="Host", kind="word", meaning="as `host`"),
        Key(name="port", kind="whole", least=1, most=65535, meaning="its port; 443 for `https`, 80 for `http`"),
        Key(name="Port", kind="whole", least=1, most=65535, meaning="as `port`"),
        Key(name="use_ssl", kind="flag", default=True, meaning="false is plain HTTP"),
        Key(
            name="is_reliable",
            kind="any",
            reason="each intake has offsets of its own, and none loses events for another",
        ),
        Key(name="use_compression", kind="any", reason="it is compressed as for the first intake"),
        Key(name="compression_level", kind="any", reason="it is compressed as for the first intake"),
        Key(name="version", kind="any", reason="version 2 of the intake is spoken"),
        Key(name="path_prefix", kind="any", reason="the path of the intake is `/api/v2/logs`"),
    ),
)


def _logs(name: str, **kwargs: object) -> Key:
    """Give a key of `logs_config`; its variable has the key's name."""
    return Key(name=name, env=f"DD_LOGS_CONFIG_{name.upper()}", **kwargs)  # type: ignore[arg-type]


LOGS_CONFIG: Final = Group(
    "`logs_config:` of `datadog.yaml`",
    "How the Datadog sink sends. Each key is the variable `DD_LOGS_CONFIG_...` too.",
    (
        _logs("logs_dd_url", kind="url", meaning="`host:port` or URL in place of the site's intake"),
        _logs("logs_no_ssl", kind="flag", default=False, meaning="plain HTTP, where `logs_dd_url` says no scheme"),
        _logs("force_use_http", kind="flag", reason="it is HTTP always"),
        _logs("force_use_tcp", kind="flag", reason="it is HTTP always: TCP gives no answer to wait for"),
        _logs("use_http", kind="flag", reason="it is HTTP always"),
        _logs("use_tcp", kind="flag", reason="it is HTTP always: TCP gives no answer to wait for"),
        _logs("use_v2_api", kind="flag", default=True, meaning="false is an error: the older intake is not spoken"),
        _logs(
            "http_protocol",
            kind="text",
            default="auto",
            choices=("auto", "http1", "http2"),
            fallback=True,
            meaning="`http1` offers no HTTP/2",
        ),
        _logs(
            "http_timeout",
            kind="number",
            default=10.0,
            least=0.1,
            most=HOUR,
            fallback=True,
            meaning="seconds for a request",
        ),
        _logs("connection_reset_interval", kind="any", reason="connections are kept, and renewed when they break"),
        _logs("dev_mode_no_ssl", kind="any", reason="`logs_no_ssl` is the key for it"),
        _logs(
            "additional_endpoints",
            kind="groups",
            default=(),
            group=ENDPOINT,
            meaning="more intakes, each a sink with offsets of its own; JSON in the variable",
        ),
        _logs("api_key", kind="secret", meaning="the key, where it is another one than `api_key`"),
        _logs(
            "batch_wait",
            kind="number",
            default=5.0,
            least=1,
            most=10,
            fallback=True,
            meaning="seconds until a payload is sent that is not full",
        ),
        _logs(
            "batch_max_size",
            kind="whole",
            default=1000,
            least=1,
            most=1000,
            fallback=True,
            meaning="events of a payload",
        ),
        _logs(
            "batch_max_content_size",
            kind="whole",
            default=5_000_000,
            least=1000,
            most=5_000_000,
            fallback=True,
            meaning="bytes of a payload before compression",
        ),
        _logs(
            "batch_max_concurrent_send",
            kind="whole",
            default=0,
            least=0,
            most=64,
            fallback=True,
            meaning="payloads under way at once; 0 is 1",
        ),
        _logs("pipelines", kind="any", reason="each log has a pipeline of its own"),
        _logs("message_channel_size", kind="any", reason=BOUNDED),
        _logs("payload_channel_size", kind="any", reason=BOUNDED),
        _logs("input_chan_size", kind="any", reason=BOUNDED),
        _logs("use_compression", kind="flag", default=True, meaning="whether payloads are compressed"),
        _logs("compression_kind", kind="text", default="zstd", choices=("zstd", "gzip"), fallback=True, meaning="how"),
        _logs(
            "zstd_compression_level", kind="whole", default=1, least=1, most=22, fallback=True, meaning="level of zstd"
        ),
        _logs("compression_level", kind="whole", default=6, least=0, most=9, fallback=True, meaning="level of gzip"),
        _logs(
            "sender_backoff_factor",
            kind="number",
            default=2.0,
            least=2,
            most=1000,
            fallback=True,
            meaning="factor between two tries",
        ),
        _logs(
            "sender_backoff_base",
            kind="number",
            default=1.0,
            least=0.001,
            most=DAY,
            fallback=True,
            meaning="seconds to the first further try",
        ),
        _logs(
            "sender_backoff_max",
            kind="number",
            default=120.0,
            least=0.001,
            most=DAY,
            fallback=True,
            meaning="most seconds between two tries",
        ),
        _logs("sender_recovery_interval", kind="any", reason="a success ends the backoff at once"),
        _logs("sender_recovery_reset", kind="any", reason="a success ends the backoff at once"),
        _logs("run_path", kind="path", meaning="the state directory, where nothing else names it"),
        _logs("open_files_limit", kind="any", reason=READS_ALL),
        _logs("file_scan_period", kind="any", reason=SCANS),
        _logs("file_wildcard_selection_mode", kind="any", reason=READS_ALL),
        _logs("close_timeout", kind="any", reason=NO_DEADLINE),
        _logs("auditor_ttl", kind="any", reason=NEVER_EXPIRES),
        _logs("atomic_registry_write", kind="any", reason="offsets are always written atomically, and synced"),
        _logs("fingerprint_config", kind="any", reason="a log is always known by its content"),
        _logs(
            "stop_grace_period",
            kind="number",
            default=30.0,
            least=0,
            most=DAY,
            fallback=True,
            meaning="seconds that a stop waits for what is under way",
        ),
        _logs(
            "max_message_size_bytes",
            kind="whole",
            default=1_000_000,
            least=1000,
            fallback=True,
            meaning="a larger event is shrunk, never cut; at most 1,000,000",
        ),
        _logs("aggregation_timeout", kind="any", reason=LINES),
        _logs("auto_multi_line_detection", kind="any", reason=LINES),
        _logs("tag_truncated_logs", kind="any", reason="an event that was shrunk has `audit.k8s.io/truncated`"),
        _logs("tag_multi_line_logs", kind="any", reason=LINES),
        _logs("tag_auto_multi_line_logs", kind="any", reason=LINES),
        _logs(
            "processing_rules",
            kind="groups",
            default=(),
            group=RULE,
            meaning="rules for all logs, in front of their own; JSON in the variable",
        ),
        _logs("expected_tags_duration", kind="any", reason="tags are on every event"),
        _logs("container_collect_all", kind="any", reason="this agent reads no containers' output"),
        _logs("k8s_container_use_file", kind="any", reason="this agent reads no containers' output"),
        _logs("docker_container_use_file", kind="any", reason="this agent reads no containers' output"),
        _logs("enable_recursive_glob", kind="any", reason="`**` always matches folders"),
        _logs("validate_pod_container_id", kind="any", reason="this agent reads no containers' output"),
        _logs("frame_size", kind="any", reason="it is HTTP always"),
        _logs("socks5_proxy_address", kind="any", reason="it is for TCP; `proxy: https:` is for HTTP"),
        _logs("use_port_443", kind="any", reason="it is HTTP always"),
        _logs("use_podman_logs", kind="any", reason="this agent reads no containers' output"),
    ),
)

PROXY: Final = Group(
    "`proxy:` of `datadog.yaml`",
    "Without it, `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are obeyed.",
    (
        Key(
            name="https",
            kind="url",
            env="DD_PROXY_HTTPS",
            meaning="proxy for `https://`, with its credentials in the URL",
        ),
        Key(name="http", kind="url", env="DD_PROXY_HTTP", meaning="proxy for `http://`"),
        Key(
            name="no_proxy",
            kind="words",
            default=(),
            env="DD_PROXY_NO_PROXY",
            meaning="hosts that are spoken to without it",
        ),
    ),
)

DATADOG: Final = Group(
    "`datadog.yaml`",
    "It stands beside `conf.d`, or is named. The environment wins over it.",
    (
        Key(
            name="logs_enabled",
            kind="flag",
            default=False,
            env="DD_LOGS_ENABLED",
            meaning="whether logs are shipped to Datadog",
        ),
        Key(name="api_key", kind="secret", env="DD_API_KEY", meaning="the key of the intake"),
        Key(
            name="api_key_file",
            kind="path",
            env="DD_API_KEY_FILE",
            meaning="a file with the key, read again when it changes; ours",
        ),
        Key(name="site", kind="text", default="datadoghq.com", env="DD_SITE", meaning="Datadog's site"),
        Key(
            name="hostname",
            kind="word",
            default="",
            shown="the machine's name",
            env="DD_HOSTNAME",
            meaning="attribute `hostname`",
        ),
        Key(name="tags", kind="words", default=(), env="DD_TAGS", meaning="tags of all logs"),
        Key(name="extra_tags", kind="words", default=(), env="DD_EXTRA_TAGS", meaning="more tags of all logs"),
        Key(name="proxy", kind="group", group=PROXY, meaning="how the intake is reached"),
        Key(
            name="skip_ssl_validation",
            kind="flag",
            default=False,
            env="DD_SKIP_SSL_VALIDATION",
            meaning="true does not check the intake's certificate",
        ),
        Key(name="logs_config", kind="group", group=LOGS_CONFIG, meaning="how the Datadog sink sends"),
        Key(name="auditwake", kind="group", group=OWN, meaning="what only this agent has; once in all files"),
    ),
    quiet=True,
)


def words() -> frozenset[str]:
    """Give every word of the tables: what may be shown of a text that is no YAML."""
    found: set[str] = set()
    waiting = [FILE, DATADOG]
    seen: list[Group] = []
    while waiting:
        group = waiting.pop()
        if group in seen:
            continue
        seen.append(group)
        waiting += group.variants.values()
        for key in group.keys:
            found |= {key.name, *key.choices}
            waiting += [key.group] if key.group else []
    return frozenset(found)
