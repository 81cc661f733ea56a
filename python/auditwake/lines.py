"""The events written back from their rows."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from auditwake import _core
from auditwake.read import Reader
from auditwake.types import ArrowStreamExportable

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["lines"]


def lines(batches: "ArrowStreamExportable | pa.RecordBatch | Iterable[pa.RecordBatch]") -> Iterator[bytes]:
    """Write the events back from their rows, one line each, without the newline.

    A line that kube-apiserver wrote comes back byte for byte: the columns drop nothing.

    Args:
        batches: Rows with all columns: a `Reader`, a table, a record batch or several, or any other Arrow stream.

    Returns:
        The lines, in the order of the rows.

    Raises:
        ColumnError: A column is missing that is needed to write the event.
        InputError: The stream that gives the rows failed part way; a `Reader` raises its own error.
        TypeError: `batches` holds no Arrow data.

    Example:
        >>> import auditwake as aw
        >>> next(aw.lines(aw.read(aw.demo.LOG)))[:48]
        b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","'
    """
    written = _core.lines(_stream(batches))
    return _raising(written, batches) if isinstance(batches, Reader) else written


def _raising(written: Iterator[bytes], reader: Reader) -> Iterator[bytes]:
    """Raise the error of the reader itself: only its text crosses the stream between the two."""
    try:
        yield from written
    except Exception:
        if reader.failure is None:
            raise
        raise reader.failure from None


def _stream(batches: object) -> ArrowStreamExportable:
    if isinstance(batches, ArrowStreamExportable):
        return batches
    import pyarrow as pa

    if hasattr(batches, "__arrow_c_array__"):
        return _stream([pa.record_batch(batches)])
    if not isinstance(batches, Iterable):
        message = f"lines() takes Arrow data such as a Reader, a table or record batches, not {type(batches).__name__}"
        raise TypeError(message)
    several = iter(batches)
    first = next(several, None)
    schema = pa.schema(_core.schema()) if first is None else first.schema
    head = [] if first is None else [first]
    stream: ArrowStreamExportable = pa.RecordBatchReader.from_batches(schema, chain(head, several))
    return stream
