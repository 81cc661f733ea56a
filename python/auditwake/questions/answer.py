"""An answer: rows, and how far the log could say them."""

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

    from auditwake.questions.coverage import Coverage

__all__ = ["Answer"]

SHOWN: Final = 50
STYLE: Final = "text-align:left;vertical-align:top"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a question gave. Anything that takes Arrow takes it as it is.

    Example:
        >>> import auditwake as aw
        >>> answer = aw.ask("denied", aw.demo.LOG)
        >>> answer.table.column_names[:4]
        ['user', 'verb', 'what', 'namespace']
    """

    question: str
    """Name of the question."""
    title: str
    """What was asked, in a sentence."""
    table: "pa.Table"
    """The rows."""
    coverage: "Coverage"
    """What the log records."""
    notes: tuple[str, ...] = field(default=())
    """What has to be known with it: what the log cannot say, what was left out."""
    answerable: bool = True
    """Whether the log records what the question needs; if not, that there are no rows says nothing."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give the rows through the Arrow PyCapsule interface."""
        return self.table.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        """Say how many rows there are."""
        return f"Answer({self.question!r}, rows={self.table.num_rows}, notes={len(self.notes)})"

    def _repr_html_(self) -> str:
        """Show it in a notebook. Every value is escaped: users, agents and paths are what a client made of them."""
        head = "".join(f'<th style="{STYLE}">{html.escape(name)}</th>' for name in self.table.column_names)
        rows = "".join(
            "<tr>" + "".join(f'<td style="{STYLE}">{_cell(value)}</td>' for value in row.values()) + "</tr>"
            for row in self.table.slice(0, SHOWN).to_pylist()
        )
        more = self.table.num_rows - SHOWN
        said = [*self.notes, *([f"{more:,} more rows"] if more > 0 else [])]
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in said)
        return (
            f"<p><b>{html.escape(self.title)}</b></p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
            + (f"<ul>{notes}</ul>" if notes else "")
        )


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return html.escape(", ".join(map(str, value)))
    return html.escape(str(value))
