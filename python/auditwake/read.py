"""Audit logs as Arrow record batches."""

import html
from typing import TYPE_CHECKING, Final, final

from auditwake import _core
from auditwake.numbers import threads_of, whole
from auditwake.schema import column_names
from auditwake.sources import called, resolve
from auditwake.where import Where, checked

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from auditwake.types import Columns, OnError, Sources

__all__ = ["Reader", "read"]

KIB = 1 << 10
MIB = 1 << 20
SHOWN: Final = 10
OUTCOMES: Final = ("ok", "repaired", "skipped", "rejected")


def read(
    source: "Sources",
    *,
    columns: "Columns | None" = None,
    bodies: bool = True,
    raw: bool = False,
    on_error: "OnError" = "collect",
    threads: int | None = None,
    batch_rows: int = 64 * KIB,
    batch_bytes: int = 32 * MIB,
    buffer_bytes: int = 1 * MIB,
    max_line_bytes: int = 256 * MIB,
    cluster: str | None = None,
    apiserver: str | None = None,
    where: Where | None = None,
) -> "Reader":
    """Read audit logs: plain, gzip or zstd, of any of the shapes in which audit events are found.

    Nothing is parsed before the first batch is asked for, and a column that is not asked for is not parsed at all.

    Args:
        source: A file, a directory, a pattern, `-` (standard input), a URL (extras `remote`, `s3`, `gs`, `az`), a
            binary file object, or a list of those. The files of a rotated set come in the order of time.
        columns: Names of columns or groups (`core`, `derived`, `bodies`, `all`); None for all. See `auditwake.columns`.
        bodies: Whether request and response bodies are read.
        raw: Whether the column `raw` holds the whole line of every event; else only of those that were repaired.
        on_error: `collect` keeps rejected lines in `Reader.rejected` and goes on; `raise` stops at the first one. A
            file that breaks off, such as a cut gzip, is among them, behind its last whole line.
        threads: How many threads parse; None for one a core. The rows come in the order of the log in either case.
        batch_rows: Most rows of a batch.
        batch_bytes: Most bytes of input in a batch, unless a single line is longer.
        buffer_bytes: Bytes read from a file at a time.
        max_line_bytes: The longest line whose bodies are kept, in bytes; of a longer one only the metadata is.
        cluster: Value of the column `cluster`.
        apiserver: Value of the column `apiserver`.
        where: Which rows are read; None for all. Others are left out before they are built, and counted in
            `Outcomes.filtered`.

    Returns:
        A reader that can be read again and again, by anything that takes Arrow.

    Raises:
        SourceError: A source names nothing that can be opened (`SourceNotFoundError` if it is not there).
        ColumnError: There is no such column or group.
        TypeError: A source is of a type that names no bytes, a number is none, or `where` is no `Where`.
        ValueError: A number is out of bounds.

    Example:
        >>> import auditwake as aw
        >>> import pyarrow as pa
        >>> table = pa.table(aw.read(aw.demo.LOG, columns=["verb", "code"]))
        >>> table.num_columns
        2
    """
    resolved = resolve(source)
    core = _core.Reader(
        resolved,
        columns=column_names(columns),
        bodies=bodies,
        raw=raw,
        on_error=on_error,
        threads=threads_of(threads),
        batch_rows=whole("batch_rows", batch_rows),
        batch_bytes=whole("batch_bytes", batch_bytes),
        buffer_bytes=whole("buffer_bytes", buffer_bytes),
        max_line_bytes=whole("max_line_bytes", max_line_bytes),
        labels=(cluster, apiserver),
        rows=checked(where),
    )
    return Reader(core, tuple(map(called, resolved)))


