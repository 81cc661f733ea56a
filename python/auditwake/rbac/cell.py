"""What rules grant, in pieces that can be compared: which piece lies within another, and which one is the wider."""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final

from auditwake.rbac.rule import Rule

__all__ = ["Cell", "breadth", "cells", "is_within", "widest_of"]

EVERYTHING: Final = "*"
Cell = tuple[str, str, str, str]
"""A verb, a group, a resource or path, and a name, `""` for every one."""
PATH: Final = "/"
"""Stands where the group of a path would be: no group has a slash in its name."""


def cells(rules: Iterable[Rule], *, paths: bool = True) -> Iterator[Cell]:
    """Give each piece of what rules grant.

    Args:
        rules: The rules.
        paths: Whether paths count, which they do not in a namespace.

    Example:
        >>> list(cells([Rule(verbs=("get",), api_groups=("",), resources=("pods", "pods/log"))]))
        [('get', '', 'pods', ''), ('get', '', 'pods/log', '')]
    """
    for rule in rules:
        if paths:
            # All stars at the end of a path are one, as the server takes them.
            urls = (url.rstrip(EVERYTHING) + EVERYTHING if url.endswith(EVERYTHING) else url for url in rule.urls)
            yield from ((verb, PATH, url, "") for verb, url in product(rule.verbs, urls))
        yield from product(rule.verbs, rule.api_groups, rule.resources, rule.names or ("",))


def is_within(cell: Cell, granted: set[Cell]) -> bool:
    """Whether a piece is granted by one of others, be it by a wildcard.

    Args:
        cell: The piece.
        granted: The others.

    Example:
        >>> is_within(("get", "", "pods/log", "a"), {("get", "*", "*/log", "")})
        True
    """
    return cell in granted or any(one in granted for one in _wider(cell))


def widest_of(granted: set[Cell]) -> set[Cell]:
    """Leave out what another piece grants as well.

    Args:
        granted: All pieces.

    Example:
        >>> widest_of({("get", "", "pods", "a"), ("get", "", "pods", "")})
        {('get', '', 'pods', '')}
    """
    return {one for one in granted if not any(wider in granted for wider in _wider(one))}


def breadth(granted: set[Cell]) -> list[float]:
    """Say how much is granted, to be compared: one wildcard is more than any number of pieces without it.

    What grants strictly less has a lower one.

    Args:
        granted: What `widest_of` gave.

    Example:
        >>> few, wild = {("get", "", "pods", ""), ("get", "", "nodes", "")}, {("get", "", "*", "")}
        >>> breadth(few) < breadth(wild)
        True
    """
    return sorted(map(_width, granted), reverse=True)


def _width(cell: Cell) -> float:
    """Say how wide one piece is: one that lies within another is always the narrower."""
    verb, group, target, name = cell
    wide = float(verb == EVERYTHING)
    if group == PATH:
        # A path that stands for others: the shorter, the more.
        return wide + (1 + 1 / len(target) if target.endswith(EVERYTHING) else 0)
    of_target = 2 if target == EVERYTHING else int(target.startswith("*/"))
    return wide + (group == EVERYTHING) + of_target + (name == "")


def _wider(cell: Cell) -> Iterator[Cell]:
    """Give every piece that grants this one and more."""
    verb, group, target, name = cell
    verbs = (verb, EVERYTHING)
    if group == PATH:
        targets = (target, *(target[:end] + EVERYTHING for end in range(len(target) + 1)))
        found = product(verbs, (PATH,), targets, ("",))
    else:
        _, slash, subresource = target.partition("/")
        targets = (target, EVERYTHING, *((f"*/{subresource}",) if slash else ()))
        found = product(verbs, (group, EVERYTHING), targets, (name, ""))
    return (one for one in found if one != cell)
