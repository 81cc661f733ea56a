"""Rows of Arrow batches written as text or as an Arrow stream. Imported when rows are printed: it needs pyarrow."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Final, TextIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from auditwake.cli.harmless import for_cells, in_json
from auditwake.cli.style import Style, escape
from auditwake.cli.table import Table, fitting

__all__ = ["GLANCE", "WRITERS", "in_order", "limited", "records", "write_table"]

GLANCE: Final = (
    "ts_stage",
    "verb",
    "code",
    "eff_user",
    "resource",
    "namespace",
    "name",
    "outcome",
    "stage",
    "duration_us",
    "agent_name",
)
"""What a table shows when nobody says which columns, from the most telling on: as many as the terminal has room for."""

SAMPLE_ROWS = 1000


def in_order(schema: pa.Schema, names: Iterable[str] | None) -> pa.Schema:
    """Give the schema in the order in which its columns were named; what only a group named keeps its place behind."""
    named = [name for name in dict.fromkeys(names or ()) if name in schema.names]
    rest = [name for name in schema.names if name not in named]
    return pa.schema([schema.field(name) for name in named + rest], schema.metadata)


def limited(batches: Iterable[pa.RecordBatch], limit: int | None) -> Iterator[pa.RecordBatch]:
    """Give the batches up to so many rows; all without a limit."""
    left = limit
    for batch in batches:
        yield batch if left is None else batch.slice(0, left)
        if left is not None:
            left -= batch.num_rows
            if left <= 0:
                return


def plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Give a batch of text, numbers, booleans and nested values: times as RFC 3339, dictionaries as their values.

    Example:
        >>> import pyarrow as pa
        >>> plain(pa.record_batch({"ts": pa.array([1], pa.timestamp("us", "UTC"))})).to_pylist()
        [{'ts': '1970-01-01T00:00:00.000001Z'}]
    """
    return pa.RecordBatch.from_arrays([_plain(column) for column in batch.columns], names=batch.schema.names)


def _plain(column: pa.Array) -> pa.Array:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return column.storage
    if pa.types.is_binary(kind):
        # Lines that were repaired: their bytes need not be valid UTF-8, and the text must show which they are.
        return pa.array(
            [value and value.decode(errors="backslashreplace") for value in column.to_pylist()], pa.string()
        )
    if pa.types.is_interval(kind):
        return pa.array([value and str(value) for value in column.to_pylist()], pa.string())
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    if pa.types.is_timestamp(kind):
        # Without its zone, which is UTC: a machine without a time zone database formats it too.
        return pc.strftime(column.cast(pa.timestamp(kind.unit)), format="%Y-%m-%dT%H:%M:%SZ")
    return column


def records(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Give the rows as JSON has them: a map is an object, wherever it stands.

    Example:
        >>> import pyarrow as pa
        >>> annotations = pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string()))
        >>> list(records(pa.record_batch({"annotations": annotations})))
        [{'annotations': {'a': 'b'}}]
    """
    flat = plain(batch)
    mapped = {field.name: field.type for field in flat.schema if _has_map(field.type)}
    for record in flat.to_pylist():
        yield {**record, **{name: _objects(record[name], kind) for name, kind in mapped.items()}}


def _has_map(kind: pa.DataType) -> bool:
    return pa.types.is_map(kind) or any(_has_map(kind.field(at).type) for at in range(kind.num_fields))


def _objects(value: Any, kind: pa.DataType) -> Any:  # noqa: ANN401  # any value of Arrow
    """Make objects of the maps in a value: pyarrow gives them as lists of pairs."""
    if value is None or pa.types.is_union(kind) or not _has_map(kind):
        return value
    if pa.types.is_map(kind):
        return {key: _objects(one, kind.item_type) for key, one in value}
    if pa.types.is_struct(kind):
        return {field.name: _objects(value[field.name], field.type) for field in kind}
    return [_objects(one, kind.value_type) for one in value]


def write_ndjson(batches: Iterable[pa.RecordBatch], _schema: pa.Schema, out: BinaryIO) -> None:
    """Write one JSON object a row and line."""
    for batch in batches:
        out.writelines(f"{in_json(record)}\n".encode() for record in records(batch))


def write_json(batches: Iterable[pa.RecordBatch], _schema: pa.Schema, out: BinaryIO) -> None:
    """Write one JSON array of objects."""
    mark = b"[\n"
    for batch in batches:
        for record in records(batch):
            out.write(mark + in_json(record).encode())
            mark = b",\n"
    out.write(b"\n]\n" if mark != b"[\n" else b"[]\n")


def write_csv(batches: Iterable[pa.RecordBatch], schema: pa.Schema, out: BinaryIO) -> None:
    """Write CSV with a header; lists and maps as JSON text in their cells.

    Nothing of a log acts in a program for tables or on a terminal: a text that begins like a formula has a `'` in
    front, and controls are escapes. The other forms have the texts as they are.
    """
    head = _cells(schema.empty_table().to_batches()[0] if schema.empty_table().to_batches() else _empty(schema))
    with pyarrow.csv.CSVWriter(out, head.schema) as writer:
        for batch in batches:
            writer.write_batch(_cells(batch))


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def _cells(batch: pa.RecordBatch) -> pa.RecordBatch:
    flat = plain(batch)
    columns = [_json_cells(column) if pa.types.is_nested(column.type) else for_cells(column) for column in flat.columns]
    return pa.RecordBatch.from_arrays(columns, names=flat.schema.names)


def _json_cells(column: pa.Array) -> pa.Array:
    values = (_objects(value, column.type) for value in column.to_pylist())
    return pa.array([None if value is None else in_json(value) for value in values], pa.string())


def write_arrow(batches: Iterable[pa.RecordBatch], schema: pa.Schema, out: BinaryIO) -> None:
    """Write an Arrow IPC stream."""
    with pa.ipc.new_stream(out, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


WRITERS: Final[dict[str, Callable[[Iterable[pa.RecordBatch], pa.Schema, BinaryIO], None]]] = {
    "json": write_json,
    "ndjson": write_ndjson,
    "csv": write_csv,
    "arrow": write_arrow,
}
"""Name of a form -> what writes it."""


def write_table(batches: Iterable[pa.RecordBatch], out: TextIO, width: int, *, drop: bool) -> None:
    """Write a text table whose widths are set by its first rows.

    Args:
        batches: The rows.
        out: Where the table goes.
        width: Characters of a line.
        drop: Whether columns that find no room are left out, from the right; if not, cells are cut.
    """
    table: Table | None = None
    shown = 0
    for batch in batches:
        cells = [list(map(_cell, record.values())) for record in records(batch)]
        if table is None:
            names = batch.schema.names
            sample = cells[:SAMPLE_ROWS]
            shown = fitting(names, sample, width) if drop else len(names)
            numbers = [
                field.name
                for field in batch.schema
                if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
            ]
            table = Table(names[:shown], [row[:shown] for row in sample], width, right=numbers)
            out.write(table.header(Style(out)) + "\n")
        out.writelines(f"{table.line(row[:shown])}\n" for row in cells)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return escape(value if isinstance(value, str) else in_json(value))
