"""YAML to nodes with their places. Nothing recurses, and no text can make it take much time or memory.

It reads what Go's yaml reads for the Agent: booleans of YAML 1.1, merge keys and aliases; no tags, one document.
"""

import re
from typing import Any, Final

import yaml

from auditwake.forwarder.config.document import Mark, Member, Node

__all__ = ["DEEPEST", "LARGEST", "TextError", "decode", "parse"]

LARGEST: Final = 1 << 20
DEEPEST: Final = 32
MOST_NODES: Final = 50_000

PARSER: Final[Any] = getattr(yaml, "CSafeLoader", None) or yaml.SafeLoader
NUMBER: Final = re.compile(
    r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F]+|0o?[0-7]+|(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)"
)
UNPRINTABLE: Final = re.compile("[^\\t\\n\\r\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
TRUE: Final = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"}
FALSE: Final = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}
NULL: Final = {"", "~", "null", "Null", "NULL"}
MERGE: Final = "<<"


class TextError(Exception):
    """The text cannot be read: what is wrong, what to do, and where, if that is known."""

    def __init__(self, *, what: str, remedy: str, place: Mark | None = None) -> None:
        super().__init__(what)
        self.message, self.remedy, self.place = what, remedy, place


def decode(data: bytes) -> str:
    """Give the text of a file.

    Raises:
        TextError: It is too large, no UTF-8, or holds NULs.
    """
    if len(data) > LARGEST:
        message = f"is larger than {LARGEST // 1024} KiB"
        raise TextError(what=message, remedy="a configuration is a small text file: is this the log itself?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        place = Mark(before.count(b"\n") + 1, len(before.rpartition(b"\n")[2].decode(errors="replace")) + 1)
        raise TextError(what="is not UTF-8", remedy="save it as UTF-8", place=place) from None
    odd = UNPRINTABLE.search(text)
    if odd is not None:
        before_it = text[: odd.start()]
        place = Mark(before_it.count("\n") + 1, len(before_it.rpartition("\n")[2]) + 1)
        what = "a NUL" if odd[0] == "\0" else f"the character U+{ord(odd[0]):04X}, which YAML does not allow"
        raise TextError(what=f"holds {what}", remedy="it is damaged, or not UTF-8: write it anew as UTF-8", place=place)
    return text


def parse(text: str) -> Node:
    """Read the one document of a YAML text.

    Raises:
        TextError: It is no YAML, or more than a configuration may be.

    Example:
        >>> [(one.key, one.node.value, one.node.start) for one in parse("a: 1").value]
        [('a', 1, Mark(line=1, column=4))]
    """
    parser = None
    try:
        parser = PARSER(text)
        return _Reading(parser).document()
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, text) from None
    except yaml.YAMLError:
        raise TextError(what="is no YAML", remedy="write it anew as UTF-8") from None
    finally:
        if parser is not None:
            parser.dispose()


def _syntax(error: yaml.MarkedYAMLError, text: str) -> TextError:
    """Give an error of the parser, with what is most likely its cause."""
    mark = error.problem_mark or error.context_mark
    if "nesting depth" in (error.problem or ""):
        return _too_deep(_mark(mark))
    remedy = "check indentation, quotes and colons here and in the line above"
    if _at_tab(text, mark):
        remedy = "YAML takes spaces for indentation, no tabs"
    return TextError(what=_problem(error), remedy=remedy, place=_mark(mark))


def _too_deep(place: Mark | None) -> TextError:
    remedy = "no key of a configuration is so deep: look for a bracket that is not closed"
    return TextError(what=f"is nested more than {DEEPEST} deep", remedy=remedy, place=place)


def _problem(error: yaml.MarkedYAMLError) -> str:
    """Give the words of the parser that quote nothing of the text."""
    parts = [re.sub(r"'[^']{2,}'|\"[^\"]{2,}\"", "...", part) for part in (error.context, error.problem) if part]
    return f"is no YAML: {', '.join(parts)}"


def _at_tab(text: str, place: Any) -> bool:  # noqa: ANN401  # a mark of PyYAML; its two parsers have two classes for it
    lines = text.split("\n")
    return place is not None and place.line < len(lines) and "\t" in lines[place.line][: place.column + 1]


def _place(mark: Any) -> Mark:  # noqa: ANN401  # as above
    return Mark(mark.line + 1, mark.column + 1)


def _mark(place: Any) -> Mark | None:  # noqa: ANN401  # as above
    return None if place is None else Mark(place.line + 1, place.column + 1)


