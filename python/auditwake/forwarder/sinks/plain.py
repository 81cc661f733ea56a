"""Rows as a table format takes them that knows fewer types than Arrow: Delta."""

from typing import TYPE_CHECKING

from auditwake.errors import SinkError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DATE", "PlainRows", "plain_type"]

DATE = "date"
"""Day of `ts_stage` in UTC, as in `auditwake.convert`: a column of its own where a table is partitioned by it."""


class PlainRows:
    """Turns record batches of one schema into such of plain types.

    Args:
        schema: What comes.
        with_date: Whether the column `date` is added.

    Attributes:
        schema: What goes.

    Raises:
        SinkError: A date is asked for, and there is no `ts_stage` to take it from.

    Example:
        >>> import pyarrow as pa
        >>> batch = pa.record_batch({"verb": pa.array(["get"]).dictionary_encode()})
        >>> PlainRows(batch.schema).of(batch).schema.field("verb").type
        DataType(string)
    """

    def __init__(self, schema: "pa.Schema", *, with_date: bool = False) -> None:
        import pyarrow as pa

        self._with_date = with_date and DATE not in schema.names
        fields = [pa.field(field.name, plain_type(field.type), nullable=field.nullable) for field in schema]
        if self._with_date:
            if "ts_stage" not in schema.names:
                message = f"partition_by has {DATE!r}, which is the day of ts_stage: add ts_stage to the columns"
                raise SinkError(message, needs_a_person=True)
            fields.append(pa.field(DATE, pa.date32()))
        self.schema = pa.schema(fields)

    def of(self, batch: "pa.RecordBatch") -> "pa.RecordBatch":
        """Give the rows in plain types."""
        import pyarrow as pa

        columns = [_plain(column, plain_type(column.type)) for column in batch.columns]
        if self._with_date:
            columns.append(batch.column("ts_stage").cast(pa.date32(), safe=False))
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def plain_type(of: "pa.DataType") -> "pa.DataType":
    """Give the type that a column gets: text for dictionaries and for JSON, at any depth; all others stay.

    Example:
        >>> import pyarrow as pa
        >>> plain_type(pa.map_(pa.dictionary(pa.int32(), pa.string()), pa.list_(pa.string())))
        MapType(map<string, list<item: string>>)
        >>> plain_type(pa.int16())
        DataType(int16)
    """
    import pyarrow as pa

    if isinstance(of, pa.BaseExtensionType):
        return plain_type(of.storage_type)
    if pa.types.is_dictionary(of):
        return plain_type(of.value_type)
    if pa.types.is_map(of):
        return pa.map_(plain_type(of.key_type), plain_type(of.item_type))
    if pa.types.is_list(of):
        return pa.list_(plain_type(of.value_type))
    return of


def _plain(column: "pa.Array", to: "pa.DataType") -> "pa.Array":
    import pyarrow as pa

    storage = column.storage if isinstance(column, pa.ExtensionArray) else column
    return storage if storage.type == to else storage.cast(to)
