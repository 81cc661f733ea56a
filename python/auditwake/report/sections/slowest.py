"""The slowest requests, and where their time went."""

from collections.abc import Iterator
from typing import Any

from auditwake.questions import Coverage, Log
from auditwake.report.asked import Row, find
from auditwake.report.model import Chart, Column, Section, Table
from auditwake.report.words import duration, label

__all__ = ["slowest"]

ROWS = 20
PARTS = {
    "mutating webhooks": "mutating_us",
    "validating webhooks": "validating_us",
    "etcd": "etcd_us",
    "queue": "queue_us",
    "identity": "identity_us",
    "serialization": "serialization_us",
    "response write": "write_us",
}
"""What the chart calls a part -> what the query calls it."""
COLUMNS = (
    Column("received", "received (UTC)", "instant"),
    Column("took_us", "took", "duration"),
    Column("verb", "verb"),
    Column("what", "resource or path"),
    Column("namespace", "namespace"),
    Column("name", "name"),
    Column("user", "user"),
    Column("agent", "agent"),
    Column("code", "code", "number"),
    *(Column(name, title, "duration") for title, name in PARTS.items()),
    Column("failed_open", "failed open", "texts"),
)


def slowest(log: Log, coverage: Coverage) -> Section:
    """Ask for it."""
    found = find(log, "slowest", limit=ROWS)
    rows = [one for place, row in enumerate(found.rows, 1) for one in _parts(place, row)]
    missing = tuple(f"The log cannot say where the time went: {why}." for why in coverage.missing(["latency"]))
    shown = [{**row, **{name: row[name] or None for name in PARTS.values()}} for row in found.rows]
    return Section(
        key="slowest",
        title="Slowest requests",
        about=(
            "Where their time went stands in the annotations apiserver.latency.k8s.io/*, which the server writes "
            "above 500 ms only. Identity is authentication, authorization and impersonation. Parts may overlap, since "
            "etcd is asked while admission runs; not said is what is in none of them. A webhook that failed open was "
            "waited for and then ignored."
        ),
        charts=(Chart(name="slowest", title=f"The {len(found.rows)} slowest requests by part", rows=rows),),
        tables=(Table(title="Slowest requests", columns=COLUMNS, rows=shown),),
        notes=missing,
    )


def _parts(place: int, row: Row) -> Iterator[dict[str, Any]]:
    """Put the parts of a request end to end; they are the server's own, and may be more than the whole."""
    name = label(" ".join(filter(None, [row["verb"], row["what"], _object(row)])))
    said = {"text": f"{duration(row['took_us'])} · {name}"}
    low = 0
    for part, micros in [*((part, row[column] or 0) for part, column in PARTS.items()), ("not said", None)]:
        took = max(row["took_us"] - low, 0) if micros is None else micros
        if took or (said and micros is None):
            span = {"low": low / 1000, "high": (low + took) / 1000, "took": duration(took)}
            yield {"label": f"{place}. {name}", "part": part, **span, **said}
            said = {}
        low += took


def _object(row: Row) -> str:
    return "/".join(filter(None, [row["namespace"], row["name"]]))
