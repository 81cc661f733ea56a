"""goyaml's nodes, and the JSON that sigs.k8s.io/yaml makes of them."""

import math
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from auditwake.policy.loading.failure import DecodeError
from auditwake.policy.loading.gotext import float32_text, go_syntax, json_float
from auditwake.policy.loading.resolve import Scalar
from auditwake.policy.loading.tree import Member, Value
from auditwake.policy.model import Issue

__all__ = ["Node", "Open", "flat"]

INT64: Final = 1 << 63
NAN: Final = object()


class Node(Value):
    """A value with what goyaml knows of it beside its JSON.

    Attributes:
        scalar: The value of a scalar.
        size: What goyaml counts for decoding it, aliases followed.
        depth: How many collections are in each other.
        fault: Why it has no JSON, and whether that comes up late; None when it has.
        issues: Keys set twice in it, as a tree of lists; None when there are none.
        settings: All that is set in a mapping, in order, also what is set anew.
        alias: Whether it is said elsewhere.
    """

    __slots__ = ("alias", "depth", "fault", "issues", "scalar", "settings", "size")

    def __init__(self, kind: str, data: Any, place: Any, scalar: Scalar = None) -> None:  # noqa: ANN401  # as `Value`
        super().__init__(kind, data, place)
        self.scalar = scalar
        self.size = 1
        self.depth = 0
        self.fault: tuple[bool, str] | None = None
        self.issues: list[Any] | None = None
        self.settings: list[Setting] | None = None
        self.alias = False

    def to_json(self) -> None:
        """Give a scalar its JSON."""
        scalar = self.scalar
        if isinstance(scalar, str):
            self.kind, self.data = "string", scalar
        elif scalar is None or isinstance(scalar, bool):
            self.kind, self.data = "null" if scalar is None else "bool", scalar
        elif isinstance(scalar, int):
            self.kind, self.data = "number", str(scalar)
        elif math.isfinite(scalar):
            self.kind, self.data = "number", json_float(scalar)
        else:
            self.kind, self.data = "number", ""
            self.fault = (True, f"json: unsupported value: {go_syntax(scalar)}")

    def said_at(self, place: Any) -> "Node":  # noqa: ANN401  # as `Value`
        """Give the node as an alias at another place says it."""
        node = Node(self.kind, self.data, place, self.scalar)
        node.size, node.depth, node.fault = self.size + 1, self.depth, self.fault
        node.issues, node.settings, node.alias = self.issues, self.settings, True
        return node


class Setting(NamedTuple):
    """A key set in a mapping, where it is said, and again wherever that mapping is merged."""

    key: Node
    value: Node


