"""A log as DuckDB sees it: the view `events`, and `requests` on top of it."""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from auditwake._core import repeated
from auditwake.errors import AuditwakeError, InputError, QuestionError
from auditwake.parquet import parquet_files
from auditwake.questions.coverage import LOOKED_AT, Coverage
from auditwake.questions.question import views
from auditwake.questions.scope import Scope, literal
from auditwake.read import Reader, read
from auditwake.schema import columns
from auditwake.types import ArrowStreamExportable, BinaryReadable, Sources

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["AskedOf", "Log"]

AskedOf = ArrowStreamExportable | Sources
"""Logs as `auditwake.read` takes them, Parquet files or a directory of them, or anything that gives Arrow batches."""

IDENTITY: Final = ("audit_id", "stage", "verb", "uri", "user", "eff_user", "source_ip", "user_agent", "code", "message")
"""What two events must have in common to be one, beside both times and the length of their lines."""
REQUESTS: Final = ("is_terminal", "is_long_running", "stage", "audit_id", "ts_received", "eff_user")
"""What the view `requests` needs."""
WORD: Final = re.compile(r"[a-z_][a-z0-9_]*")
ASIDE: Final = re.compile(r"'(?:[^']|'')*'|--[^\n]*|(\"(?:[^\"]|\"\")*\")")
"""Texts, comments and quoted names: whichever begins first, so that each may have in it what begins another."""
STAR: Final = re.compile(
    r"(?<!\()\*|\bcolumns\s*\(|(?:^|[(;]|\b(?:as|all|union|except|intersect))\s*(?:from|table|summarize|describe|pivot|unpivot)\b"
)
"""What reads every column: a `*`, and a query that says no `select`."""
BODIES: Final = ("request_object", "response_object")
"""What a `*` does not read: they are most of a log, and few ask for them."""
MARK: Final = "hash(ts_received, ts_stage, line_bytes)"
MARKS: Final = 1 << 20
"""Rows of a batch of marks."""
MEMORY: Final = "768MB"
"""What DuckDB may take; the rest goes to its temporary directory."""


