"""The configuration of the agent: files, folders, environment, and what they come to."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from auditwake.errors import ConfigError
from auditwake.forwarder.config import AgentConfig, default_paths, load
from auditwake.forwarder.config.environment import variables
from auditwake.forwarder.config.model import (
    Batching,
    DatadogSink,
    DeltaSink,
    ElasticsearchSink,
    FileSink,
    HttpSink,
    LogSource,
    OtlpSink,
    ParquetSink,
    ProcessingRule,
    SplunkSink,
    StdoutSink,
    WebhookSource,
)
from auditwake.forwarder.config.secret import Secret, SecretFile
from tests.agent_config import API_KEY, INTEGRATION, SHIPPING, loaded, refused, warned


def datadog(config: AgentConfig, index: int = 0) -> DatadogSink:
    sink = config.sinks[index]
    assert isinstance(sink, DatadogSink)
    return sink


def test_the_integrations_own_configuration_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d" / "kubernetes_audit.d"
    folder.mkdir(parents=True)
    (folder / "conf.yaml").write_text(INTEGRATION)
    config = load(tmp_path / "conf.d", {**SHIPPING, "DD_SITE": "datadoghq.eu", "DD_HOSTNAME": "node-1"})
    assert config.warnings == ()
    assert config.enabled
    assert config.hostname == "node-1"
    assert config.files == (folder / "conf.yaml",)
    assert config.sources == (
        LogSource(
            integration="kubernetes_audit",
            file=folder / "conf.yaml",
            path="/var/log/kubernetes/apiserver/audit.log",
            source="kubernetes.audit",
            service="audit",
            start_position="beginning",
        ),
    )
    sink = datadog(config)
    assert sink.http.url == "https://agent-http-intake.logs.datadoghq.eu/api/v2/logs"
    assert sink.api_key == Secret(API_KEY)
    assert (sink.http.compression, sink.http.compression_level) == ("zstd", 1)
    assert sink.batching == Batching(wait=5.0, max_events=1000, max_bytes=5_000_000, max_event_bytes=1_000_000)


def test_two_loads_give_equal_configurations(tmp_path: Path) -> None:
    text = f"{INTEGRATION}auditwake: {{sinks: [{{type: http, url: 'http://localhost', token: t, headers: {{a: b}}}}]}}"
    assert loaded(tmp_path, text) == loaded(tmp_path, text)
    assert loaded(tmp_path, text) != loaded(tmp_path, text.replace("token: t", "token: u"))


# --- which files -----------------------------------------------------------------------------------------------------


@pytest.fixture
def confd(tmp_path: Path) -> Path:
    folder = tmp_path / "conf.d"
    for name in (
        "b.d/conf.yaml",
        "b.d/a.yml",
        "a.yaml",
        "c.d/auto_conf.yaml",
        "c.d/conf.yaml.default",
        "c.d/x.yaml.example",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(INTEGRATION.replace("audit.log", f"{name.replace('/', '-')}.log"))
    return folder


def integrations(config: AgentConfig) -> list[tuple[str, str]]:
    return [(one.integration, one.file.name) for one in config.sources]


def test_files_come_in_the_order_of_their_names(confd: Path) -> None:
    assert integrations(load(confd, SHIPPING)) == [("a", "a.yaml"), ("b", "a.yml"), ("b", "conf.yaml")]


def test_the_folder_of_one_integration_and_a_single_file(confd: Path) -> None:
    assert integrations(load(confd / "b.d", SHIPPING)) == [("b", "a.yml"), ("b", "conf.yaml")]
    assert integrations(load(str(confd / "b.d" / "conf.yaml"), SHIPPING)) == [("b", "conf.yaml")]
    assert integrations(load([confd / "b.d", confd / "a.yaml"], SHIPPING))[-1] == ("a", "a.yaml")


def test_a_file_that_is_named_twice_is_read_once(confd: Path) -> None:
    assert load([confd, confd / "a.yaml"], SHIPPING).sources == load(confd, SHIPPING).sources


@pytest.mark.skipif(sys.platform == "win32", reason="ConfigMaps are mounted with symbolic links")
def test_a_config_map_is_read_once_through_its_links(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d" / "kubernetes_audit.d"
    data = folder / "..2026_09_20_10_00_00.123456789"
    data.mkdir(parents=True)
    (data / "conf.yaml").write_text(INTEGRATION)
    (folder / "..data").symlink_to(data.name)
    (folder / "conf.yaml").symlink_to("..data/conf.yaml")
    config = load(tmp_path / "conf.d", SHIPPING)
    assert integrations(config) == [("kubernetes_audit", "conf.yaml")]
    assert config.warnings == ()


def test_datadog_yaml_beside_conf_d_is_read(confd: Path) -> None:
    (confd.parent / "datadog.yaml").write_text(f"logs_enabled: true\napi_key: {API_KEY}\ntags: [a:b]\nhostname: h\n")
    for path in (confd, confd.parent):
        config = load(path, {})
        assert config.hostname == "h"
        assert config.sources[0].tags == ("a:b",)
        assert len(config.sources) == 3
        assert datadog(config).api_key == Secret(API_KEY)


def test_the_environment_wins_over_datadog_yaml(confd: Path) -> None:
    (confd.parent / "datadog.yaml").write_text(
        f"logs_enabled: false\napi_key: {'f' * 32}\nsite: datadoghq.com\n"
        "logs_config: {batch_wait: 9, use_compression: false}\n"
    )
    config = load(confd, {**SHIPPING, "DD_SITE": "ddog-gov.com", "DD_LOGS_CONFIG_BATCH_WAIT": "2.5"})
    sink = datadog(config)
    assert sink.api_key == Secret(API_KEY)
    assert "ddog-gov.com" in sink.http.url
    assert sink.batching.wait == 2.5
    assert sink.http.compression == "none"


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    config = loaded(tmp_path, INTEGRATION, {**SHIPPING, "DD_SITE": "", "DD_HOSTNAME": ""})
    assert "datadoghq.com" in datadog(config).http.url
    assert config.hostname


def test_where_the_configuration_is_when_nobody_says_it(tmp_path: Path) -> None:
    both = os.pathsep.join(["a", str(tmp_path)])
    assert default_paths({"AUDITWAKE_CONFIG": both}) == (Path("a"), tmp_path)
    assert default_paths({})[0].name == "conf.d"


# --- the environment -------------------------------------------------------------------------------------------------

OF_THE_AGENT = (
    "LOGS_DD_URL",
    "LOGS_NO_SSL",
    "FORCE_USE_HTTP",
    "USE_V2_API",
    "HTTP_PROTOCOL",
    "HTTP_TIMEOUT",
    "CONNECTION_RESET_INTERVAL",
    "ADDITIONAL_ENDPOINTS",
    "BATCH_WAIT",
    "BATCH_MAX_SIZE",
    "BATCH_MAX_CONTENT_SIZE",
    "BATCH_MAX_CONCURRENT_SEND",
    "PIPELINES",
    "MESSAGE_CHANNEL_SIZE",
    "PAYLOAD_CHANNEL_SIZE",
    "USE_COMPRESSION",
    "COMPRESSION_KIND",
    "ZSTD_COMPRESSION_LEVEL",
    "COMPRESSION_LEVEL",
    "SENDER_BACKOFF_FACTOR",
    "SENDER_BACKOFF_BASE",
    "SENDER_BACKOFF_MAX",
    "SENDER_RECOVERY_INTERVAL",
    "RUN_PATH",
    "OPEN_FILES_LIMIT",
    "FILE_SCAN_PERIOD",
    "FILE_WILDCARD_SELECTION_MODE",
    "CLOSE_TIMEOUT",
    "AUDITOR_TTL",
    "ATOMIC_REGISTRY_WRITE",
    "STOP_GRACE_PERIOD",
    "MAX_MESSAGE_SIZE_BYTES",
    "AGGREGATION_TIMEOUT",
    "TAG_TRUNCATED_LOGS",
    "PROCESSING_RULES",
    "EXPECTED_TAGS_DURATION",
)


def test_every_variable_of_the_agents_logs_is_known() -> None:
    top = {"DD_LOGS_ENABLED", "DD_API_KEY", "DD_API_KEY_FILE", "DD_SITE", "DD_HOSTNAME", "DD_TAGS", "DD_PROXY_HTTPS"}
    assert {f"DD_LOGS_CONFIG_{name}" for name in OF_THE_AGENT} | top <= set(variables())


@pytest.mark.parametrize(
    ("name", "text", "where", "value"),
    [
        ("LOGS_DD_URL", "proxy.example:8443", "http.url", "https://proxy.example:8443/api/v2/logs"),
        ("LOGS_DD_URL", "http://localhost:1/x/", "http.url", "http://localhost:1/x/api/v2/logs"),
        ("HTTP_PROTOCOL", "http1", "http.http2", False),
        ("HTTP_TIMEOUT", "3", "http.timeout", 3.0),
        ("BATCH_WAIT", "1", "batching.wait", 1.0),
        ("BATCH_MAX_SIZE", "10", "batching.max_events", 10),
        ("BATCH_MAX_CONTENT_SIZE", "1000000", "batching.max_bytes", 1_000_000),
        ("BATCH_MAX_CONCURRENT_SEND", "0", "batching.concurrency", 1),
        ("BATCH_MAX_CONCURRENT_SEND", "8", "batching.concurrency", 8),
        ("USE_COMPRESSION", "F", "http.compression", "none"),
        ("COMPRESSION_KIND", "gzip", "http.compression", "gzip"),
        ("COMPRESSION_KIND", "gzip", "http.compression_level", 6),
        ("ZSTD_COMPRESSION_LEVEL", "5", "http.compression_level", 5),
        ("SENDER_BACKOFF_FACTOR", "3", "backoff.factor", 3.0),
        ("SENDER_BACKOFF_BASE", "0.5", "backoff.base", 0.5),
        ("SENDER_BACKOFF_MAX", "60", "backoff.max", 60.0),
        ("MAX_MESSAGE_SIZE_BYTES", "500000", "batching.max_event_bytes", 500_000),
        ("MAX_MESSAGE_SIZE_BYTES", "9000000", "batching.max_event_bytes", 1_000_000),
    ],
)
def test_a_variable_has_its_effect(tmp_path: Path, name: str, text: str, where: str, value: object) -> None:
    found: Any = datadog(loaded(tmp_path, INTEGRATION, {**SHIPPING, f"DD_LOGS_CONFIG_{name}": text}))
    for attribute in where.split("."):
        found = getattr(found, attribute)
    assert found == value


def test_plain_http_where_the_address_has_no_scheme(tmp_path: Path) -> None:
    environment = {**SHIPPING, "DD_LOGS_CONFIG_LOGS_DD_URL": "localhost:80", "DD_LOGS_CONFIG_LOGS_NO_SSL": "true"}
    assert datadog(loaded(tmp_path, INTEGRATION, environment)).http.url == "http://localhost:80/api/v2/logs"


@pytest.mark.parametrize("name", [name for name, key in variables().items() if key.ignored])
def test_a_variable_without_effect_is_a_warning(tmp_path: Path, name: str) -> None:
    config = loaded(tmp_path, INTEGRATION, {**SHIPPING, name: "1"})
    assert warned(config, tmp_path) == [f"{name}: has no effect: {variables()[name].reason}"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("BATCH_WAIT", "11"), ("BATCH_MAX_SIZE", "5000"), ("COMPRESSION_KIND", "lz4"), ("SENDER_BACKOFF_FACTOR", "1")],
)
def test_what_the_agent_falls_back_from_is_a_warning(tmp_path: Path, name: str, text: str) -> None:
    config = loaded(tmp_path, INTEGRATION, {**SHIPPING, f"DD_LOGS_CONFIG_{name}": text})
    assert datadog(config) == datadog(loaded(tmp_path, INTEGRATION))
    assert [one for one in config.warnings if f"DD_LOGS_CONFIG_{name}" in one and "as in Datadog's Agent" in one]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"DD_LOGS_CONFIG_BATCH_MAX_SIZE": "many"}, "expected a whole number, got another word"),
        ({"DD_LOGS_CONFIG_USE_COMPRESSION": "perhaps"}, "expected true or false, got another word"),
        ({"DD_LOGS_CONFIG_USE_V2_API": "false"}, "the intake before version 2 is not spoken"),
        ({"DD_SITE": "https://datadoghq.eu"}, "is no name of a site"),
        ({"DD_LOGS_CONFIG_LOGS_DD_URL": "ftp://host"}, "expected a URL that begins with https:// or http://"),
        ({"DD_LOGS_CONFIG_PROCESSING_RULES": "[{"}, "is no JSON"),
        ({"DD_LOGS_CONFIG_PROCESSING_RULES": "{}"}, "expected a list of maps, got a map"),
        ({"DD_LOGS_CONFIG_PROCESSING_RULES": '[{"name":"a"}]'}, "[0].type: is missing"),
        ({"DD_LOGS_CONFIG_ADDITIONAL_ENDPOINTS": '[{"Host":"h"}]'}, "[0].api_key: is missing"),
        ({"DD_LOGS_CONFIG_ADDITIONAL_ENDPOINTS": '[{"api_key":"h"}]'}, "[0].Host: is missing"),
        ({"DD_API_KEY": "ENC[k]"}, "secret backends (ENC[...]) are not supported"),
        ({"AUDITWAKE_LOG_LEVEL": "loud"}, "'loud' is not one of debug, info, warning, error"),
        ({"AUDITWAKE_METRICS_ADDRESS": "8686"}, "expected host:port"),
    ],
)
def test_a_variable_that_is_wrong_is_named(tmp_path: Path, environment: Mapping[str, str], message: str) -> None:
    (first,) = refused(tmp_path, INTEGRATION, {**SHIPPING, **environment})
    assert first.startswith(next(iter(environment)))
    assert message in first


def test_further_endpoints_are_further_sinks(tmp_path: Path) -> None:
    text = f'[{{"api_key": "{"a" * 32}", "Host": "intake.example", "Port": 8443, "is_reliable": true}}]'
    config = loaded(tmp_path, INTEGRATION, {**SHIPPING, "DD_LOGS_CONFIG_ADDITIONAL_ENDPOINTS": text})
    assert [sink.name for sink in config.sinks] == ["datadog", "datadog-intake.example-8443"]
    assert datadog(config, 1).http.url == "https://intake.example:8443/api/v2/logs"
    assert datadog(config, 1).api_key == Secret("a" * 32)


def test_global_rules_stand_in_front(tmp_path: Path) -> None:
    text = INTEGRATION + "    log_processing_rules: [{name: own, type: include_at_match, pattern: b}]\n"
    environment = '[{"name":"all","type":"mask_sequences","pattern":"a","replace_placeholder":"$1"}]'
    config = loaded(tmp_path, text, {**SHIPPING, "DD_LOGS_CONFIG_PROCESSING_RULES": environment})
    assert config.sources[0].rules == (
        ProcessingRule(name="all", type="mask_sequences", pattern="a", replace_placeholder="$1"),
        ProcessingRule(name="own", type="include_at_match", pattern="b"),
    )


def test_the_key_may_stand_in_a_file(tmp_path: Path) -> None:
    key = tmp_path / "key"
    environment = {"DD_LOGS_ENABLED": "true", "DD_API_KEY_FILE": str(key)}
    assert "there is no such file yet" in loaded(tmp_path, INTEGRATION, environment).warnings[0]
    key.write_text(API_KEY)
    config = loaded(tmp_path, INTEGRATION, environment)
    assert config.warnings == ()
    assert datadog(config).api_key == SecretFile(key)


def test_a_proxy_has_its_credentials_beside_it(tmp_path: Path) -> None:
    environment = {**SHIPPING, "DD_PROXY_HTTPS": "http://me:pa%20ss@proxy:3128"}
    http = datadog(loaded(tmp_path, INTEGRATION, environment)).http
    assert (http.proxy, http.proxy_username, http.proxy_password) == ("http://proxy:3128", "me", Secret("pa ss"))
    for hosts in ("x .datadoghq.com", "*"):
        without = {**environment, "DD_PROXY_NO_PROXY": hosts}
        # Not the one of the environment either.
        assert datadog(loaded(tmp_path, INTEGRATION, without)).http.proxy == ""
    assert datadog(loaded(tmp_path, INTEGRATION, SHIPPING)).http.proxy is None


def test_tags_of_all_logs(tmp_path: Path) -> None:
    text = INTEGRATION + "    tags: 'a:1, b:2'\n    sourcecategory: k8s\n"
    config = loaded(tmp_path, text, {**SHIPPING, "DD_TAGS": "env:prod a:1,team:x"})
    assert config.sources[0].tags == ("a:1", "b:2", "sourcecategory:k8s", "env:prod", "team:x")


def test_nothing_is_shipped_unless_somebody_says_so(tmp_path: Path) -> None:
    config = loaded(tmp_path, INTEGRATION, {})
    assert not config.enabled
    assert config.sinks == ()
    assert "nothing is shipped" in config.warnings[0]


def test_a_key_is_needed(tmp_path: Path) -> None:
    assert refused(tmp_path, INTEGRATION, {"DD_LOGS_ENABLED": "1"}) == [
        "DD_API_KEY: there is no API key, and logs_enabled is true"
    ]


def test_a_key_of_another_length_is_a_warning(tmp_path: Path) -> None:
    config = loaded(tmp_path, INTEGRATION, {**SHIPPING, "DD_API_KEY": "short"})
    assert "32 hexadecimal digits" in config.warnings[0]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("DD_LOGS_ENABLE", "DD_LOGS_ENABLED"),
        ("DD_LOGS_CONFIG_BATCH_WIAT", "DD_LOGS_CONFIG_BATCH_WAIT"),
        ("AUDITWAKE_STATES", "AUDITWAKE_STATE"),
    ],
)
def test_a_variable_that_is_nearly_one_is_a_warning(tmp_path: Path, name: str, near: str) -> None:
    (warning,) = loaded(tmp_path, INTEGRATION, {**SHIPPING, name: "true"}).warnings
    assert warning.startswith(name)
    assert f"did you mean {near}?" in warning


# --- our own block ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "environment", "state"),
    [
        ("{}", {}, "/var/lib/auditwake"),
        ("{}", {"DD_LOGS_CONFIG_RUN_PATH": "/run/dd"}, "/run/dd"),
        ("{state_dir: /own}", {"DD_LOGS_CONFIG_RUN_PATH": "/run/dd"}, "/own"),
        ("{state_dir: /own}", {"AUDITWAKE_STATE": "/env"}, "/env"),
    ],
)
def test_where_the_state_is(tmp_path: Path, block: str, environment: Mapping[str, str], state: str) -> None:
    config = loaded(tmp_path, f"{INTEGRATION}auditwake: {block}", {**SHIPPING, **environment})
    assert config.state == Path(state)
    assert config.socket == Path(state) / "agent.sock"


def test_the_block_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n")
    config = loaded(
        tmp_path,
        f"""\
{INTEGRATION}
auditwake:
  policy: {tmp_path / "policy.yaml"}
  kube_version: 1.36
  metrics_address: null
  socket: /run/a.sock
  grace: 5
  log_level: debug
  log_format: json
  cluster: prod
  backups: audit-*.log*
  retention: {{maxsize: 100, maxbackup: 10, maxage: 30}}
  processing_rules: [{{name: all, type: exclude_at_match, pattern: healthz}}]
  webhook:
    - address: 127.0.0.1:9443
      token: ${{TOKEN}}
      service: audit
  sinks:
    - type: stdout
