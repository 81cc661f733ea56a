"""What questions stand on, against plain twins: one row a request, Go durations, scopes, and logs that say little."""

import datetime as dt
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import auditwake as aw
from auditwake import questions
from auditwake.errors import QuestionError
from auditwake.questions import Answer, Log, Scope
from auditwake.questions.changes import differences
from tests.asked import Event, effective, event, requests, write
from tests.drawn import at_least

# Few values, so that events meet: the same audit ID, time and URI in different stages and of different users.
EVENTS = st.builds(
    lambda audit_id, stage, verb, second, code, user: event(
        auditID=audit_id,
        stage=stage,
        verb=verb,
        requestReceivedTimestamp=f"2026-11-24T00:08:{second:02}.000000Z",
        stageTimestamp="2026-11-24T00:09:00.000000Z",
        responseStatus=None if stage == "RequestReceived" else {"metadata": {}, "code": code},
        user={"username": user} if user else {},
    ),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"]),
    st.sampled_from(["get", "watch", "create"]),
    st.integers(0, 2),
    st.sampled_from([200, 403, 500]),
    st.sampled_from(["alice", "bob", ""]),
)


def ask_of(events: list[Event], ask: Callable[[Path], Answer]) -> Answer:
    with tempfile.TemporaryDirectory() as folder:
        return ask(write(Path(folder) / "audit.log", events))


@settings(max_examples=at_least(40))
@given(st.lists(EVENTS, max_size=12))
def test_one_row_a_request(events: list[Event]) -> None:
    sql = "select audit_id, stage, verb, state, code, eff_user, epoch_us(ts_received) as at from requests"
    found = ask_of(events, lambda log: aw.sql(sql, log)).table.to_pylist()
    expected = [
        (
            one["auditID"], one["stage"], one["verb"], state, (one.get("responseStatus") or {}).get("code"),
            effective(one), one["requestReceivedTimestamp"],
        )
        for one, state in requests(events)
    ]  # fmt: skip

    def at(micros: int) -> str:
        return dt.datetime.fromtimestamp(micros / 1e6, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    assert Counter((*list(row.values())[:-1], at(row["at"])) for row in found) == Counter(expected)


def nanos_of(text: str) -> int | None:
    with Log(aw.demo.LOG, "") as log:
        found: int | None = log.query("select go_nanos($text) as nanos", text=text).to_pylist()[0]["nanos"]
        return found


@settings(max_examples=at_least(60))
@given(
    st.lists(
        st.tuples(st.integers(0, 10**12), st.sampled_from(["h", "m", "s", "ms", "µs", "us", "ns"])),
        min_size=1,
        max_size=4,
    )
)
def test_go_durations_are_exact(parts: list[tuple[int, str]]) -> None:
    units = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "µs": 10**3, "ns": 1}
    text, nanos = "", 0
    for number, unit in parts:
        whole, part = divmod(number % 10**7, 1000)
        digits = min(3, len(str(units[unit])) - 1)
        text += f"{whole}.{part:03}"[: len(str(whole)) + 1 + digits].rstrip(".") + unit
        nanos += whole * units[unit] + (part // 10 ** (3 - digits)) * units[unit] // 10**digits
    assert nanos_of(text) == nanos


@pytest.mark.parametrize("text", ["", "5", "5 s", "1x", "-1s", "1s2", "s", ".s", "1e3s", "9" * 40 + "h", "9999999h"])
def test_what_is_no_duration_is_null(text: str) -> None:
    assert nanos_of(text) is None


# --- scope -----------------------------------------------------------------------------------------------------------

TEXT = st.text(alphabet="ab*?[]-'\\/.:", max_size=4)


def matches(value: str | None, wanted: tuple[str, ...]) -> bool:
    """Whether a value is wanted, by Python's own globs; `*` alone has a meaning in ours."""

    def same(pattern: str) -> bool:
        escaped = "".join(f"[{one}]" if one in "?[" else one for one in pattern)
        return fnmatchcase(value or "", escaped)

    inside = [one for one in wanted if not one.startswith("-")]
    outside = [one[1:] for one in wanted if one.startswith("-")]
    return (not inside or any(map(same, inside))) and not any(map(same, outside))


@settings(max_examples=at_least(60))
@given(st.lists(TEXT, min_size=1, max_size=4), st.lists(TEXT, min_size=1, max_size=3))
def test_scope_is_what_globs_say(names: list[str], wanted: list[str]) -> None:
    events = [
        event(auditID=str(at), user={"username": name}, objectRef={"resource": "pods", "namespace": name, "name": name})
        for at, name in enumerate(names)
    ]
    asked = tuple(wanted)
    expected = Counter(name for name in names if matches(name, asked))
    for scope in (Scope(user=asked), Scope(namespace=asked), Scope(authenticated=asked)):
        found = ask_of(events, partial(aw.sql, "select namespace from requests", scope=scope))
        assert Counter(value or "" for value in found.table["namespace"].to_pylist()) == expected, scope.condition


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        (("pods",), {"pods", "pods/exec"}),
        (("pods/",), {"pods"}),
        (("pods/exec",), {"pods/exec"}),
        (("pods/*",), {"pods", "pods/exec"}),
        (("deployments",), {"deployments.apps"}),
        (("deployments.apps",), {"deployments.apps"}),
        (("deployments.",), set()),
        (("*.apps", "pods/exec"), {"deployments.apps", "pods/exec"}),
        (("-pods",), {"deployments.apps", "/healthz"}),
        (("*", "-pods/exec"), {"pods", "deployments.apps", "/healthz"}),
    ],
)
def test_resources(tmp_path: Path, resource: tuple[str, ...], found: set[str]) -> None:
    refs: list[dict[str, str] | None] = [
        {"resource": "pods"},
        {"resource": "pods", "subresource": "exec"},
        {"resource": "deployments", "apiGroup": "apps"},
        None,
    ]
    log = write(
        tmp_path / "audit.log",
        [event(auditID=str(at), objectRef=one, requestURI="/healthz") for at, one in enumerate(refs)],
    )
    answer = aw.sql(
        "select what(resource, api_group, subresource, path) as what from requests", log, scope=Scope(resource=resource)
    )
    assert {row["what"] for row in answer.table.to_pylist()} == found


