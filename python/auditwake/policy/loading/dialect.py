"""Where libyaml has moved on and the server's port of it has not.

The server's goyaml is a port of libyaml as it was. What libyaml takes since then is refused here, in the server's
words; what it no longer takes is put before it in a form that it takes. A text for which neither is possible is refused
in our own words: its meaning would not be the server's.
"""

import re
from typing import Any, Final

from auditwake.policy.loading.failure import DecodeError
from auditwake.policy.model import LINE_BREAK

__all__ = ["Dialect", "ReadAnewError", "decode", "utf_8"]

BOM: Final = "\ufeff"
BOMS: Final = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}

# What libyaml refuses and goyaml takes: what it says, what stands there, what is put there, and what that means. The
# stand-ins are characters for private use; a text that has one of its own is left as it is.
BOM_AS: Final = "\uf8f0"
STAND_INS: Final = (
    # A colon at the end of a plain scalar in brackets is a part of it.
    ("found unexpected ':'", r":", "\uf8f1", ":"),
    # A single quote needs no escape, and may have one.
    ("found unknown escape character", r"\\(?=')", "\uf8f2", ""),
    # A comma and brackets are a part of a tag. Such a tag has no meaning, whatever it is.
    ("did not find expected whitespace or line break", r"[,\[\]]", "_", "_"),
    ("did not find expected tag URI", r"[,\[\]]", "_", "_"),
)
# Where there is one such colon there may be many. What is quoted or a comment is none the worse for it.
COLONS: Final = re.compile(r"(?<=[-\w./]):(?=[,?\[\]{}])")
# The text is read anew after each change: so many characters in all.
MOST_READ_ANEW: Final = 1 << 20

ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
TAG: Final = re.compile(r"(?:&[-\w]+\s+)?![-\w;/?:@&=+$.!~*'()%#]*", re.ASCII)
VERBATIM_TAG: Final = re.compile(r"(?:&[-\w]+\s+)?!<[^>\s]*>", re.ASCII)


class ReadAnewError(Exception):
    """The text was changed: it has to be read again."""


class Dialect:
    """A text, and what is special in it.

    Attributes:
        text: The text, decoded. It is what marks are about; bytes that are no text are U+FFFD.
        data: The text as libyaml reads it.
    """

    def __init__(self, data: bytes) -> None:
        self.data: bytes | str = data
        self.text = decode(data)
        self._exact = "\ufffd" not in self.text
        self._back: dict[int, str] = {}
        self._read_anew = 0
        if BOM in self.text and self._exact and BOM_AS not in self.text:
            # libyaml drops it at the beginning of a line, where it is a character like others to goyaml.
            self.data = self.text.replace(BOM, BOM_AS)
            self._back[ord(BOM_AS)] = BOM

    def start(self) -> None:
        """Refuse what cannot be read as the server reads it.

        Raises:
            DecodeError: The text begins with two byte order marks.
        """
        if self.text.startswith(BOM):
            message = "yaml: two byte order marks: the server would lose the first character of lines"
            raise DecodeError(message)

    def takes(self, problem: str, index: int) -> bool:
        """Say whether the text was changed so that libyaml may now take what it refused, as goyaml does.

        Args:
            problem: What libyaml says.
            index: Where, in characters.
        """
        for said, pattern, stand_in, meant in STAND_INS:
            if problem == said and re.compile(pattern).match(self.text, index):
                return self._change(index, stand_in, meant)
        return False

    def _change(self, index: int, stand_in: str, meant: str) -> bool:
        private = stand_in != meant
        self._read_anew += len(self.text)
        if not self._exact or self._read_anew > MOST_READ_ANEW:
            return False
        if private and stand_in in self.text:
            return False
        text = self.data if isinstance(self.data, str) else self.text
        text = text[:index] + stand_in + text[index + 1 :]
        self.data = COLONS.sub(stand_in, text) if meant == ":" else text
        if private:
            self._back[ord(stand_in)] = meant
        return True

    def at(self, index: int) -> str:
        """Give the character at an index."""
        return self.text[index : index + 1]

    def value(self, event: Any, flow: str) -> str:  # noqa: ANN401  # a scalar event of PyYAML
        """Give the value of a scalar.

        Args:
            event: The scalar.
            flow: The bracket that ends the collection around it; `""` in a block.

        Raises:
            DecodeError: goyaml would not take it.
        """
        value: str = event.value.translate(self._back) if self._back else event.value
        if event.style == '"':
            if "/" in value:
                self._escapes(event)
        elif flow and not event.style and "?" in value:
            line = event.start_mark.line
            message = f"yaml: {f'line {line}: ' if line else ''}did not find expected ',' or '{flow}'"
            raise DecodeError(message)
        return value

    def tag(self, event: Any, flow: str) -> None:  # noqa: ANN401  # an event of PyYAML
        """Check the tag of an event in a flow collection.

        Raises:
            ReadAnewError: The tag goes on where libyaml ends it.
            DecodeError: goyaml would not take it.
        """
        start = event.start_mark.index
        if not flow or self.text[start : start + 1] not in {"!", "&"}:
            return
        text = self.data if isinstance(self.data, str) else self.text
        verbatim = VERBATIM_TAG.match(text, start)
        match = verbatim or TAG.match(text, start)
        if match is None or text[match.end() : match.end() + 1] not in {",", "[", "]"}:
            return
        if not verbatim and self._change(match.end(), "_", "_"):
            raise ReadAnewError
        line = event.start_mark.line
        where = f"line {line + 1}: " if line else ""
        message = f"yaml: {where}did not find expected whitespace or line break"
        raise DecodeError(message)

    def _escapes(self, event: Any) -> None:  # noqa: ANN401  # as `value`
        start = event.start_mark.index
        for match in ESCAPE.finditer(self.text, start, event.end_mark.index):
            if match[1] == "/":
                line = event.start_mark.line + len(LINE_BREAK.findall(self.text, start, match.start()))
                where = f"line {line + 1}: " if line else ""
                message = f"yaml: {where}found unknown escape character"
                raise DecodeError(message)


def decode(data: bytes) -> str:
    r"""Decode a text as YAML does, without its byte order mark; bytes that are no text give U+FFFD each.

    Example:
        >>> decode(b"\xff\xfea\x00"), decode(b"a\xff") == "a\ufffd"
        ('a', True)
    """
    for bom, encoding in BOMS.items():
        if data.startswith(bom):
            return utf_8(data[len(bom) :]) if encoding == "utf-8" else data[len(bom) :].decode(encoding, "replace")
    return utf_8(data)


def utf_8(data: bytes) -> str:
    r"""Decode UTF-8 as Go does: a byte that is no text gives one U+FFFD.

    Example:
        >>> len(utf_8(b"\xe2\x82"))
        2
    """
    text = data.decode("utf-8", "surrogateescape")
    return text if text.isascii() else re.sub("[\udc80-\udcff]", "\ufffd", text)
