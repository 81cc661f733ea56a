"""A text as a tree of JSON values that know where they stand: what both YAML and JSON are read into."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from auditwake.policy.model import Issue, Mark

__all__ = ["MAX_DEPTH", "Member", "Tree", "Value"]

MAX_DEPTH: Final = 10_000  # what Go's JSON decoder takes


class Value:
    """One value.

    Attributes:
        kind: `null`, `bool`, `number`, `string`, `array` or `object`.
        data: None, a bool, the text of a number, a string, the items, or the members.
        place: Where it stands, as `Tree.mark` takes it.
    """

    __slots__ = ("data", "kind", "place")

    def __init__(self, kind: str, data: Any, place: Any) -> None:  # noqa: ANN401  # what it is depends on `kind`
        self.kind = kind
        self.data = data
        self.place = place


class Member(NamedTuple):
    """A member of an object: its key, where the key stands, and its value."""

    key: str
    place: Any
    value: Value


class Tree(NamedTuple):
    """A whole text.

    Attributes:
        root: The value.
        mark: Gives the mark of a place.
        duplicates: Keys that are set twice, where the text is YAML. In JSON, members stand as they are.
        depth: How many collections are in each other, where the text is YAML.
    """

    root: Value
    mark: Callable[[Any], Mark]
    duplicates: tuple[Issue, ...] = ()
    depth: int = 0
