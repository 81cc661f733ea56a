"""JSON as Go reads it, with the places of all that is in it.

The standard library's parser tells no places, takes what Go refuses (NaN), and recurses. Members stand in the order of
the text, and twice where they are there twice: Go's decoder takes them one after the other.
"""

import re
from bisect import bisect_right
from typing import Any, Final, NoReturn

from auditwake.policy.loading.failure import DecodeError
from auditwake.policy.loading.gotext import quote
from auditwake.policy.loading.tree import MAX_DEPTH, Member, Tree, Value
from auditwake.policy.model import LINE_BREAK, Mark

__all__ = ["is_json", "read_json"]

SPACE: Final = re.compile(r"[ \t\r\n]*")
STRING: Final = re.compile(r'"[^"\\\x00-\x1f]*"')
STRING_PART: Final = re.compile(r'[^"\\\x00-\x1f]*')
NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
WORDS: Final = {"t": ("true", "bool", True), "f": ("false", "bool", False), "n": ("null", "null", None)}
ESCAPES: Final = {
    '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
}  # fmt: skip
HEX_DIGITS: Final = "0123456789abcdefABCDEF"
# Where a text cannot end, as the errors begin.
WITHIN: Final = ("in literal", "in \\u", "in string escape", "in numeric", "after decimal", "in exponent")
# What Go calls space, as it looks for the brace that makes a text JSON. JSON itself has only four of these.
UNICODE_SPACE: Final = " \t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


def is_json(data: bytes) -> bool:
    """Say whether the server takes a text for JSON: the first thing in it is a brace.

    Example:
        >>> is_json(b" {}"), is_json(b"[]"), is_json(b"--- {}")
        (True, False, False)
    """
    return data[:1] == b"{" or data.decode("utf-8", "surrogateescape").lstrip(UNICODE_SPACE)[:1] == "{"


def read_json(data: bytes) -> Tree:
    """Read a JSON text.

    Args:
        data: The text.

    Returns:
        The value.

    Raises:
        DecodeError: It is no JSON.

    Example:
        >>> tree = read_json(b'{"a":[1]}')
        >>> [(member.key, member.value.data[0].data, tree.mark(member.place)) for member in tree.root.data]
        [('a', '1', Mark(line=1, column=2))]
    """
    text = data.decode("utf-8", "surrogateescape")
    starts = [0, *(match.end() for match in LINE_BREAK.finditer(text))]

    def mark(place: Any) -> Mark:  # noqa: ANN401  # an offset
        line = bisect_right(starts, place)
        return Mark(line, place - starts[line - 1] + 1)

    try:
        return Tree(_Scanner(text).document(), mark)
    except DecodeError as failure:
        failure.place = mark(failure.place)
        raise


