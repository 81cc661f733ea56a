"""Roles that exist already and would do: just what is missing, or somewhat more."""

from collections.abc import Collection, Iterable, Iterator
from itertools import product
from typing import Final

from auditwake.rbac.evaluate import Rbac, Role
from auditwake.rbac.generate import Roles
from auditwake.rbac.rule import Rule

__all__ = ["exact_role", "free_name", "wider_role"]

EVERYTHING: Final = "*"
SERVERS: Final = "system:"
Cell = tuple[str, str, str, str]
"""A verb, a group, a resource or path, and a name, `""` for every one."""


def exact_role(place: Roles, rbac: Rbac) -> Role | None:
    """Find a role that grants in a place just what is missing there, and nothing beside it.

    Args:
        place: The place and what is missing.
        rbac: The roles and bindings of the cluster.
    """
    wanted = set(_cells(one.rule for one in place.rules))
    # What is put together from other roles may grant more tomorrow.
    fixed = (role for role in _candidates(place, rbac) if not role.selectors)
    return next((role for role in fixed if set(_cells(rbac.rules_of(role))) == wanted), None)


def wider_role(place: Roles, rbac: Rbac) -> Role | None:
    """Find the role that grants what is missing and the least beside it, without a verb `*`.

    Args:
        place: The place and what is missing.
        rbac: The roles and bindings of the cluster.
    """
    wanted = set(_cells(one.rule for one in place.rules))
    granted = ((role, set(_cells(rbac.rules_of(role)))) for role in _candidates(place, rbac))
    found = [
        (len(cells), str(role), role)
        for role, cells in granted
        if all(verb != EVERYTHING for verb, *_ in cells)
        and all(one in cells or _nameless(one) in cells for one in wanted)
    ]
    return min(found, key=lambda one: one[:2])[2] if found else None


def free_name(name: str, namespace: str, rbac: Rbac, others: Collection[str]) -> str:
    """Give a name that neither a role nor a binding of a place has: applying one would replace what it grants.

    Args:
        name: What it would be called.
        namespace: The place; `""` for the whole cluster.
        rbac: The roles and bindings of the cluster.
        others: What others would be called who are given roles as well.
    """
    taken = {role.name for role in rbac.roles.values() if role.namespace == namespace}
    taken |= {binding.name for binding in rbac.bindings if binding.namespace == namespace}
    number, free = 1, name
    while free in taken or (number > 1 and free in others):
        number += 1
        free = f"{name}-{number}"
    return free


def _candidates(place: Roles, rbac: Rbac) -> Iterable[Role]:
    """Give the roles that can be bound in a place, a Role before a ClusterRole; those of the server are its own."""
    near = (role for role in rbac.roles.values() if role.namespace in {place.namespace, ""})
    near = (role for role in near if not role.name.startswith(SERVERS))
    return sorted(near, key=lambda role: (role.kind == "ClusterRole", role.name))


def _cells(rules: Iterable[Rule]) -> Iterator[Cell]:
    for rule in rules:
        yield from ((verb, "", url, "") for verb, url in product(rule.verbs, rule.urls))
        yield from product(rule.verbs, rule.api_groups, rule.resources, rule.names or ("",))


def _nameless(cell: Cell) -> Cell:
    return (*cell[:3], "")
