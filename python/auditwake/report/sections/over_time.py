"""Requests over time by verb, and the share of errors."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from auditwake.questions import Log
from auditwake.report.asked import Row, find
from auditwake.report.model import Chart, Column, Section, Table
from auditwake.report.window import Window
from auditwake.report.words import labels, moment

__all__ = ["over_time"]

VERBS = 6
Pieces = Sequence[tuple[int, list[Row]]]
"""Starts of pieces of time, and the rows of each."""
FAILURES = 20
ERRORS = (
    Column("code", "code", "number"),
    Column("outcome", "outcome"),
    Column("verb", "verb"),
    Column("what", "resource or path"),
    Column("requests", "requests", "number"),
    Column("users", "users", "number"),
    Column("messages", "messages", "texts"),
    Column("first", "first (UTC)", "time"),
    Column("last", "last (UTC)", "time"),
)
CLASSES = (("4xx", "client_errors"), ("5xx and panics", "server_errors"))


def over_time(log: Log, window: Window) -> Section:
    """Ask for it."""
    rows = find(log, "over_time", verbs=VERBS, **window.parameters).rows
    failed = find(log, "failures", limit=FAILURES)
    pieces = [(start, list(group)) for start, group in groupby(rows, key=lambda row: row["from"])]
    named = labels(_verbs(pieces))
    return Section(
        key="over-time",
        title="Requests over time",
        about=(
            f"Requests by the time of their receipt, in steps of {window.step}, by verb. Errors are requests that were "
            "answered with 4xx or 5xx, or ended in a panic; many controllers live with some 404 and 409."
        ),
        charts=(
            Chart(
                name="requests",
                title="Requests over time by verb",
                rows=list(_bars(pieces, named, window)),
                categories=tuple(named.values()),
                span_ms=window.span_ms,
            ),
            Chart(
                name="errors",
                title="Share of errors over time",
                rows=list(_shares(pieces, window)),
                span_ms=window.span_ms,
            ),
        ),
        tables=(
            _table(pieces, window),
            Table(title="Most frequent errors", columns=ERRORS, rows=failed.rows, left_out=failed.left_out),
        ),
    )


def _bars(pieces: Pieces, named: Mapping[str | None, str], window: Window) -> Iterator[dict[str, Any]]:
    """Stack the verbs of each piece of time. The order is that of the most used verbs everywhere."""
    order = list(named)
    for start, rows in pieces:
        low = 0
        for row in sorted(rows, key=lambda row: order.index(row["verb"])):
            high = low + row["requests"]
            yield {
                "from": start // 1000,
                "to": (start + window.width) // 1000,
                "when": moment(window.when(start)),
                "verb": named[row["verb"]],
                "low": low,
                "high": high,
                "requests": row["requests"],
                "errors": row["client_errors"] + row["server_errors"],
            }
            low = high


def _shares(pieces: Pieces, window: Window) -> Iterator[dict[str, Any]]:
    for start, rows in pieces:
        requests = sum(row["requests"] for row in rows)
        for name, counted in CLASSES:
            errors = sum(row[counted] for row in rows)
            yield {
                "at": (start + window.width // 2) // 1000,
                "when": moment(window.when(start)),
                "class": name,
                "errors": errors,
                "share": errors / requests,
            }


def _verbs(pieces: Pieces) -> list[str]:
    totals: dict[str, int] = {}
    for _, rows in pieces:
        for row in rows:
            totals[row["verb"]] = totals.get(row["verb"], 0) + row["requests"]
    return sorted(totals, key=lambda verb: (verb == "others", -totals[verb]))


def _table(pieces: Pieces, window: Window) -> Table:
    verbs = _verbs(pieces)
    columns = (
        Column("from", "from (UTC)", "time"),
        Column("requests", "requests", "number"),
        Column("client_errors", "4xx", "number"),
        Column("server_errors", "5xx", "number"),
        *(Column(f"verb {verb}", verb, "number") for verb in verbs),
    )
    rows = []
    for start, found in pieces:
        counts = {f"verb {row['verb']}": row["requests"] for row in found}
        sums = {name: sum(row[name] for row in found) for name in ("requests", "client_errors", "server_errors")}
        rows.append(
            {"from": window.when(start), **sums, **dict.fromkeys((f"verb {verb}" for verb in verbs), 0), **counts}
        )
    return Table(title="Requests over time by verb", columns=columns, rows=rows, folded=True)
