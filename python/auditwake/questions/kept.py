"""What is kept of a stream: a table, less the events that repeat another one in full."""

from typing import TYPE_CHECKING, Final

from auditwake._core import repeated
from auditwake.errors import InputError
from auditwake.questions.coverage import Coverage
from auditwake.questions.needed import TIME, Need, identity, refuse_missing
from auditwake.read import Reader
from auditwake.types import ArrowStreamExportable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    import pyarrow as pa

__all__ = ["TWINS", "Kept", "count", "types_of"]

TWINS: Final = "ts_received, ts_stage, line_bytes"
"""What rows have in common that may be one event; few others are compared by what they say, which is long texts."""
MARKS: Final = 1 << 20
"""Rows of a batch of marks."""
STARTED: Final = "stage = 'ResponseStarted' and is_long_running and eff_user is not null"
OPEN: Final = f"""select * from events where {STARTED} and hash(audit_id, ts_received, eff_user) in (
    select began from (
      select hash(audit_id, ts_received, eff_user) as began, bool_or(is_terminal) as is_over
      from events where is_long_running group by began
    ) where not is_over
)"""
"""Requests that are meant to be long and have no event that says that they ended."""


class Kept:
    """The table `kept`, and what is made of it: the view `events`, and the table `open_requests`.

    Args:
        database: Where they are.
        need: What is needed of the events.
        coverage: Where events are counted.

    Example:
        >>> Kept.__name__
        'Kept'
    """

    def __init__(self, database: "duckdb.DuckDBPyConnection", need: Need, coverage: Coverage) -> None:
        self._database = database
        self._need = need
        self._coverage = coverage

    def stream(self, source: ArrowStreamExportable, *, with_identity: bool) -> bool:
        """Keep what is needed of a stream, which is read once.

        Args:
            source: The stream.
            with_identity: Whether to keep what tells events apart that may be one.

        Returns:
            Whether that was enough: without it, events that may be one cannot be told apart, and nothing is made.
        """
        import pyarrow as pa

        stream = pa.RecordBatchReader.from_stream(source)
        refuse_missing(self._need.naming, stream.schema.names)
        self._database.register("stream", pa.RecordBatchReader.from_batches(stream.schema, self._counted(stream)))
        columns = self._need.selected(self._need.naming, _types(stream.schema))
        if with_identity:
            columns += f", {identity(stream.schema.names)}"
        try:
            self.fill(f"select {columns} from stream where {self._need.condition}")
        except Exception as error:
            raise _reading_failed(source, error) from error
        self._database.unregister("stream")
        marks = self.marks()
        if marks and not with_identity:
            return False
        if isinstance(source, Reader):
            self._coverage.add_outcomes(source.outcomes)
        self.make(marks, aside=("identity",) if with_identity else ())
        return True

    def fill(self, sql: str) -> None:
        """Fill the table."""
        self._database.execute(f"create or replace temp table kept as {sql}")

    def marks(self) -> list[int]:
        """Give the marks of rows that may be one event: they are rare."""
        return repeated(self._database.sql(f"select hash({TWINS}) as mark from kept").to_arrow_reader(MARKS))

    def make(self, marks: list[int], *, aside: tuple[str, ...]) -> None:
        """Make `events` of what was kept, less the columns that are put aside, and `open_requests` of those."""
        import pyarrow as pa

        columns = f"* exclude ({', '.join(aside)})" if aside else "*"
        kept = "kept"
        if marks:
            self._database.register("repeated", pa.table({"mark": pa.array(marks, pa.uint64())}))
            self._database.execute(
                "create temp table suspects as from repeated;"
                f"create temp table alike as from kept where hash({TWINS}) in (from suspects);"
                f"create temp table first_of_alike as select distinct on ({TWINS}, identity) * from alike"
            )
            self._database.unregister("repeated")
            self._coverage.repeats = count(self._database, "alike") - count(self._database, "first_of_alike")
            kept = f"(from kept where hash({TWINS}) not in (from suspects) union all from first_of_alike)"
        self._database.execute(
            f"create temp view events as select {columns} from {kept};"
            f"create temp table open_requests as {OPEN if self._need.open_ones else 'select * from events limit 0'}"
        )

    def _counted(self, stream: "pa.RecordBatchReader") -> "Iterator[pa.RecordBatch]":
        for batch in stream:
            self._coverage.add(batch)
            yield batch


def count(database: "duckdb.DuckDBPyConnection", rows: str) -> int:
    """Count rows, given as SQL has them behind `from`."""
    return int(database.sql(f"select count(*) from {rows}").fetchall()[0][0])


def types_of(relation: "duckdb.DuckDBPyRelation") -> dict[str, str]:
    """Give column -> what DuckDB takes it for."""
    return dict(zip(relation.columns, map(str, relation.types), strict=True))


def _types(schema: "pa.Schema") -> dict[str, str]:
    """Give column -> what DuckDB will take it for, of times; a stream cannot be looked at before it is read."""
    import pyarrow as pa

    units = {"us": TIME, "ns": "TIMESTAMP_NS", "ms": "TIMESTAMP_MS", "s": "TIMESTAMP_S"}
    times = [field for field in schema if pa.types.is_timestamp(field.type)]
    return {field.name: units[field.type.unit] if field.type.tz else "TIMESTAMP" for field in times}


def _reading_failed(source: object, error: Exception) -> BaseException:
    """Give what ended the reading, as the reader knows it, or else what the stream says."""
    if isinstance(source, Reader) and source.failure is not None:
        return source.failure
    return InputError(str(error))
