"""A tree decoded into a type, as sigs.k8s.io/json does it: the errors that it makes, and what strict decoding minds."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from auditwake.policy.loading.failure import DecodeError
from auditwake.policy.loading.gotext import quote
from auditwake.policy.loading.shape import Shape
from auditwake.policy.loading.times import check_time
from auditwake.policy.loading.tree import Tree, Value
from auditwake.policy.model import Issue, Mark

__all__ = ["Decoder", "Slice"]

MOST_ISSUES: Final = 100
INTEGER: Final = re.compile(r"-?[0-9]+")
LONGEST_INTEGER: Final = 20
INT64: Final = range(-(1 << 63), 1 << 63)
ZERO: Final[dict[str, Any]] = {"string": "", "bool": False, "int": 0}


class Slice:
    """A Go slice: decoded into again, it still has its old items, even those beyond its length."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.length = 0

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items[: self.length])


class Decoder:
    """One decoding.

    Attributes:
        issues: What strict decoding minds, in the order in which it comes up.
        marks: Where each key and item stands that the type knows, and each key that it does not.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.issues: list[Issue] = []
        self.marks: dict[str, Mark] = {}
        self._seen: set[str] = set()
        self._path = ""
        self._struct = ""
        self._fields: list[str] = []
        self._failure: DecodeError | None = None
        self._takers = {
            "struct": self._object,
            "slice": self._array,
            "map": self._map,
            "int": self._integer,
            "time": self._time,
        }

    def decode(self, shape: Shape) -> Any:  # noqa: ANN401  # what it is depends on the shape
        """Decode the whole tree.

        Args:
            shape: The type.

        Returns:
            A dict for a struct, a `Slice`, a str, int or bool; None for nil.

        Raises:
            DecodeError: A value is of a wrong type.
        """
        if self.tree.root.place is not None:
            self.marks[""] = self.tree.mark(self.tree.root.place)
        decoded = self._value(shape, self.tree.root, {})
        if self._failure is not None:
            raise self._failure
        return decoded

    def _value(self, shape: Shape, value: Value, old: Any) -> Any:  # noqa: ANN401  # as `decode`
        """Decode a value over what is there already."""
        if value.kind == "null":
            return None if shape.nullable else old
        if shape.kind in {"string", "bool"}:
            return value.data if value.kind == shape.kind else self._mismatch(shape, value, old)
        take = self._takers.get(shape.kind)
        return old if take is None else take(shape, value, old)

    def _object(self, shape: Shape, value: Value, old: Any) -> Any:  # noqa: ANN401  # as `decode`
        if value.kind != "object":
            return self._mismatch(shape, value, old)
        new = {} if old is None else old
        seen: set[str] = set()
        for key, place, member in value.data:
            field = shape.fields.get(key)
            path = f"{self._path}.{key}" if self._path else key
            self.marks[path] = self.tree.mark(place)
            if field is None:
                self._mind("unknown field", path)
                continue
            if key in seen:
                self._mind("duplicate field", path)
            seen.add(key)
            with self._within(path, shape, key):
                new[key] = self._value(field, member, new.get(key, _zero(field)))
        return new

    @contextmanager
    def _within(self, path: str, shape: Shape, key: str) -> Iterator[None]:
        """Say in errors that they are of a field. One that ends the decoding leaves it so."""
        before = self._path, self._struct, len(self._fields)
        self._path, self._struct = path, shape.name.rpartition(".")[2]
        self._fields += [shape.embedded[key], key] if key in shape.embedded else [key]
        yield
        self._path, self._struct = before[:2]
        del self._fields[before[2] :]

    def _array(self, shape: Shape, value: Value, old: Any) -> Any:  # noqa: ANN401  # as `decode`
        if value.kind != "array" or shape.item is None:
            return self._mismatch(shape, value, old)
        new = Slice() if old is None or not value.data else old
        path = self._path
        for index, item in enumerate(value.data):
            self._path = f"{path}[{index}]"
            self.marks[self._path] = self.tree.mark(item.place)
            if index == len(new.items):
                new.items.append(_zero(shape.item))
            new.items[index] = self._value(shape.item, item, new.items[index])
        self._path = path
        new.length = len(value.data)
        return new

    def _map(self, shape: Shape, value: Value, old: Any) -> Any:  # noqa: ANN401  # as `decode`
        if value.kind != "object" or shape.item is None:
            return self._mismatch(shape, value, old)
        path, seen = self._path, set()
        for key, place, member in value.data:
            self._path = f"{path}.{key}"
            self.marks[self._path] = self.tree.mark(place)
            if key in seen:
                self._mind("duplicate field", self._path)
            seen.add(key)
            self._value(shape.item, member, None)
        self._path = path
        return old

    def _integer(self, shape: Shape, value: Value, old: Any) -> Any:  # noqa: ANN401  # as `decode`
        if value.kind != "number":
            return self._mismatch(shape, value, old)
        text: str = value.data
        fits = INTEGER.fullmatch(text) is not None and len(text) <= LONGEST_INTEGER and int(text) in INT64
        return int(text) if fits else self._mismatch(shape, value, old, f"number {text}")

    def _time(self, _shape: Shape, value: Value, old: Any) -> Any:  # noqa: ANN401  # as `decode`
        """Check a time. It decodes itself, and an error of that ends the decoding at once."""
        if value.kind != "string":
            raise self._wrong(value.kind, "string", value)
        failure = check_time(value.data)
        if failure is not None:
            raise DecodeError(failure, value.place)
        return old

    def _mismatch(self, shape: Shape, value: Value, old: Any, found: str | None = None) -> Any:  # noqa: ANN401
        """Keep the first value of a wrong type as the error that it is, and go on."""
        if self._failure is None:
            self._failure = self._wrong(found or value.kind, shape.name, value)
        return old

    def _wrong(self, found: str, wanted: str, value: Value) -> DecodeError:
        where = f"struct field {self._struct}.{'.'.join(self._fields)}" if self._fields else "value"
        return DecodeError(f"json: cannot unmarshal {found} into Go {where} of type {wanted}", value.place)

    def _mind(self, what: str, path: str) -> None:
        message = f"{what} {quote(path)}"
        if message not in self._seen and len(self.issues) < MOST_ISSUES:
            self._seen.add(message)
            self.issues.append(Issue(path, message, self.marks[path]))


def _zero(shape: Shape) -> Any:  # noqa: ANN401  # as `Decoder.decode`
    if shape.nullable:
        return None
    return {} if shape.kind == "struct" else ZERO.get(shape.kind)
