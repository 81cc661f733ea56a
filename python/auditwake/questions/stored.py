"""Events that stand in Parquet files: a part of them is fetched, and of many the files are asked where they lie."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from auditwake._core import stored_rows, survey
from auditwake.errors import InputError
from auditwake.questions.conform import quoted
from auditwake.questions.coverage import LOOKED_AT, Coverage
from auditwake.questions.files import Files
from auditwake.questions.kept import ENDED, REQUEST, STARTED, TWINS, Kept, count, interruptible, refused
from auditwake.questions.needed import IDENTITY, Need, identity, needed_columns, refuse_missing
from auditwake.types import ArrowStreamExportable, Survey

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["Stored", "UnreadError"]

POSITION: Final = "(file_index::ubigint << 40) | file_row_number::ubigint"
"""Where a row stands, as the core counts it."""
FEW: Final = 50
"""One event in so many is few: they are fetched. Of more, what is asked is asked of the files."""
BATCH: Final = 1 << 16
"""Rows of a batch that is read by DuckDB and kept by it again."""


class UnreadError(Exception):
    """The core cannot read a file: it is compressed or encoded as few are, or damaged."""


class Stored:
    """Parquet files that hold events, and what is made of them: `events`, and the table `open_requests`.

    DuckDB says which rows meet a condition, from the columns that the condition names; the core fetches those rows,
    counts what the files record, and finds rows that repeat others and requests that are open. DuckDB would decode
    long texts of all rows for each of these.

    Args:
        files: The files; their order is part of a position.
        database: Where they are asked.
        need: What is needed of the events.
        coverage: Where events are counted.
        threads: How many threads read; None for one a core.

    Raises:
        InputError: A file cannot be read.
        QuestionError: The files lack a column, or one holds something else than the schema says.

    Example:
        >>> Stored.__name__
        'Stored'
    """

    def __init__(
        self,
        files: list[str],
        database: "duckdb.DuckDBPyConnection",
        need: Need,
        coverage: Coverage,
        threads: int | None,
    ) -> None:
        looked_at = Files.of(files, database, need)
        self._files = looked_at.paths
        self._scan = looked_at.rows
        self._columns = looked_at.columns
        self._database = database
        self._need = need
        self._coverage = coverage
        self._threads = threads
        refuse_missing(need.naming, self._columns)

    def look_at(self, *, is_asked_once: bool) -> None:
        """Make `events` and `open_requests`.

        Args:
            is_asked_once: Whether there are so few queries that many events need not be put aside for them.

        Raises:
            InputError: A file cannot be read.
            UnreadError: The core cannot read one.
        """
        found = None
        if self._need.is_part:
            few = count(self._database, self._scan) // FEW if is_asked_once else None
            found = self._found(few)
            if few is not None and found.num_rows > few:
                found = None
        if found is None:
            self._view()
        else:
            self._fetch(found)

    def stream(self) -> "pa.RecordBatchReader":
        """Give what is needed as DuckDB alone reads it, which knows more codecs than the core.

        Raises:
            InputError: A file cannot be read.
        """
        import duckdb

        needed = {*self._need.read_for(self._need.naming), *LOOKED_AT, *IDENTITY}
        columns = ", ".join(quoted(name) for name in self._columns if name in needed)
        try:
            return self._database.cursor().sql(f"select {columns} from {self._scan}").to_arrow_reader(BATCH)
        except duckdb.Error as error:
            raise InputError(str(error)) from error

    def _found(self, few: int | None) -> "pa.Table":
        """Give the positions of the rows that meet the condition, and no more than tells that they are not few."""
        import duckdb

        sql = f"select {POSITION} as position from {self._scan} where {self._need.condition}"
        if few is not None:
            sql += f" limit {few + 1}"
        try:
            with interruptible():
                return self._database.sql(sql).to_arrow_table()
        except duckdb.ProgrammingError as error:
            raise refused(error) from error
        except duckdb.Error as error:
            raise InputError(str(error)) from error

    def _fetch(self, found: "pa.Table") -> None:
        """Put the rows that were found into a table."""
        self._coverage.add_survey(self._survey(), self._columns)
        kept = Kept(self._database, self._need, self._coverage)
        columns = self._need.columns
        self._fill("kept", columns, f"{self._need.selected(columns)}, position", found)
        marks = kept.marks()
        if marks:
            known = [name for name in IDENTITY if name in self._columns]
            selected = f"{self._need.selected(columns)}, {identity(known)}, position"
            self._fill("kept", [*columns, *known], selected, found)
        kept.make(marks, aside=("identity", "position") if marks else ("position",))
        kept.make_open(self._open_among_kept() if self._need.open_ones else "")

    def _open_among_kept(self) -> str:
        """Say which of the requests that began have not ended: their ends need not be among what is asked of.

        Audit IDs are much to read: they are fetched of these alone, and their ends are looked for by time.
        """
        database = self._database
        database.execute(f"create temp table begun as select position, ts_received from alone where {STARTED}")
        if not count(database, "begun"):
            return "select * from events limit 0"
        self._fill("named", ["audit_id", "ts_received", "eff_user"], "*", database.table("begun").to_arrow_table())
        ended = f"select {REQUEST} from {self._scan} where {ENDED}"
        if not count(database, "begun where ts_received is null"):
            ended += " and ts_received in (select ts_received from begun)"
        columns = ", ".join(map(quoted, self._need.columns))
        still = f"select position from named where {REQUEST} not in ({ended})"
        return f"select {columns} from alone where position in ({still})"

    def _view(self) -> None:
        """Look at the files, less the rows that repeat others."""
        need = self._need
        surveyed = self._survey(suspects=True, received=need.with_received, open_ones=need.open_ones)
        self._coverage.add_survey(surveyed, self._columns)
        self._find_repeats(surveyed["suspects"])
        condition = need.condition
        if self._coverage.repeats:
            condition += f" and {POSITION} not in (from repeats)"
        columns = need.selected(need.columns)
        self._database.execute(f"create temp view events as select {columns} from {self._scan} where {condition}")
        self._fill("open_requests", need.columns, columns, self._alone(surveyed["open"]), need.condition)

    def _find_repeats(self, suspects: ArrowStreamExportable) -> None:
        """Make the table `repeats` of the positions of rows that repeat another one, of which the first is none."""
        known = [name for name in IDENTITY if name in self._columns]
        asked = f"coalesce({self._need.condition}, false) as is_asked"
        columns = f"{TWINS}, {identity(known)}, position, {asked}"
        needed = [*known, *TWINS.split(", "), *needed_columns(self._need.condition)]
        self._fill("suspects", needed, columns, suspects)
        self._database.execute(
            "create or replace temp table repeats as select position from suspects anti join "
            f"(select min(position) as position from suspects where is_asked group by {TWINS}, identity) "
            "using (position) where is_asked"
        )
        self._coverage.repeats = count(self._database, "repeats")

    def _alone(self, begun: ArrowStreamExportable) -> "pa.Table":
        """Give the positions of those that repeat no other."""
        import pyarrow as pa

        alone = pa.table(begun)
        if self._coverage.repeats:
            self._database.register("begun", alone)
            alone = self._database.sql("from begun anti join repeats using (position)").to_arrow_table()
            self._database.unregister("begun")
        return alone

    def _survey(self, *, suspects: bool = False, received: bool = False, open_ones: bool = False) -> Survey:
        wanted = {"suspects": suspects, "received": received, "open_ones": open_ones}
        try:
            return survey(self._files, **wanted, threads=self._threads)
        except InputError as error:
            raise UnreadError(str(error)) from error

    def _fill(
        self,
        table: str,
        columns: Iterable[str],
        selected: str,
        positions: ArrowStreamExportable,
        condition: str = "true",
    ) -> None:
        """Make a table of those rows of the files that meet a condition."""
        import pyarrow as pa

        needed = self._need.read_for(columns)
        rows = pa.RecordBatchReader.from_stream(stored_rows(self._files, needed, positions, threads=self._threads))
        self._database.register("rows_of_files", rows)
        try:
            with interruptible():
                self._database.execute(
                    f"create or replace temp table {table} as select {selected} from rows_of_files where {condition}"
                )
        except Exception as error:
            raise UnreadError(str(error)) from error
        self._database.unregister("rows_of_files")
