"""Grants somewhat more than was seen, where that is asked for."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from auditwake.rbac.permission import Permission

__all__ = ["EXPANSIONS", "Expansion", "expanded"]

Expansion: TypeAlias = Literal["none", "read", "audit2rbac"]
EXPANSIONS: Final = ("none", "read", "audit2rbac")
"""`none`: what was seen; `read`: who reads a resource in one way may in all; `audit2rbac`: as that tool has it."""

READ: Final = ("get", "list", "watch")
VERBS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "read": {"get": ("list", "watch"), "list": ("get", "watch"), "watch": ("get", "list")},
    "audit2rbac": {
        "list": ("get", "watch"),
        "watch": ("get", "list"),
        "update": ("get", "patch"),
        "patch": ("get", "update"),
    },
}

Placed: TypeAlias = tuple[str, Permission]
"""A namespace, `""` for the whole cluster, and what is granted there."""


def expanded(placed: Iterable[Placed], how: Expansion) -> set[Placed]:
    """Add to what was seen.

    Args:
        placed: What was seen, and where.
        how: What is added.

    Example:
        >>> seen = [("web", Permission(verb="list", target="pods"))]
        >>> sorted(one.verb for _, one in expanded(seen, "read"))
        ['get', 'list', 'watch']
    """
    seen = set(placed)
    if how == "none":
        return seen
    wide = _widened(seen) if how == "audit2rbac" else seen
    return {(where, one) for where, permission in wide for one in _with_verbs(permission, VERBS[how])}


def _with_verbs(one: Permission, verbs: Mapping[str, tuple[str, ...]]) -> Iterator[Permission]:
    yield one
    if one.target:
        yield from (replace(one, verb=verb) for verb in verbs.get(one.verb, ()))


def _widened(seen: set[Placed]) -> Iterator[Placed]:
    """Drop the names of what was asked for with several names, and the namespaces alike."""
    names: defaultdict[Placed, set[str]] = defaultdict(set)
    for where, one in seen:
        names[where, replace(one, name="")].add(one.name)
    places: defaultdict[Permission, set[str]] = defaultdict(set)
    for (where, one), found in names.items():
        places[replace(one, name=next(iter(found)) if len(found) == 1 else "")].add(where)
    for one, found in places.items():
        yield next(iter(found)) if len(found) == 1 else "", one
