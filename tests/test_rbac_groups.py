"""`rbac generate --by group`: what all members of a group need is bound to it, and none is given more than it used."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditwake import rbac
from auditwake.cli import main
from auditwake.rbac.generate import Decided
from tests.deploying.faults import schema_faults
from tests.drawn import at_least
from tests.rbac_evaluator import Manifest, Request, allows
from tests.rbac_exact import Neighbours, events_of_a_log, is_seen, needed
from tests.rbac_log import Event, asked, resource_event, write_log

EVERYBODY = "system:authenticated"
DECISIONS: tuple[Decided, ...] = ("allowed", "denied", "all")
LIST_PODS = Request("list", resource="pods", namespace="web")


def of_groups(one: Event, *groups: str) -> Event:
    return {**one, "user": {**one["user"], "groups": [*groups, EVERYBODY]}}


def lists_pods(user: str, *groups: str, at: int = 0, **more: Any) -> Event:  # noqa: ANN401  # any JSON
    return of_groups(resource_event(user, "list", "pods", namespace="web", at=at, **more), *groups)


def account(name: str, *, at: int = 0, resource: str = "pods") -> Event:
    event = resource_event(f"system:serviceaccount:web:{name}", "list", resource, namespace="web", at=at)
    return of_groups(event, "system:serviceaccounts", "system:serviceaccounts:web")


def made(
    events: Sequence[Event], tmp_path: Path, *, decided: Decided = "allowed", groups: Sequence[str] = ()
) -> tuple[list[Manifest], dict[str, rbac.SubjectRoles]]:
    observed = rbac.observe(write_log(tmp_path / "audit.log", events), most_names=10_000)
    found = rbac.generate(observed, decided=decided, by="group", groups=groups)
    return rbac.manifests(found, observed, decided), {str(one.subject): one for one in found}


def bound(objects: Sequence[Manifest]) -> list[str]:
    return sorted(subject["name"] for one in objects for subject in one.get("subjects", []))


def test_what_all_accounts_of_a_namespace_do_is_bound_to_their_group(tmp_path: Path) -> None:
    events = [account("a"), account("b", at=1), account("b", at=2, resource="secrets")]
    objects, found = made(events, tmp_path)
    assert bound(objects) == ["b", "system:serviceaccounts:web"]
    group = found["Group/system:serviceaccounts:web"]
    assert group.requests == 2
    assert "ServiceAccount/web/a, ServiceAccount/web/b; whoever else is one has it as well" in group.notes[0]
    own = found["ServiceAccount/web/b"]
    assert (own.requests, len(own.roles)) == (1, 1)
    assert "bound to system:serviceaccounts:web" in own.notes[0]
    assert found["ServiceAccount/web/a"].roles == ()
    assert schema_faults(objects) == []
    groups = ("system:serviceaccounts:web",)
    assert allows(objects, "system:serviceaccount:web:a", groups, LIST_PODS)
    assert not allows(
        objects, "system:serviceaccount:web:a", groups, Request("list", resource="secrets", namespace="web")
    )


@pytest.mark.parametrize(
    "others",
    [
        [resource_event("carol", "list", "pods", namespace="db", at=5)],
        [resource_event("carol", "list", "pods", namespace="web", at=5, allowed=False)],
        [resource_event("carol", "get", "pods", namespace="web", name="x", at=5)],
    ],
    ids=["elsewhere", "denied", "another verb"],
)
def test_a_member_that_does_not_do_it_keeps_the_others_from_it(others: list[Event], tmp_path: Path) -> None:
    events = [lists_pods("alice", "dev"), lists_pods("bob", "dev", at=1)]
    assert "dev" in bound(made(events, tmp_path)[0])
    assert "dev" not in bound(made([*events, *(of_groups(one, "dev") for one in others)], tmp_path)[0])


def test_a_member_that_may_do_more_of_it_does_not(tmp_path: Path) -> None:
    wider = of_groups(resource_event("carol", "list", "pods", at=5), "dev")
    objects, _ = made([lists_pods("alice", "dev"), lists_pods("bob", "dev", at=1), wider], tmp_path)
    assert bound(objects) == ["carol", "dev"]


def test_of_one_member_nothing_is_taken_for_the_use_of_its_group(tmp_path: Path) -> None:
    assert bound(made([lists_pods("alice", "dev"), lists_pods("bob", "ops")], tmp_path)[0]) == ["alice", "bob"]


def test_who_was_not_always_in_the_group_keeps_a_role(tmp_path: Path) -> None:
    events = [
        lists_pods("alice", "dev"),
        lists_pods("bob", "dev", at=1),
        lists_pods("carol", "dev", at=2),
        lists_pods("carol", at=3),
    ]
    assert bound(made(events, tmp_path)[0]) == ["carol", "dev"]


def test_everybody_is_bound_only_by_name(tmp_path: Path) -> None:
    events = [lists_pods("alice"), lists_pods("bob", at=1)]
    assert bound(made(events, tmp_path)[0]) == ["alice", "bob"]
    assert bound(made(events, tmp_path, groups=[EVERYBODY])[0]) == [EVERYBODY]
    assert bound(made(events, tmp_path, groups=["oidc:*"])[0]) == ["alice", "bob"]


@pytest.mark.parametrize("group", ["system:masters", "system:nodes"])
def test_who_needs_no_role_makes_no_group(group: str, tmp_path: Path) -> None:
    objects, _ = made([lists_pods("alice", group), lists_pods("bob", group, at=1)], tmp_path, groups=["*"])
    assert group not in bound(objects)


def test_the_group_with_the_most_members_is_bound(tmp_path: Path) -> None:
    teams = {"a": "x", "b": "x", "c": "y", "d": "y"}
    people = [lists_pods(name, "all", team, at=at) for at, (name, team) in enumerate(teams.items())]
    assert bound(made(people, tmp_path)[0]) == ["all"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--by", "group", "--user", "alice"], "--user leaves some out"),
        (["--by", "group", "--actor", "user"], "--actor leaves some out"),
        (["--groups", "dev"], "it needs --by group"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rbac", "generate", "no.log", *options]) == 2
    assert said in capsys.readouterr().err


def test_the_command_binds_groups(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = write_log(tmp_path / "audit.log", [lists_pods("alice", "oidc:dev"), lists_pods("bob", "oidc:dev", at=1)])
    assert main(["rbac", "generate", str(log), "--by", "group", "--groups", "oidc:*"]) == 0
    said = capsys.readouterr()
    assert "kind: Group\n  name: oidc:dev" in said.out
    assert "whoever else is one has it as well" in said.err


USERS = {
    "alice": ("dev",),
    "bob": ("dev", "ops"),
    "system:serviceaccount:web:builder": ("system:serviceaccounts", "system:serviceaccounts:web"),
    "system:serviceaccount:web:other": ("system:serviceaccounts", "system:serviceaccounts:web"),
    "system:node:n1": ("system:nodes", "dev"),
}


@st.composite
def events_with_groups(draw: st.DrawFn) -> Event:
    one = draw(events_of_a_log())
    user = draw(st.sampled_from(sorted(USERS)))
    groups = USERS[user] if draw(st.integers(0, 9)) else ()
    return of_groups({**one, "user": {"username": user}}, *groups)


@pytest.mark.hypothesis
@settings(max_examples=at_least(6))
@given(
    events=st.lists(events_with_groups(), max_size=25),
    decided=st.sampled_from(DECISIONS),
    groups=st.sampled_from([[], ["*"]]),
)
def test_drawn_logs_give_each_member_just_what_it_used(
    events: list[Event], decided: Decided, groups: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    objects, _ = made(events, tmp_path_factory.mktemp("drawn"), decided=decided, groups=groups)
    found = list(asked(events))
    wanted = needed(found, decided)
    groups_of = defaultdict(set)
    for user, of_user, request, _ in found:
        groups_of[user].add(of_user)
        if request in wanted.get(user, ()):
            assert allows(objects, user, of_user, request)
    neighbours = Neighbours([one for seen in wanted.values() for one in seen])
    everything = sorted({one for seen in wanted.values() for one in seen}, key=str)
    for request in everything:
        for one in [request, *neighbours.of(request, 3)]:
            for user, memberships in groups_of.items():
                seen = wanted.get(user, set())
                given = any(allows(objects, user, these, one) for these in memberships)
                assert not given or is_seen(one, seen), (user, one)
    assert schema_faults(objects) == []
