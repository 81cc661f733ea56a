"""What is kept of a stream: a table, less the events that repeat another one in full."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from auditwake._core import repeated
from auditwake.errors import InputError, QuestionError
from auditwake.questions.conform import conformed, schema_names
from auditwake.questions.coverage import Coverage
from auditwake.questions.needed import Need, identity, refuse_missing
from auditwake.read import Reader
from auditwake.types import ArrowStreamExportable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    import pyarrow as pa

__all__ = ["ENDED", "REQUEST", "STARTED", "TWINS", "Kept", "count", "interruptible", "refused", "types_of"]

TWINS: Final = "ts_received, ts_stage, line_bytes"
"""What rows have in common that may be one event; few others are compared by what they say, which is long texts."""
MARKS: Final = 1 << 20
"""Rows of a batch of marks."""
STARTED: Final = "stage = 'ResponseStarted' and is_long_running and eff_user is not null"
"""Requests that are meant to be long, where they begin."""
ENDED: Final = "is_long_running and is_terminal"
"""Those, where they end."""
REQUEST: Final = "hash(audit_id, ts_received, eff_user)"
"""What names a request: a client may choose the audit ID."""


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
        self._raised: BaseException | None = None

    def stream(self, source: ArrowStreamExportable, *, with_identity: bool) -> bool:
        """Keep what is needed of a stream, which is read once.

        Args:
            source: The stream.
            with_identity: Whether to keep what tells events apart that may be one.

        Returns:
            Whether that was enough: without it, events that may be one cannot be told apart, and nothing is made.
        """
        import pyarrow as pa

        stream = _named(pa.RecordBatchReader.from_stream(source))
        refuse_missing(self._need.naming, stream.schema.names)
        # A stream cannot be looked at before it is read.
        types = types_of(self._database.from_arrow(stream.schema.empty_table()))
        rows = conformed("stream", self._need.looked_at(types))
        self._database.register("stream", pa.RecordBatchReader.from_batches(stream.schema, self._counted(stream)))
        columns = f"{self._need.selected(self._need.naming)}, coalesce({self._need.condition}, false) as is_asked"
        if with_identity:
            columns += f", {identity(stream.schema.names)}"
        wanted = f"({self._need.condition})" + (f" or ({ENDED})" if self._need.open_ones else "")
        try:
            self.fill(f"select {columns} from {rows} where {wanted}")
        except Exception as error:
            raise self._reading_failed(source, error) from error
        self._database.unregister("stream")
        marks = self.marks()
        if marks and not with_identity:
            return False
        if isinstance(source, Reader):
            self._coverage.add_outcomes(source.outcomes)
        self.make(marks, aside=("is_asked", "identity") if with_identity else ("is_asked",))
        ended = f"select {REQUEST} from kept where {ENDED}"
        self.make_open(f"select * from events where {STARTED} and {REQUEST} not in ({ended})")
        return True

    def fill(self, sql: str) -> None:
        """Fill the table."""
        with interruptible():
            self._database.execute(f"create or replace temp table kept as {sql}")

    def marks(self) -> list[int]:
        """Give the marks of rows that may be one event: they are rare."""
        return repeated(self._database.sql(f"select hash({TWINS}) as mark from kept").to_arrow_reader(MARKS))

    def make(self, marks: list[int], *, aside: tuple[str, ...]) -> None:
        """Make `alone` of what was kept, is asked of and repeats nothing; and `events`, without the columns aside.

        Of events that are one, the first in the order of the source is kept.
        """
        import pyarrow as pa

        asked = "is_asked" if "is_asked" in aside else "true"
        kept = f"(from kept where {asked})"
        if marks:
            self._database.register("repeated", pa.table({"mark": pa.array(marks, pa.uint64())}))
            self._database.execute(
                "create temp table suspects as from repeated;"
                "create temp table alike as select *, rowid as place from kept "
                f"where {asked} and hash({TWINS}) in (from suspects);"
                "create temp table first_of_alike as select * exclude (place) from "
                f"(select distinct on ({TWINS}, identity) * from alike order by place)"
            )
            self._database.unregister("repeated")
            self._coverage.repeats = count(self._database, "alike") - count(self._database, "first_of_alike")
            kept = f"(from {kept} where hash({TWINS}) not in (from suspects) union all from first_of_alike)"
        columns = f"* exclude ({', '.join(aside)})" if aside else "*"
        self._database.execute(
            f"create temp view alone as from {kept}; create temp view events as select {columns} from alone"
        )

    def make_open(self, sql: str) -> None:
        """Make `open_requests` of what SQL says, where that is looked at."""
        wanted = sql if self._need.open_ones else "select * from events limit 0"
        with interruptible():
            self._database.execute(f"create temp table open_requests as {wanted}")

    def _counted(self, stream: "pa.RecordBatchReader") -> "Iterator[pa.RecordBatch]":
        try:
            for batch in stream:
                self._coverage.add(batch)
                yield batch
        except BaseException as raised:
            self._raised = raised
            raise

    def _reading_failed(self, source: object, error: Exception) -> BaseException:
        """Give what ended the reading: Ctrl-C, or what the reader says, or else what the stream does."""
        if isinstance(self._raised, KeyboardInterrupt):
            return self._raised
        if isinstance(source, Reader) and source.failure is not None:
            return source.failure
        return InputError(str(error))


@contextmanager
def interruptible() -> "Iterator[None]":
    """Make of DuckDB's own error the KeyboardInterrupt that it stands for."""
    try:
        yield
    except RuntimeError as error:
        if "interrupted" in str(error).lower():
            raise KeyboardInterrupt from error
        raise


def refused(error: "duckdb.Error") -> InputError | QuestionError:
    """Give what an error of DuckDB is to who asked: a file that cannot be read, or a question that is wrong."""
    import duckdb

    said = str(error)
    if isinstance(error, duckdb.IOException) or "Failed to read file" in said:
        return InputError(
            f"{said}: the file is damaged, or was changed or removed while it was read; ask again, or leave it out"
        )
    return QuestionError(said)


def count(database: "duckdb.DuckDBPyConnection", rows: str) -> int:
    """Count rows, given as SQL has them behind `from`."""
    return int(database.sql(f"select count(*) from {rows}").fetchall()[0][0])


def types_of(relation: "duckdb.DuckDBPyRelation") -> dict[str, str]:
    """Give column -> what DuckDB takes it for."""
    return dict(zip(relation.columns, map(str, relation.types), strict=True))


def _named(stream: "pa.RecordBatchReader") -> "pa.RecordBatchReader":
    """Give a stream whose columns have the names of the schema."""
    import pyarrow as pa

    names = list(schema_names(stream.schema.names).values())
    if names == stream.schema.names:
        return stream
    fields = [field.with_name(name) for field, name in zip(stream.schema, names, strict=True)]
    return pa.RecordBatchReader.from_batches(pa.schema(fields), (batch.rename_columns(names) for batch in stream))
