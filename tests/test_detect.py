"""`aw.detect` on logs that say much, little or nothing; what it gives, and what nobody can smuggle into it."""

import gzip
import html
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import auditwake as aw
from auditwake import detections
from auditwake.detections.page import updated
from auditwake.detections.sql import bodies_kept, counting, looked_at, one_by_one
from auditwake.errors import QuestionError
from auditwake.questions import Log
from tests.detecting.events import event, line
from tests.drawn import at_least

Event = dict[str, Any]
PAGE = Path(__file__).parents[1] / "docs" / "detections.md"
FEW = [rule for rule in detections.rules() if rule.id in {"AWD001", "AWD019", "AWD024", "AWD027", "AWD034"}]
BODIES = {rule.id for rule in detections.rules() if rule.level != "Metadata"}
EVERYTHING = detections.Rule(
    id="ALL001",
    name="everything",
    title="Everything [{0}](x)",
    severity="low",
    attack=("T1000",),
    level="Metadata",
    of="true",
    where="true",
    detail="concat(name, ' ', user_agent, ' ', namespace)",
    meaning="All.",
    false_positives=("All.",),
)


def detect(events: Iterable[Event], **options: Any) -> detections.Detections:  # noqa: ANN401  # those of aw.detect
    return aw.detect(io.BytesIO(b"".join(map(line, events))), **options)


def reason(found: detections.Detections, rule: str) -> str:
    return "; ".join(next(one for one in found.outcomes if one.rule.id == rule).notes)


def called(name: str) -> detections.Rule:
    return next(rule for rule in detections.rules() if rule.name == name)


# --- real logs -------------------------------------------------------------------------------------------------------


def ended(events: Iterable[Event]) -> Iterator[Event]:
    """Give one event a request, counted here by itself: its end, or the start of a response that has none."""
    ends = {one["auditID"] for one in events if one["stage"] == "ResponseComplete"}
    for one in events:
        if one["stage"] == "ResponseComplete" or (one["stage"] == "ResponseStarted" and one["auditID"] not in ends):
            yield one


def test_the_findings_of_a_real_log_are_those_that_are_counted(
    metadata_log: Path, metadata_events: list[Event]
) -> None:
    hits: Counter[str] = Counter()
    denied: dict[str, set[tuple[Any, ...]]] = {}
    for one in ended(metadata_events):
        ref, code = one.get("objectRef", {}), one.get("responseStatus", {}).get("code")
        who = (one.get("impersonatedUser") or one["user"]).get("username", "")
        decision = one.get("annotations", {}).get("authorization.k8s.io/decision")
        machine = "impersonatedUser" not in one and (
            who.startswith(("system:node:", "system:apiserver", "system:kube-")) or ":kube-system:" in who
        )
        write = one["verb"] in {"create", "update", "patch", "delete", "deletecollection"} and 200 <= (code or 0) < 300
        hits["AWD001"] += who == "system:anonymous" and decision == "allow" and one["requestURI"] != "/version"
        hits["AWD014"] += (
            ref.get("resource") == "secrets"
            and one["verb"] in {"list", "watch"}
            and "namespace" not in ref
            and code == 200
            and not machine
        )
        hits["AWD017"] += ref.get("subresource") == "token" and write and not machine
        hits["AWD024"] += ref.get("apiGroup") == "admissionregistration.k8s.io" and write and not machine
        hits["AWD025"] += one.get("impersonatedUser", {}).get("username") == "system:admin"
        hits["AWD027"] += (
            who.startswith("system:serviceaccount:") and decision == "forbid" and "impersonatedUser" not in one
        )
        hits["AWD036"] += ref.get("resource") == "namespaces" and one["verb"] == "delete" and write and not machine
        hits["AWD039"] += ref.get("resource") == "apiservices" and write and not machine and "subresource" not in ref
        hits["AWD042"] += any(key.startswith("failed-open.") for key in one.get("annotations", {}))
        hits["AWD049"] += one["verb"] == "deletecollection" and write and not machine and ref["resource"] != "events"
        if decision == "forbid" and who != "system:anonymous":
            what = [ref.get(key) for key in ("resource", "apiGroup", "subresource", "namespace")]
            path = one["requestURI"].split("?")[0] if not ref else None
            denied.setdefault(who, set()).add((one["verb"], path, *what))
    # The log is shorter than ten minutes.
    hits["AWD034"] = sum(len(things) >= 6 for things in denied.values() if things)
    found = aw.detect(metadata_log)
    builder = "system:serviceaccount:team-a11:builder"
    expected = {rule: count for rule, count in hits.items() if count}
    assert {one.rule.id: one.hits for one in found.fired} == expected
    assert len(expected) == 11
    assert next(one.who for one in found.fired if one.rule.id == "AWD027") == (builder,)
    assert {one.rule.id for one in found.cannot_fire} == BODIES