def test_a_deletecollection_may_have_deleted_any_object(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [
        event(auditID="1", verb="delete"),
        event(auditID="2", verb="delete", objectRef={"resource": "pods", "namespace": "web", "name": "other"}),
        event(auditID="3", verb="deletecollection", objectRef={"resource": "pods", "namespace": "web"}),
    ])  # fmt: skip
    answer = aw.ask("history", log, scope=Scope(resource=("pods",), name=("shop",)))
    assert [row["audit_id"] for row in answer.table.to_pylist()] == ["1", "3"]


def test_an_impossible_scope_is_refused() -> None:
    with pytest.raises(QuestionError, match="no actor 'root'"):
        Scope(actor=("root",))
    with pytest.raises(QuestionError, match="ends before it begins"):
        Scope(since=2, until=2)
    with pytest.raises(TypeError, match="several values"):
        Scope(user="alice")  # type: ignore[arg-type]


# --- logs that say little --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", questions.names())
def test_an_empty_log_cannot_say(tmp_path: Path, name: str) -> None:
    answer = aw.ask(name, write(tmp_path / "audit.log", []))
    assert (answer.table.num_rows, answer.answerable) == (0, False)
    assert "the log cannot say: there is no event" in answer.notes


@pytest.mark.parametrize("name", questions.names())
def test_receipts_alone_cannot_say(tmp_path: Path, metadata_events: list[Event], name: str) -> None:
    received = [one for one in metadata_events if one["stage"] == "RequestReceived"]
    answer = aw.ask(name, write(tmp_path / "audit.log", received))
    assert (answer.table.num_rows, answer.answerable) == (0, False)
    assert any("no event says how a request ended" in note for note in answer.notes)


@pytest.mark.parametrize("name", questions.names())
def test_a_log_without_annotations_says_what_it_can(tmp_path: Path, metadata_events: list[Event], name: str) -> None:
    bare = [{key: value for key, value in one.items() if key != "annotations"} for one in metadata_events]
    answer = aw.ask(name, write(tmp_path / "audit.log", bare))
    needs = set(questions.question(name).needs)
    assert answer.answerable == (not needs & {"decision", "latency"})
    if "decision" in needs:
        assert any("authorization.k8s.io/decision" in note for note in answer.notes)


def test_rejected_lines_are_said(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [event()])
    log.write_text(log.read_text() + "no event\n" + '{"kind":"Event","verb":\n')
    answer = aw.ask("who", log)
    assert answer.table.num_rows == 1
    assert answer.coverage.rejected
    assert any("hold no event" in note for note in answer.notes)


