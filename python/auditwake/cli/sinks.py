"""Where the rows of a tail go. Imported when there are rows: it needs pyarrow.

When `write` returns, all of the rows have left this process: what was written may be committed.
"""

from collections.abc import Callable
from typing import BinaryIO, Final, Protocol, TextIO

import pyarrow as pa

import auditwake
from auditwake.cli import rows
from auditwake.cli.glance import Glance
from auditwake.cli.harmless import for_terminal
from auditwake.cli.style import Style
from auditwake.cli.table import terminal_width

__all__ = ["Sink", "arrow_stream", "event_lines", "pretty_lines", "row_lines"]


class Sink(Protocol):
    """Takes batches."""

    def write(self, batch: pa.RecordBatch, /) -> None:
        """Write rows, all the way."""

    def close(self) -> None:
        """Write what belongs to the end."""


class _Each:
    """Writes each batch by itself, and nothing at the end."""

    def __init__(self, write: Callable[[pa.RecordBatch], None], out: BinaryIO | TextIO) -> None:
        self._write: Final = write
        self._out: Final = out

    def write(self, batch: pa.RecordBatch) -> None:
        self._write(batch)
        self._out.flush()

    def close(self) -> None:
        pass


def event_lines(out: BinaryIO) -> Sink:
    """Write the events themselves, as they stood in the log; on a terminal, controls are escapes."""
    shown = for_terminal if out.isatty() else bytes
    return _Each(lambda batch: out.writelines(shown(line) + b"\n" for line in auditwake.lines(batch)), out)


def row_lines(schema: pa.Schema, out: BinaryIO) -> Sink:
    """Write one JSON object a row, with the columns of the schema."""
    return _Each(lambda batch: rows.WRITERS["ndjson"]([batch.select(schema.names)], schema, out), out)


def pretty_lines(out: TextIO, *, utc: bool) -> Sink:
    """Write one line an event for people."""
    glance = Glance(Style(out), utc=utc)

    def write(batch: pa.RecordBatch) -> None:
        # The terminal may have another size by now.
        out.writelines(f"{line}\n" for line in glance.lines(batch, terminal_width(out)))

    return _Each(write, out)


class _ArrowStream:
    def __init__(self, schema: pa.Schema, out: BinaryIO) -> None:
        self._names = schema.names
        self._out = out
        self._writer = pa.ipc.new_stream(out, schema)

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch.select(self._names))
        self._out.flush()

    def close(self) -> None:
        self._writer.close()
        self._out.flush()


def arrow_stream(schema: pa.Schema, out: BinaryIO) -> Sink:
    """Write an Arrow IPC stream with the columns of the schema."""
    return _ArrowStream(schema, out)
