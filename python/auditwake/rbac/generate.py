"""Roles from what was observed: just what was asked for, and nothing beside it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, TypeAlias

from auditwake.rbac.builtin import everybodys
from auditwake.rbac.expand import Expansion, Placed, expanded
from auditwake.rbac.grouping import Members, shared
from auditwake.rbac.observe import Observed
from auditwake.rbac.permission import Permission, compact, not_grantable, permissions
from auditwake.rbac.rule import Rule
from auditwake.rbac.subject import NODE, NODES, SUPERUSERS, Subject
from auditwake.rbac.use import Use

__all__ = [
    "BY",
    "DECIDED",
    "By",
    "Decided",
    "Grounded",
    "Roles",
    "SubjectRoles",
    "generate",
    "grounded",
    "needs_no_rbac",
    "some",
]

By: TypeAlias = Literal["user", "group"]
BY: Final = ("user", "group")
Decided: TypeAlias = Literal["allowed", "denied", "all"]
DECIDED: Final = ("allowed", "denied", "all")
MOST_IDS: Final = 3
NAMELESS: Final = frozenset({"create", "deletecollection"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounded:
    """A rule, and what it stands on."""

    rule: Rule
    requests: int
    """How many requests need it; 0 for what an expansion has added."""
    first: datetime | None
    last: datetime | None
    audit_ids: tuple[str, ...]
    why: str
    """Why it has names, or has none."""

    def as_json(self) -> dict[str, object]:
        """Give it as JSON has it."""
        return {
            "rule": self.rule.as_json(),
            "requests": self.requests,
            "first": self.first and self.first.isoformat(),
            "last": self.last and self.last.isoformat(),
            "audit_ids": list(self.audit_ids),
            "why": self.why,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The rules for one place."""

    namespace: str
    """The namespace; `""` for a ClusterRole."""
    rules: tuple[Grounded, ...]

    def as_json(self) -> dict[str, object]:
        """Give it as JSON has it."""
        return {"namespace": self.namespace, "rules": [one.as_json() for one in self.rules]}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectRoles:
    """What one subject needs, and what cannot be granted to it."""

    subject: Subject
    roles: tuple[Roles, ...]
    requests: int
    """How many requests stand behind it."""
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Give it as JSON has it."""
        return {
            "subject": self.subject.as_json(),
            "requests": self.requests,
            "notes": list(self.notes),
            "roles": [role.as_json() for role in self.roles],
        }


def generate(
    observed: Observed,
    *,
    decided: Decided = "allowed",
    expand: Expansion = "none",
    keep_built_in: bool = False,
    by: By = "user",
    groups: Sequence[str] = (),
) -> tuple[SubjectRoles, ...]:
    """Make roles for every subject that was observed.

    What was asked for in a namespace is granted in that namespace alone; what was asked for at the scope of the
    cluster needs a ClusterRole.

    Args:
        observed: What was observed; by group, that of all users, since one who is left out is a member as well.
        decided: Whether what was allowed is to be granted, what was denied, or both.
        expand: What is added to it.
        keep_built_in: Whether what the server's own roles grant to everybody is granted once more.
        by: `user`: each user and service account has a role of its own. `group`: what all members of a group need that
            were seen, two or more, is bound to the group, and the rest to each.
        groups: Names of groups that may be bound to, with `*` for any characters; none for all but those that
            everybody is in.

    Example:
        >>> from auditwake import demo, rbac
        >>> (bob,) = generate(rbac.observe(demo.LOG, users=("bob@example.com",)), decided="denied")
        >>> [(role.namespace, len(role.rules)) for role in bob.roles]
        [('', 2), ('team-a11', 2)]
    """
    of_subject: defaultdict[Subject, list[Use]] = defaultdict(list)
    for use in observed.uses:
        if decided == "all" or use.allowed == (decided == "allowed"):
            of_subject[Subject.of(use.user)].append(use)
    needs = {subject: _need(uses, expand, keep_built_in=keep_built_in) for subject, uses in sorted(of_subject.items())}
    if by == "user":
        return tuple(_subject_roles(subject, need) for subject, need in needs.items())
    members = Members((use for use in observed.uses if SUPERUSERS not in use.groups), groups)
    return tuple(_by_group(needs, members))


def needs_no_rbac(use: Use) -> str | None:
    """Say who allows it where RBAC is not needed for it; None where it is.

    Args:
        use: What was asked.
    """
    if SUPERUSERS in use.groups:
        return f"the group {SUPERUSERS} is allowed everything, before RBAC is asked: it needs no role"
    if NODES in use.groups and use.user.startswith(NODE):
        return "a node is the affair of the Node authorizer: it needs no role"
    return None


@dataclass(frozen=True, slots=True)
class _Need:
    """What has to be granted to somebody."""

    granted: Sequence[Use]
    placed: set[Placed]
    notes: tuple[str, ...]


def _need(uses: Iterable[Use], expand: Expansion, *, keep_built_in: bool) -> _Need:
    left_out: Counter[str] = Counter()
    granted: list[Use] = []
    for use in uses:
        why = needs_no_rbac(use) or _cannot(use) or (None if keep_built_in else _has_already(use))
        if why:
            left_out[why] += use.requests
        else:
            granted.append(use)
    notes = (f"{count:,} {'request' if count == 1 else 'requests'} left out: {why}" for why, count in left_out.items())
    return _Need(granted, _without_repeats(expanded(_placed(granted), expand)), tuple(notes))


def _subject_roles(subject: Subject, need: _Need) -> SubjectRoles:
    places: defaultdict[str, set[Permission]] = defaultdict(set)
    for where, permission in need.placed:
        places[where].add(permission)
    roles = tuple(
        Roles(namespace=where, rules=tuple(grounded(rule, where, need.granted) for rule in compact(wanted)))
        for where, wanted in sorted(places.items())
    )
    behind = [use for use in need.granted if _is_granted(use, roles)]
    requests = sum(use.requests for use in behind)
    return SubjectRoles(subject=subject, roles=roles, requests=requests, notes=(*need.notes, *_warnings(behind)))


def _by_group(needs: Mapping[Subject, _Need], members: Members) -> Iterator[SubjectRoles]:
    """Give what groups need, and then what is left for each."""
    found = shared({subject: need.placed for subject, need in needs.items()}, members)
    spared: defaultdict[Subject, set[Placed]] = defaultdict(set)
    groups_of: defaultdict[Subject, list[str]] = defaultdict(list)
    for group, saved in found.items():
        for subject, placed in saved.items():
            spared[subject] |= placed
            groups_of[subject].append(group)
        granted = [use for subject in saved for use in needs[subject].granted]
        who = some(sorted(map(str, saved)))
        note = f"all of its members that were seen need it, {who}; whoever else is one has it as well"
        yield _subject_roles(Subject("Group", group), _Need(granted, set().union(*saved.values()), (note,)))
    for subject, need in needs.items():
        left = need.placed - spared[subject]
        note = f"what it has in common with others is bound to {some(groups_of[subject])}"
        notes = (*need.notes, note) if groups_of[subject] else need.notes
        yield _subject_roles(subject, replace(need, placed=left, notes=notes))


def _is_granted(use: Use, roles: Iterable[Roles]) -> bool:
    return any(
        place.namespace in {"", use.namespace} and any(map(one.rule.allows, use.questions()))
        for place in roles
        for one in place.rules
    )


def some(names: Iterable[str], most: int = 5) -> str:
    """Give the first names, and how many more there are.

    Args:
        names: The names.
        most: How many are given.

    Example:
        >>> some(["a", "b", "c"], 2)
        'a, b and 1 more'
    """
    known = list(names)
    more = f" and {len(known) - most:,} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more


def _cannot(use: Use) -> str | None:
    why = not_grantable(use)
    return why and f"{use.verb or 'no verb'} {use.what} cannot be granted: {why}"


def _has_already(use: Use) -> str | None:
    """Say that everybody has it. What was denied, nobody has: the cluster may have no such binding."""
    everybody = use.allowed and all(everybodys().allows(use.user, use.groups, asked) for asked in use.questions())
    return "the server's own roles grant it to everybody (system:discovery and the like)" if everybody else None


def _warnings(granted: Iterable[Use]) -> Iterator[str]:
    for use in granted:
        if use.verb.startswith("impersonate") and use.resource == "groups" and SUPERUSERS in use.names:
            yield f"to impersonate {SUPERUSERS} is to be allowed everything"
    if any(use.user == "system:anonymous" for use in granted):
        yield "a role for system:anonymous is one for everybody who reaches the server"


def _placed(uses: Iterable[Use]) -> Iterator[Placed]:
    for use in uses:
        yield from ((use.namespace, permission) for permission in permissions(use))


def _without_repeats(placed: Iterable[Placed]) -> set[Placed]:
    """Leave out what is granted once more: in a namespace what is granted everywhere, by name what is without."""
    all_of = set(placed)

    def is_wider(other: Placed, one: Placed) -> bool:
        return other != one and other[0] in {"", one[0]} and one[1].is_in(other[1])

    alike: defaultdict[tuple[str, str, str, str], list[Placed]] = defaultdict(list)
    for one in all_of:
        if one[0] == "" or one[1].name == "":
            alike[_key(one)].append(one)
    return {one for one in all_of if not any(is_wider(other, one) for other in alike[_key(one)])}


def _key(placed: Placed) -> tuple[str, str, str, str]:
    one = placed[1]
    return one.verb, one.api_group, one.target, one.url


def grounded(rule: Rule, where: str, uses: Iterable[Use]) -> Grounded:
    """Say what a rule stands on.

    Args:
        rule: The rule.
        where: The namespace in which it counts; `""` for everywhere.
        uses: What was asked for.
    """
    behind = [use for use in uses if where in {"", use.namespace} and any(map(rule.allows, use.questions()))]
    return Grounded(
        rule=rule,
        requests=sum(use.requests for use in behind),
        first=min((use.first for use in behind), default=None),
        last=max((use.last for use in behind), default=None),
        audit_ids=tuple(sorted({one for use in behind for one in use.audit_ids}))[:MOST_IDS],
        why=_why(rule, behind),
    )


def _why(rule: Rule, behind: Iterable[Use]) -> str:
    if rule.urls:
        return "a path belongs to no namespace, so it needs a ClusterRole"
    if rule.names:
        return "only these names were asked for"
    uses = list(behind)
    if any(use.named and not use.all_names for use in uses):
        return "more names were asked for than are kept, so it has none"
    if not uses:
        return "added by the expansion"
    if set(rule.verbs) <= NAMELESS and not any("/" in resource for resource in rule.resources):
        through = sorted({use.through for use in uses if use.through != "request"})
        return f"the authorizer sees no name on {' and '.join(rule.verbs)}" + (
            f" ({', '.join(through)})" if through else ""
        )
    return "it was asked for without a name"