@final
class Reader:
    """Audit logs as a stream of record batches; made by `read`.

    Each pass opens the sources anew, so a reader can be handed to one consumer after the other. Memory depends on the
    size of a batch and the number of threads, never on the size of the log. It can be used from several threads.

    Iterating gives `pyarrow.RecordBatch`. If `on_error="raise"` was asked for, it raises `RejectedError` at a line that
    holds no event and `InputError` where a file breaks off.

    Anything that takes Arrow takes it as it is: `pyarrow.table(reader)`, `polars.DataFrame(reader)`,
    `duckdb.sql("from reader")`, `pandas.DataFrame.from_arrow(reader)`, `deltalake.write_deltalake(path, reader)`.

    Example:
        >>> import auditwake as aw
        >>> reader = aw.read(aw.demo.LOG, columns="core")
        >>> rows = sum(batch.num_rows for batch in reader)
        >>> rows == reader.outcomes.events
        True
    """

    __slots__ = ("_core", "_sources")

    def __init__(self, core: _core.Reader, sources: tuple[str, ...]) -> None:
        self._core = core
        self._sources = sources

    @property
    def sources(self) -> tuple[str, ...]:
        """What it reads, as people call it: without what a URL has beside its place.

        Example:
            >>> import auditwake as aw
            >>> aw.read("-").sources
            ('standard input',)
        """
        return self._sources

    @property
    def schema(self) -> "pa.Schema":
        """The Arrow schema of the batches."""
        import pyarrow as pa

        return pa.schema(self._core)

    @property
    def outcomes(self) -> _core.Outcomes:
        """What became of the lines of the newest pass; grows while it runs.

        Example:
            >>> import auditwake as aw
            >>> reader = aw.read(aw.demo.LOG)
            >>> log_bytes = sum(len(line) + 1 for line in aw.lines(reader))
            >>> reader.outcomes.bytes == log_bytes
            True
        """
        return self._core.outcomes

    @property
    def rejected(self) -> list[_core.Rejected]:
        """The lines of the newest pass that hold no event, with file, offset, reason and bytes."""
        return self._core.rejected

    @property
    def failure(self) -> BaseException | None:
        """The error that ended the newest pass; None while it runs and when it ended well.

        Only a text crosses the Arrow stream interface, so what an engine raises is an error of its own. This is the one
        behind it, with its type and attributes.
        """
        return self._core.failure

    def to_reader(self) -> "pa.RecordBatchReader":
        """Start a pass, as a pyarrow reader.

        Returns:
            A reader that is read once. It raises errors of pyarrow; see `failure`.

        Raises:
            SourceError: A source is no longer there, or is a stream that has been read.

        Example:
            >>> import auditwake as aw
            >>> aw.read(aw.demo.LOG, columns=["verb"]).to_reader().read_next_batch().num_columns
            1
        """
        import pyarrow as pa

        return pa.RecordBatchReader.from_stream(self._core)

    def __iter__(self) -> "Iterator[pa.RecordBatch]":
        with self.to_reader() as stream:
            while (batch := self._next_batch(stream)) is not None:
                yield batch

    def _next_batch(self, stream: "pa.RecordBatchReader") -> "pa.RecordBatch | None":
        try:
            return stream.read_next_batch()
        except StopIteration:
            return None
        except Exception:
            if self.failure is None:
                raise
            raise self.failure from None

    def __arrow_c_schema__(self) -> object:
        return self._core.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._core.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        seen = self.outcomes
        counts = ", ".join(f"{getattr(seen, name).lines:,} {name}" for name in OUTCOMES)
        return f"<auditwake.Reader: {seen.events:,} events so far; lines: {counts}>"

    def _repr_html_(self) -> str:
        """Show in a notebook what it reads, and what became of the lines so far. It starts no pass."""
        seen = self.outcomes
        more = len(self._sources) - SHOWN
        sources = [*self._sources[:SHOWN], *([f"and {more:,} more"] if more > 0 else [])]
        names = ", ".join(self.schema.names)
        rows = "".join(_outcome_row(name, getattr(seen, name)) for name in OUTCOMES)
        return (
            f"<p><b>auditwake.Reader</b> of {html.escape(', '.join(sources))}</p>"
            f"<details><summary>{len(self.schema)} columns</summary>{html.escape(names)}</details>"
            f"<table><caption>{seen.events:,} events so far, {seen.bytes:,} bytes</caption>"
            f"<thead><tr><th>outcome</th><th>lines</th><th>bytes</th></tr></thead><tbody>{rows}</tbody></table>"
        )


def _outcome_row(name: str, outcome: _core.Outcome) -> str:
    return f"<tr><td>{name}</td><td>{outcome.lines:,}</td><td>{outcome.bytes:,}</td></tr>"
