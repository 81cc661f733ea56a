"""From what the user gave to a stream of the columns that policies look at."""

import functools
import operator
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from auditwake._core import policy_columns
from auditwake.errors import InputError
from auditwake.parquet import folder_values, parquet_files
from auditwake.read import Reader, read
from auditwake.types import ArrowStreamExportable, BinaryReadable, Sources

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset

    from auditwake._core import Outcomes

__all__ = ["EventSource", "Events", "open_events"]

EventSource = ArrowStreamExportable | Sources
"""Logs as `auditwake.read` takes them, Parquet files or a directory of them, or anything that gives Arrow batches."""


class Events:
    """A source of events, opened anew for each pass.

    Args:
        opener: Gives the batches of a pass.
        reader: The reader behind it, if it is one: its failure says more than the text that crosses the interface.
    """

    __slots__ = ("_opener", "_reader")

    def __init__(self, opener: Callable[[], ArrowStreamExportable], reader: Reader | None = None) -> None:
        self._opener = opener
        self._reader = reader

    @property
    def outcomes(self) -> "Outcomes | None":
        """What became of the lines of the newest pass; None where there are none, as in Parquet."""
        return None if self._reader is None else self._reader.outcomes

    def open(self) -> ArrowStreamExportable:
        """Begin a pass."""
        return self._opener()

    def failed(self, error: Exception) -> BaseException:
        """Give what ended a pass, as the reader knows it, or else what the stream says."""
        if self._reader is not None and self._reader.failure is not None:
            return self._reader.failure
        return InputError(str(error))


def open_events(source: EventSource, also: Iterable[str] = ()) -> Events:
    """Prepare a source of events.

    Args:
        source: Logs, Parquet, or Arrow.
        also: Columns beside those that policies look at; left out where a source does not have them.

    Raises:
        SourceError: A source names nothing that can be opened.

    Example:
        >>> import auditwake as aw
        >>> import pyarrow as pa
        >>> "verb" in pa.table(open_events(aw.demo.LOG).open()).column_names
        True
    """
    needed, helpful = policy_columns()
    columns = list(dict.fromkeys([*needed, *helpful, *also]))
    if isinstance(source, Reader):
        return Events(lambda: source, source)
    if isinstance(source, ArrowStreamExportable):
        return Events(lambda: source)
    if hasattr(source, "__arrow_c_array__"):
        return Events(lambda: _table(source))
    # Several sources are looked at more than once. A file object is one, though iterating would give its lines.
    is_one = isinstance(source, (str, bytes, bytearray, memoryview, os.PathLike, BinaryReadable))
    logs = source if is_one or not isinstance(source, Iterable) else list(source)
    files = parquet_files(logs)
    if files:
        return Events(lambda: _parquet(files, columns))
    reader = read(logs, columns=columns)
    return Events(lambda: reader, reader)


def _table(batch: object) -> "pa.Table":
    import pyarrow as pa

    return pa.table(pa.record_batch(batch))


def _parquet(files: list[str], columns: list[str]) -> "pa.RecordBatchReader":
    dataset = _dataset(files)
    known = {name.lower(): name for name in reversed(dataset.schema.names)}
    found = {name: dataset.schema.field(known[name]) for name in columns if name in known}
    return dataset.scanner(columns={name: _text(field) for name, field in found.items()}).to_reader()


def _text(field: "pa.Field") -> "pyarrow.dataset.Expression":
    """Give a column; as text where an engine wrote bytes without saying that they are text."""
    import pyarrow as pa
    import pyarrow.dataset

    column = pyarrow.dataset.field(field.name)
    bytes_of = (pa.types.is_binary, pa.types.is_large_binary)
    if any(is_kind(field.type) for is_kind in bytes_of):
        return column.cast(pa.string())
    if pa.types.is_list(field.type) and any(is_kind(field.type.value_type) for is_kind in bytes_of):
        return column.cast(pa.list_(pa.string()))
    return column


def _dataset(files: list[str]) -> "pyarrow.dataset.Dataset":
    """Open files, with the columns that their folders are named after and that they lack."""
    import pyarrow as pa
    import pyarrow.dataset

    dataset = pyarrow.dataset.dataset(files, format="parquet")
    paths = [os.path.abspath(file) for file in files]  # noqa: PTH100  # links stay as they are named
    named = {name: said for name, said in folder_values(paths).items() if name not in dataset.schema.names}
    if not named:
        return dataset
    fields = [pa.field(name, pa.array(list(said.values())).type) for name, said in named.items()]
    everything = pyarrow.dataset.scalar(value=True)
    of_files = [
        functools.reduce(
            operator.and_, (_is(name, said[path]) for name, said in named.items() if path in said), everything
        )
        for path in paths
    ]
    return pyarrow.dataset.FileSystemDataset.from_paths(
        paths,
        schema=pa.schema([*dataset.schema, *fields]),
        format=pyarrow.dataset.ParquetFileFormat(),
        filesystem=pa.fs.LocalFileSystem(),
        partitions=of_files,
    )


def _is(name: str, value: object) -> "pyarrow.dataset.Expression":
    import pyarrow.dataset

    field = pyarrow.dataset.field(name)
    return field.is_null() if value is None else field == value
