"""Audit logs to Parquet files."""

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from auditwake import _core
from auditwake.errors import OutputError
from auditwake.numbers import threads_of, whole
from auditwake.read import KIB, MIB
from auditwake.schema import column_names
from auditwake.sources import resolve
from auditwake.where import Where, checked

if TYPE_CHECKING:
    from auditwake.types import Columns, Compression, OnError, Sources

__all__ = ["convert"]


def convert(
    source: "Sources",
    out: str | os.PathLike[str],
    *,
    columns: "Columns | None" = None,
    bodies: bool = True,
    partition_by: Iterable[str] | None = None,
    compression: "Compression" = "zstd",
    compression_level: int | None = None,
    threads: int | None = None,
    row_group_rows: int = 128 * KIB,
    max_line_bytes: int = 256 * MIB,
    on_error: "OnError" = "collect",
    cluster: str | None = None,
    apiserver: str | None = None,
    where: Where | None = None,
    progress: Callable[[_core.Progress], None] | None = None,
) -> _core.Converted:
    """Convert audit logs to Parquet: one file, or a directory partitioned in the way of Hive.

    Output appears whole or not at all. Running it again on the same inputs adds nothing twice, and a run that was
    killed is completed by the next one. Rejected lines are written beside the output.

    Args:
        source: What to read; see `auditwake.read`.
        out: The file or directory to write. A name that ends in `.parquet` is one file, any other a directory, unless
            `partition_by` says otherwise.
        columns: Names of columns or groups; None for all.
        bodies: Whether request and response bodies are written.
        partition_by: Columns that name the folders of a directory, outermost first, such as `("date", "resource")`;
            `date` is the day of `ts_stage` in UTC. An empty one writes one file. None is `("date",)` for a directory.
        compression: `zstd`, `snappy`, `lz4` or `none`.
        compression_level: Level of zstd, 1 to 22; None for the default.
        threads: How many threads work; None for one a core.
        row_group_rows: Most rows of a row group.
        max_line_bytes: The longest line whose bodies are kept, in bytes.
        on_error: `collect` writes rejected lines beside the output; `raise` stops at the first one and writes nothing.
        cluster: Value of the column `cluster`; with `partition_by=("cluster", "date")` one lake holds several clusters.
        apiserver: Value of the column `apiserver`.
        where: Which rows are written; None for all. A directory holds of each input what the last run asked for: with
            another `where` it is converted again, and its files are replaced.
        progress: Called about ten times a second and at the end, from the calling thread.

    Returns:
        What was written: files, rows, bytes, outcomes, and inputs left out because `out` has them already.

    Raises:
        SourceError: A source names nothing that can be opened.
        OutputError: The output cannot be written.
        ColumnError: There is no such column.
        ValueError: A number is out of bounds; `TypeError` where it is none.
        RejectedError: A line was rejected and `on_error="raise"` was asked for; `InputError` where a file broke off.

    Example:
        >>> import auditwake as aw, pyarrow.parquet, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     done = aw.convert(aw.demo.LOG, f"{folder}/audit.parquet")
        ...     pyarrow.parquet.read_metadata(done.out).num_rows == done.rows
        True
    """
    path = _local(out)
    return _core.convert(
        resolve(source),
        path,
        columns=column_names(columns),
        bodies=bodies,
        partition_by=_partitions(path, partition_by),
        compression=compression,
        compression_level=compression_level,
        threads=threads_of(threads),
        row_group_rows=whole("row_group_rows", row_group_rows),
        max_line_bytes=whole("max_line_bytes", max_line_bytes),
        on_error=on_error,
        labels=(cluster, apiserver),
        rows=checked(where),
        progress=progress,
    )


def _local(out: str | os.PathLike[str]) -> str:
    path = os.fspath(out)
    if "://" in path:
        message = f"{path}: convert writes to a local disk, where a rename is atomic; write there, then copy the result"
        raise OutputError(message)
    return path


def _partitions(out: str, partition_by: Iterable[str] | None) -> list[str]:
    single = out.endswith(".parquet")
    if partition_by is None:
        return [] if single else ["date"]
    names = [partition_by] if isinstance(partition_by, str) else list(partition_by)
    if single and names:
        message = f"{out} is one file and has no partitions: leave out partition_by, or name a directory"
        raise OutputError(message)
    return names
