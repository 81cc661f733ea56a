"""The page's own queries: the files of `sql/`, asked of one log that is read once."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from auditwake.questions import Log

__all__ = ["Found", "all_sql", "find"]

FOLDER: Final = files(__package__) / "sql"
WITHIN: Final = re.compile(r"^-- with: (\w+)$", re.MULTILINE)
COUNTED: Final = "all_rows"
"""The column in which a query says how many rows it has without its limit."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of a query, and how many more there are."""

    rows: list[Row]
    left_out: int


@cache
def _text(name: str) -> str:
    """Read a query; one that says `-- with: other` stands on the rows of that one, by its name."""
    text = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    within = WITHIN.search(text)
    return f"with {within[1]} as (\n{_text(within[1])})\n{text}" if within else text


@cache
def all_sql() -> str:
    """Give all queries, so that a log knows which columns it has to read."""
    stems = sorted(file.name.removesuffix(".sql") for file in FOLDER.iterdir() if file.name.endswith(".sql"))
    return "\n".join(map(_text, stems))


def find(log: Log, name: str, **parameters: object) -> Found:
    """Ask a query of a log.

    Args:
        log: The log; it was opened with `all_sql()`.
        name: The query: a file of `sql/`.
        parameters: Values for its `$name`s.
    """
    rows = log.query(_text(name), **parameters).to_pylist()
    total = rows[0].get(COUNTED, len(rows)) if rows else 0
    return Found([{key: value for key, value in row.items() if key != COUNTED} for row in rows], total - len(rows))
