"""Names of sinks, under which offsets are kept, and the places that they write to."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditwake.errors import ConfigError
from auditwake.forwarder.config import load
from auditwake.forwarder.config.model import DatadogSink
from auditwake.forwarder.config.naming import Endpoint, endpoint_names
from auditwake.forwarder.config.secret import Secret
from auditwake.forwarder.config.sinks import NAME
from auditwake.forwarder.config.urls import Url
from tests.agent_config import INTEGRATION, SHIPPING

KEYS = ("a" * 32, "b" * 32, "c" * 32)


def endpoints(tmp_path: Path, *given: dict[str, Any]) -> tuple[dict[str, tuple[str, str]], tuple[str, ...]]:
    """Give the further sinks by name, each with its URL and key, and the warnings."""
    path = tmp_path / "conf.yaml"
    path.write_text(INTEGRATION)
    config = load(path, {**SHIPPING, "DD_LOGS_CONFIG_ADDITIONAL_ENDPOINTS": json.dumps(given)})
    sinks: Any = config.sinks[1:]
    return {sink.name: (sink.http.url, sink.api_key.reveal()) for sink in sinks}, config.warnings


def endpoint(host: str, key: str = KEYS[0], **more: object) -> dict[str, Any]:
    return {"Host": host, "api_key": key, **more}


def own(tmp_path: Path, sinks: str, logs: str = INTEGRATION) -> Any:  # noqa: ANN401  # a configuration
    path = tmp_path / "conf.yaml"
    path.write_text(f"{logs}auditwake:\n  sinks:\n{sinks}")
    return load(path, {})


# --- names of endpoints ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2)])
def test_an_endpoint_keeps_its_name_wherever_it_stands(tmp_path: Path, order: Sequence[int]) -> None:
    """Offsets are kept under the name: one that took another's would begin where the other had ended."""
    given = [endpoint("a.example"), endpoint("b.example", use_ssl=False, Port=80), endpoint("https://c.example:9/in")]
    names = ["datadog-a.example", "datadog-b.example", "datadog-c.example-9-in"]
    found, warnings = endpoints(tmp_path, *(given[one] for one in order))
    assert list(found) == [names[one] for one in order]
    assert warnings == ()


def test_endpoints_at_one_address_are_told_apart_by_their_keys(tmp_path: Path) -> None:
    given = [endpoint("a.example", key) for key in KEYS[:2]]
    forth, warnings = endpoints(tmp_path, *given)
    back, _ = endpoints(tmp_path, *reversed(given))
    assert forth == back
    assert len(forth) == 2
    assert {key for _, key in forth.values()} == set(KEYS[:2])
    assert "told apart by their keys" in warnings[0]
    assert not any(key[:6] in text for key in KEYS for text in (*forth, *warnings))


def test_the_same_endpoint_is_taken_once(tmp_path: Path) -> None:
    found, warnings = endpoints(tmp_path, endpoint("a.example"), endpoint("a.example"))
    assert list(found) == ["datadog-a.example"]
    assert "left out" in warnings[0]


urls = st.builds(
    lambda scheme, host, port, path: Url(f"{scheme}://{host}{port}{path}"),
    st.sampled_from(["https", "http"]),
    st.sampled_from(["a", "a-8", "A.example", "[::1]", "x" * 60, "x" * 61]),
    st.sampled_from(["", ":8", ":443", ":80"]),
    st.sampled_from(["", "/", "/8", "/a/b", "/a-b", "/%2e"]),
)


@given(st.lists(st.builds(Endpoint, urls, st.sampled_from([Secret(key) for key in KEYS])), unique=True, max_size=8))
def test_names_are_names_and_each_is_had_once(given: list[Endpoint]) -> None:
    names = endpoint_names(given)
    assert len({name.lower() for name in names}) == len(given)
    assert all(NAME.fullmatch(name) for name in names)
    assert dict(zip(given, names, strict=True)) == dict(zip(reversed(given), endpoint_names(given[::-1]), strict=True))


# --- names of sinks --------------------------------------------------------------------------------------------------


def test_several_sinks_without_a_name_are_asked_for_one(tmp_path: Path) -> None:
    config = own(tmp_path, "    - {type: http, url: 'https://a'}\n    - {type: http, url: 'https://b'}\n")
    assert [sink.name for sink in config.sinks] == ["http", "http-2"]
    assert len(config.warnings) == 2
    assert all("called by their order" in one and "add name:" in one for one in config.warnings)
    config = own(tmp_path, "    - {type: http, url: 'https://a'}\n    - {type: http, name: b, url: 'https://b'}\n")
    assert config.warnings == ()