def test_the_evidence_is_where_it_says(metadata_log: Path, metadata_events: list[Event]) -> None:
    data = metadata_log.read_bytes()
    by_id = {event["auditID"]: event for event in metadata_events}
    rows = aw.detect(metadata_log).table.to_pylist()
    assert rows
    for row in rows:
        raw = data[row["src_offset"] :][: row["src_bytes"]]
        told = json.loads(raw)
        assert told["auditID"] == row["audit_id"] in by_id
        assert row["src_file"] == str(metadata_log)
        assert row["address"] == told["sourceIPs"][-1]
        assert row["authenticated"] == told["user"].get("username")
        assert row["verb"] == told["verb"]


def test_bodies_are_looked_at(data: Path) -> None:
    found = aw.detect(data / "rotated")
    assert {"AWD002", "AWD003", "AWD004", "AWD019"} <= {one.rule.id for one in found.fired}
    assert found.cannot_fire == ()
    details = {row["rule"]: row["detail"] for row in found.table.to_pylist()}
    assert details["AWD002"] == "subjects: mallory"
    assert details["AWD019"] == "privileged"


def test_parquet_and_arrow_give_the_same(metadata_log: Path, tmp_path: Path) -> None:
    aw.convert(metadata_log, tmp_path / "log.parquet")
    plain = aw.detect(metadata_log, rules=FEW)
    for source in (tmp_path / "log.parquet", pa.table(aw.read(metadata_log))):
        other = aw.detect(source, rules=FEW)
        assert [one.as_json() for one in other.outcomes] == [one.as_json() for one in plain.outcomes]
        assert other.table.equals(plain.table)


def test_a_log_that_was_collected_twice_counts_once(metadata_log: Path, tmp_path: Path) -> None:
    twice = tmp_path / "twice.log"
    twice.write_bytes(metadata_log.read_bytes() * 2)
    once, again = (aw.detect(path, rules=FEW) for path in (metadata_log, twice))
    assert [one.hits for one in again.outcomes] == [one.hits for one in once.outcomes]
    assert sum(one.hits for one in once.outcomes) > 10


# --- logs that say little --------------------------------------------------------------------------------------------


def test_an_empty_log() -> None:
    found = detect([])
    assert (found.table.num_rows, len(found.cannot_fire)) == (0, len(detections.rules()))
    assert {reason(found, rule.id) for rule in detections.rules()} == {"there is no event"}
    assert found._repr_html_()
    assert json.loads(found.sarif())["runs"][0]["results"] == []


def test_only_requests_that_were_received(metadata_events: list[Event]) -> None:
    found = detect(event for event in metadata_events if event["stage"] == "RequestReceived")
    assert len(found.cannot_fire) == len(detections.rules())
    assert "no event says how a request ended" in reason(found, "AWD001")


def test_a_log_without_annotations(metadata_events: list[Event]) -> None:
    found = detect({key: value for key, value in event.items() if key != "annotations"} for event in metadata_events)
    needing = {rule.id for rule in detections.rules() if "decision" in rule.needs}
    assert needing
    assert {one.rule.id for one in found.cannot_fire} == needing | BODIES
    assert "authorization.k8s.io/decision" in reason(found, "AWD001")
    assert {"AWD014", "AWD017", "AWD024"} <= {one.rule.id for one in found.fired}


