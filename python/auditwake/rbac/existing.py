"""Roles that exist already and would do: just what is missing, or somewhat more."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from auditwake.rbac.cell import Cell, breadth, cells, is_within, widest_of
from auditwake.rbac.evaluate import Rbac, Role
from auditwake.rbac.generate import Roles

__all__ = ["exact_role", "free_name", "wider_role"]

EVERYTHING: Final = "*"
SERVERS: Final = "system:"


def exact_role(place: Roles, rbac: Rbac) -> Role | None:
    """Find a role that grants in a place just what is missing there, and nothing beside it.

    Args:
        place: The place and what is missing.
        rbac: The roles and bindings of the cluster.
    """
    wanted = widest_of(_wanted(place))
    # What is put together from other roles may grant more tomorrow.
    fixed = ((role, granted) for role, granted in _sufficient(place, rbac) if not role.selectors)
    return next((role for role, granted in fixed if granted == wanted), None)


def wider_role(place: Roles, rbac: Rbac) -> Role | None:
    """Find the role that grants what is missing and the least beside it, without a verb `*`.

    A role with wildcards is named only where none without them would do.

    Args:
        place: The place and what is missing.
        rbac: The roles and bindings of the cluster.
    """
    found = (
        (breadth(granted), str(role), role)
        for role, granted in _sufficient(place, rbac)
        if all(verb != EVERYTHING for verb, *_ in granted)
    )
    best = min(found, key=lambda one: one[:2], default=None)
    return best[2] if best else None


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


def _sufficient(place: Roles, rbac: Rbac) -> Iterator[tuple[Role, set[Cell]]]:
    """Give the roles that grant all that is missing in a place, and what each grants there."""
    wanted = _wanted(place)
    for role in _candidates(place, rbac):
        granted = set(cells(rbac.rules_of(role), paths=not place.namespace))
        if all(is_within(one, granted) for one in wanted):
            yield role, widest_of(granted)


def _wanted(place: Roles) -> set[Cell]:
    return set(cells(one.rule for one in place.rules))