""",
        {"TOKEN": "t"},
    )
    assert config.warnings == ()
    assert config.enabled
    assert config.metrics_address is None
    assert (config.kube_version, config.grace, config.cluster) == ("1.36", 5.0, "prod")
    assert (config.log_level, config.log_format, config.socket) == ("debug", "json", Path("/run/a.sock"))
    assert (config.backups, config.maxsize, config.maxbackup, config.maxage) == ("audit-*.log*", 100, 10, 30.0)
    rule = ProcessingRule(name="all", type="exclude_at_match", pattern="healthz")
    log, webhook = config.sources
    assert log.rules == (rule,)
    assert webhook == WebhookSource(
        integration="conf",
        file=tmp_path / "conf.yaml",
        address="127.0.0.1:9443",
        token=Secret("t"),
        service="audit",
        rules=(rule,),
    )


def test_every_sink(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        f"""\
{INTEGRATION}
auditwake:
  sinks:
    - {{type: datadog, site: datadoghq.eu, batching: {{wait: 2}}}}
    - {{type: http, url: 'https://u:p@host/x', body: json, compression: zstd, backoff: {{max: 5}}}}
    - {{type: otlp, url: 'https://host:4318', resource_attributes: {{a: 1}}, token_file: {tmp_path / "conf.yaml"}}}
    - {{type: elasticsearch, url: 'https://host:9200/_bulk', index: i, headers: {{X: '${{A:-b}}'}}}}
    - {{type: splunk, url: 'https://host:8088', hec_token: t, ack: true}}
    - {{type: file, path: /out.ndjson}}
    - {{type: stdout}}
    - {{type: stdout, name: second}}
    - {{type: stdout}}
    - {{type: parquet, directory: /p, columns: 'core, code', roll_seconds: 1}}
    - {{type: delta, table: 's3://b/t', storage_options: {{secret: x}}, partition_by: [verb]}}
