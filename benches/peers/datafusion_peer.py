"""DataFusion: ``register_json`` with an Arrow schema, one partition. Its JSON reader cannot keep a body as text."""

from collections.abc import Sequence
from pathlib import Path

import datafusion
import pyarrow as pa

from peers.common import ZSTD_LEVEL, Column, Field, Kind, event_fields, quoted

_TEXT = pa.string()
_TYPES: dict[Kind, pa.DataType] = {
    "text": _TEXT,
    "time": pa.timestamp("us", "UTC"),
    "int": pa.int32(),
    "list": pa.list_(_TEXT),
    "map": pa.map_(_TEXT, _TEXT),
    "maplist": pa.map_(_TEXT, pa.list_(_TEXT)),
}


def _type(field: Field) -> pa.DataType:
    return pa.struct([(key, _TYPES[kind]) for key, kind in field.items()]) if isinstance(field, dict) else _TYPES[field]


def _frame(path: Path, columns: Sequence[Column]) -> datafusion.DataFrame:
    schema = pa.schema([(name, _type(field)) for name, field in event_fields(columns).items()])
    context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(1))
    context.register_json("events", path, schema=schema, file_extension=path.suffix)
    return context.sql(f"SELECT {', '.join(map(_expression, columns))} FROM events")  # noqa: S608 (our own names)


def _expression(column: Column) -> str:
    top, *rest = column.path
    value = f'"{top}"' + (f"[{quoted(rest[0])}]" if rest else "")
    return f'{value} AS "{column.name}"'


def to_arrow(path: Path, columns: Sequence[Column]) -> pa.Table:
    """Read a log into memory."""
    return _frame(path, columns).to_arrow_table()


def to_parquet(path: Path, out: Path, columns: Sequence[Column]) -> None:
    """Convert a log to one Parquet file."""
    _frame(path, columns).write_parquet(out, compression="zstd", compression_level=ZSTD_LEVEL)
