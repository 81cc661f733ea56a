"""A log as DuckDB sees it: the view `events`, and `requests` on top of it."""

import os
import re
import stat
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from auditwake._core import discover
from auditwake.errors import AuditwakeError, InputError
from auditwake.numbers import threads_of
from auditwake.parquet import parquet_files
from auditwake.questions.coverage import LOOKED_AT, Coverage
from auditwake.questions.kept import Kept, interruptible, refused
from auditwake.questions.needed import IDENTITY, Need
from auditwake.questions.question import views
from auditwake.questions.scope import Scope
from auditwake.questions.stored import Stored, UnreadError
from auditwake.read import Reader, read
from auditwake.types import ArrowStreamExportable, BinaryReadable, Sources

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["AskedOf", "Log"]

AskedOf = ArrowStreamExportable | Sources
"""Logs as `auditwake.read` takes them, Parquet files or a directory of them, or anything that gives Arrow batches."""

MEMORY: Final = "768MB"
"""What DuckDB may take; the rest goes to its temporary directory."""


class Log:
    """Events of a source, ready to be asked with SQL.

    The source is read once, or twice where it is files and some of their events may repeat others. Rows that repeat
    another one in full are left out, as when a log was collected twice; `coverage` counts them. Memory
    is bounded: what does not fit is put into a temporary directory that is removed at the end.

    Args:
        source: Logs, Parquet files or a directory of them, or anything that gives Arrow batches.
        sql: What will be asked: only the columns that it names are read.
        of: A condition that holds for every event that it looks at.
        scope: Which events are asked of.
        threads: How many threads parse and compute; None for one a core.
        stars: Whether a `*` in what will be asked means every column but the bodies, and not just those that it names.
        only: Column -> condition of the events of which it is kept; of the others it is null.
        is_asked_once: Whether there are so few queries that what many events are asked need not be put aside for them.

    Raises:
        QuestionError: The source lacks a column that is asked for.
        SourceError: The source names nothing that can be opened.
        ValueError: There cannot be so many threads; `TypeError` where it is no number.

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
        is_asked_once: bool = False,
    ) -> None:
        self.coverage = Coverage()
        self._need = Need.of(sql, of, (scope or Scope()).condition, stars=stars, only=only)
        self._threads = threads_of(threads)
        self._spill = tempfile.TemporaryDirectory(prefix="auditwake-")
        self._database = _connect(self._spill.name, self._threads)
        try:
            self._open(source, is_asked_once=is_asked_once)
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
            InputError: A file cannot be read: it is damaged, or was changed or removed since it was opened.
        """
        import duckdb

        named = {name: value for name, value in parameters.items() if re.search(rf"\${name}\b", sql)}
        try:
            with interruptible():
                return self._database.sql(sql, params=named).to_arrow_table()
        except duckdb.Error as error:
            raise refused(error) from error

    def execute(self, sql: str) -> None:
        """Make what later queries stand on: macros, tables.

        Args:
            sql: One or more statements.

        Raises:
            QuestionError: The SQL is wrong.
            InputError: A file cannot be read: it is damaged, or was changed or removed since it was opened.
        """
        import duckdb

        try:
            with interruptible():
                self._database.execute(sql)
        except duckdb.Error as error:
            raise refused(error) from error

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

    def _open(self, source: AskedOf, *, is_asked_once: bool) -> None:
        if isinstance(source, ArrowStreamExportable):
            self._keep(source, with_identity=True)
            return
        # Several sources are looked at more than once. A file object is one, though iterating would give its lines.
        is_one = isinstance(source, (str, bytes, os.PathLike, BinaryReadable))
        logs = source if is_one or not isinstance(source, Iterable) else list(source)
        files = parquet_files(logs)
        if files:
            self._look_at(files, is_asked_once=is_asked_once)
        else:
            self._read(logs)

    def _look_at(self, files: list[str], *, is_asked_once: bool) -> None:
        stored = Stored(files, self._database, self._need, self.coverage, self._threads)
        try:
            stored.look_at(is_asked_once=is_asked_once)
        except UnreadError as unread:
            # DuckDB may, and begins anew: views and tables of the first attempt may be there.
            self._database.close()
            self._database = _connect(self._spill.name, self._threads)
            self.coverage = Coverage()
            stored = Stored(files, self._database, self._need, self.coverage, self._threads)
            try:
                self._keep(stored.stream(), with_identity=True)
            except InputError as error:
                # DuckDB does not always say which file it is.
                message = f"{unread}; DuckDB cannot read it either: {error}"
                raise InputError(message) from error

    def _read(self, logs: Sources) -> None:
        """Read logs; once more where events may be one, since what tells those apart is long texts."""

        def reader(more: Iterable[str] = ()) -> Reader:
            return read(
                logs, columns=[*self._need.read_for(self._need.naming), *LOOKED_AT, *more], threads=self._threads
            )

        files = _files(logs)
        if files and self._keep(reader(), with_identity=False):
            return
        if files and _files(logs) != files:
            message = f"{files[0][0]}: it was rotated while it was read: ask again"
            raise InputError(message)
        self.coverage = Coverage()
        self._keep(reader(IDENTITY), with_identity=True)

    def _keep(self, source: ArrowStreamExportable, *, with_identity: bool) -> bool:
        return Kept(self._database, self._need, self.coverage).stream(source, with_identity=with_identity)


def _files(logs: Sources) -> list[tuple[str, int, int]]:
    """Give the files that logs are, with what tells them from others of that name; none where one can be read once."""
    found = []
    for one in logs if isinstance(logs, list) else [logs]:
        if not isinstance(one, (str, os.PathLike)) or os.fspath(one) == "-" or "://" in os.fspath(one):
            return []
        for file in discover(os.fspath(one)):
            known = Path(file).stat()
            if not stat.S_ISREG(known.st_mode):
                return []
            found.append((file, known.st_dev, known.st_ino))
    return found


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
        # Every query looks at the footers of all files again, and there may be a thousand.
        "parquet_metadata_cache": True,
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
