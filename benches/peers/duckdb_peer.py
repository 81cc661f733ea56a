"""DuckDB: ``read_json`` with every type given, one thread.

The two maps are read as DuckDB's JSON type, which is quicker here than MAP. JSON values are written anew by DuckDB, so
a body is the same value and not always the same bytes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from peers import duckdb_everything
from peers.common import ZSTD_LEVEL, Column, Kind, declare, event_fields, quoted

if TYPE_CHECKING:
    # Not at run time: an engine that needs no pyarrow must not pay for its memory.
    import pyarrow as pa

_TYPES: Final[dict[Kind, str]] = {
    "text": "VARCHAR",
    "time": "TIMESTAMPTZ",
    "int": "INTEGER",
    "list": "VARCHAR[]",
    "map": "JSON",
    "maplist": "JSON",
    "json": "JSON",
}

_PAIR: Final = '"{name}" {type}'


def _select(path: Path, columns: Sequence[Column]) -> str:
    types = (
        f"{quoted(name)}: {quoted(declare(field, _TYPES, 'STRUCT({})', _PAIR))}"
        for name, field in event_fields(columns).items()
    )
    source = f"read_json({quoted(str(path))}, format='newline_delimited', columns={{{', '.join(types)}}})"
    if _has_derived(columns):
        return duckdb_everything.select(source, columns)
    return f"SELECT {', '.join(map(_expression, columns))} FROM {source}"  # noqa: S608 (our own names and command line)


def _has_derived(columns: Sequence[Column]) -> bool:
    return any(not column.path for column in columns)


def _expression(column: Column) -> str:
    top, *rest = column.path
    value = f'"{top}"'
    if rest:
        value += "->>" + quoted(f'$."{rest[0]}"') if top == "annotations" else f'."{rest[0]}"'
    return f'{value} AS "{column.name}"'


def _connect(columns: Sequence[Column]) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": 1})
    # Arrow takes the zone's name from here, and the documentation recommends the second for large exports.
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET preserve_insertion_order = false")
    if _has_derived(columns):
        con.execute(duckdb_everything.MACROS)
    return con


def to_arrow(path: Path, columns: Sequence[Column]) -> "pa.Table":
    """Read a log into memory."""
    return _connect(columns).sql(_select(path, columns)).to_arrow_table()


def to_parquet(path: Path, out: Path, columns: Sequence[Column]) -> None:
    """Convert a log to one Parquet file; no Bloom filters, as with the other engines."""
    options = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {ZSTD_LEVEL}, WRITE_BLOOM_FILTER false"
    _connect(columns).execute(f"COPY ({_select(path, columns)}) TO {quoted(str(out))} ({options})")
