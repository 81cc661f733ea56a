"""Roles from what was observed: just what was asked for, and nothing beside it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from auditwake.rbac.builtin import everybodys
from auditwake.rbac.expand import Expansion, Placed, expanded
from auditwake.rbac.observe import Observed
from auditwake.rbac.permission import Permission, compact, not_grantable, permissions
from auditwake.rbac.rule import Rule
from auditwake.rbac.subject import NODE, NODES, SUPERUSERS, Subject
from auditwake.rbac.use import Use

__all__ = ["DECIDED", "Decided", "Grounded", "Roles", "SubjectRoles", "generate", "grounded", "needs_no_rbac"]

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
    observed: Observed, *, decided: Decided = "allowed", expand: Expansion = "none", keep_built_in: bool = False
) -> tuple[SubjectRoles, ...]:
    """Make roles for every subject that was observed.

    What was asked for in a namespace is granted in that namespace alone; what was asked for at the scope of the
    cluster needs a ClusterRole.

    Args:
        observed: What was observed.
        decided: Whether what was allowed is to be granted, what was denied, or both.
        expand: What is added to it.
        keep_built_in: Whether what the server's own roles grant to everybody is granted once more.

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
    return tuple(
        _subject_roles(subject, uses, expand, keep_built_in=keep_built_in)
        for subject, uses in sorted(of_subject.items())
    )


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


def _subject_roles(subject: Subject, uses: Iterable[Use], expand: Expansion, *, keep_built_in: bool) -> SubjectRoles:
    left_out: Counter[str] = Counter()
    granted: list[Use] = []
    for use in uses:
        why = needs_no_rbac(use) or _cannot(use) or (None if keep_built_in else _has_already(use))
        if why:
            left_out[why] += use.requests
        else:
            granted.append(use)
    placed = _without_repeats(expanded(_placed(granted), expand))
    places: defaultdict[str, set[Permission]] = defaultdict(set)
    for where, permission in placed:
        places[where].add(permission)
    roles = [
        Roles(namespace=where, rules=tuple(grounded(rule, where, granted) for rule in compact(wanted)))
        for where, wanted in sorted(places.items())
    ]
    notes = [f"{count:,} {'request' if count == 1 else 'requests'} left out: {why}" for why, count in left_out.items()]
    requests = sum(use.requests for use in granted)
    return SubjectRoles(subject=subject, roles=tuple(roles), requests=requests, notes=(*notes, *_warnings(granted)))


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
