"""Polars: ``scan_ndjson`` with a schema, one thread (POLARS_MAX_THREADS, which must be set before the import).

Two choices make it about twice as fast here as the obvious schema: times are read as text and parsed with a given
format, and the two maps are read as text, which Polars fills with the value written anew as JSON.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from peers.common import ZSTD_LEVEL, Column, Field, Kind, event_fields

if TYPE_CHECKING:
    # Not at run time: an engine that needs no pyarrow must not pay for its memory.
    import pyarrow as pa

_TYPES: Final[dict[Kind, pl.DataType]] = {
    "text": pl.String(),
    "time": pl.String(),
    "int": pl.Int32(),
    "list": pl.List(pl.String),
    "map": pl.String(),
    "maplist": pl.String(),
    "json": pl.String(),
}


def _type(field: Field) -> pl.DataType:
    return pl.Struct({key: _TYPES[kind] for key, kind in field.items()}) if isinstance(field, dict) else _TYPES[field]


def _frame(path: Path, columns: Sequence[Column]) -> pl.LazyFrame:
    schema = {name: _type(field) for name, field in event_fields(columns).items()}
    return pl.scan_ndjson(path, schema=schema).select(map(_expression, columns))


def _expression(column: Column) -> pl.Expr:
    top, *rest = column.path
    value = pl.col(top)
    if rest:
        value = value.str.json_path_match(f"$['{rest[0]}']") if top == "annotations" else value.struct.field(rest[0])
    if column.kind == "time":
        value = value.str.to_datetime("%Y-%m-%dT%H:%M:%S%.6fZ", time_unit="us", time_zone="UTC")
    return value.alias(column.name)


def to_arrow(path: Path, columns: Sequence[Column]) -> "pa.Table":
    """Read a log into memory; the newest level exports string views without a copy."""
    return _frame(path, columns).collect().to_arrow(compat_level=pl.CompatLevel.newest())


def to_parquet(path: Path, out: Path, columns: Sequence[Column]) -> None:
    """Convert a log to one Parquet file."""
    _frame(path, columns).sink_parquet(out, compression="zstd", compression_level=ZSTD_LEVEL)