class _Open:
    """A collection whose end has not come."""

    def __init__(self, kind: str, start: Mark, anchor: str | None) -> None:
        self.kind, self.start, self.anchor = kind, start, anchor
        self.items: list[Node] = []
        self.members: dict[str, Member] = {}
        self.merged: list[Node] = []
        self.key: tuple[str, Mark, bool] | None = None
        self.size = 1

    def add(self, node: Node, *, plain: bool = False) -> None:
        """Take a value, or the key of the next one."""
        self.size += node.size
        if self.kind == "list":
            self.items.append(node)
        elif self.key is None:
            self.key = (_key(node), node.start, plain)
        else:
            (key, place, was_plain), self.key = self.key, None
            self.put(Member(key, place, node), merge=key == MERGE and was_plain)

    def put(self, member: Member, *, merge: bool) -> None:
        if merge:
            self.merged += node.value if (node := member.node).kind == "list" else [node]
            return
        if member.key in self.members:
            first = self.members[member.key].place
            message = f"the key stands here again, first in line {first.line}, column {first.column}"
            raise TextError(
                what=message, remedy="remove one of them: only one of the two values can be meant", place=member.place
            )
        self.members[member.key] = member

    def close(self, end: Mark) -> Node:
        if self.kind == "list":
            return Node("list", tuple(self.items), "", self.start, end, self.size)
        for node in self.merged:
            if node.kind != "map":
                message = f"only maps can be merged, and this is {node.called}"
                raise TextError(what=message, remedy="write the keys out", place=node.start)
            for member in node.value:
                self.members.setdefault(member.key, member)
        return Node("map", tuple(self.members.values()), "", self.start, end, self.size)


def _key(node: Node) -> str:
    if node.kind in {"map", "list"}:
        message = f"a key is a word, and this is {node.called}"
        raise TextError(what=message, remedy="put a value with braces or brackets into quotes", place=node.start)
    return node.text


class _Reading:
    """One pass over the events of a text."""

    def __init__(self, parser: Any) -> None:  # noqa: ANN401  # two classes that share no type
        self.parser = parser
        self.open: list[_Open] = []
        self.anchors: dict[str, Node | None] = {}

    def document(self) -> Node:
        root: Node | None = None
        documents = 0
        while not isinstance(event := self.parser.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    message = "a second document begins here"
                    raise TextError(
                        what=message,
                        remedy="one file holds one: put the other into a file of its own",
                        place=_mark(event.start_mark),
                    )
            node = self.event(event)
            if node is not None:
                plain = isinstance(event, yaml.ScalarEvent) and event.implicit[0]
                if self.open:
                    self.open[-1].add(node, plain=plain)
                else:
                    root = node
                self.bound(node)
        return root or Node("null", None, "", Mark(1, 1), Mark(1, 1))

    def bound(self, node: Node) -> None:
        size = sum(one.size for one in self.open) or node.size
        if size > MOST_NODES:
            message = f"grows to more than {MOST_NODES:,} values"
            raise TextError(what=message, remedy="write it with fewer aliases, or as several files", place=node.start)

    def event(self, event: Any) -> Node | None:  # noqa: ANN401  # one of a dozen classes
        """Take one event; give the value that it completes."""
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            return self.value(event)
        if isinstance(event, yaml.CollectionEndEvent):
            done = self.open.pop()
            return self.named(done.anchor, done.close(_place(event.end_mark)))
        return None

    def value(self, event: Any) -> Node | None:  # noqa: ANN401  # one of three classes
        start = _place(event.start_mark)
        if event.tag not in {None, "!"}:
            raise TextError(
                what="tags have no meaning here", remedy="remove the word that begins with '!'", place=start
            )
        if isinstance(event, yaml.ScalarEvent):
            end = _place(event.end_mark)
            return self.named(event.anchor, _scalar(event.value, start, end, plain=event.implicit[0]))
        if len(self.open) >= DEEPEST:
            raise _too_deep(start)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.open.append(_Open("map" if isinstance(event, yaml.MappingStartEvent) else "list", start, event.anchor))
        return None

    def named(self, anchor: str | None, node: Node) -> Node:
        if anchor is not None:
            self.anchors[anchor] = node
        return node

    def alias(self, event: Any) -> Node:  # noqa: ANN401  # an event of either parser
        node = self.anchors.get(event.anchor)
        if node is not None:
            return node
        place = _mark(event.start_mark)
        if event.anchor in self.anchors:
            raise TextError(what="an alias stands in what it names", remedy="write the value out", place=place)
        raise TextError(
            what="an alias names nothing", remedy="name the value with & before it is used with *", place=place
        )


def _scalar(text: str, start: Mark, end: Mark, *, plain: bool) -> Node:
    """Give a scalar its type, as the Agent's YAML does."""
    if not plain:
        return Node("string", text, text, start, end)
    if text in NULL:
        return Node("null", None, text, start, end)
    if text in TRUE or text in FALSE:
        return Node("boolean", text in TRUE, text, start, end)
    if NUMBER.fullmatch(text):
        return Node("number", _number(text), text, start, end)
    return Node("string", text, text, start, end)


def _number(text: str) -> int | float:
    digits = text.replace("_", "")
    try:
        if re.fullmatch(r"[-+]?0[0-7]+", digits):
            return int(digits, 8)
        return int(digits, 0)
    except ValueError:
        return float(digits)