""",
    )
    assert len(config.warnings) == 2
    assert all("several unnamed sinks with type: stdout" in one for one in config.warnings)
    dd, http, otlp, elastic, splunk, file, stdout, second, third, parquet, delta = config.sinks
    assert isinstance(dd, DatadogSink)
    assert dd.http.url == "https://agent-http-intake.logs.datadoghq.eu/api/v2/logs"
    assert dd.batching == Batching(wait=2.0, max_events=1000, max_bytes=5_000_000, max_event_bytes=1_000_000)
    assert isinstance(http, HttpSink)
    assert (http.http.url, http.http.username, http.http.password) == ("https://host/x", "u", Secret("p"))
    assert (http.body, http.http.compression, http.http.compression_level, http.backoff.max) == ("json", "zstd", 1, 5.0)
    assert isinstance(otlp, OtlpSink)
    assert (otlp.http.url, otlp.resource_attributes) == ("https://host:4318/v1/logs", {"a": "1"})
    assert otlp.http.token == SecretFile(tmp_path / "conf.yaml")
    assert isinstance(elastic, ElasticsearchSink)
    assert (elastic.http.url, elastic.http.headers, elastic.index) == ("https://host:9200", {"X": Secret("b")}, "i")
    assert isinstance(splunk, SplunkSink)
    assert (splunk.http.url, splunk.hec_token) == ("https://host:8088/services/collector/event", Secret("t"))
    assert isinstance(file, FileSink)
    assert [sink.name for sink in (stdout, second, third)] == ["stdout", "second", "stdout-2"]
    assert isinstance(stdout, StdoutSink)
    assert isinstance(parquet, ParquetSink)
    assert (parquet.columns, parquet.roll_seconds) == (("core", "code"), 1.0)
    assert isinstance(delta, DeltaSink)
    assert (delta.storage_options, delta.partition_by) == ({"secret": Secret("x")}, ("verb",))


def test_references_to_the_environment(tmp_path: Path) -> None:
    text = INTEGRATION + "auditwake: {sinks: [{type: http, url: '${URL}', token: 'a${T:-$}b$${x}'}]}"
    config = loaded(tmp_path, text, {"URL": "http://localhost:1/"})
    (sink,) = config.sinks
    assert isinstance(sink, HttpSink)
    assert (sink.http.url, sink.http.token) == ("http://localhost:1/", Secret("a$b${x}"))
    (missing,) = refused(tmp_path, text, {})
    assert "the environment variable URL is not set" in missing


def test_one_block_in_all_files(confd: Path) -> None:
    for name in ("a.yaml", "b.d/conf.yaml"):
        with (confd / name).open("a") as file:
            file.write("auditwake: {grace: 1}\n")
    with pytest.raises(ConfigError) as caught:
        load(confd, SHIPPING)
    (problem,) = caught.value.problems
    assert problem.file == str(confd / "b.d" / "conf.yaml")
    assert problem.message == f"there is an auditwake: block already, in {confd / 'a.yaml'}:6"
