"""The macros of the rules: what a body writes, whatever it is."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from auditwake import detections
from auditwake.detections.sql import macros

CONTAINER = {"name": "b", "securityContext": {"privileged": True}}
PRIVILEGED = {"containers": [{"name": "a"}], "initContainers": [CONTAINER]}
NOTHING = ("", "{", "null", "7", '"skipped-too-big-size-object"', "[1, [2], null]", "[" * 3000 + "]" * 3000, "[]")
PATCHES = ('[{"op":"add","path":7,"value":1}]', '[{"op":"add"}]', "\x00")
PRIVATE = ("10.1.2.3", "127.0.0.1", "172.16.0.1", "172.31.9.9", "192.168.1.1", "169.254.1.1", "100.64.0.1", "::1")
NEITHER = ("", "fd00::1", "fe80::1", "FC00::1", "::", "::ffff:192.168.0.1", "@", "no address", "1.2.3")


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(macros())
        yield connection


def ask(database: duckdb.DuckDBPyConnection, sql: str, body: object) -> Any:  # noqa: ANN401  # what the macro gives
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    return database.execute(f"select {sql} from (select ?::varchar as body)", [text]).fetchall()[0][0]  # noqa: S608  # of the test


@pytest.mark.parametrize("body", [None, *NOTHING, *PATCHES])
def test_what_writes_nothing_that_can_be_read_gives_nothing(
    database: duckdb.DuckDBPyConnection, body: str | None
) -> None:
    for sql in (
        "bodies(body)",
        "pod_specs(body)",
        "containers(body)",
        "in_containers(body, '$.name')",
        "removed(body)[:0]",
    ):
        assert ask(database, f"len({sql})", body) == 0
    assert not ask(database, "escalating(body) or key_twice(body) or label_taken('update', body, 'a/b')", body)


@pytest.mark.parametrize("spec", [7, None, [], {"containers": {}}, {"containers": [1, None]}, {"volumes": "x"}])
def test_a_spec_that_is_none_breaks_nothing(database: duckdb.DuckDBPyConnection, spec: object) -> None:
    for sql in (
        "in_containers(body, '$.securityContext.privileged')",
        "all_in_pod_specs(body, '$.volumes[*].hostPath.path')",
    ):
        assert not [one for one in ask(database, sql, {"spec": spec}) if one is not None]


@pytest.mark.parametrize(
    "body",
    [
        {"spec": PRIVILEGED},
        {"spec": {"template": {"spec": PRIVILEGED}}},
        {"spec": {"jobTemplate": {"spec": {"template": {"spec": PRIVILEGED}}}}},
        {"template": {"spec": PRIVILEGED}},
        [{"op": "replace", "path": "", "value": {"spec": PRIVILEGED}}],
        [{"op": "add", "path": "/spec", "value": PRIVILEGED}],
        [{"op": "add", "path": "/spec/template/spec/initContainers/-", "value": CONTAINER}],
        [{"op": "add", "path": "/spec/template/spec/containers/3/securityContext/privileged", "value": True}],
    ],
    ids=str,
)
def test_a_privileged_container_is_seen_wherever_it_is(database: duckdb.DuckDBPyConnection, body: object) -> None:
    assert ask(database, "list_contains(in_containers(body, '$.securityContext.privileged'), 'true')", body)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "add", "path": "/a~1b/c~0d", "value": 1}, [{"a/b": {"c~d": 1}}]),
        ({"op": "replace", "path": '/"/\\', "value": "x"}, [{'"': {"\\": "x"}}]),
        ({"op": "add", "path": "/a/0/-", "value": []}, [{"a": [[[]]]}]),
        ({"op": "add", "path": "/a"}, [{"a": None}]),
        ({"op": "add", "path": "/a/-1/b/+0", "value": 1}, [{"a": [{"b": [1]}]}]),
        ({"op": "remove", "path": "/a"}, []),
        ({"op": "test", "path": "/a", "value": 1}, []),
        ({"op": "copy", "from": "/b", "path": "/a"}, []),
        ({"op": "move", "from": "/b", "path": "/a"}, []),
    ],
    ids=str,
)
def test_an_operation_of_a_json_patch(database: duckdb.DuckDBPyConnection, operation: object, expected: object) -> None:
    assert [json.loads(one) for one in ask(database, "bodies(body)", [operation])] == expected


@pytest.mark.parametrize("around", [0, 1, 2, 6, 13])
def test_a_key_twice_is_found_down_to_the_sixteenth_level(database: duckdb.DuckDBPyConnection, around: int) -> None:
    for twice, expected in (('{"b":1,"b":2}', True), ('{"b":1,"c":{"b":2}}', False)):
        assert ask(database, "key_twice(body)", '[{"a":' * around + twice + "}]" * around) is (expected and around < 8)


def test_a_body_that_nests_without_end_is_looked_at_as_far_as_rules_look(database: duckdb.DuckDBPyConnection) -> None:
    for body in ('{"a":' * 5000 + "1" + "}" * 5000, "[" * 5000 + "]" * 5000):
        assert ask(database, "key_twice(body)", body) is False


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sh", "-c", "a \\\n  b\r\n\tc"], "sh -c a b c"),
        (["cu\\\nrl"], "curl"),
        (["cu\\\r\nrl", ""], "curl "),
        ([], ""),
        (None, ""),
    ],
)
def test_a_command_is_one_line(database: duckdb.DuckDBPyConnection, words: list[str] | None, expected: str) -> None:
    assert database.execute("select command_of(?::varchar[])", [words]).fetchall() == [(expected,)]


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1", "192.169.0.1", "11.0.0.1", "::ffff:8.8.8.8"]
)
def test_a_public_address(database: duckdb.DuckDBPyConnection, address: str) -> None:
    assert ask(database, "public_address(body)", address) is True


@pytest.mark.parametrize("address", [None, *PRIVATE, *NEITHER])
def test_no_public_address(database: duckdb.DuckDBPyConnection, address: str | None) -> None:
    assert not ask(database, "public_address(body)", address)


def test_the_machinery_is_not_whoever_acts_as_it(database: duckdb.DuckDBPyConnection) -> None:
    for actor, acting_as, expected in [
        ("node", None, True),
        ("control-plane", None, True),
        ("apiserver", "x", False),
        ("node", "x", False),
        ("user", None, False),
        (None, None, False),
    ]:
        assert database.execute("select machinery(?, ?)", [actor, acting_as]).fetchall() == [(expected,)]
        said = database.execute("select control_plane(?, ?)", [actor, acting_as]).fetchall()
        assert said == [(expected and actor != "node",)]


def test_every_macro_is_used_or_offered() -> None:
    names = {line.split()[2].split("(")[0] for line in macros().splitlines() if line.startswith("create macro")}
    used = " ".join((rule.where + rule.detail) for rule in detections.rules()) + macros()
    assert len(names) > 15
    assert {name for name in names if used.count(f"{name}(") < 2} == set()
