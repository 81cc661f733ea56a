"""chDB (ClickHouse in the process): JSONEachRow with every type given, one thread.

With ``input_format_json_read_objects_as_strings`` an object under a String column is the bytes of the line.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import chdb

from peers import chdb_everything
from peers.common import ZSTD_LEVEL, Column, Kind, declare, event_fields, quoted

if TYPE_CHECKING:
    # Not at run time: an engine that needs no pyarrow must not pay for its memory.
    import pyarrow as pa

# Lists and maps cannot be null in ClickHouse.
_TYPES: Final[dict[Kind, str]] = {
    "text": "Nullable(String)",
    "time": "DateTime64(6, 'UTC')",
    "int": "Nullable(Int32)",
    "list": "Array(String)",
    "map": "Map(String, String)",
    "maplist": "Map(String, Array(String))",
    "json": "Nullable(String)",
}
# Everything that would use a second thread, compress the hand-over or write Bloom filters is off.
_SETTINGS: Final = {
    "max_threads": 1,
    "input_format_parallel_parsing": 0,
    "input_format_json_read_objects_as_strings": 1,
    "date_time_input_format": "'best_effort'",
    "output_format_parallel_formatting": 0,
    "output_format_arrow_parallel_encoding": 0,
    "output_format_arrow_compression_method": "'none'",
    "output_format_parquet_parallel_encoding": 0,
    "output_format_parquet_compression_method": "'zstd'",
    "output_format_compression_level": ZSTD_LEVEL,
    "output_format_parquet_write_bloom_filter": 0,
    "engine_file_truncate_on_insert": 1,
}
_TAIL: Final = " SETTINGS " + ", ".join(f"{name} = {value}" for name, value in _SETTINGS.items())


def _select(path: Path, columns: Sequence[Column]) -> str:
    types = ", ".join(
        f"{name} {declare(field, _TYPES, 'Tuple({})', '{name} {type}')}"
        for name, field in event_fields(columns).items()
    )
    source = f"file({quoted(str(path))}, 'JSONEachRow', {quoted(types)})"
    if any(not column.path for column in columns):
        return chdb_everything.select(source, columns)
    return f"SELECT {', '.join(map(_expression, columns))} FROM {source}"  # noqa: S608 (our own names and command line)


def _expression(column: Column) -> str:
    top, *rest = column.path
    value = top
    if rest and top == "annotations":
        # A missing key gives an empty string, and an empty reason is something else than no reason.
        value = f"if(mapContains({top}, {quoted(rest[0])}), {top}[{quoted(rest[0])}], NULL)"
    elif rest:
        value = f"{top}.{rest[0]}"
    return f"{value} AS `{column.name}`"


def to_arrow(path: Path, columns: Sequence[Column]) -> "pa.Table":
    """Read a log into memory."""
    return chdb.query(_select(path, columns) + _TAIL, "ArrowTable")  # type: ignore[no-untyped-call]


def to_parquet(path: Path, out: Path, columns: Sequence[Column]) -> None:
    """Convert a log to one Parquet file."""
    chdb.query(f"INSERT INTO FUNCTION file({quoted(str(out))}, 'Parquet') {_select(path, columns)}{_TAIL}")  # type: ignore[no-untyped-call]