def test_a_log_of_metadata_alone(metadata_log: Path) -> None:
    found = aw.detect(metadata_log)
    assert {one.rule.id for one in found.cannot_fire} == BODIES
    assert reason(found, "AWD019") == "none of the 106 requests that it looks at was recorded at level Request"


def test_what_is_recorded_in_part_is_said() -> None:
    body = {"spec": {"hostPID": True}}
    pod = {"verb": "create", "resource": "pods", "namespace": "a", "name": "x"}
    found = detect([event("x", 0, pod), event("x", 1, pod | {"body": body})])
    assert [one.rule.id for one in found.fired] == ["AWD019"]
    assert reason(found, "AWD019") == "1 of 2 requests that it looks at were recorded below level Request"


def test_bodies_that_were_cut_off_are_said() -> None:
    pod = {"verb": "create", "resource": "pods", "namespace": "a", "name": "x", "level": "Request"}
    found = detect([event("x", 0, pod | {"annotations": {"audit.k8s.io/truncated": "true"}})])
    assert found.fired == ()
    assert "lost their bodies" in reason(found, "AWD019")


def test_silent_where_nothing_of_the_kind_is_in_the_log() -> None:
    found = detect([event("x", 0, {"verb": "get", "resource": "configmaps", "namespace": "a", "name": "x"})])
    forward = next(one for one in found.outcomes if one.rule.id == "AWD013")
    assert (forward.outcome, forward.looked_at) == ("silent", 0)
    assert "no request that it looks at is in the log" in forward.notes[0]


def test_a_policy_says_what_cannot_fire() -> None:
    policy = aw.Policy.load(
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n  users: [alice@example.com]\n"
    )
    found = detect([event("x", 0, {"verb": "get", "resource": "configmaps"})], policy=policy)
    assert all(one.outcome == "cannot fire" for one in found.outcomes)
    assert "does not record a request such as 'alice@example.com'" in reason(found, "AWD013")
    assert "rules[0]" in reason(found, "AWD013")
    assert "no rule of the policy matches" in reason(found, "AWD001")


def test_a_policy_that_omits_the_end() -> None:
    text = (
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [ResponseComplete]\nrules: [{level: RequestResponse}]\n"
    )
    by_name = {one.rule.name: one for one in detections.coverage(aw.Policy.load(text))}
    assert by_name["exec"].outcome == "can fire"
    assert by_name["failed-authentication-burst"].outcome == "can fire"
    assert by_name["events-deleted"].outcome == "cannot fire"
    assert "omits the stages" in by_name["events-deleted"].notes[0]


# --- scope and limits ------------------------------------------------------------------------------------------------


def test_a_scope_narrows_it(metadata_log: Path) -> None:
    found = aw.detect(metadata_log, scope=aw.Scope(user=("bob@example.com",)))
    assert [(one.rule.id, one.who) for one in found.fired] == [("AWD034", ("bob@example.com",))]


def test_who_did_it_is_said_as_far_as_there_is_room() -> None:
    asked = {"verb": "get", "path": "/metrics"}
    events = [event("x", at, asked) for at in range(6)]
    for at, one in enumerate(events):
        one["user"] = {"username": f"user-{at}"}
    (outcome,) = detect(events, rules=[EVERYTHING]).outcomes
    assert (outcome.users, outcome.hits) == (6, 6)
    assert outcome.said_who == "user-0, user-1, user-2, user-3 and 2 more"


def test_a_limit_bounds_the_evidence_and_not_the_count(metadata_log: Path) -> None:
    found = aw.detect(metadata_log, rules=[called("denied-service-account-with-odd-agent")], limit=3)
    assert (found.table.num_rows, found.fired[0].hits) == (3, 10)
    assert "10 findings" in found.notes[0]


def test_no_rule_is_refused(metadata_log: Path) -> None:
    with pytest.raises(QuestionError, match="no rule"):
        aw.detect(metadata_log, rules=[])


