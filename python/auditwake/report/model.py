"""What a page is made of: sections with charts and tables, and what has to be said with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Chart", "Column", "Kind", "Section", "Table"]

Kind = Literal["text", "texts", "number", "time", "instant", "duration", "size"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Example:
        >>> Column("took_us", "took", "duration").kind
        'duration'
    """

    name: str
    """What the rows call it."""
    title: str
    """What its head says."""
    kind: Kind = "text"
    """What its values are: `texts` is a list of them, an `instant` has milliseconds, a
    `duration` is in microseconds, a `size` in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows for people to read."""

    title: str
    """What the rows are."""
    columns: tuple[Column, ...]
    """Which of the values are shown, and how."""
    rows: Sequence[Mapping[str, object]]
    """The rows."""
    left_out: int = 0
    """How many more rows there are."""
    folded: bool = False
    """Whether it is shown only when it is opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture of rows: a Vega-Lite specification of `charts/`, and its data."""

    name: str
    """Name of the specification."""
    title: str
    """What can be seen in it, for those who see and for those who do not."""
    rows: Sequence[Mapping[str, object]]
    """Its data: numbers, and texts that may be shown as they are."""
    categories: tuple[str, ...] | None = None
    """What its colours stand for, in their order; None for the order of the rows."""
    span_ms: tuple[int, int] | None = None
    """Where its axis of time starts and ends, so that all have the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page.

    Example:
        >>> Section(key="mine", title="Mine", about="What I found.").tables
        ()
    """

    key: str
    """Its anchor."""
    title: str
    """Its heading."""
    about: str
    """What it shows and how that is counted."""
    charts: tuple[Chart, ...] = ()
    """Pictures."""
    tables: tuple[Table, ...] = ()
    """The same as rows."""
    notes: tuple[str, ...] = field(default=())
    """What the log cannot say, and what was left out."""
