"""Text tables that fit their terminal."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from auditwake.cli.style import Style, escape, shorten

__all__ = ["Table", "fitting", "terminal_width", "text_table"]

GAP = "  "
WIDEST = 48
NARROWEST = 6


class Table:
    """Lines of a table whose widths are set by its first rows, so that it can be printed while it is read.

    Args:
        names: Headings of the columns.
        sample: The rows that set the widths.
        width: Characters of a line; a column is cut for it, the widest first. None for no limit.
        right: Headings of the columns that are set flush right: numbers.
    """

    def __init__(
        self, names: Sequence[str], sample: Sequence[Sequence[str]], width: int | None = None, right: Iterable[str] = ()
    ) -> None:
        self._names = names
        self._right = [name in set(right) for name in names]
        self._widths = _natural_widths(names, sample, WIDEST if width else None)
        if width:
            _shrink(self._widths, width)

    def header(self, style: Style) -> str:
        """Give the line of headings."""
        return style.bold(self.line(self._names))

    def line(self, cells: Sequence[str]) -> str:
        """Give the line of one row."""
        fitted = [
            shorten(cell, width).rjust(width) if right else shorten(cell, width).ljust(width)
            for cell, width, right in zip(cells, self._widths, self._right, strict=True)
        ]
        return GAP.join(fitted).rstrip()


def text_table(
    names: Sequence[str],
    rows: Sequence[Sequence[object]],
    style: Style,
    right: Iterable[str] = (),
    width: int | None = None,
) -> Iterator[str]:
    r"""Give the lines of a small table, headings first; for the other arguments see `Table`.

    Example:
        >>> import sys
        >>> print("\n".join(text_table(["verb", "requests"], [["get", 12]], Style(sys.stdout), right=["requests"])))
        verb  requests
        get         12
    """
    cells = [[escape(str(cell)) for cell in row] for row in rows]
    table = Table(names, cells, width, right)
    yield table.header(style)
    yield from map(table.line, cells)


def terminal_width(stream: TextIO) -> int | None:
    """Give the characters of a line of a terminal; None for a file or a pipe, which have room for any line."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def fitting(names: Sequence[str], sample: Sequence[Sequence[str]], width: int) -> int:
    """Count the columns, from the left, that fit into a line of `width` characters; at least one."""
    total, count = 0, 0
    for column in _natural_widths(names, sample, WIDEST):
        total += column + len(GAP)
        if total - len(GAP) > width:
            break
        count += 1
    return max(count, 1)


def _natural_widths(names: Sequence[str], sample: Sequence[Sequence[str]], widest: int | None) -> list[int]:
    widths = [max([len(name), *(len(row[at]) for row in sample)]) for at, name in enumerate(names)]
    return widths if widest is None else [min(width, widest) for width in widths]


def _shrink(widths: list[int], width: int) -> None:
    """Take characters from the widest column until the line fits, or nothing more can be taken."""
    while sum(widths) + len(GAP) * (len(widths) - 1) > width and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