class Log:
    """Events of a source, ready to be asked with SQL. The source is read once.

    Rows that repeat another one in full are left out, as when a log was collected twice; `coverage` counts them. Memory
    is bounded: what does not fit is put into a temporary directory that is removed at the end.

    Args:
        source: Logs, Parquet files or a directory of them, or anything that gives Arrow batches.
        sql: What will be asked: only the columns that it names are read.
        of: A condition that holds for every event that it looks at.
        scope: Which events are asked of.
        threads: How many threads parse and compute; None for one a core.
        stars: Whether a `*` in what will be asked means every column but the bodies, and not just those that it names.
        only: Column -> condition of the events of which it is kept; of the others it is null.

    Raises:
        QuestionError: The source lacks a column that is asked for.
        SourceError: The source names nothing that can be opened.

    Example:
        >>> import auditwake as aw
        >>> with Log(aw.demo.LOG, "select count(*) as n from requests where decision = 'forbid'") as log:
        ...     log.query("select count(*) as n from requests where decision = 'forbid'").to_pylist()
        [{'n': 24}]
    """

    def __init__(
        self,
        source: AskedOf,
        sql: str,
        of: str = "true",
        scope: Scope | None = None,
        threads: int | None = None,
        *,
        stars: bool = False,
        only: Mapping[str, str] | None = None,
    ) -> None:
        self.coverage = Coverage()
        self._only = only or {}
        self._spill = tempfile.TemporaryDirectory(prefix="auditwake-")
        self._database = _connect(self._spill.name, threads)
        narrowed = (scope or Scope()).condition
        # A part of the events is kept: a view would look for it in all of the files, each time that it is asked.
        self._kind = "view" if (of, narrowed) == ("true", "true") else "table"
        condition = f"({of}) and {narrowed}"
        if "events" not in WORD.findall(_code(sql)):
            condition += " and stage is distinct from 'RequestReceived'"
        try:
            asked = _asked_columns(f"{sql}\n{condition}", stars=stars)
            self._open(source, asked, condition, threads)
            self._database.execute(views())
        except BaseException:
            self.close()
            raise

    def query(self, sql: str, **parameters: object) -> "pa.Table":
        """Ask.

        Args:
            sql: A query over `events` and `requests`.
            parameters: Values for its `$name`s; those that it does not have are left out.

        Raises:
            QuestionError: The SQL is wrong.
        """
        import duckdb

        named = {name: value for name, value in parameters.items() if re.search(rf"\${name}\b", sql)}
        try:
            return self._database.sql(sql, params=named).to_arrow_table()
        except duckdb.Error as error:
            raise QuestionError(str(error)) from error

    def execute(self, sql: str) -> None:
        """Make what later queries stand on: macros, tables.

        Args:
            sql: One or more statements.

        Raises:
            QuestionError: The SQL is wrong.
        """
        import duckdb

        try:
            self._database.execute(sql)
        except duckdb.Error as error:
            raise QuestionError(str(error)) from error

    def close(self) -> None:
        """Give back what it holds."""
        self._database.close()
        self._spill.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, source: AskedOf, asked: list[str], condition: str, threads: int | None) -> None:
        if isinstance(source, ArrowStreamExportable):
            self._keep(source, asked, condition)
            return
        # Several sources are looked at more than once. A file object is one, though iterating would give its lines.
        is_one = isinstance(source, (str, bytes, os.PathLike, BinaryReadable))
        logs = source if is_one or not isinstance(source, Iterable) else list(source)
        files = parquet_files(logs)
        if files:
            self._look_at(files, asked, condition)
        else:
            needed = list(dict.fromkeys([*asked, *IDENTITY, *LOOKED_AT]))
            self._keep(read(logs, columns=needed, threads=threads), asked, condition)

    def _keep(self, source: ArrowStreamExportable, asked: list[str], condition: str) -> None:
        """Read a stream once, and keep of it what is asked for."""
        import pyarrow as pa

        stream = pa.RecordBatchReader.from_stream(source)
        _refuse_missing(asked, stream.schema.names)
        counted = pa.RecordBatchReader.from_batches(stream.schema, self._counting(stream))
        self._database.register("stream", counted)
        columns = f"{self._columns(asked)}, {_identity(stream.schema.names)}"
        try:
            self._database.execute(f"create temp table kept as select {columns} from stream where {condition}")
        except Exception as error:
            raise _reading_failed(source, error) from error
        self._database.unregister("stream")
        if isinstance(source, Reader):
            self.coverage.add_outcomes(source.outcomes)
        repeats = self._repeats()
        self._make_events(repeats, has_identity=True)

    def _counting(self, stream: "pa.RecordBatchReader") -> "Iterator[pa.RecordBatch]":
        whole = set(LOOKED_AT) <= set(stream.schema.names)
        for batch in stream:
            if whole:
                self.coverage.add(batch)
            else:
                self.coverage.events += batch.num_rows
            yield batch

    def _look_at(self, files: list[str], asked: list[str], condition: str) -> None:
        """Let DuckDB read Parquet where it lies."""
        scan = f"read_parquet([{', '.join(map(literal, files))}], union_by_name = true, hive_partitioning = false)"
        known = self._database.sql(f"select * from {scan} limit 0").columns
        _refuse_missing(asked, known)
        if set(LOOKED_AT) <= set(known):
            self._count(scan)
        columns = self._columns(asked)
        kept = f"create or replace temp {self._kind} kept as select {{}} from {scan} where {condition}"
        self._database.execute(kept.format(columns))
        repeats = self._repeats()
        if repeats:
            # Only now: what identifies an event is long texts, which cost more to read than all else.
            self._database.execute(kept.format(f"{columns}, {_identity(known)}"))
        self._make_events(repeats, has_identity=bool(repeats))

    def _columns(self, asked: list[str]) -> str:
        return ", ".join(
            f"case when {self._only[name]} then {_quoted(name)} end as {_quoted(name)}"
            if name in self._only
            else _quoted(name)
            for name in asked
        )

    def _count(self, scan: str) -> None:
        counted = self._database.sql(
            f"select stage, level, count(*) as events, min(ts_received) as first, max(ts_received) as last, "
            f"count(decision) as decisions, count(lat_total_us) as latencies from {scan} group by all"
        ).to_arrow_table()
        for row in counted.to_pylist():
            self.coverage.add_counted(row)

    def _repeats(self) -> list[int]:
        """Give the marks of rows with the same times and length: they are rare, and only they are compared."""
        return repeated(self._database.sql(f"select {MARK} as mark from kept").to_arrow_reader(MARKS))

    def _make_events(self, repeats: list[int], *, has_identity: bool) -> None:
        """Make `events` of what was kept, less what repeats another row."""
        import pyarrow as pa

        columns = "* exclude (identity)" if has_identity else "*"
        if not repeats:
            self._database.execute(f"create temp view events as select {columns} from kept")
            return
        self._database.register("repeated", pa.table({"mark": pa.array(repeats, pa.uint64())}))
        self._database.execute(
            "create temp table suspects as from repeated;"
            f"create temp table alike as from kept where {MARK} in (from suspects);"
            "create temp table first_of_alike as "
            "select distinct on (ts_received, ts_stage, line_bytes, identity) * from alike;"
            f"create temp view events as select {columns} from "
            f"(from kept where {MARK} not in (from suspects) union all from first_of_alike)"
        )
        self._database.unregister("repeated")
        counts = self._database.execute("select (select count(*) from alike) - (select count(*) from first_of_alike)")
        self.coverage.repeats = counts.fetchall()[0][0]