class Open:
    """A collection whose end is yet to come.

    Attributes:
        node: The node that it becomes.
        flow: The bracket that ends it; `""` for one in a block.
        items: What is in a sequence.
        entries: What is in a mapping, by the keys as Go tells them apart.
        key: The key whose value is yet to come.
        merging: Whether that key is `<<`.
        issues: Keys set twice in it, as a tree of lists.
        size: What goyaml counts for it so far.
    """

    __slots__ = ("entries", "flow", "issues", "items", "key", "merging", "node", "settings", "size")

    def __init__(self, node: Node, flow: str) -> None:
        self.node = node
        self.flow = flow
        self.items: list[Node] = []
        self.entries: dict[Any, Setting] = {}
        self.settings: list[Setting] = []
        self.key: Node | None = None
        self.merging = False
        self.issues: list[Any] = []
        self.size = 1

    @property
    def at_key(self) -> bool:
        """Whether a key comes next."""
        return self.key is None and self.node.kind == "object"

    def add(self, node: Node, path: Callable[[], str]) -> None:
        """Take the next node: an item, a key, or the value of the key before it.

        Args:
            node: The node, finished.
            path: Gives where the collection itself stands, as Go names it.

        Raises:
            DecodeError: A key cannot be one, or what is merged is no mapping.
        """
        self.size += node.size
        if self.node.kind == "array":
            self._keep(node)
            self.items.append(node)
        elif self.key is None:
            if node.kind in {"array", "object"}:
                message = f"yaml: invalid map key: {go_syntax(_plain(node))}"
                raise DecodeError(message, node.place)
            self.key = node
        elif self.merging:
            self.key, self.merging = None, False
            self.merge(node, path)
        else:
            key, self.key = self.key, None
            self._keep(node)
            self.set(Setting(key, node), path)

    def merge(self, node: Node, path: Callable[[], str]) -> None:
        """Set here what another mapping sets, or several: the first of them wins, so it comes last."""
        several = node.data if node.kind == "array" and not node.alias else [node]
        for mapping in reversed(several):
            if mapping.settings is None:
                message = "yaml: map merge requires map or sequence of maps as the value"
                raise DecodeError(message, node.place)
            for setting in mapping.settings:
                self._keep(setting.value)
                self.set(setting, path)

    def set(self, setting: Setting, path: Callable[[], str]) -> None:
        """Set a key. The last one wins, and a strict decoder objects to it."""
        scalar = setting.key.scalar
        identity = (_type(scalar), NAN if scalar != scalar else scalar)  # noqa: PLR0124  # so is NaN told
        if identity[1] is NAN:
            identity = (identity[0], setting)
        if identity in self.entries:
            where = f"{path()}.{_key_text(scalar)}".removeprefix(".")
            said = f"line {setting.value.place.line + 1}: key {_nil(go_syntax(scalar))} already set in map"
            self.issues.append(Issue(where, said, setting.key.place))
        self.entries[identity] = setting
        self.settings.append(setting)

    def _keep(self, node: Node) -> None:
        if node.issues is not None:
            self.issues.append(node.issues)

    def where(self) -> str:
        """Give what a path says of the place in this collection that comes next."""
        if self.node.kind == "array":
            return f"[{len(self.items)}]"
        return "" if self.key is None or self.merging else f".{_key_text(self.key.scalar)}"

    def close(self) -> None:
        """Finish the node."""
        node = self.node
        node.size, node.issues = self.size, self.issues or None
        if node.kind == "array":
            node.data = self.items
            self._look_into(self.items)
            return
        node.settings = self.settings
        members: dict[str, Member] = {}
        for key, value in self.entries.values():
            text = key.scalar if isinstance(key.scalar, str) else _key_text(key.scalar)
            members[text] = Member(text, key.place, value)
            if not isinstance(key.scalar, str) and node.fault is None:
                node.fault = _key_fault(key, value)
        node.data = [members[name] for name in sorted(members)]
        self._look_into([member.value for member in node.data])

    def _look_into(self, children: list[Node]) -> None:
        """Take over from the children how deep they are, and what keeps them from being JSON: the early kind first."""
        node, depth = self.node, 0
        for child in children:
            depth = max(depth, child.depth)
            if child.fault is not None and (node.fault is None or child.fault[0] < node.fault[0]):
                node.fault = child.fault
        node.depth = depth + 1


def flat(issues: list[Any] | None) -> Iterator[Issue]:
    """Give the issues of a tree of lists, in order."""
    open_lists = [iter(issues or ())]
    while open_lists:
        found = next(open_lists[-1], None)
        if found is None:
            open_lists.pop()
        elif isinstance(found, list):
            open_lists.append(iter(found))
        else:
            yield found


def _type(scalar: Scalar) -> str:
    """Give the type that Go has for a scalar: keys of different types are different keys."""
    if isinstance(scalar, int) and not isinstance(scalar, bool) and scalar >= INT64:
        return "uint64"
    return type(scalar).__name__


def _key_text(scalar: Scalar) -> str:
    """Give the JSON key for a key of YAML."""
    if isinstance(scalar, str):
        return scalar
    if isinstance(scalar, bool):
        return "true" if scalar else "false"
    return float32_text(scalar) if isinstance(scalar, float) else str(scalar)


def _key_fault(key: Node, value: Node) -> tuple[bool, str] | None:
    """Give why a key cannot stand in JSON: it is null, or too large a number."""
    scalar = key.scalar
    if scalar is not None and _type(scalar) != "uint64":
        return None
    kind, text = ("%!s(<nil>)", "<nil>") if scalar is None else ("uint64", f"{scalar:#x}")
    shown = _nil(go_syntax(_plain(value)))
    return False, f"unsupported map key of type: {kind}, key: {text}, value: {shown}"


def _nil(text: str) -> str:
    return "<nil>" if text == "interface {}(nil)" else text


def _plain(node: Value, depth: int = 0) -> Any:  # noqa: ANN401  # any value of YAML
    """Give a node as plain Python, for messages: what is deep or long is cut."""
    if isinstance(node, Node) and node.kind not in {"array", "object"}:
        return node.scalar
    if depth > 20:  # noqa: PLR2004  # nobody reads that far
        return "..."
    if node.kind == "array":
        return [_plain(item, depth + 1) for item in node.data]
    settings = node.settings if isinstance(node, Node) else None
    return {setting.key.scalar: _plain(setting.value, depth + 1) for setting in settings or ()}
