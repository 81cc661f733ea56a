"""Secrets, tokens, and ways into containers."""

from auditwake.questions import Log
from auditwake.report.asked import find
from auditwake.report.model import Chart, Column, Section, Table
from auditwake.report.window import Window
from auditwake.report.words import moment

__all__ = ["sensitive"]

ROWS = 60
KINDS = ("into a container", "secrets changed", "secrets read", "token issued")
COLUMNS = (
    Column("kind", "what"),
    Column("user", "user"),
    Column("actor", "actor"),
    Column("verb", "verb"),
    Column("what", "resource"),
    Column("namespace", "namespace"),
    Column("requests", "requests", "number"),
    Column("errors", "refused or failed", "number"),
    Column("names", "names", "texts"),
    Column("commands", "commands", "texts"),
    Column("first", "first (UTC)", "time"),
    Column("last", "last (UTC)", "time"),
)


def sensitive(log: Log, window: Window) -> Section:
    """Ask for it."""
    times = find(log, "sensitive_times", **window.parameters).rows
    rows = [
        {
            "at": (row["from"] + window.width // 2) // 1000,
            "when": moment(window.when(row["from"])),
            "kind": row["kind"],
            "result": "refused or failed" if row["failed"] else "answered",
            "requests": row["requests"],
            "users": row["users"],
        }
        for row in times
    ]
    rows.sort(key=lambda row: KINDS.index(row["kind"]))
    found = find(log, "sensitive_users", limit=ROWS)
    return Section(
        key="sensitive",
        title="Secrets, tokens and ways into containers",
        about=(
            "Requests for secrets, tokens issued for service accounts, and exec, attach, port-forward and ephemeral "
            f"containers, in steps of {window.step}; a larger mark is more requests. People and workloads come first "
            "in the table, the control plane and nodes last."
        ),
        charts=(
            Chart(
                name="sensitive",
                title="Secrets, tokens and ways into containers over time",
                rows=rows,
                span_ms=window.span_ms,
            ),
        ),
        tables=(Table(title="Who asked for them", columns=COLUMNS, rows=found.rows, left_out=found.left_out),),
    )