def test_a_count_fires_once_for_as_long_as_it_stays() -> None:
    read = {"verb": "get", "resource": "secrets", "namespace": "a"}
    burst = [event("x", n, read | {"name": f"s{n}", "at": n}) for n in range(40)]
    later = [event("y", n, read | {"name": f"s{n}", "at": 7200 + n}) for n in range(15)]
    rows = detect([*burst, *later], rules=[called("many-secrets-read")]).table.to_pylist()
    assert [(row["name"], row["count"]) for row in rows] == [("s14", 15), ("s14", 15)]
    assert [(row["time"] - row["since"]).seconds for row in rows] == [14, 14]


# --- what it gives ---------------------------------------------------------------------------------------------------


def test_it_speaks_arrow(metadata_log: Path) -> None:
    found = aw.detect(metadata_log)
    assert pa.table(found).equals(found.table)
    assert found.summary.num_rows == len(detections.rules())
    assert repr(found).startswith("Detections(findings=")


def test_sarif_has_what_the_standard_asks_for(metadata_log: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a log [1].log"
    odd.write_bytes(metadata_log.read_bytes())
    found = aw.detect(odd)
    document = json.loads(found.sarif())
    assert (document["version"], document["$schema"].rsplit("/", 1)[-1]) == ("2.1.0", "sarif-2.1.0.json")
    (run,) = document["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "auditwake"
    assert {rule["id"] for rule in driver["rules"]} == {rule.id for rule in detections.rules()}
    assert len(run["results"]) == found.table.num_rows > 0
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["message"]["text"]
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        assert physical["artifactLocation"]["uri"] == f"file://{tmp_path.as_posix()}/a%20log%20%5B1%5D.log"
        assert physical["region"]["byteOffset"] >= 0
        assert physical["region"]["byteLength"] > 0
    told = run["invocations"][0]["toolConfigurationNotifications"]
    assert {one["associatedRule"]["id"] for one in told} == BODIES
    assert run["invocations"][0]["executionSuccessful"] is True


def test_sarif_has_no_byte_that_a_terminal_obeys() -> None:
    get = {"verb": "get", "resource": "pods", "namespace": "a", "name": "\x9b2J\x85\u202e"}
    text = detect([event("x", 0, get)], rules=[EVERYTHING]).sarif()
    assert text.isascii()
    assert json.loads(text)["runs"][0]["results"][0]["properties"]["name"] == get["name"]


def test_a_message_of_sarif_escapes_what_has_a_meaning() -> None:
    get = {"verb": "get", "resource": "pods", "namespace": "a", "name": "[link](javascript:x) {0} \\ \x1b[2J"}
    document = json.loads(detect([event("x", 0, get)], rules=[EVERYTHING]).sarif())
    text = document["runs"][0]["results"][0]["message"]["text"]
    assert r"\[link\](javascript:x) {{0}} \\ \\x1b\[2J" in text
    assert document["runs"][0]["results"][0]["properties"]["name"] == get["name"]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "'; drop table hits; --",
        "<script>alert(1)</script>",
        '"',
        "\x00",
        "{0}",
        "$name",
        "*",
        "[x](y)",
        "\u202e",
        "%s",
        "\\",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
OF_PODS = ["metadata", "labels", "spec", "template", "containers", "securityContext", "privileged", "name"]
OF_ROLES = ["rules", "verbs", "resources", "aggregationRule", "clusterRoleSelectors", "subjects", "roleRef"]
KEYS = TEXT | st.sampled_from(OF_PODS) | st.sampled_from(OF_ROLES)
BODY = st.recursive(
    LEAVES | st.just("add") | st.just("/spec/template/spec/containers/0"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)
RESOURCES = st.sampled_from(
    ["pods", "deployments", "secrets", "clusterroles", "rolebindings", "namespaces", "services"]
)


@st.composite
def hostile(draw: st.DrawFn) -> Event:
    """An event in which a client chose all that it can choose."""
    said = {
        "verb": draw(st.sampled_from(["create", "patch", "update", "get"])),
        "resource": draw(RESOURCES),
        "code": 200,
    }
    built = event("hostile", draw(st.integers(0, 2**30)), said | {"audit_id": draw(TEXT)})
    built["objectRef"] |= {"namespace": draw(TEXT), "name": draw(TEXT), "apiGroup": "rbac.authorization.k8s.io"}
    built["user"] = {"username": draw(TEXT), "groups": draw(st.lists(TEXT, max_size=3))}
    built |= {"userAgent": draw(TEXT), "sourceIPs": draw(st.lists(TEXT, min_size=1, max_size=3))}
    built |= {"level": "RequestResponse", "requestObject": draw(BODY), "responseObject": draw(BODY)}
    if draw(st.booleans()):
        built["impersonatedUser"] = {"username": draw(TEXT), "groups": draw(st.lists(TEXT, max_size=2))}
    return built


@given(st.lists(hostile(), min_size=1, max_size=12))
@settings(max_examples=at_least(5))
def test_nothing_in_a_log_breaks_out(events: list[Event]) -> None:
    for number, one in enumerate(events):
        one["auditID"] += str(number)
    found = detect(events, rules=[EVERYTHING, *detections.rules()], limit=0)
    everything = [row for row in found.table.to_pylist() if row["rule"] == "ALL001"]
    assert sorted(row["audit_id"] for row in everything) == sorted(one["auditID"] for one in events)
    results = json.loads(found.sarif())["runs"][0]["results"]
    assert len(results) == found.table.num_rows
    for result in results:
        assert result["message"]["text"].isprintable()
    shown = found._repr_html_()
    tags = set(re.findall(r"</?([a-z]+)", shown))
    assert tags <= {"p", "b", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
    assert "<script" not in shown
    for row in everything[:3]:
        assert html.escape(str(row["user"] or "")) in shown


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_is_not_stale() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == updated(page), "docs/detections.md is stale: make docs"
    assert all(f"#### {rule.id} {rule.name}" in page for rule in detections.rules())


def test_the_rule_of_the_page_is_one(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (tmp_path / "own.yaml").write_text(re.findall(r"```yaml\n(id:.*?)```", page, re.DOTALL)[0])
    (rule,) = detections.load_rules(tmp_path)
    assert rule.examples[0].subresource == "exec"


def test_a_compressed_log(metadata_log: Path, tmp_path: Path) -> None:
    path = tmp_path / "audit.log.gz"
    path.write_bytes(gzip.compress(metadata_log.read_bytes(), 1))
    packed, plain = (aw.detect(one, rules=FEW).table.select(["rule", "src_offset"]) for one in (path, metadata_log))
    assert packed.num_rows > 10
    assert packed.equals(plain)


# --- what of the log is read -----------------------------------------------------------------------------------------


def test_a_text_with_two_hyphens_is_no_comment(metadata_log: Path) -> None:
    sql = "select count(*) as n from requests where user_agent <> 'a -- b' and verb = '*'"
    with Log(metadata_log, sql) as log:
        assert log.query(sql).to_pylist() == [{"n": 0}]
        names = log.query("select * from events limit 0").column_names
    assert "user_agent" in names
    assert "annotations" not in names


def test_only_the_columns_of_the_chosen_rules_are_read() -> None:
    metadata = [called("exec"), called("many-secrets-read")]
    statements = "\n".join([one_by_one(metadata), counting(1, metadata[1]), looked_at(dict(enumerate(metadata)))])
    with Log(io.BytesIO(), statements) as log:
        names = set(log.query("select * from events limit 0").column_names)
    assert {"exec_command", "src_offset"} <= names
    assert not names & {"request_object", "response_object", "annotations", "raw", "user_groups"}


def test_a_body_is_kept_where_a_rule_looks_at_it() -> None:
    body = {"spec": {"hostPID": True}}
    said = {"verb": "create", "namespace": "a", "name": "x", "body": body, "response": body}
    log = b"".join(line(event("x", at, said | {"resource": what})) for at, what in enumerate(["pods", "widgets"]))
    rules = [called("privileged-workload")]
    with Log(io.BytesIO(log), f"{one_by_one(rules)}\n response_object", only=bodies_kept(rules)) as opened:
        rows = opened.query("select resource, request_object, response_object from events order by 1").to_pylist()
    assert [(row["resource"], row["request_object"] is not None) for row in rows] == [
        ("pods", True),
        ("widgets", False),
    ]
    assert [row["response_object"] for row in rows] == [None, None]
