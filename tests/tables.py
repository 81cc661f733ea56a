"""Tables that the tests write and read back: one row with one number an event."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import pyarrow as pa

from auditwake.forwarder.config.model import DeltaSink, ParquetSink
from auditwake.forwarder.sinks.delta import DeltaRows
from auditwake.forwarder.sinks.parquet import ParquetFiles
from auditwake.forwarder.sinks.sink import TableSink

__all__ = ["Make", "delta", "numbers", "parquet", "rows", "written"]

Make = Callable[..., TableSink]


def rows(first: int, last: int, extra: dict[str, Any] | None = None) -> pa.RecordBatch:
    """Make rows with a number in them, of the kinds of types that a tail has."""
    numbers = range(first, last)
    given = {
        "n": pa.array(numbers, pa.int64()),
        "verb": pa.array([f"verb-{number % 3}" for number in numbers]).dictionary_encode(),
        **(extra or {}),
    }
    return pa.record_batch(given)


def parquet(folder: Path, route: str = "node-1/audit.log") -> ParquetFiles:
    return ParquetFiles(ParquetSink(directory=folder / "lake"), route)


def delta(folder: Path, route: str = "node-1/audit.log") -> DeltaRows:
    return DeltaRows(DeltaSink(table=str(folder / "lake")), route)


def numbers(folder: Path) -> list[int]:
    """Read the numbers back, by the readers that people use."""
    lake = folder / "lake"
    if (lake / "_delta_log").is_dir():
        table = deltalake.DeltaTable(lake)
        files = [str(lake / uri) if "://" not in uri else uri for uri in table.file_uris()]
    else:
        files = [str(file) for file in lake.glob("*.parquet")]
    if not files:
        return []
    found = duckdb.connect().read_parquet([file.removeprefix("file://") for file in files]).order("n").fetchall()
    return [row[0] for row in found]


def written(sink: TableSink) -> None:
    """Write a row."""
    sink.resume()
    sink.write(rows(0, 1))
    sink.flush("place")
