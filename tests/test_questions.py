"""What the questions answer about a real log, counted again from its JSON; and that all sources answer alike."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import auditwake as aw
from auditwake import questions
from auditwake.errors import QuestionError, SourceNotFoundError
from auditwake.questions import AskedOf, Scope
from auditwake.questions.page import updated
from tests.asked import Event, code, decision, effective, event, is_long_running, requests, write

Rows = list[dict[str, Any]]


def rows(name: str, source: AskedOf, **asked: Any) -> Rows:  # noqa: ANN401  # as `ask` takes them
    answer = aw.ask(name, source, limit=0, **asked)
    assert answer.answerable, answer.notes
    found: Rows = answer.table.to_pylist()
    return found


def ref(one: Event, field: str) -> str | None:
    value: str | None = (one.get("objectRef") or {}).get(field)
    return value


def path(one: Event) -> str:
    found: str = one["requestURI"].partition("?")[0]
    return found


def micros(one: Event) -> int:
    start, end = (
        pa.scalar(one[name]).cast(pa.timestamp("us", "UTC")).value
        for name in ("requestReceivedTimestamp", "stageTimestamp")
    )
    return int(end - start)


@pytest.fixture(scope="module")
def asked(metadata_events: list[Event]) -> list[tuple[Event, str]]:
    found = list(requests(metadata_events))
    assert len(found) > 2500
    return found


# --- denied ----------------------------------------------------------------------------------------------------------


def test_denials_are_those_of_the_authorizer(metadata_log: Path, asked: list[tuple[Event, str]]) -> None:
    expected = Counter(
        (
            effective(one),
            one["verb"],
            ref(one, "resource") or one["requestURI"].partition("?")[0],
            ref(one, "namespace"),
        )
        for one, _ in asked
        if decision(one) == "forbid"
    )
    found = {
        (row["user"], row["verb"], row["what"].partition(".")[0], row["namespace"]): row["requests"]
        for row in rows("denied", metadata_log)
    }
    assert found == expected
    assert {user for user, *_ in found} == {
        "alice@example.com", "bob@example.com", "carol@example.com", "dave", "system:anonymous",
        "system:serviceaccount:team-a11:builder",
    }  # fmt: skip
    assert found["alice@example.com", "list", "secrets", "kube-system"] == 1
    assert found["system:serviceaccount:team-a11:builder", "create", "configmaps", "team-a11"] == 4


def test_what_admission_refused_is_not_among_the_denials(metadata_log: Path, asked: list[tuple[Event, str]]) -> None:
    refused = [one for one, _ in asked if code(one) == 403 and decision(one) == "allow"]
    assert [ref(one, "name") for one in refused if "deny" in str(ref(one, "name"))] == ["deny-me"]
    assert all("deny-me" not in (row["names"] or []) for row in rows("denied", metadata_log))
    everything = rows("denied", metadata_log, all=1)
    assert sum(row["requests"] for row in everything if row["refused_by"] == "admission") == len(refused)
    assert sum(row["requests"] for row in everything if row["refused_by"] == "authentication") == 1
    by = {(row["by"], *(row["names"] or [])) for row in rows("admission", metadata_log)}
    assert ("webhook guard.example.com", "deny-me") in by
    assert any("admission" in note for note in aw.ask("denied", metadata_log).notes)


@pytest.mark.parametrize(
    ("changed", "refused_by"),
    [
        ({"annotations": {"authorization.k8s.io/decision": "forbid", "authorization.k8s.io/reason": ""}}, "RBAC"),
        (
            {
                "annotations": {
                    "authorization.k8s.io/decision": "forbid",
                    "authorization.k8s.io/reason": 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
                }
            },
            "RBAC",
        ),
        (
            {
                "user": {"username": "system:node:node-1", "groups": ["system:nodes"]},
                "annotations": {
                    "authorization.k8s.io/decision": "forbid",
                    "authorization.k8s.io/reason": "no relationship found between node 'node-1' and this object",
                },
            },
            "node authorizer",
        ),
        (
            {
                "annotations": {
                    "authorization.k8s.io/decision": "forbid",
                    "authorization.k8s.io/reason": "denied by the company's policy",
                }
            },
            "authorization webhook or policy",
        ),
        (
            {
                "annotations": None,
                "impersonatedUser": {"username": "root"},
                "responseStatus": {
                    "code": 403,
                    "message": 'users "root" is forbidden: User "alice" cannot impersonate resource "users"',
                },
            },
            "RBAC (impersonation)",
        ),
        ({"annotations": None}, "unknown: the log has no decision"),
        (
            {"annotations": None, "responseStatus": {"code": 403, "message": "robots cannot impersonate people"}},
            "unknown: the log has no decision",
        ),
        ({"responseStatus": {"code": 401}, "annotations": None, "user": {}}, "authentication"),
    ],
)
def test_who_refused(tmp_path: Path, changed: Event, refused_by: str) -> None:
    made = event(**{"responseStatus": {"metadata": {}, "code": 403, "reason": "Forbidden"}, **changed})
    log = write(tmp_path / "audit.log", [made, event()])
    assert [row["refused_by"] for row in rows("denied", log, all=1)] == [refused_by]
    is_denial = refused_by != "authentication"
    assert len(rows("denied", log)) == is_denial
    why = rows("denied_why", log)
    assert len(why) == is_denial
    assert all(row["subject"] and row["missing"] for row in why)


def test_why_names_the_permission_and_where_it_would_stand(metadata_log: Path) -> None:
    said = {(row["subject"], row["missing"]) for row in rows("denied_why", metadata_log)}
    assert (
        "User alice@example.com",
        'needs the verb "list" on resources "secrets" of apiGroups "", in a Role of namespace kube-system',
    ) in said
    assert (
        "User bob@example.com",
        'needs the verb "get" on nonResourceURLs "/metrics", in a ClusterRole by a ClusterRoleBinding',
    ) in said
    assert (
        "ServiceAccount team-a11/builder",
        'needs the verb "list" on resources "namespaces" of apiGroups "", in a ClusterRole by a ClusterRoleBinding',
    ) in said


# --- slow ------------------------------------------------------------------------------------------------------------


def test_the_slow_creates_lead(metadata_log: Path, asked: list[tuple[Event, str]]) -> None:
    slow = [one for one, state in asked if state == "ended" and not is_long_running(one)]
    creates = [one for one in slow if one["verb"] == "create" and str(ref(one, "name")).startswith("slow-")]
    assert len(creates) == 4
    first, *_ = rows("slow", metadata_log)
    same = [micros(one) for one in slow if one["verb"] == "create" and ref(one, "resource") == "configmaps"
            and one["userAgent"].startswith("kubectl/")]  # fmt: skip
    assert (first["verb"], first["what"], first["agent"]) == ("create", "configmaps", "kubectl")
    assert (first["requests"], first["max_ms"]) == (len(same), max(same) / 1000)
    assert first["busy_ms"] == pytest.approx(sum(same) / 1000)
    worst = rows("slow_requests", metadata_log)[:3]
    assert [round(row["took_ms"] / 1000, 1) for row in worst] == [10.0, 3.0, 1.5]
    assert worst[0]["failed_open"] == ["guard.example.com"]


def test_their_time_is_put_on_the_webhook_to_the_nanosecond(metadata_log: Path, asked: list[tuple[Event, str]]) -> None:
    explained = {row["what"]: row for row in rows("slow_explain", metadata_log)}
    assert explained["configmaps"]["mostly"] == "validating webhooks"
    assert explained["configmaps"]["failed_open"] == ["guard.example.com"]
    total = re.compile(r"([\d.]+)(ms|s)")
    nanos = 0
    for one, _ in asked:
        said = one.get("annotations", {}).get("apiserver.latency.k8s.io/total")
        if said and ref(one, "resource") == "configmaps":
            number, unit = total.fullmatch(said).groups()  # type: ignore[union-attr]
            whole, _, rest = number.partition(".")
            digits = 9 if unit == "s" else 6
            nanos += int(whole) * 10**digits + int(rest.ljust(digits, "0"))
    assert nanos > 15 * 10**9
    assert explained["configmaps"]["total_ns"] == nanos


def test_percentiles_are_those_of_the_sorted_times(metadata_log: Path, asked: list[tuple[Event, str]]) -> None:
    times: dict[str, list[int]] = {}
    for one, state in asked:
        if state == "ended" and not is_long_running(one):
            times.setdefault(one["verb"], []).append(micros(one))
    found = {row["verb"]: row for row in rows("slow", metadata_log, by=("verb",))}
    assert found.keys() == times.keys()
    assert len(found) >= 5
    for verb, all_of in times.items():
        ordered = sorted(all_of)
        for part, column in ((0.5, "p50_ms"), (0.9, "p90_ms"), (0.99, "p99_ms")):
            at = max(-(-int(part * 100) * len(ordered) // 100) - 1, 0)
            assert found[verb][column] == ordered[at] / 1000, (verb, column)


# --- others ----------------------------------------------------------------------------------------------------------


def test_impersonated_requests_show_both_users(metadata_log: Path, asked: list[tuple[Event, str]]) -> None:
    expected = Counter((one["user"]["username"], one["impersonatedUser"]["username"])
                       for one, _ in asked if "impersonatedUser" in one)  # fmt: skip
    found: Counter[tuple[str, str]] = Counter()
    for row in rows("who_impersonated", metadata_log):
        found[row["authenticated"], row["acted_as"]] += row["requests"]
    assert found == expected
    assert len(found) == 4
    who = {row["user"]: row for row in rows("who", metadata_log)}
    assert who["alice@example.com"]["impersonated_by"] == ["carol@example.com"]


def test_everybody_who_acted_is_counted(metadata_log: Path, asked: list[tuple[Event, str]]) -> None:
    expected = Counter(effective(one) for one, _ in asked)
    assert {row["user"]: row["requests"] for row in rows("who", metadata_log)} == expected
    assert {row["user"]: row["requests"] for row in rows("top", metadata_log, by=("user",))} == expected


def test_sessions_secrets_and_tokens_are_listed(metadata_log: Path, asked: list[tuple[Event, str]]) -> None:
    sessions = [one for one, _ in asked if ref(one, "subresource") in {"exec", "attach", "portforward"}]
    assert [(row["audit_id"], row["kind"], row["command"]) for row in rows("exec", metadata_log)] == [
        (one["auditID"], ref(one, "subresource"), "ls") for one in sessions
    ]
    assert len(sessions) >= 2
    secrets = Counter(
        (effective(one), one["verb"])
        for one, _ in asked
        if ref(one, "resource") in {"secrets", "tokenreviews", "certificatesigningrequests"}
        or (ref(one, "resource"), ref(one, "subresource")) == ("serviceaccounts", "token")
    )
    found: Counter[tuple[str | None, str]] = Counter()
    for row in rows("secrets", metadata_log):
        found[row["user"], row["verb"]] += row["requests"]
    assert found == secrets


def test_deprecated_calls_have_their_agents(metadata_log: Path, asked: list[tuple[Event, str]]) -> None:
    expected = Counter(
        (ref(one, "resource"), re.split("[/ ]", one["userAgent"])[0])
        for one, _ in asked
        if one.get("annotations", {}).get("k8s.io/deprecated") == "true"
    )
    found: Counter[tuple[str, str]] = Counter()
    for row in rows("deprecated", metadata_log):
        found[row["what"], row["agent"]] += row["requests"]
    assert found == expected
    assert ("componentstatuses", "kubectl") in found


def test_a_target_release_leaves_what_it_still_has(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [
        event(auditID=release, annotations={"k8s.io/deprecated": "true", "k8s.io/removed-release": release},
              userAgent=release)
        for release in ("1.9", "1.22", "1.36", "1.40")
    ])  # fmt: skip
    assert [row["removed"] for row in rows("deprecated", log, target="v1.36")] == ["1.9", "1.22", "1.36"]
    assert len(rows("deprecated", log)) == 4


def test_errors_are_named_after_what_became_of_them(metadata_log: Path, asked: list[tuple[Event, str]]) -> None:
    expected = Counter(code(one) for one, _ in asked if (code(one) or 0) >= 400 and decision(one) != "forbid")
    found: Counter[int] = Counter()
    for row in rows("errors", metadata_log):
        found[row["code"]] += row["requests"]
        assert row["failure"]
    assert found == expected
    timeline = rows("errors_timeline", metadata_log, seconds=1)
    assert sum(row["requests"] for row in timeline) == len(asked)
    assert sum(row["denied"] for row in timeline) == sum(decision(one) == "forbid" for one, _ in asked)
    assert sum(row["throttled"] for row in timeline) == expected[429]


def test_lists_from_etcd_and_without_pages(tmp_path: Path) -> None:
    listed = {"verb": "list", "objectRef": {"resource": "pods", "apiVersion": "v1"}}
    uris = {
        "?": (1, 1, 0, 0),
        "?limit=500": (1, 0, 0, 0),
        "?limit=500&resourceVersion=0": (0, 0, 0, 0),
        "?resourceVersion=0": (0, 1, 0, 0),
        "?limit=500&continue=abc": (0, 0, 1, 0),
        "?labelSelector=a%3Db&resourceVersion=7&resourceVersionMatch=Exact": (1, 1, 0, 1),
    }
    for at, (query, expected) in enumerate(uris.items()):
        log = write(tmp_path / f"{at}.log", [event(requestURI=f"/api/v1/pods{query}", **listed)])
        (row,) = rows("top_lists", log)
        assert (row["quorum"], row["unpaged"], row["pages"], row["selected"]) == expected, query
        assert row["cluster_wide"] == 1


def test_requests_at_work_at_a_time(tmp_path: Path) -> None:
    spans = [("00.000", "02.000"), ("01.000", "03.000"), ("01.500", "01.700"), ("02.000", "04.000")]
    log = write(tmp_path / "audit.log", [
        event(auditID=str(at), requestReceivedTimestamp=f"2026-11-24T00:08:{start}000Z",
              stageTimestamp=f"2026-11-24T00:08:{end}000Z")
        for at, (start, end) in enumerate(spans)
    ])  # fmt: skip
    (row,) = rows("top_busy", log)
    assert (row["peak"], row["requests"]) == (3, 4)
    assert row["peak_at"].isoformat().startswith("2026-11-24T00:08:01.5")


def test_what_is_at_work_when_a_minute_begins_counts_in_it(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [
        event(auditID=str(at), requestReceivedTimestamp="2026-11-24T00:08:30.000000Z",
              stageTimestamp=f"2026-11-24T00:{end}.000000Z")
        for at, end in enumerate(["09:30", "09:30", "10:00"])
    ])  # fmt: skip
    found = {row["minute"].minute: (row["peak"], row["requests"]) for row in rows("top_busy", log)}
    assert found == {8: (3, 3), 9: (3, 0), 10: (0, 0)}


@pytest.mark.parametrize(
    ("code", "message", "by"),
    [
        (418, 'admission webhook "a.b" denied the request: no', "webhook a.b"),
        (403, "no PriorityClass with name x was found", "Priority"),
        (422, 'PriorityClass.scheduling.k8s.io "x" is invalid: value', None),
        (409, 'serviceaccounts "x" already exists', None),
        (404, 'serviceaccounts "x" not found', None),
    ],
)
def test_admission_is_known_by_what_it_says(tmp_path: Path, code: int, message: str, by: str | None) -> None:
    log = write(tmp_path / "audit.log", [event(verb="create", responseStatus={"code": code, "message": message})])
    assert [row["by"] for row in rows("admission", log)] == ([] if by is None else [by])


def test_why_does_not_guess_where_the_log_has_no_decision(tmp_path: Path) -> None:
    (row,) = aw.ask("denied_why", write(tmp_path / "audit.log", [
        event(annotations=None, responseStatus={"code": 403, "message": "exceeded quota: small"})
    ])).table.to_pylist()  # fmt: skip
    assert row["missing"] == "was answered 403 to get pods: the log does not say whether a permission is missing"


# --- sources and options ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sources(metadata_log: Path, tmp_path_factory: pytest.TempPathFactory) -> list[AskedOf]:
    """The log as Parquet, as a table, and as a reader."""
    lake = tmp_path_factory.mktemp("questions") / "lake"
    aw.convert(metadata_log, lake)
    return [lake, pa.table(aw.read(metadata_log)), aw.read(metadata_log)]


@pytest.mark.parametrize("name", questions.names())
def test_parquet_and_arrow_answer_as_the_log_does(name: str, metadata_log: Path, sources: list[AskedOf]) -> None:
    expected = aw.ask(name, metadata_log, limit=0)
    assert len(sources) == 3
    for source in sources:
        found = aw.ask(name, source, limit=0)
        assert found.table.to_pylist() == expected.table.to_pylist()
        assert found.coverage.stages == expected.coverage.stages
        assert found.coverage.first == expected.coverage.first


def test_a_log_that_was_collected_twice_counts_once(metadata_log: Path) -> None:
    once, twice = (aw.ask("who", source, limit=0) for source in (metadata_log, [metadata_log, metadata_log]))
    assert twice.table.equals(once.table)
    assert (once.coverage.repeats, twice.coverage.repeats > 2500) == (0, True)
    assert any("counted once" in note for note in twice.notes)


def test_an_audit_id_that_is_used_again_hides_nothing(tmp_path: Path) -> None:
    log = write(
        tmp_path / "audit.log",
        [event(), event(verb="put"), event(userAgent="curl/8.5.0 (linux/amd64) kubernetes/0123")],
    )
    assert sum(row["requests"] for row in rows("who", log)) == 3


def test_a_limit_says_that_there_is_more(metadata_log: Path) -> None:
    answer = aw.ask("denied", metadata_log, limit=2)
    assert answer.table.num_rows == 2
    assert any("more rows than 2" in note for note in answer.notes)
    assert not any("more rows" in note for note in aw.ask("denied", metadata_log, limit=0).notes)


def test_what_cannot_be_asked_is_refused(metadata_log: Path, tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match="did you mean denied"):
        aw.ask("denyed", metadata_log)
    with pytest.raises(QuestionError, match="nothing to group by"):
        aw.ask("top", metadata_log, by=("colour",))
    with pytest.raises(QuestionError, match="no other grouping"):
        aw.ask("denied", metadata_log, by=("verb",))
    with pytest.raises(QuestionError, match="has one order"):
        aw.ask("denied", metadata_log, order="first")
    with pytest.raises(QuestionError, match="no name of a column"):
        aw.ask("top", metadata_log, order="1; drop table events")
    with pytest.raises(QuestionError, match="no_such"):
        aw.sql("select no_such from requests", metadata_log)
    with pytest.raises(SourceNotFoundError):
        aw.ask("who", tmp_path / "none.log")
    with pytest.raises(QuestionError, match="has no column"):
        aw.ask("who", pa.table(aw.read(metadata_log, columns=["verb", "stage"])))


def test_sql_reads_bodies_only_when_it_names_them(rotated_log: bytes, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(rotated_log)
    answer = aw.sql("select * from events limit 1", log)
    assert "response_object" not in answer.table.column_names
    (row,) = aw.sql("select count(response_object) as bodies from events", log).table.to_pylist()
    assert row["bodies"] > 1000


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT COUNT(*) AS n, min(VERB) AS verb FROM Events", {"n": 2, "verb": "get"}),
        ("""select verb as "it's", code as "that's" from requests""", {"it's": "get", "that's": 200}),
        ("""select "VERB" as v from requests where verb <> 'events -- "' """, {"v": "get"}),
        ("select v from (from requests select verb as v)", {"v": "get"}),
    ],
)
def test_sql_is_read_as_duckdb_reads_it(tmp_path: Path, query: str, expected: dict[str, object]) -> None:
    received = event(stage="RequestReceived", responseStatus=None, annotations=None)
    log = write(tmp_path / "audit.log", [received, event()])
    assert aw.sql(query, log).table.to_pylist() == [expected]


@pytest.mark.parametrize(
    "query", ["-- all\nfrom requests", "  FROM requests limit 1", "with a as (from requests) table a"]
)
def test_a_query_without_select_has_every_column(tmp_path: Path, query: str) -> None:
    log = write(tmp_path / "audit.log", [event()])
    assert aw.sql(query, log).table.column_names == aw.sql("select * from requests", log).table.column_names


def test_scope_narrows_every_question(metadata_log: Path) -> None:
    for name in questions.names():
        answer = aw.ask(name, metadata_log, scope=Scope(until=0))
        assert answer.table.num_rows == 0, name
    scoped = aw.ask("denied", metadata_log, scope=Scope(user=("bob@*",)), limit=0).table
    assert set(scoped["user"].to_pylist()) == {"bob@example.com"}


def test_an_answer_shows_in_a_notebook_without_running_what_the_log_says(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [event(user={"username": "<script>alert(1)</script>"})])
    shown = aw.ask("who", log)._repr_html_()
    assert "&lt;script&gt;" in shown
    assert "<script" not in shown


def test_json_of_the_coverage(metadata_log: Path) -> None:
    said = aw.ask("who", metadata_log).coverage.as_json()
    assert json.loads(json.dumps(said))["events"] == 5292


def test_the_page_lists_the_questions() -> None:
    page = (Path(__file__).parents[1] / "docs" / "questions.md").read_text()
    assert page.count("### `auditwake ") == len(questions.names())
    assert updated(page) == page, "write it anew: make docs"
