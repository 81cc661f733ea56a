"""The parts of a filter."""

from dataclasses import dataclass
from typing import Final, TypeAlias

__all__ = ["NEGATED", "OPERATORS", "Compare", "Every", "Node", "Not", "Some", "kind_of"]

ORDER: Final = frozenset({"=", "!=", "<", "<=", ">", ">="})
OPERATORS: Final = {
    "text": ORDER | {"~", "!~"},
    "texts": frozenset({"=", "!=", "~", "!~"}),
    "number": ORDER,
    "time": ORDER,
    "bool": frozenset({"=", "!="}),
    "opaque": frozenset[str](),
}
"""Kind of a column -> how its values can be compared."""

NEGATED: Final = {"!=": "=", "!~": "~"}
"""Operator that asks for what another one does not match, and that other one."""


@dataclass(frozen=True, slots=True)
class Compare:
    """A column beside a value; None stands for the absence of one."""

    column: str
    kind: str
    operator: str
    value: str | int | bool | None


@dataclass(frozen=True, slots=True)
class Not:
    """What the inner part does not match."""

    inner: "Node"


@dataclass(frozen=True, slots=True)
class Every:
    """What all parts match."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """What one part matches, or more."""

    parts: tuple["Node", ...]


Node: TypeAlias = Compare | Not | Every | Some
"""A part of a filter."""


def kind_of(type_name: str) -> str:
    """Give the kind of a column from the name of its Arrow type.

    Example:
        >>> kind_of("dictionary<int32, utf8>"), kind_of("int16"), kind_of("list<dictionary<int32, utf8>>")
        ('text', 'number', 'texts')
    """
    if type_name.startswith("list<"):
        return "texts"
    if type_name.startswith(("map<", "binary")):
        return "opaque"
    if type_name.startswith("timestamp"):
        return "time"
    if type_name.startswith("int"):
        return "number"
    return "bool" if type_name == "bool" else "text"
