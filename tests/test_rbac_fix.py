"""`rbac fix`: after it, what was denied is allowed, and nothing beside it; nobody else is given anything."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditwake import rbac
from auditwake.rbac.manifest import role_name
from tests.deploying.faults import schema_faults
from tests.drawn import at_least
from tests.rbac_drawn import clusters, role, role_binding
from tests.rbac_evaluator import Manifest, Request, allows
from tests.rbac_exact import Neighbours, assert_exact, events_of_a_log, is_seen, needed
from tests.rbac_log import Event, asked, resource_event, write_log

BOB = "bob@example.com"
IS_BOB = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": BOB}
LIST_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}


def applied(cluster: Sequence[Manifest], fixes: Sequence[rbac.Fix]) -> list[Manifest]:
    """The cluster after `kubectl apply` of what the fixes say."""
    found = {place_of(one): one for one in cluster}
    for one in fixes:
        for change in one.changes:
            found.update({place_of(manifest): manifest for manifest in change.manifests})
    return list(found.values())


def place_of(manifest: Manifest) -> tuple[str, str, str]:
    return manifest["kind"], manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"]


def patched(manifest: Manifest, patch: Sequence[dict[str, Any]]) -> Manifest:
    """A JSON patch with the two operations that are made here."""
    rules = list(manifest.get("rules") or [])
    for step in patch:
        assert step["op"] == "add"
        if step["path"] == "/rules":
            rules = list(step["value"])
        else:
            assert step["path"] == "/rules/-"
            rules.append(step["value"])
    return {**manifest, "rules": rules}


def test_bob_is_allowed_what_he_was_denied_and_nothing_beside_it(
    metadata_log: Path, metadata_events: list[Event]
) -> None:
    observed = rbac.observe(metadata_log, users=(BOB,))
    objects = applied([], rbac.fix(observed))
    wanted = needed([one for one in asked(metadata_events) if one[0] == BOB], "denied")
    assert sorted(map(str, wanted[BOB])) == sorted(
        str(request)
        for request in (
            Request("get", path="/logs/"),
            Request("get", path="/metrics"),
            Request("get", resource="pods", namespace="team-a11", name="web-0"),
            Request("list", resource="configmaps", namespace="team-a11"),
            Request("list", resource="namespaces"),
            Request("list", resource="pods"),
        )
    )
    assert_exact(objects, wanted)
    assert schema_faults(objects) == []


def test_each_rule_says_what_stands_behind_it(metadata_log: Path, metadata_events: list[Event]) -> None:
    (found,) = rbac.fix(rbac.observe(metadata_log, users=(BOB,)))
    denied = {
        one["auditID"]
        for one in metadata_events
        if one["user"].get("username") == BOB
        and one.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid"
    }
    rules = [rule for change in found.changes for rule in change.added.rules]
    assert sum(rule.requests for rule in rules) == len(denied) == 6
    assert {one for rule in rules for one in rule.audit_ids} == denied


@pytest.mark.parametrize("who", ["alice@example.com", "carol@example.com", "system:anonymous", "dave"])
def test_everybody_who_was_denied_is_mended(who: str, metadata_log: Path, metadata_events: list[Event]) -> None:
    objects = applied([], rbac.fix(rbac.observe(metadata_log, users=(who,))))
    found = [one for one in asked(metadata_events) if one[0] == who]
    assert_exact(objects, needed(found, "denied"))


def test_a_role_that_only_he_has_is_patched(metadata_log: Path) -> None:
    server = {"uid": "u", "resourceVersion": "4", "managedFields": [], "creationTimestamp": "2026-01-01T00:00:00Z"}
    own = role("bobs", [LIST_PODS], "team-a11")
    own["metadata"] |= {**server, "labels": {"team": "a"}}
    cluster = [own, role_binding("bobs", "Role", "bobs", [IS_BOB], "team-a11")]
    observed = rbac.observe(metadata_log, users=(BOB,))
    (found,) = rbac.fix(observed, rbac.rbac_of(cluster))
    everywhere, inside = found.changes
    assert (everywhere.patched, inside.patched) == (None, "Role bobs in team-a11")
    (manifest,) = inside.manifests
    assert manifest["metadata"] == {"name": "bobs", "namespace": "team-a11", "labels": {"team": "a"}}
    assert manifest["rules"][0] == LIST_PODS
    assert patched(own, inside.patch)["rules"] == manifest["rules"]
    after = applied(cluster, [found])
    assert all(allows(after, BOB, ("dev",), one) for one in denied_of(observed))
    assert schema_faults(after) == []


def test_a_role_without_rules_is_patched_as_well(tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.log", [resource_event("alice", "list", "pods", namespace="web", allowed=False)])
    alice = {"kind": "User", "name": "alice"}
    empty: Manifest = {**role("empty", [], "web"), "rules": None}
    (found,) = rbac.fix(rbac.observe(log), rbac.rbac_of([empty, role_binding("b", "Role", "empty", [alice], "web")]))
    assert patched(empty, found.changes[0].patch)["rules"] == [LIST_PODS] == found.changes[0].manifests[0]["rules"]


@pytest.mark.parametrize("version", [None, "rbac.authorization.k8s.io/v1beta1"])
def test_a_patched_role_is_one_that_servers_take(version: str | None, tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.log", [resource_event("alice", "list", "pods", namespace="web", allowed=False)])
    own = {key: value for key, value in role("own", [], "web").items() if key != "apiVersion"}
    own |= {"apiVersion": version} if version else {}
    alice = {"kind": "User", "name": "alice"}
    (found,) = rbac.fix(rbac.observe(log), rbac.rbac_of([own, role_binding("b", "Role", "own", [alice], "web")]))
    assert found.changes[0].manifests[0]["apiVersion"] == "rbac.authorization.k8s.io/v1"


def denied_of(observed: rbac.Observed) -> list[Request]:
    return [
        Request(one.verb, one.api_group, one.resource, one.subresource, one.namespace, one.name, one.path)
        for use in observed.uses
        if not use.allowed
        for one in use.questions()
    ]


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        (
            [
                role("shared", [LIST_PODS], "team-a11"),
                role_binding("a", "Role", "shared", [IS_BOB, {"kind": "Group", "name": "ops"}], "team-a11"),
            ],
            "Role shared in team-a11 is not widened: it is bound to Group/ops as well",
        ),
        (
            [
                role("shared", [LIST_PODS], "team-a11"),
                role_binding("a", "Role", "shared", [IS_BOB], "team-a11"),
                role_binding("b", "Role", "shared", [{"kind": "User", "name": "eve"}], "team-a11"),
            ],
            "it is bound to User/eve as well",
        ),
        (
            [
                role("wide", [LIST_PODS]),
                role_binding("a", "ClusterRole", "wide", [IS_BOB], "team-a11"),
                role_binding("b", "ClusterRole", "wide", [IS_BOB], "team-b11"),
            ],
            "it counts in team-b11 as well",
        ),
        (
            [
                role("own", [LIST_PODS], labels={"kubernetes.io/bootstrapping": "rbac-defaults"}),
                role_binding("a", "ClusterRole", "own", [IS_BOB], "team-a11"),
            ],
            "it belongs to the server",
        ),
        (
            [
                role("whole", [], aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"to": "whole"}}]}),
                role_binding("a", "ClusterRole", "whole", [IS_BOB], "team-a11"),
            ],
            "it is put together from other roles",
        ),
        (
            [
                role("whole", [], aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"to": "whole"}}]}),
                role("part", [LIST_PODS], labels={"to": "whole"}),
                role_binding("a", "ClusterRole", "part", [IS_BOB], "team-a11"),
            ],
            "it is a part of other roles",
        ),
    ],
    ids=["group", "another binding", "another namespace", "built in", "aggregates", "aggregated"],
)
def test_a_role_that_would_give_to_others_is_not_widened(
    cluster: list[Manifest], said: str, metadata_log: Path
) -> None:
    (found,) = rbac.fix(rbac.observe(metadata_log, users=(BOB,)), rbac.rbac_of(cluster))
    assert [change.patched for change in found.changes] == [None, None]
    assert any(said in note for note in found.notes), found.notes


def test_what_is_allowed_by_now_is_left_out(metadata_log: Path) -> None:
    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    paths = {"nonResourceURLs": ["*"], "verbs": ["*"]}
    cluster = [role("admin", [everything, paths]), role_binding("a", "ClusterRole", "admin", [IS_BOB])]
    (found,) = rbac.fix(rbac.observe(metadata_log, users=(BOB,)), rbac.rbac_of(cluster))
    assert found.changes == ()
    assert found.notes == ("of what was denied, 6 are allowed by the roles and bindings that were given",)


def test_an_impersonation_that_was_refused_is_mended(tmp_path: Path) -> None:
    """Its event has no decision: the message says what was asked for."""
    said = 'is forbidden: User "robot" cannot impersonate resource'
    refused = [
        f'users "alice" {said} "users" in API group "" at the cluster scope',
        f'serviceaccounts "builder" {said} "serviceaccounts" in API group "" in the namespace "web"',
        f'userextras.authn "a" {said} "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope',
    ]
    events = [
        resource_event(
            "robot",
            "list",
            "pods",
            at=at,
            code=403,
            annotations={},
            responseStatus={
                "metadata": {},
                "status": "Failure",
                "reason": "Forbidden",
                "message": message,
                "code": 403,
            },
        )
        for at, message in enumerate(refused)
    ]
    objects = applied(
        [], rbac.fix(rbac.observe(write_log(tmp_path / "audit.log", [*events, resource_event("x", "get", "y")])))
    )
    wanted = {
        Request("impersonate", resource="users", name="alice"),
        Request("impersonate", resource="serviceaccounts", namespace="web", name="builder"),
        Request("impersonate", "authentication.k8s.io", "userextras", "scopes", name="a"),
    }
    assert_exact(objects, {"robot": wanted})


GET_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}


@pytest.mark.parametrize(
    ("existing", "kind"),
    [(role("lister", [LIST_PODS], "web"), "Role"), (role("lister", [LIST_PODS]), "ClusterRole")],
    ids=["Role", "ClusterRole"],
)
def test_a_role_that_grants_just_this_is_bound(existing: Manifest, kind: str, tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.log", [resource_event("alice", "list", "pods", namespace="web", allowed=False)])
    cluster = [existing, role("more", [LIST_PODS, GET_PODS])]
    (found,) = rbac.fix(rbac.observe(log), rbac.rbac_of(cluster))
    (change,) = found.changes
    assert (change.patched, change.bound) == (None, f"{kind} lister" + (" in web" if kind == "Role" else ""))
    (binding,) = change.manifests
    assert (binding["kind"], binding["roleRef"]["kind"], binding["roleRef"]["name"]) == ("RoleBinding", kind, "lister")
    after = applied(cluster, [found])
    assert_exact(
        [one for one in after if one["metadata"]["name"] != "more"], {"alice": set(denied_of(rbac.observe(log)))}
    )
    assert schema_faults(list(change.manifests)) == []


@pytest.mark.parametrize(
    "existing",
    [
        role("more", [LIST_PODS, GET_PODS]),
        role("lister", [LIST_PODS], "db"),
        role("system:lister", [LIST_PODS]),
        role("part", [{**LIST_PODS, "resourceNames": ["x"]}]),
        role("lister", [LIST_PODS], aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}),
    ],
    ids=["more", "elsewhere", "the server's", "less", "aggregated"],
)
def test_a_role_that_is_not_just_this_is_not_bound(existing: Manifest, tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.log", [resource_event("alice", "list", "pods", namespace="web", allowed=False)])
    (found,) = rbac.fix(rbac.observe(log), rbac.rbac_of([existing]))
    assert [(change.bound, len(change.manifests)) for change in found.changes] == [(None, 2)]
    would_do = [note for note in found.notes if "a binding to it would do" in note]
    assert len(would_do) == (existing["metadata"]["name"] == "more" or "aggregationRule" in existing)


def test_a_new_role_takes_the_name_of_no_other(tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.log", [resource_event("alice", "list", "pods", namespace="web", allowed=False)])
    both = [{"kind": "User", "name": name} for name in ("alice", "bob")]
    cluster = [
        role("auditwake:alice", [GET_PODS], "web"),
        role_binding("auditwake:alice", "Role", "auditwake:alice", both, "web"),
        role_binding("auditwake:alice-2", "ClusterRole", "view", both, "web"),
    ]
    (found,) = rbac.fix(rbac.observe(log), rbac.rbac_of(cluster))
    made = [(one["kind"], one["metadata"]["name"]) for change in found.changes for one in change.manifests]
    assert made == [("Role", "auditwake:alice-3"), ("RoleBinding", "auditwake:alice-3")]


def test_no_two_new_roles_share_a_name(tmp_path: Path) -> None:
    denied = [resource_event(who, "list", "pods", namespace="web", allowed=False) for who in ("alice", "alice-2")]
    log = write_log(tmp_path / "audit.log", [{**one, "auditID": str(at)} for at, one in enumerate(denied)])
    both = [{"kind": "User", "name": name} for name in ("alice", "bob")]
    cluster = [
        role("auditwake:alice", [GET_PODS], "web"),
        role_binding("auditwake:alice", "Role", "auditwake:alice", both, "web"),
    ]
    fixes = rbac.fix(rbac.observe(log), rbac.rbac_of(cluster))
    names = [one["metadata"]["name"] for fix in fixes for change in fix.changes for one in change.manifests]
    assert names == ["auditwake:alice-3"] * 2 + ["auditwake:alice-2"] * 2


@given(st.lists(st.text(alphabet="ab/-", min_size=1, max_size=4), unique=True, max_size=6))
def test_no_two_subjects_share_a_name(names: list[str]) -> None:
    subjects = {rbac.Subject(kind, name) for name in names for kind in ("User", "Group")}
    first = {role_name(subject): subject for subject in subjects}
    taken = {name.removeprefix("auditwake:") for name in first}
    # Whoever may choose a name chooses that of another's role.
    subjects |= {rbac.Subject("User", name) for name in taken}
    assert len({role_name(subject) for subject in subjects}) == len(subjects)


@pytest.mark.hypothesis
@settings(max_examples=at_least(6))
@given(events=st.lists(events_of_a_log(), min_size=1, max_size=15), cluster=clusters())
def test_drawn_clusters_are_mended_and_nobody_else_is_given_anything(
    events: list[Event], cluster: list[Manifest], tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = write_log(tmp_path_factory.mktemp("drawn") / "audit.log", events)
    fixes = rbac.fix(rbac.observe(log), rbac.rbac_of(cluster))
    after = applied(cluster, fixes)
    found = list(asked(events))
    wanted = needed(found, "denied")
    groups = {user: groups for user, groups, _, _ in found}
    for user, seen in wanted.items():
        assert [one for one in seen if not allows(after, user, groups[user], one)] == []
    everything = sorted({one for seen in wanted.values() for one in seen}, key=str)
    neighbours = Neighbours(everything)
    for request in everything:
        for one in neighbours.of(request, 5):
            for user in ("eve", "alice", "bob", "system:serviceaccount:web:builder"):
                more = allows(after, user, groups.get(user, ()), one)
                was = allows(cluster, user, groups.get(user, ()), one)
                assert more == was or is_seen(one, wanted.get(user, set())), (user, one)
