"""A file of the configuration: its bytes, its lines, and which parts of them are secrets."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["KEY_IN_QUERY", "MASK", "Document", "Mark", "Member", "Node", "masked_urls", "scalars"]

MASK = "***"
WIDEST = 120
CREDENTIALS = re.compile(r"://[^\s?#'\"]*@")
KEY_IN_QUERY = re.compile(
    r"([?&;][\w.-]*(?:key|token|secret|passw(?:or)?d|auth|sig|signature|credential)[\w.-]*=)([^&;\s#'\"]+)",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\s:,\[\]{}#'\"-][^\s:,\[\]{}'\"]*")


class Mark(NamedTuple):
    """A place in a file: line and column, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a file.

    Attributes:
        kind: `map`, `list`, `string`, `number`, `boolean` or `null`.
        value: Of a map its members, of a list its nodes, else the value itself.
        text: Of a scalar, how it is written.
        start: Where it begins.
        end: Where it ends.
        size: Nodes in it, aliases followed.
    """

    kind: str
    value: Any
    text: str
    start: Mark
    end: Mark
    size: int = 1

    @property
    def called(self) -> str:
        """What a message calls it."""
        return "nothing" if self.kind == "null" else f"a {self.kind}"


class Member(NamedTuple):
    """A key of a map, with its value."""

    key: str
    place: Mark
    node: Node


@dataclass(slots=True)
class Document:
    """A file that was read.

    Attributes:
        path: The file.
        integration: Name of the integration that it configures.
        lines: Its lines.
        root: Its value; None where it is no YAML.
        masks: What no message shows.
        ends: Where the values of a line end.
    """

    path: Path
    integration: str
    lines: list[str] = field(default_factory=list)
    root: Node | None = None
    masks: list[tuple[Mark, Mark]] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)

    def mask(self, node: Node) -> None:
        """Never show this value, nor anything in it."""
        self.masks += [(one.start, one.end) for one in scalars(node)]

    def settle(self) -> None:
        """Note where each line ends that has a value: what stands behind it is a comment."""
        for one in scalars(self.root) if self.root else ():
            self.ends[one.end.line] = max(self.ends.get(one.end.line, 0), one.end.column - 1)

    def show(self, place: Mark, known: frozenset[str] | None = None) -> str:
        """Give the line of a place with a caret under it, secrets masked.

        Args:
            place: The place.
            known: The only words that may be shown: where the text is no YAML, nobody knows what is a secret in it.
        """
        if not 1 <= place.line <= len(self.lines):
            return ""
        line, caret = self._masked(place)
        if known is not None:
            line, caret = _only(known, line, caret)
        line, caret = _replaced(CREDENTIALS, f"://{MASK}@", line, caret)
        line, caret = _replaced(KEY_IN_QUERY, rf"\1{MASK}", line, caret)
        # A long line is shown around the place.
        first = max(caret - WIDEST // 2, 0)
        shown = "".join(one if one.isprintable() else " " for one in line[first:][:WIDEST])
        return f"  | {shown}\n  | {' ' * (caret - first)}^"

    def _masked(self, place: Mark) -> tuple[str, int]:
        """Give the line of a place without what is masked, and where in it the place then is."""
        line, caret = self.lines[place.line - 1], place.column - 1
        end = self.ends.get(place.line, 0)
        line = line[:end] + line[end:].partition("#")[0].rstrip()
        for begin, end in reversed(_spans(self.masks, place.line, len(line))):
            line = line[:begin] + MASK + line[end:]
            if caret >= end:
                caret += len(MASK) - (end - begin)
            elif caret > begin:
                caret = begin
        return line, caret


def scalars(node: Node) -> Iterator[Node]:
    """Give each scalar in a value, keys left out; what several aliases name once."""
    waiting, seen = [node], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if one.kind == "map":
            waiting += [member.node for member in one.value]
        elif one.kind == "list":
            waiting += one.value
        else:
            yield one


def masked_urls(text: str) -> str:
    """Take the credentials and the keys of a query out of what may be a URL.

    Example:
        >>> masked_urls("http://user:pass@proxy:3128/?api_key=abc&page=2")
        'http://***@proxy:3128/?api_key=***&page=2'
    """
    return KEY_IN_QUERY.sub(rf"\1{MASK}", CREDENTIALS.sub(f"://{MASK}@", text))


def _spans(masks: list[tuple[Mark, Mark]], line: int, width: int) -> list[tuple[int, int]]:
    """Give what is masked in a line, in order, with no overlap."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted(masks):
        if not start.line <= line <= end.line:
            continue
        begin = start.column - 1 if start.line == line else 0
        stop = min(end.column - 1 if end.line == line else width, width)
        if spans and begin < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(stop, spans[-1][1]))
        elif begin < stop:
            spans.append((begin, stop))
    return spans


def _only(known: frozenset[str], line: str, caret: int) -> tuple[str, int]:
    for match in reversed(list(WORD.finditer(line))):
        if match[0] not in known:
            line, caret = _put(line, caret, match, MASK)
    return line, caret


def _replaced(pattern: re.Pattern[str], text: str, line: str, caret: int) -> tuple[str, int]:
    for match in reversed(list(pattern.finditer(line))):
        line, caret = _put(line, caret, match, match.expand(text))
    return line, caret


def _put(line: str, caret: int, match: re.Match[str], text: str) -> tuple[str, int]:
    if caret >= match.end():
        caret += len(text) - len(match[0])
    elif caret > match.start():
        caret = match.start()
    return line[: match.start()] + text + line[match.end() :], caret