class _Scanner:
    """Reads values from a text. Nothing recurses: the text may be deep."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def document(self) -> Value:
        root = self.value("looking for beginning of value")
        open_values = [root] if root.kind in {"array", "object"} else []
        while open_values:
            child = self.next_in(open_values[-1])
            if child is None:
                open_values.pop()
            elif child.kind in {"array", "object"}:
                open_values.append(child)
                if len(open_values) > MAX_DEPTH:
                    message = f"invalid character '{self.text[child.place]}' exceeded max depth"
                    raise DecodeError(message, child.place)
        if self.peek():
            self.unexpected("after top-level value")
        return root

    def next_in(self, value: Value) -> Value | None:
        """Read the next item or member of a collection; None at its end."""
        char, is_object = self.peek(), value.kind == "object"
        end, what = ("}", "object key:value pair") if is_object else ("]", "array element")
        if value.data:
            if char not in {",", end}:
                self.unexpected(f"after {what}")
            if char == ",":
                self.at += 1
                char = self.peek()
                end = ""
        if char and char == end:
            self.at += 1
            return None
        if not is_object:
            item = self.value("looking for beginning of value")
            value.data.append(item)
            return item
        if char != '"':
            self.unexpected("looking for beginning of object key string")
        place = self.at
        key = self.string()
        if self.peek() != ":":
            self.unexpected("after object key")
        self.at += 1
        member = Member(key, place, self.value("looking for beginning of value"))
        value.data.append(member)
        return member.value

    def peek(self) -> str:
        """Give the next character that is no space; `""` at the end."""
        match = SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def value(self, expected: str) -> Value:
        """Read a scalar, or the beginning of a collection."""
        char, place = self.peek(), self.at
        if char == '"':
            return Value("string", self.string(), place)
        if char and char in "{[":
            self.at += 1
            return Value("object" if char == "{" else "array", [], place)
        if char in WORDS:
            return self.word(*WORDS[char])
        if char and char in "-0123456789":
            return Value("number", self.number(), place)
        return self.unexpected(expected)

    def word(self, word: str, kind: str, data: Any) -> Value:  # noqa: ANN401  # as `Value`
        place = self.at
        for letter in word:
            if self.text[self.at : self.at + 1] != letter:
                self.unexpected(f"in literal {word} (expecting {_quoted(letter)})")
            self.at += 1
        return Value(kind, data, place)

    def number(self) -> str:
        match = NUMBER.match(self.text, self.at)
        if match is None:
            self.at += 1
            self.unexpected("in numeric literal")
        self.at = match.end()
        char = self.text[self.at : self.at + 1]
        if char == "." and not set(".eE") & set(match[0]):
            self.at += 1
            self.unexpected("after decimal point in numeric literal")
        if char and char in "eE" and not set("eE") & set(match[0]):
            self.at += 1 + (self.text[self.at + 1 : self.at + 2] in {"+", "-"})
            self.unexpected("in exponent of numeric literal")
        return match[0]

    def string(self) -> str:
        match = STRING.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
            return _valid(match[0][1:-1])
        self.at += 1
        parts: list[str] = []
        while True:
            match = STRING_PART.match(self.text, self.at)
            if match is not None:
                parts.append(_valid(match[0]))
                self.at = match.end()
            char = self.text[self.at : self.at + 1]
            if char == '"':
                self.at += 1
                return "".join(parts)
            if char != "\\":
                self.unexpected("in string literal")
            self.at += 1
            parts.append(self.escape())

    def escape(self) -> str:
        char = self.text[self.at : self.at + 1]
        if char != "u":
            if char not in ESCAPES:
                self.unexpected("in string escape code")
            self.at += 1
            return ESCAPES[char]
        self.at += 1
        unit = self.unit()
        if 0xD800 <= unit < 0xDC00 and self.text[self.at : self.at + 2] == "\\u":  # noqa: PLR2004  # a surrogate
            before = self.at
            self.at += 2
            low = self.unit()
            if 0xDC00 <= low < 0xE000:  # noqa: PLR2004  # the other one
                return chr(0x10000 + ((unit - 0xD800) << 10) + low - 0xDC00)
            self.at = before
        return "\ufffd" if 0xD800 <= unit < 0xE000 else chr(unit)  # noqa: PLR2004  # one without the other

    def unit(self) -> int:
        for offset in range(4):
            char = self.text[self.at + offset : self.at + offset + 1]
            if not char or char not in HEX_DIGITS:
                self.at += offset
                self.unexpected("in \\u hexadecimal character escape")
        self.at += 4
        return int(self.text[self.at - 4 : self.at], 16)

    def unexpected(self, where: str) -> NoReturn:
        """Refuse the next character, or the end."""
        char = self.text[self.at : self.at + 1]
        # Go tries a space at the end, to see whether what it reads could end there.
        if not char and where.startswith(WITHIN):
            char = " "
        if not char:
            message = "unexpected end of JSON input"
            raise DecodeError(message, max(self.at - 1, 0))
        # Go looks at bytes.
        byte = chr(char.encode("utf-8", "surrogateescape")[0])
        message = f"invalid character {_quoted(byte)} {where}"
        raise DecodeError(message, min(self.at, len(self.text) - 1))


def _quoted(char: str) -> str:
    if char == "'":
        return r"'\''"
    return "'\"'" if char == '"' else f"'{quote(char)[1:-1]}'"


def _valid(text: str) -> str:
    """Give what Go makes of bytes that are no text: U+FFFD for each."""
    return text if text.isascii() else re.sub("[\udc80-\udcff]", "\ufffd", text)