# --- changes ---------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c d"]), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=at_least(200))
@given(JSON, JSON)
def test_differences_are_none_for_the_same_and_only_then(before: object, after: object) -> None:
    assert list(differences(before, before)) == []
    same = json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    assert (list(differences(before, after)) == []) == same


def deployment(at: int, verb: str, image: str | None, **changed: object) -> Event:
    body = None if image is None else {
        "kind": "Deployment",
        "metadata": {"name": "shop", "resourceVersion": str(at), "managedFields": [at]},
        "spec": {"image": image},
        "status": {"replicas": at},
    }  # fmt: skip
    return event(**{
        "auditID": str(at),
        "verb": verb,
        "level": "RequestResponse",
        "objectRef": {"resource": "deployments", "apiGroup": "apps", "namespace": "web", "name": "shop"},
        "requestReceivedTimestamp": f"2026-11-24T00:08:{at:02}.000000Z",
        "stageTimestamp": "2026-11-24T00:09:00.000000Z",
        "responseObject": body,
        **changed,
    })  # fmt: skip


def test_changes_step_by_step(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [
        deployment(1, "create", "one"),
        deployment(2, "patch", "two"),
        deployment(3, "update", "two"),
        deployment(4, "patch", "dry", requestURI="/apis/apps/v1/namespaces/web/deployments/shop?dryRun=All"),
        deployment(5, "patch", None, requestObject={"spec": {"image": "three"}}, level="Request"),
        deployment(6, "patch", "refused", responseStatus={"metadata": {}, "code": 409}),
        deployment(7, "delete", None),
        deployment(8, "patch", "four"),
    ])  # fmt: skip
    answer = questions.changes(log, scope=Scope(resource=("deployments.apps",), name=("shop",)))
    assert [row["changes"] for row in answer.table.to_pylist()] == [
        ["created"],
        ['.spec.image: "one" -> "two"'],
        [],
        ['sent: {"spec":{"image":"three"}}'],
        ["deleted"],
        ["the body before it was not recorded"],
    ]
    assert any("have no response body" in note for note in answer.notes)


def test_changes_that_are_too_much_to_show_are_counted(tmp_path: Path) -> None:
    """A client says how deep and how long its bodies are; each step has a bound, and says what it left out."""
    deep = "DEEP"
    log = write(
        tmp_path / "audit.log",
        [
            deployment(1, "create", "one"),
            deployment(2, "patch", "y" * 5000),
            deployment(
                3, "patch", None, responseObject={"kind": "Deployment", "spec": dict.fromkeys(map(str, range(70)))}
            ),
            deployment(4, "patch", None, responseObject={"kind": "Deployment", "spec": deep}),
            deployment(5, "patch", "two"),
            deployment(6, "patch", None, requestObject={"spec": deep}, level="Request"),
        ],
    )
    log.write_text(log.read_text().replace('"DEEP"', '{"a":' * 2000 + "1" + "}" * 2000))
    one, two, three, *others = [row["changes"] for row in questions.changes(log).table.to_pylist()]
    assert one == ["created"]
    assert two == [f'.spec.image: "one" -> "{"y" * 1999}... (5,002 characters)']
    assert three[0].startswith(".metadata: ")
    assert (len(three), three[-1]) == (51, "22 more paths differ")
    assert others == [
        ["the body is nested too deeply to be compared"],
        ["the body before it cannot be compared"],
        ["sent: a body that is nested too deeply to be shown"],
    ]
    limited = questions.changes(log, limit=2)
    assert limited.table.num_rows == 2
    assert "there are more rows than 2: a larger limit shows them" in limited.notes


def test_changes_compare_only_bodies_of_one_kind(tmp_path: Path) -> None:
    scale = {"kind": "Scale", "metadata": {"name": "shop"}, "spec": {"replicas": 3}}
    ref = {"resource": "deployments", "apiGroup": "apps", "namespace": "web", "name": "shop", "subresource": "scale"}
    log = write(
        tmp_path / "audit.log",
        [
            deployment(1, "create", "one"),
            deployment(2, "patch", None, objectRef=ref, responseObject=scale),
            deployment(3, "patch", "two"),
            deployment(4, "create", None, objectRef=None, requestURI=None),
        ],
    )
    assert [row["changes"] for row in questions.changes(log).table.to_pylist()] == [
        ["created"],
        ["the body before it was not recorded"],
        ['.spec.image: "one" -> "two"'],
        ["no body was recorded"],
    ]
