"""How long requests took, by verb; what is meant to be long is apart."""

from auditwake.questions import Log
from auditwake.report.asked import find
from auditwake.report.model import Chart, Column, Section, Table
from auditwake.report.words import counted, duration, labels

__all__ = ["latency"]

ROWS = 15
QUANTILES = ("p50", "p90", "p99")
SMALLEST_MS = 0.001
"""A time that is not zero, which a logarithmic scale does not have."""
COLUMNS = (
    Column("verb", "verb"),
    Column("requests", "requests", "number"),
    Column("p50_us", "p50", "duration"),
    Column("p90_us", "p90", "duration"),
    Column("p99_us", "p99", "duration"),
    Column("max_us", "longest", "duration"),
    Column("busy_us", "all together", "duration"),
)
LONG = (
    Column("verb", "verb"),
    Column("subresource", "subresource"),
    Column("requests", "requests", "number"),
    Column("still_open", "still open", "number"),
    Column("p50_us", "p50 of the ended", "duration"),
    Column("longest_us", "longest", "duration"),
)


def latency(log: Log, backwards: int) -> Section:
    """Ask for it.

    Args:
        log: The log.
        backwards: How many requests ended before they began, by a clock that was set back.
    """
    found = find(log, "latency", limit=ROWS)
    long = find(log, "long_running", limit=ROWS)
    named = labels(row["verb"] for row in found.rows)
    rows = [
        {
            "verb": named[row["verb"]],
            "quantile": quantile,
            "ms": max(row[f"{quantile}_us"] / 1000, SMALLEST_MS),
            "took": duration(row[f"{quantile}_us"]),
        }
        for row in found.rows
        for quantile in QUANTILES
    ]
    return Section(
        key="latency",
        title="Latency by verb",
        about=(
            "From the receipt of a request to its last stage. Watches, exec, attach, port-forward, proxies and "
            "followed logs are meant to be long: they stand in a table of their own."
        ),
        charts=(Chart(name="latency", title="Median, 90th and 99th percentile by verb", rows=rows),),
        tables=(
            Table(title="Latency by verb", columns=COLUMNS, rows=found.rows, left_out=found.left_out),
            Table(title="Requests that are meant to be long", columns=LONG, rows=long.rows, left_out=long.left_out),
        ),
        notes=(f"The clock was set back during {counted(backwards, 'request')}: no time is counted for them.",)
        if backwards
        else (),
    )