# --- places ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("type: file, path: '{0}/out'", "type: file, path: '{0}/./sub/../out'"),
        ("type: file, path: '{0}/out'", "type: file, path: '{0}/linked/out'"),
        ("type: file, path: '{0}/out'", "type: parquet, directory: '{0}/out/'"),
        ("type: parquet, directory: '{0}/out'", "type: delta, table: '{0}/out'"),
        ("type: delta, table: 'file://{0}/out'", "type: file, path: '{0}/out'"),
    ],
)
def test_two_sinks_cannot_write_to_one_place(tmp_path: Path, first: str, second: str) -> None:
    (tmp_path / "linked").symlink_to(tmp_path)
    sinks = [one.format(tmp_path.as_posix()) for one in (first, second)]
    with pytest.raises(ConfigError) as caught:
        own(tmp_path, "".join(f"    - {{name: n{number}, {one}}}\n" for number, one in enumerate(sinks)))
    (problem,) = caught.value.problems
    assert (problem.line, "conf.yaml:8 writes to the same place" in problem.message) == (9, True)


def test_two_tables_of_one_kind_in_one_place_are_warned_of(tmp_path: Path) -> None:
    sinks = "".join(f"    - {{name: n{number}, type: delta, table: 's3://b/t'}}\n" for number in range(2))
    (warning,) = own(tmp_path, sinks).warnings
    assert "each event is in the table twice" in warning


@pytest.mark.parametrize("path", ["{0}/audit.log", "{0}/*.log", "{0}/../{1}/audit.log"])
def test_what_a_sink_writes_is_not_read(tmp_path: Path, path: str) -> None:
    path = path.format(tmp_path.as_posix(), tmp_path.name)
    logs = f"logs: [{{type: file, path: '{path}'}}]\n"
    sinks = f"    - {{type: file, path: '{tmp_path.as_posix()}/audit.log'}}\n"
    with pytest.raises(ConfigError, match="would grow for ever"):
        own(tmp_path, sinks, logs)
    own(tmp_path, sinks.replace("audit.log", "audit.out"), logs)
    excluded = logs.replace("}]", f", exclude_paths: ['{tmp_path.as_posix()}/audit.log']}}]")
    if "*" in path:
        own(tmp_path, sinks, excluded)


# --- names of webhooks -----------------------------------------------------------------------------------------------


def hooks(tmp_path: Path, *entries: str) -> Any:  # noqa: ANN401  # a configuration
    path = tmp_path / "conf.yaml"
    path.write_text(
        "auditwake:\n  sinks: [{type: stdout}]\n  webhook:\n" + "".join(f"    - {{{one}}}\n" for one in entries)
    )
    return load(path, {})


def test_a_webhook_may_have_a_name_of_its_own(tmp_path: Path) -> None:
    config = hooks(tmp_path, "address: '127.0.0.1:1', name: '127.0.0.1:9443'", "address: '[::1]:2'")
    assert [one.name for one in config.sources] == ["127.0.0.1:9443", ""]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("address: '127.0.0.1:1', name: a", "address: '127.0.0.1:2', name: a"),
        ("address: '127.0.0.1:1'", "address: '127.0.0.1:2', name: '127.0.0.1:1'"),
        ("address: '127.0.0.1:1'", "address: '127.0.0.1:2', name: a/b"),
    ],
)
def test_two_webhooks_do_not_share_a_name(tmp_path: Path, first: str, second: str) -> None:
    with pytest.raises(ConfigError) as caught:
        hooks(tmp_path, first, second)
    (problem,) = caught.value.problems
    assert problem.path == "auditwake.webhook[1].name"


@pytest.mark.parametrize(
    ("entry", "warns"),
    [
        ("address: '0.0.0.0:1', cert_file: c, key_file: k", True),
        ("address: '[::]:1', cert_file: c, key_file: k", True),
        ("address: 'node-1:1', cert_file: c, key_file: k", True),
        ("address: '0.0.0.0:1', cert_file: c, key_file: k, client_ca_file: a", False),
        ("address: '0.0.0.0:1', cert_file: c, key_file: k, token: t", False),
        ("address: 'localhost:1'", False),
        ("address: '[::1]:1'", False),
    ],
)
def test_a_webhook_that_hears_everybody_is_warned_of(tmp_path: Path, entry: str, warns: bool) -> None:  # noqa: FBT001  # a case
    warnings = hooks(tmp_path, entry).warnings
    assert ["whoever reaches it can send events" in one for one in warnings] == ([True] if warns else [])


