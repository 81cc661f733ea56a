"""`rbac unused` and `rbac usage`: granted minus used, and what the log cannot say."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import auditwake as aw
from auditwake import rbac
from tests.drawn import at_least
from tests.rbac_drawn import clusters, role, role_binding
from tests.rbac_evaluator import Manifest, allows, rule_allows
from tests.rbac_exact import events_of_a_log
from tests.rbac_log import Event, asked, event, resource_event, write_log

ALICE = {"kind": "User", "name": "alice"}
OPS = {"kind": "Group", "name": "ops"}
KIEM = {
    "entity_name",
    "entity_type",
    "api_group",
    "resource_type",
    "verb",
    "permission_scope",
    "permission_source",
    "permission_source_type",
    "permission_binding",
    "permission_binding_type",
    "last_used_time",
    "last_used_resource",
}


def rows(log: Path, cluster: list[Manifest], policy: str | None = None, **options: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # as the product takes them
    loaded = aw.Policy.load(f"apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: {policy}\n") if policy else None
    observed = rbac.observe(log, **options)
    found: list[dict[str, Any]] = rbac.unused(
        observed, rbac.rbac_of(cluster), loaded, everything=True
    ).table.to_pylist()
    return found


def statuses(found: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    return {(row["verb"], row["resource_type"]): row["status"] for row in found}


def bound(rules: list[Manifest], subject: Manifest = ALICE, namespace: str = "") -> list[Manifest]:
    return [role("r", rules), role_binding("b", "ClusterRole", "r", [subject], namespace)]


PODS = {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}


def test_what_was_not_used_is_unused(tmp_path: Path) -> None:
    events = [
        resource_event("alice", "list", "pods", namespace="web", at=3),
        resource_event("alice", "list", "pods", namespace="db", at=5),
        resource_event("alice", "get", "pods", namespace="web", name="x", allowed=False),
        resource_event("bob", "get", "pods/log", namespace="web", name="x"),
    ]
    found = rows(write_log(tmp_path / "audit.log", events), bound([PODS]))
    assert statuses(found) == {
        ("list", "pods"): "used",
        ("list", "pods/log"): "unused",
        ("get", "pods"): "unused",
        ("get", "pods/log"): "unused",
    }
    (used,) = (row for row in found if row["status"] == "used")
    assert (used["requests"], used["last_used_resource"]) == (2, "list pods in db")
    assert used["last_used_time"].isoformat() == "2026-11-24T00:00:05.000005+00:00"
    assert set(used) >= KIEM
    assert (used["permission_source"], used["permission_binding"], used["permission_scope"]) == ("r", "b", "cluster")


def test_a_group_uses_what_its_members_use_and_a_binding_counts_in_its_namespace(tmp_path: Path) -> None:
    member = {"username": "carol", "groups": ["ops"]}
    events = [{**resource_event("carol", "list", "pods", namespace="web"), "user": member}]
    log = write_log(tmp_path / "audit.log", events)
    assert statuses(rows(log, bound([PODS], OPS)))["list", "pods"] == "used"
    assert statuses(rows(log, bound([PODS], OPS, "web")))["list", "pods"] == "used"
    assert statuses(rows(log, bound([PODS], OPS, "db")))["list", "pods"] == "unused"


def test_stars_and_names_of_which_some_are_used_are_partly_used(tmp_path: Path) -> None:
    events = [
        resource_event("alice", "get", "pods", namespace="web", name="a"),
        event("alice", "get", "/metrics/cadvisor"),
    ]
    log = write_log(tmp_path / "audit.log", events)
    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    names = {"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a", "b"], "verbs": ["get"]}
    paths = {"nonResourceURLs": ["/metrics/*", "/logs/"], "verbs": ["get"]}
    found = rows(log, bound([everything, names, paths]))
    assert statuses(found) == {
        ("*", "*"): "partly used",
        ("get", "pods"): "partly used",
        ("get", "/metrics/*"): "partly used",
        ("get", "/logs/"): "unused",
    }
    by_rule = {row["rule"]: row for row in found}
    assert by_rule[0]["used_as"] == ["get pods a in web"]
    assert by_rule[1]["unused_names"] == ["b"]


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ({"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["bind"]}, "unknown"),
        ({"apiGroups": ["certificates.k8s.io"], "resources": ["signers"], "verbs": ["approve"]}, "unknown"),
        ({"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]}, "unknown"),
        ({"apiGroups": ["apps"], "resources": ["deployments/finalizers"], "verbs": ["update"]}, "unknown"),
        ({"apiGroups": ["*"], "resources": ["*/finalizers"], "verbs": ["*"]}, "unknown"),
        ({"nonResourceURLs": ["/metrics"], "verbs": ["get"]}, "unknown"),
        ({"nonResourceURLs": ["/metrics"], "verbs": ["post"]}, "unused"),
        ({"nonResourceURLs": ["/openapi/*"], "verbs": ["get"]}, "unused"),
        ({"apiGroups": [""], "resources": ["nodes/status"], "verbs": ["get"]}, "unused"),
        ({"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]}, "unused"),
        ({"nonResourceURLs": ["/x"], "verbs": ["post"]}, "unused"),
    ],
    ids=str,
)
def test_what_is_asked_where_no_event_shows_it_is_unknown(rule: Manifest, status: str, tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.log", [resource_event("bob", "get", "pods", namespace="web", name="x")])
    for policy in (None, "[{level: Metadata}]"):
        (found,) = rows(log, bound([rule]), policy)
        assert found["status"] == status


def test_what_the_policy_does_not_record_is_unknown(tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.log", [resource_event("bob", "get", "pods", namespace="web", name="x")])
    silent = '[{level: None, resources: [{group: "", resources: ["pods/log"]}]}, {level: Metadata}]'
    found = rows(log, bound([PODS]), silent)
    assert statuses(found)["get", "pods/log"] == statuses(found)["list", "pods/log"] == "unknown"
    assert statuses(found)["get", "pods"] == "unused"
    assert {row["why"] for row in found} == {
        None,
        "the policy does not record get pods/log (rules[0])",
        "the policy does not record list pods/log (rules[0])",
    }


@pytest.mark.parametrize(
    ("policy", "unknown"),
    [
        ("[{level: Metadata, omitStages: [ResponseComplete]}]", {"list", "get"}),
        ("[{level: Metadata, omitStages: [RequestReceived]}]", set()),
        ("[{level: None, users: [alice]}, {level: Metadata}]", {"list", "get", "watch"}),
        ("[{level: None, users: [bob]}, {level: Metadata}]", set()),
        ("[{level: None, userGroups: ['system:authenticated']}]", {"list", "get", "watch"}),
        ("[{level: None, namespaces: [kube-system]}, {level: Metadata}]", {"list", "get", "watch"}),
        ("[{level: Metadata, verbs: [list]}]", {"get", "watch"}),
    ],
)
def test_each_part_of_a_policy_counts(policy: str, unknown: set[str], tmp_path: Path) -> None:
    """A watch is recorded while it is open, where the end of a request is left out."""
    log = write_log(tmp_path / "audit.log", [resource_event("bob", "get", "nodes", name="x")])
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
    found = rows(log, bound([rule]), policy)
    assert {row["verb"] for row in found if row["status"] == "unknown"} == unknown


def test_a_star_is_unknown_where_the_policy_is_silent_about_some_of_it(tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.log", [resource_event("bob", "get", "nodes", name="x")])
    star = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get"]}
    leases = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get"]}
    cluster = [*bound([star]), role("other", [leases])]
    silent = "[{level: None, resources: [{group: coordination.k8s.io}]}, {level: Metadata}]"
    (found,) = rows(log, cluster, silent)
    assert (found["status"], found["why"]) == ("unknown", "the policy does not record get leases (rules[0])")


def test_names_that_were_not_kept_are_unknown(tmp_path: Path) -> None:
    events = [resource_event("alice", "get", "pods", namespace="web", name=f"n{at}", at=at) for at in range(5)]
    rule = {"apiGroups": [""], "resources": ["pods"], "resourceNames": ["zz"], "verbs": ["get"]}
    log = write_log(tmp_path / "audit.log", events)
    assert [row["status"] for row in rows(log, bound([rule]), most_names=3)] == ["unknown"]
    assert [row["status"] for row in rows(log, bound([rule]), most_names=5)] == ["unused"]


def test_the_window_and_what_is_not_known_are_said(metadata_log: Path) -> None:
    answer = rbac.unused(
        rbac.observe(metadata_log), rbac.rbac_of([*bound([PODS]), role_binding("x", "ClusterRole", "no", [])])
    )
    said = "\n".join(answer.notes)
    assert "not seen from 2026-11-24T00:08:18.751638+00:00 to 2026-11-24T00:09:10.374511+00:00, 0:00:51.622873" in said
    assert "--policy" in said
    assert "1 bindings name a role that is not there" in said


@pytest.mark.hypothesis
@settings(max_examples=at_least(6))
@given(events=st.lists(events_of_a_log(), max_size=15), cluster=clusters())
def test_unused_is_granted_minus_used(
    events: list[Event], cluster: list[Manifest], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No row that is unused grants anything that was used; each that is used does."""
    found = rows(write_log(tmp_path_factory.mktemp("drawn") / "audit.log", events), cluster)
    used = [(user, groups, request) for user, groups, request, allowed in asked(events) if allowed]
    for row in found:
        word = "nonResourceURLs" if row["api_group"] is None else "resources"
        rule = {"verbs": [row["verb"]], word: [row["resource_type"]], "resourceNames": row["resource_names"] or []}
        rule |= {} if row["api_group"] is None else {"apiGroups": [row["api_group"]]}
        inside = "" if row["permission_scope"] == "cluster" else row["permission_scope"]
        name = {"Group": row["entity_name"], "User": row["entity_name"]}.get(
            row["entity_type"], f"system:serviceaccount:{row['entity_namespace']}:{row['entity_name']}"
        )
        hits = [
            request
            for user, groups, request in used
            if (name in groups if row["entity_type"] == "Group" else name == user)
            and (not inside or (request.resource and request.namespace == inside))
            and rule_allows(rule, request)
        ]
        assert (row["status"] in {"used", "partly used"}) == bool(hits), row
    granted = [one for one in used if allows(cluster, one[0], one[1], one[2])]
    assert bool(granted) == any(row["requests"] for row in found)