def _connect(spill: str, threads: int | None) -> "duckdb.DuckDBPyConnection":
    try:
        import duckdb
    except ImportError as error:
        message = 'questions are answered by DuckDB, which is not installed: pip install "auditwake[duckdb]"'
        raise AuditwakeError(message) from error
    settings: dict[str, Any] = {
        "memory_limit": MEMORY,
        "temp_directory": str(Path(spill)),
        "TimeZone": "UTC",
        # Nothing is downloaded while it runs: what it needs is in its wheel.
        "autoinstall_known_extensions": False,
    }
    if threads is not None:
        settings["threads"] = threads
    database = duckdb.connect(config=settings)
    # In a notebook without widgets there is no bar, and DuckDB refuses to be told that there shall be none.
    if database.execute("select current_setting('enable_progress_bar')").fetchall() == [(True,)]:
        database.execute("set enable_progress_bar = false")
    return database


def _asked_columns(sql: str, *, stars: bool) -> list[str]:
    """Give the columns that a query names, and those that every answer needs."""
    code = _code(sql)
    words = set(WORD.findall(code))
    everything = stars and bool(STAR.search(code))
    needed = {*words, "ts_received", "ts_stage", "line_bytes", *REQUESTS}
    return [one.name for one in columns() if one.name in needed or (everything and one.name not in BODIES)]


def _code(sql: str) -> str:
    """Give a query without what stands in it as text or comment, in lower case: SQL knows no other."""
    return ASIDE.sub(lambda aside: aside[1] or ("''" if aside[0].startswith("'") else " "), sql).strip().lower()


def _quoted(name: str) -> str:
    return f'"{name}"'


def _identity(known: Iterable[str]) -> str:
    """Give the column that tells events of the same times and length apart."""
    return f"hash({', '.join(_quoted(name) for name in IDENTITY if name in set(known))}) as identity"


def _refuse_missing(asked: list[str], known: Iterable[str]) -> None:
    missing = [name for name in asked if name not in set(known)]
    if missing:
        message = (
            f"the source has no column {', '.join(missing)}: it was written with a selection of columns; "
            "read the log itself, or convert it with all columns"
        )
        raise QuestionError(message)


def _reading_failed(source: object, error: Exception) -> BaseException:
    """Give what ended the reading, as the reader knows it, or else what the stream says."""
    if isinstance(source, Reader) and source.failure is not None:
        return source.failure
    return InputError(str(error))
