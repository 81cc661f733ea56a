"""Who asked."""

from auditwake.questions import Log
from auditwake.report.asked import find
from auditwake.report.model import Chart, Column, Section, Table
from auditwake.report.words import amount, labels

__all__ = ["actors"]

ROWS = 50
DRAWN = 15
COLUMNS = (
    Column("user", "user"),
    Column("actor", "actor"),
    Column("requests", "requests", "number"),
    Column("errors", "errors", "number"),
    Column("busy_us", "busy", "duration"),
    Column("bytes", "in the log", "size"),
    Column("agents", "agents", "texts"),
    Column("first", "first (UTC)", "time"),
    Column("last", "last (UTC)", "time"),
)


def actors(log: Log) -> Section:
    """Ask for it."""
    found = find(log, "actors", limit=ROWS)
    drawn = found.rows[:DRAWN]
    named = labels(row["user"] for row in drawn)
    rows = [
        {
            "label": named[row["user"]],
            "text": f"{amount(row['requests'])} · {named[row['user']]}",
            "actor": row["actor"] or "unknown",
            "requests": row["requests"],
            "errors": row["errors"],
        }
        for row in drawn
    ]
    return Section(
        key="actors",
        title="Actors",
        about=(
            "The users with the most requests, by kind of actor. A user is whose permissions counted: who was "
            "impersonated, or else who was authenticated. Busy is the time that the server was at work for them, "
            "watches and other long requests apart."
        ),
        charts=(Chart(name="actors", title=f"The {len(rows)} users with the most requests", rows=rows),),
        tables=(Table(title="Users", columns=COLUMNS, rows=found.rows, left_out=found.left_out, folded=True),),
    )
