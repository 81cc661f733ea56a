"""Who was denied what."""

from math import log as logarithm

from auditwake.questions import Log
from auditwake.report.asked import find
from auditwake.report.model import Chart, Column, Section, Table
from auditwake.report.words import counted, labels

__all__ = ["denials"]

ROWS = 100
USERS = 15
WHATS = 10
COLUMNS = (
    Column("user", "user"),
    Column("verb", "verb"),
    Column("what", "resource or path"),
    Column("namespace", "namespace"),
    Column("requests", "denied", "number"),
    Column("names", "names", "texts"),
    Column("reason", "reason"),
    Column("agents", "agents", "texts"),
    Column("addresses", "addresses", "texts"),
    Column("first", "first (UTC)", "time"),
    Column("last", "last (UTC)", "time"),
)


def denials(log: Log, denied: int) -> Section:
    """Ask for it.

    Args:
        log: The log.
        denied: How many requests were denied in all.
    """
    cells = find(log, "denied_cells", users=USERS, whats=WHATS).rows
    # The columns in the order of their sums, whichever user comes first.
    users = labels(row["user"] for row in cells)
    whats = labels(row["what"] for row in sorted(cells, key=lambda row: row["what_place"]))
    order = sorted(cells, key=lambda row: (row["what_place"], row["user_place"]))
    most = max((row["requests"] for row in cells), default=1)
    firsts = {row["user"]: row for row in reversed(order)}
    rows = [
        {
            "user": users[row["user"]],
            "what": whats[row["what"]],
            "requests": row["requests"],
            "text": users[row["user"]] if row is firsts[row["user"]] else None,
            "class": 1 + round(3 * logarithm(row["requests"]) / logarithm(max(most, 4))),
        }
        for row in order
    ]
    found = find(log, "denied", limit=ROWS)
    beyond = denied - sum(row["requests"] for row in cells)
    left_out = f"{counted(beyond, 'denial')} of other users or resources are not in the picture." if beyond else ""
    return Section(
        key="denials",
        title="Denials",
        about=(
            "Requests that the authorizer refused: decision forbid. Code 403 alone does not say so: admission answers "
            "403 as well, for requests that were allowed. RBAC gives no reason when it refuses: no rule grants it."
        ),
        charts=(Chart(name="denials", title="Denials by user and resource", rows=rows),),
        tables=(Table(title="Who was denied what", columns=COLUMNS, rows=found.rows, left_out=found.left_out),),
        notes=(left_out,) if left_out else (),
    )
