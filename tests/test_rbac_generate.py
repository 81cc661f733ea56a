"""`rbac generate`: each role allows just what was seen, says an evaluator that shares nothing with it."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import auditwake as aw
from auditwake import rbac
from tests.deploying.faults import schema_faults
from tests.drawn import at_least
from tests.rbac_evaluator import Request, allows
from tests.rbac_exact import assert_exact, events_of_a_log, needed
from tests.rbac_log import Event, asked, event, resource_event, write_log


@functools.cache
def seen_in(log: Path) -> rbac.Observed:
    return rbac.observe(log, most_names=10_000)


def made(log: Path, decided: Any = "allowed", **options: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # as the product takes them
    observed = seen_in(log)
    found = rbac.manifests(rbac.generate(observed, decided=decided, **options), observed, decided)
    assert list(yaml.load_all(rbac.to_yaml(found), Loader=yaml.CSafeLoader)) == found
    return found


@pytest.mark.parametrize("decided", ["allowed", "denied", "all"])
def test_the_roles_of_every_subject_of_a_real_log_allow_just_what_was_seen(
    decided: str, metadata_log: Path, metadata_events: list[Event]
) -> None:
    objects = made(metadata_log, decided)
    wanted = needed(list(asked(metadata_events)), decided)
    assert len(wanted) == {"allowed": 21, "denied": 6, "all": 24}[decided]
    assert_exact(objects, wanted)
    assert decided != "all" or schema_faults(objects) == []


def test_every_subject_of_a_real_log_has_a_role_or_a_reason(metadata_log: Path, metadata_events: list[Event]) -> None:
    found = rbac.generate(seen_in(metadata_log))
    seen = {user for user, _, _, allowed in asked(metadata_events) if allowed}
    assert {one.subject.user for one in found} == seen
    assert [one.subject.user for one in found if not one.roles and not one.notes] == []


def test_the_figures_are_those_of_the_log(metadata_log: Path, metadata_events: list[Event]) -> None:
    found = rbac.generate(seen_in(metadata_log))
    wanted = needed(list(asked(metadata_events)), "allowed")
    for one in found:
        behind = [
            request
            for user, groups, request, allowed in asked(metadata_events)
            if allowed and user == one.subject.user and request in wanted[user] and "system:masters" not in groups
        ]
        assert one.requests == len(behind)


def test_a_manifest_says_what_stands_behind_it(metadata_log: Path) -> None:
    (role, binding) = (one for one in made(metadata_log) if one["metadata"]["name"] == "auditwake:alice@example.com")
    assert role["metadata"]["annotations"] == {
        "auditwake/window-first": "2026-11-24T00:08:18.751638Z",
        "auditwake/window-last": "2026-11-24T00:09:10.374511Z",
        "auditwake/from": "allowed",
        "auditwake/requests": "12",
        "auditwake/first": "2026-11-24T00:08:21.948974Z",
        "auditwake/last": "2026-11-24T00:09:01.527053Z",
    }
    assert (role["metadata"]["namespace"], binding["kind"]) == ("team-a11", "RoleBinding")


def test_impersonation_is_granted_to_who_was_authenticated(metadata_log: Path) -> None:
    objects = [one for one in made(metadata_log) if "carol" in one["metadata"]["name"]]
    for request in (
        Request("impersonate", resource="users", name="alice@example.com"),
        Request("impersonate", resource="users", name="system:admin"),
        Request("impersonate", resource="groups", name="system:masters"),
        Request("impersonate", resource="serviceaccounts", namespace="team-a11", name="builder"),
    ):
        assert allows(objects, "carol@example.com", (), request)
    assert not allows(
        objects, "carol@example.com", (), Request("impersonate", resource="users", name="bob@example.com")
    )
    assert not allows(objects, "carol@example.com", (), Request("list", resource="secrets"))


def test_a_role_for_system_masters_is_said_to_be_everything(metadata_log: Path) -> None:
    (carol,) = (one for one in rbac.generate(seen_in(metadata_log)) if one.subject.name == "carol@example.com")
    assert "to impersonate system:masters is to be allowed everything" in carol.notes


def test_extra_values_and_uids_are_impersonated(tmp_path: Path) -> None:
    who = {"username": "dave", "uid": "u-1", "groups": ["x", "system:authenticated"], "extra": {"scopes": ["a", "b"]}}
    one = resource_event("robot", "list", "pods", namespace="web", impersonatedUser=who)
    objects = made(write_log(tmp_path / "audit.log", [one]))
    group = "authentication.k8s.io"
    wanted = {
        Request("impersonate", resource="users", name="dave"),
        Request("impersonate", resource="groups", name="x"),
        Request("impersonate", group, "uids", name="u-1"),
        Request("impersonate", group, "userextras", "scopes", name="a"),
        Request("impersonate", group, "userextras", "scopes", name="b"),
    }
    seen = {"robot": wanted, "dave": {Request("list", resource="pods", namespace="web")}}
    assert_exact(objects, seen)


def test_a_name_that_is_none_of_an_account_is_a_user(tmp_path: Path) -> None:
    who = "system:serviceaccount:web:a:b"
    one = resource_event("robot", "get", "pods", namespace="web", name="x", impersonatedUser={"username": who})
    objects = made(write_log(tmp_path / "audit.log", [one]))
    assert allows(objects, "robot", (), Request("impersonate", resource="users", name=who))
    assert allows(objects, who, (), Request("get", resource="pods", namespace="web", name="x"))


def test_who_is_in_the_group_of_nodes_without_being_one_needs_a_role(tmp_path: Path) -> None:
    user = {"username": "mallory", "groups": ["system:nodes"]}
    log = write_log(tmp_path / "audit.log", [{**resource_event("mallory", "list", "pods"), "user": user}])
    assert allows(made(log), "mallory", (), Request("list", resource="pods"))


def test_constrained_impersonation_has_verbs_of_its_own(tmp_path: Path) -> None:
    constraint = {"impersonationConstraint": "impersonate:user-info"}
    who = {"username": "dave", "groups": ["system:authenticated"]}
    one = resource_event(
        "robot", "list", "pods", namespace="web", impersonatedUser=who, authenticationMetadata=constraint
    )
    objects = made(write_log(tmp_path / "audit.log", [one]))
    group = "authentication.k8s.io"
    assert allows(objects, "robot", (), Request("impersonate:user-info", group, "users", name="dave"))
    assert allows(objects, "robot", (), Request("impersonate-on:user-info:list", resource="pods", namespace="web"))
    assert not allows(objects, "robot", (), Request("impersonate", resource="users", name="dave"))


def test_an_apply_that_creates_needs_create_as_well(tmp_path: Path) -> None:
    one = resource_event("robot", "patch", "deployments", group="apps", namespace="web", name="app", code=201)
    objects = made(write_log(tmp_path / "audit.log", [one]))
    assert allows(objects, "robot", (), Request("create", "apps", "deployments", namespace="web"))
    assert allows(objects, "robot", (), Request("patch", "apps", "deployments", namespace="web", name="app"))
    assert not allows(objects, "robot", (), Request("patch", "apps", "deployments", namespace="web", name="other"))


def test_what_admission_rejected_was_allowed_and_what_failed_authentication_was_not(tmp_path: Path) -> None:
    rejected = resource_event("alice", "create", "pods", namespace="web", name="x", code=403)
    nobody = {**resource_event("", "list", "secrets", code=401, stage="ResponseStarted"), "user": {}, "annotations": {}}
    denied = resource_event("alice", "list", "secrets", namespace="web", allowed=False)
    objects = made(write_log(tmp_path / "audit.log", [rejected, nobody, denied]))
    assert [one["rules"] for one in objects if "rules" in one] == [
        [{"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}]
    ]


@pytest.mark.parametrize(
    "hostile",
    [
        event("mallory", "*", "/", allowed=False),
        event("mallory", "get", "/logs/*", allowed=False),
        event("mallory", "get", "/*", allowed=False),
        resource_event("mallory", "list", "*", allowed=False),
        resource_event("mallory", "get", "*/scale", namespace="web", name="x", allowed=False),
        resource_event("mallory", "list", "pods", group="*", allowed=False),
        resource_event("mallory", "", "pods", allowed=False),
        resource_event("mallory", "list", "pods", namespace="no namespace", allowed=False),
    ],
    ids=lambda one: f"{one['verb']} {one['requestURI']}",
)
def test_words_that_mean_everything_in_a_rule_are_not_granted(hostile: Event, tmp_path: Path) -> None:
    """Whoever sends a request chooses its words: a denied `GET /*` must not become a role for everything."""
    log = write_log(tmp_path / "audit.log", [hostile])
    (found,) = rbac.generate(rbac.observe(log), decided="denied")
    assert found.roles == ()
    assert "cannot be granted" in found.notes[0]


def test_text_of_the_log_stays_text(tmp_path: Path) -> None:
    odd = 'x\n- "\u202e: *\x1b[2J #'
    events = [
        resource_event(odd, "get", "pods", namespace="web", name=name, at=at)
        for at, name in enumerate(["y", "1e3", "null", odd, "0x10", "~"])
    ]
    found = made(write_log(tmp_path / "audit.log", events))
    assert found[0]["rules"][0]["resourceNames"] == sorted(["y", "1e3", "null", odd, "0x10", "~"])
    text = rbac.to_yaml(found)
    assert text.isascii()
    assert "\x1b" not in text
    assert '- "y"' in text
    assert schema_faults(found) == []


def test_names_are_given_up_when_there_are_too_many(tmp_path: Path) -> None:
    events = [resource_event("robot", "get", "pods", namespace="web", name=f"pod-{at}", at=at) for at in range(12)]
    log = write_log(tmp_path / "audit.log", events)
    (few,) = rbac.generate(rbac.observe(log, most_names=11))
    (all_of,) = rbac.generate(rbac.observe(log, most_names=12))
    assert few.roles[0].rules[0].rule.names == ()
    assert "more names were asked for than are kept" in few.roles[0].rules[0].why
    assert len(all_of.roles[0].rules[0].rule.names) == 12
    assert few.requests == all_of.requests == 12


def test_to_impersonate_many_is_never_to_impersonate_all(tmp_path: Path) -> None:
    who = [{"username": f"user-{at}", "groups": ["system:authenticated"]} for at in range(5)]
    events = [
        resource_event("robot", "list", "pods", namespace="web", at=at, impersonatedUser=one)
        for at, one in enumerate(who)
    ]
    log = write_log(tmp_path / "audit.log", events)
    (found,) = (one for one in rbac.generate(rbac.observe(log, most_names=4)) if one.subject.name == "robot")
    assert found.roles == ()
    assert "would allow to be anybody" in found.notes[0]
    (found,) = (one for one in rbac.generate(rbac.observe(log, most_names=5)) if one.subject.name == "robot")
    assert found.roles[0].rules[0].rule.names == tuple(f"user-{at}" for at in range(5))


def test_parquet_and_arrow_give_what_the_log_gives(metadata_log: Path, tmp_path: Path) -> None:
    aw.convert(metadata_log, tmp_path / "audit.parquet")
    of_log = rbac.observe(metadata_log)
    for source in (tmp_path / "audit.parquet", aw.read(metadata_log)):
        observed = rbac.observe(source)
        assert observed.uses == of_log.uses
        assert rbac.to_yaml(rbac.manifests(rbac.generate(observed), observed, "allowed")) == rbac.to_yaml(
            rbac.manifests(rbac.generate(of_log), of_log, "allowed")
        )


def test_what_everybody_has_can_be_kept(metadata_log: Path) -> None:
    def paths(objects: list[dict[str, Any]]) -> set[str]:
        return {url for one in objects for rule in one.get("rules", []) for url in rule.get("nonResourceURLs", [])}

    assert "/api/v1" not in paths(made(metadata_log))
    assert "/api/v1" in paths(made(metadata_log, keep_built_in=True))


def test_an_expansion_grants_more_and_never_less(metadata_log: Path, metadata_events: list[Event]) -> None:
    wanted = needed(list(asked(metadata_events)), "allowed")
    for how in ("read", "audit2rbac"):
        objects = made(metadata_log, expand=how)
        assert all(allows(objects, user, (), one) for user, seen in wanted.items() for one in seen)
    scheduler = "system:kube-scheduler"
    assert allows(
        objects,
        scheduler,
        (),
        Request("patch", "coordination.k8s.io", "leases", namespace="kube-system", name="kube-scheduler"),
    )


@pytest.mark.parametrize(
    ("seen", "how", "granted"),
    [
        ("get", "read", {"get", "list", "watch"}),
        ("list", "read", {"get", "list", "watch"}),
        ("watch", "read", {"get", "list", "watch"}),
        ("patch", "read", {"patch"}),
        ("get", "audit2rbac", {"get"}),
        ("list", "audit2rbac", {"get", "list", "watch"}),
        ("watch", "audit2rbac", {"get", "list", "watch"}),
        ("update", "audit2rbac", {"get", "patch", "update"}),
        ("patch", "audit2rbac", {"get", "patch", "update"}),
        ("delete", "audit2rbac", {"delete"}),
    ],
)
def test_each_expansion_adds_its_verbs(seen: str, how: Any, granted: set[str], tmp_path: Path) -> None:  # noqa: ANN401  # as the product takes it
    name = "" if seen in {"list", "watch"} else "x"
    log = write_log(tmp_path / "audit.log", [resource_event("robot", seen, "pods", namespace="web", name=name)])
    rules = [rule for one in made(log, expand=how) for rule in one.get("rules", [])]
    assert {verb for rule in rules for verb in rule["verbs"]} == granted


def test_audit2rbacs_expansion_drops_several_names_and_namespaces(tmp_path: Path) -> None:
    places = [("web", "a"), ("web", "b"), ("db", "c"), ("db", "d")]
    events = [resource_event("x", "get", "pods", namespace=at, name=name) for at, name in places]
    events.append(resource_event("x", "get", "nodes", name="n"))
    objects = made(write_log(tmp_path / "audit.log", events), expand="audit2rbac")
    assert [rule for one in objects for rule in one.get("rules", [])] == [
        {"apiGroups": [""], "resources": ["nodes"], "resourceNames": ["n"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
    ]


def test_a_namespace_that_only_the_body_has_does_not_count(tmp_path: Path) -> None:
    """The server fills the reference of the event from the body; the authorizer saw the path."""
    one = resource_event("robot", "create", "widgets", group="example.com", name="w")
    one["objectRef"]["namespace"] = "web"
    (found,) = rbac.generate(rbac.observe(write_log(tmp_path / "audit.log", [one])))
    assert [role.namespace for role in found.roles] == [""]


@pytest.mark.hypothesis
@settings(max_examples=at_least(8))
@given(events=st.lists(events_of_a_log(), max_size=25), decided=st.sampled_from(["allowed", "denied", "all"]))
def test_drawn_logs_give_roles_that_allow_just_what_was_seen(
    events: list[Event], decided: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = write_log(tmp_path_factory.mktemp("drawn") / "audit.log", events)
    objects = made(log, decided)
    once = list({json.dumps(one): one for one in events}.values())
    assert_exact(objects, needed(list(asked(once)), decided))
    assert schema_faults(objects) == []
