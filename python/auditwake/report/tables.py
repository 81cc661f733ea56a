"""Tables in HTML, within a bound of bytes: a log can have texts of any length."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from auditwake.report.html import Markup, join, tag
from auditwake.report.model import Column, Table
from auditwake.report.words import amount, counted, duration, moment, shown, size

__all__ = ["table"]

MOST_BYTES: Final = 70_000
"""Most bytes of the rows of one table."""
FOLDED: Final = 140
"""A text that is longer than this is folded: its start is seen, and all of it when it is opened."""
LONGEST_HEAD: Final = 60
"""Most characters of the head of a column: some are verbs, and a client can invent those."""
SECONDS: Final = len("2026-11-26 10:30:00")
WIDE: Final = 24
"""A column with a text that is longer than this is not made narrow."""
SENTENCE: Final = 64
"""A column with a text that is longer than this gets still more room."""
BREAK: Final = re.compile(r"(?<=[a-zA-Z0-9][:./@])(?=[a-zA-Z0-9])")
"""Where the parts of a name of Kubernetes meet."""
RIGHT: Final = ("number", "duration", "size")
Looked = tuple[Column, str]


def table(one: Table) -> Markup:
    """Write a table with all that has to be said of it. A column in which nothing stands is left out."""
    if not one.rows:
        return tag("p", f"{one.title}: none.", class_="none")
    columns = [(column, look) for column in one.columns if (look := _look(column, one.rows))]
    rows = _within(columns, one.rows)
    left_out = one.left_out + len(one.rows) - len(rows)
    heads = (tag("th", shown(column.title, LONGEST_HEAD), scope="col", class_=look) for column, look in columns)
    whole = tag(
        "table",
        tag("caption", one.title),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *rows),
    )
    said = tag("p", f"{counted(left_out, 'more row')} left out.", class_="left-out") if left_out else Markup()
    scrolled = tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=one.title)
    if not one.folded:
        return join([scrolled, said])
    summary = tag("summary", f"{one.title} as a table ({counted(len(rows), 'row')})")
    return tag("details", summary, scrolled, said)


def _look(column: Column, rows: Sequence[Mapping[str, object]]) -> str:
    """Say how a column looks; empty for one in which nothing stands."""
    values = [row[column.name] for row in rows if row[column.name] not in (None, "", [])]
    if not values:
        return ""
    if column.kind in RIGHT:
        return f"right {column.kind}"
    longest = max(len(str(one)) for value in values for one in (value if isinstance(value, list) else [value]))
    if column.kind not in ("text", "texts") or longest <= WIDE:
        return column.kind
    return f"{column.kind} wide sentence" if longest > SENTENCE else f"{column.kind} wide"


def _within(columns: Sequence[Looked], found: Sequence[Mapping[str, object]]) -> list[Markup]:
    rows: list[Markup] = []
    room = MOST_BYTES
    for row in found:
        written = _row(columns, row)
        room -= len(written.encode())
        if room < 0:
            break
        rows.append(written)
    return rows


def _row(columns: Sequence[Looked], row: Mapping[str, object]) -> Markup:
    return tag("tr", *(tag("td", _cell(column, row[column.name]), class_=look) for column, look in columns))


def _cell(column: Column, value: Any) -> str:  # noqa: ANN401  # what it is stands in the column
    if value is None:
        return ""
    if column.kind == "texts":
        return tag("ul", *(tag("li", _text(str(one))) for one in value)) if value else ""
    if isinstance(value, datetime):
        return moment(value) if column.kind == "instant" else moment(value)[:SECONDS]
    if column.kind == "duration":
        return duration(value)
    if column.kind == "size":
        return size(value)
    return amount(value) if column.kind == "number" else _text(str(value))


def _text(text: str) -> str:
    """Show a text, its direction its own; a long one is folded."""
    whole = shown(text)
    if len(whole) <= FOLDED:
        return tag("bdi", _breaking(whole))
    start = tag("summary", tag("bdi", _breaking(f"{whole[: FOLDED // 2]}…")))
    return tag("details", start, tag("bdi", _breaking(whole)), class_="long")


def _breaking(text: str) -> Markup:
    """Let a long text be broken behind its signs, where it reads better than within a word."""
    pieces = BREAK.split(text) if len(text) > WIDE else [text]
    return join(part for at, piece in enumerate(pieces) for part in ((tag("wbr"), piece) if at else (piece,)))