def test_usage_counts_what_the_authorizer_said(metadata_log: Path, metadata_events: list[Event]) -> None:
    answer = rbac.usage(metadata_log)
    counted: Counter[str] = Counter()
    ended = {one["auditID"] for one in metadata_events if one["stage"] == "ResponseComplete"}
    for one in metadata_events:
        is_last = one["stage"] == "ResponseComplete" or (
            one["stage"] == "ResponseStarted" and one["auditID"] not in ended
        )
        reason = one.get("annotations", {}).get("authorization.k8s.io/reason", "")
        if is_last and reason.startswith("RBAC: allowed by "):
            counted[reason.removeprefix("RBAC: allowed by ").partition(" of ")[0]] += 1
    found = {
        f'{row["binding_kind"]} "{row["binding"]}{"/" + row["namespace"] if row["namespace"] else ""}"': row["requests"]
        for row in answer.table.to_pylist()
    }
    assert len(found) == 26
    assert found == dict(counted)
    (alice,) = (row for row in answer.table.to_pylist() if row["binding"] == "alice-deployer")
    assert (alice["role"], alice["subject"], alice["users"]) == (
        "deployer",
        "User/alice@example.com",
        ["alice@example.com"],
    )
    assert any("allowed without RBAC" in note for note in answer.notes)


def test_bindings_that_were_never_named_are_shown_beside_a_dump(metadata_log: Path) -> None:
    alice = {"kind": "User", "name": "alice@example.com"}
    cluster = [
        role("deployer", [PODS], "team-a11"),
        role_binding("alice-deployer", "Role", "deployer", [alice], "team-a11"),
        *bound([PODS], {"kind": "ServiceAccount", "name": "idle", "namespace": "web"}),
    ]
    answer = rbac.usage(metadata_log, rbac.rbac_of(cluster))
    found = {row["binding"]: row for row in answer.table.to_pylist()}
    assert (found["alice-deployer"]["in_dump"], found["alice-deployer"]["requests"]) == (True, 12)
    assert (found["b"]["in_dump"], found["b"]["requests"], found["b"]["subject"]) == (
        True,
        0,
        "ServiceAccount/web/idle",
    )
    assert found["system:discovery"]["in_dump"] is False
    assert any("names the first binding" in note for note in answer.notes)
