"""Audit logs as a Polars `LazyFrame`: the only entry that is made for one engine.

Polars calls its plug-in interface for sources unstable; all of our use of it is in this file.
"""

from typing import TYPE_CHECKING

from auditwake.read import Reader, read
from auditwake.where import Where

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from auditwake.types import OnError, Sources

__all__ = ["scan"]

OLDEST_POLARS = (1, 36)  # the first that takes a column with the extension type arrow.json


def scan(
    source: "Sources",
    *,
    bodies: bool = True,
    raw: bool = False,
    on_error: "OnError" = "collect",
    threads: int | None = None,
    where: Where | None = None,
) -> "pl.LazyFrame":
    """Scan audit logs lazily with Polars; needs the extra `polars`.

    Only the columns that a query uses are parsed, and its filter is applied batch by batch, so a query over a log
    larger than memory runs in little of it.

    Args:
        source: What to read; see `auditwake.read`. It is opened at each `collect`.
        bodies: Whether request and response bodies can be selected.
        raw: Whether the column `raw` holds the whole line of every event; else only of those that were repaired.
        on_error: `collect` goes on after a rejected line; `raise` stops at the first one.
        threads: How many threads parse; None for one a core.
        where: Which rows are read; None for all. It costs less than a filter of the query, for which rows are built.

    Returns:
        A lazy frame over all events.

    Raises:
        ImportError: Polars is missing or too old.
        SourceError: A source names nothing that can be opened.

    Example:
        >>> import auditwake as aw
        >>> import polars as pl
        >>> denied = aw.scan(aw.demo.LOG).filter(pl.col("decision") == "forbid")
        >>> denied.select("user", "verb", "resource").collect().width
        3
    """
    _check_polars()
    import polars as pl
    from polars.io.plugins import register_io_source

    def open_reader(columns: list[str] | None) -> Reader:
        return read(source, columns=columns, bodies=bodies, raw=raw, on_error=on_error, threads=threads, where=where)

    def frames(
        with_columns: list[str] | None, predicate: "pl.Expr | None", n_rows: int | None, _batch_size: int | None
    ) -> "Iterator[pl.DataFrame]":
        left = n_rows
        for batch in open_reader(with_columns):
            frame = pl.DataFrame(batch).head(left) if left is not None else pl.DataFrame(batch)
            if left is not None:
                left -= frame.height
            if with_columns is not None:
                frame = frame.select(with_columns)
            yield frame if predicate is None else frame.filter(predicate)
            if left == 0:
                return

    schema = pl.DataFrame(open_reader(None).schema.empty_table()).schema
    return register_io_source(frames, schema=schema, is_pure=False)


def _check_polars() -> None:
    from importlib.metadata import PackageNotFoundError, version

    oldest = ".".join(map(str, OLDEST_POLARS))
    try:
        found = version("polars")
    except PackageNotFoundError:
        found = "none"
    if found == "none" or tuple(int(part) for part in found.split(".")[:2]) < OLDEST_POLARS:
        message = f"auditwake.scan needs Polars {oldest} or newer, found {found}: pip install 'auditwake[polars]'"
        raise ImportError(message)