# --- what would be found out late ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "path", "message"),
    [
        ("sinks: [{type: file, path: ''}]", "sinks[0].path", "the path is empty"),
        ("sinks: [{type: stdout}], state_dir: ' '", "state_dir", "the path is empty"),
        ("sinks: [{type: http, url: 'https://h', ca_file: ''}]", "sinks[0].ca_file", "the path is empty"),
        ("sinks: [{type: delta, table: ''}]", "sinks[0].table", "is empty"),
        ("sinks: [{type: stdout}], policy: /", "policy", "the policy cannot be read: Is a directory"),
        (f"sinks: [{{type: stdout}}], policy: {'a' * 300}", "policy", "the policy cannot be read: File name too long"),
        ("sinks: [{type: delta, table: t, partition_by: [vreb]}]", "sinks[0].partition_by", "no column 'vreb'"),
        (
            "sinks: [{type: delta, table: t, columns: [verb], partition_by: [date]}]",
            "sinks[0].partition_by",
            "the day of ts_stage",
        ),
        ("sinks: [{type: parquet, directory: /p, columns: []}]", "sinks[0].columns", "no column in it"),
        ("sinks: [{type: http, url: 'https://h', headers: {X: ' a'}}]", "sinks[0].headers.X", "white space"),
        ("sinks: [{type: http, url: 'https://h', headers: {X: a, x: b}}]", "sinks[0].headers.x", "there already, as X"),
        (
            "sinks: [{type: http, url: 'https://h', headers: {Content-length: 5}}]",
            "sinks[0].headers.Content-length",
            "belongs to the connection",
        ),
        ("sinks: [{type: http, url: 'https://h', timeout: 1e10}]", "sinks[0].timeout", "out of range"),
        ("sinks: [{type: stdout, backoff: {max: 1e18}}]", "sinks[0].backoff.max", "out of range"),
        ("sinks: [{type: stdout, backoff: {factor: 1e18}}]", "sinks[0].backoff.factor", "out of range"),
        ("sinks: [{type: parquet, directory: /p, roll_seconds: 1e18}]", "sinks[0].roll_seconds", "out of range"),
        ("sinks: [{type: stdout}], grace: 1e15", "grace", "out of range"),
        ("sinks: [{type: stdout}], retention: {maxage: 1e18}", "retention.maxage", "out of range"),
        (
            "sinks: [{type: stdout}], webhook: [{address: '127.0.0.1:1', path: '/a?b'}]",
            "webhook[0].path",
            "no request has such a path",
        ),
    ],
)
def test_what_cannot_work_is_said_at_once(tmp_path: Path, block: str, path: str, message: str) -> None:
    file = tmp_path / "conf.yaml"
    file.write_text(f"{INTEGRATION}auditwake: {{{block}}}\n")
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    (problem,) = caught.value.problems
    assert (problem.path, message in problem.message) == (f"auditwake.{path}", True)


def test_a_key_file_that_cannot_be_looked_at_is_one_that_is_not_there_yet(tmp_path: Path) -> None:
    sinks = f"    - {{type: splunk, url: 'https://h', hec_token_file: {'a' * 300}}}\n"
    assert "there is no such file yet" in own(tmp_path, sinks).warnings[0]


def test_partitions_that_there_are(tmp_path: Path) -> None:
    sinks = "    - {type: delta, table: t, columns: core, partition_by: [date, verb]}\n"
    assert own(tmp_path, sinks).sinks[0].partition_by == ("date", "verb")


def test_a_home_is_not_known(tmp_path: Path) -> None:
    config = own(tmp_path, "    - {type: stdout}\n", "logs: [{type: file, path: '~/audit.log'}]\n")
    assert "~ is no home here" in config.warnings[0]


def test_a_variable_that_is_not_set_had_no_effect(tmp_path: Path) -> None:
    sinks = "    - {type: http, url: 'https://h', token: '${COLLECTOR_TOKEN:-t}'}\n"
    assert own(tmp_path, sinks).environment == ()


def test_hosts_without_a_proxy_have_no_case(tmp_path: Path) -> None:
    path = tmp_path / "conf.yaml"
    path.write_text(INTEGRATION)
    environment = {"DD_PROXY_HTTPS": "http://p:1", "DD_PROXY_NO_PROXY": "DatadogHQ.com"}
    (sink,) = load(path, {**SHIPPING, **environment}).sinks
    assert isinstance(sink, DatadogSink)
    assert sink.http.proxy == ""
