"""How text looks on a terminal: bold, colour, sizes, and nothing that the log could smuggle in."""

import os
from typing import TextIO

__all__ = ["KILO", "Style", "counted", "escape", "human_bytes", "human_micros", "shorten"]

KILO = 1000


class Style:
    """Bold and colour where the stream is a terminal and `NO_COLOR` is not set; plain text elsewhere.

    Args:
        stream: Where the text goes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._on = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def bold(self, text: str) -> str:
        """Set off a heading."""
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        """Set back what matters less."""
        return self._wrap("2", text)

    def green(self, text: str) -> str:
        """Say that it went well."""
        return self._wrap("32", text)

    def yellow(self, text: str) -> str:
        """Say that it was refused."""
        return self._wrap("33", text)

    def red(self, text: str) -> str:
        """Say that it failed."""
        return self._wrap("31", text)

    def _wrap(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._on else text


def escape(text: str) -> str:
    r"""Show control characters as escapes: names and user agents in a log are chosen by whoever sent the request.

    Example:
        >>> print(escape("x" + chr(27) + "[2J"))
        x\x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def shorten(text: str, width: int) -> str:
    """Cut to a width in characters, with an ellipsis for what is cut.

    Example:
        >>> shorten("replicaset-controller", 8)
        'replica…'
    """
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def counted(count: int, noun: str) -> str:
    """Say how many of something there are.

    Example:
        >>> counted(1, "line"), counted(4716, "row")
        ('1 line', '4,716 rows')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def human_bytes(count: float) -> str:
    """Say a number of bytes in decimal units.

    Example:
        >>> human_bytes(1_234_567)
        '1.2 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < KILO:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= KILO
    return f"{count:,.1f} TB"


def human_micros(micros: int) -> str:
    """Say a duration given in microseconds.

    Example:
        >>> human_micros(1_509_499)
        '1.51 s'
    """
    if micros < KILO:
        return f"{micros} µs"
    if micros < KILO * KILO:
        return f"{micros / KILO:.1f} ms"
    return f"{micros / KILO / KILO:.2f} s"
