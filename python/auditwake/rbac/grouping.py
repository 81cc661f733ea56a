"""What may be bound to a group: that which every member that was seen needs."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from auditwake.rbac.expand import Placed
from auditwake.rbac.subject import NODES, SUPERUSERS, Subject
from auditwake.rbac.use import Use

__all__ = ["EVERYBODYS", "Members", "shared"]

EVERYBODYS: Final = ("system:authenticated", "system:unauthenticated", "system:serviceaccounts")
"""Groups that somebody is in without having been put there: they have to be asked for by name."""
LEAST: Final = 2
"""Members that have to be seen: of one, nobody can say whether it is the group's use or that member's own."""


class Members:
    """Who was seen in which group.

    Args:
        uses: All that was asked, allowed or not.
        groups: Names of groups that may be bound to, with `*` for any characters; none for all but those of everybody.

    Example:
        >>> from auditwake import demo, rbac
        >>> members = Members(rbac.observe(demo.LOG).uses, ["dev"])
        >>> sorted(subject.name for subject in members.of["dev"])
        ['alice@example.com', 'bob@example.com']
    """

    def __init__(self, uses: Iterable[Use], groups: Sequence[str] = ()) -> None:
        ever: defaultdict[str, set[Subject]] = defaultdict(set)
        always: dict[Subject, frozenset[str]] = {}
        for use in uses:
            subject = Subject.of(use.user)
            always[subject] = always.get(subject, frozenset(use.groups)) & frozenset(use.groups)
            for group in use.groups:
                ever[group].add(subject)
        self._always = always
        chosen = {group for group in ever if _is_chosen(group, groups)} - {SUPERUSERS, NODES}
        self.of: Mapping[str, frozenset[Subject]] = {
            group: frozenset(ever[group]) for group in sorted(chosen) if len(ever[group]) >= LEAST
        }
        """Group -> who was seen in it, for groups that may be bound to."""

    def is_always(self, subject: Subject, group: str) -> bool:
        """Whether a subject was in a group whenever it was seen: only then a binding to it would have done.

        Args:
            subject: Who was seen.
            group: The group.
        """
        return group in self._always.get(subject, ())


def _is_chosen(group: str, names: Sequence[str]) -> bool:
    return any(fnmatchcase(group, name) for name in names) if names else group not in EVERYBODYS


def shared(needs: Mapping[Subject, Collection[Placed]], members: Members) -> dict[str, dict[Subject, set[Placed]]]:
    """Say what is bound to groups: never what a member that was seen does not need.

    Args:
        needs: What each subject needs.
        members: Who was seen in which group.

    Returns:
        Group -> who no longer needs what by themselves.
    """
    having = _having(needs)
    found: defaultdict[str, defaultdict[Subject, set[Placed]]] = defaultdict(lambda: defaultdict(set))
    for one in sorted(having):
        allowed = {subject for wider in _as_wide(one) for subject in having.get(wider, ())}
        left = having[one]
        for group in _widest(members, allowed):
            spared = {subject for subject in left & members.of[group] if members.is_always(subject, group)}
            if len(spared) >= LEAST:
                left = left - spared
                for subject in spared:
                    found[group][subject].add(one)
    return {group: dict(spared) for group, spared in sorted(found.items())}


def _having(needs: Mapping[Subject, Collection[Placed]]) -> dict[Placed, frozenset[Subject]]:
    having: defaultdict[Placed, set[Subject]] = defaultdict(set)
    for subject, placed in needs.items():
        for one in placed:
            having[one].add(subject)
    return {one: frozenset(subjects) for one, subjects in having.items()}


def _as_wide(placed: Placed) -> Iterator[Placed]:
    """Give what grants just this, or more of the same: in every namespace, with every name."""
    where, permission = placed
    nameless = replace(permission, name="")
    yield from dict.fromkeys((place, one) for place in (where, "") for one in (permission, nameless))


def _widest(members: Members, allowed: Collection[Subject]) -> list[str]:
    """Give the groups of which nobody was seen who is not among these, the one with the most members first."""
    fitting = [group for group, seen in members.of.items() if seen <= set(allowed)]
    return sorted(fitting, key=lambda group: (-len(members.of[group]), group))
