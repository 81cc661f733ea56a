"""What a sink is: it encodes and sends, or it writes and makes durable. It owns no retry, no queue and no offset."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from auditwake._core import Payload
    from auditwake.forwarder.answers import Answer
    from auditwake.forwarder.config.model import Source
    from auditwake.forwarder.encoding import Encoding
    from auditwake.tail import TailBatch
    from auditwake.types import ArrowStreamExportable

__all__ = ["PayloadSink", "TableSink"]


class PayloadSink(Protocol):
    """A sink that takes payloads: every HTTP receiver, the NDJSON file, standard output."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""

    def encoding(self, source: "Source", stream: str) -> "Encoding":
        """Say how the events of a stream are encoded.

        Args:
            source: The entry of the configuration that the stream is from.
            stream: Path of the live log.
        """

    def send(self, payload: "Payload") -> "Answer":
        """Send a payload once, and wait for the answer. It may be called from several threads at once.

        Whatever goes wrong on the way is an answer, not an exception.
        """

    def check(self) -> "Answer":
        """Ask the receiver whether it is there and takes our key, without sending an event."""

    def describe(self) -> str:
        """Say in one line where to and how, as `status` shows it; keys masked."""

    def close(self) -> None:
        """Let go of connections."""


class TableSink(Protocol):
    """A sink that takes rows: Parquet files and Delta. It is called from one thread."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""

    def resume(self) -> str | None:
        """Give the checkpoint that stands with the newest rows (`Tail.checkpoint`); None if there is none.

        Raises:
            SinkError: The table cannot be read now; it is tried again.
        """

    def write(self, batch: "TailBatch | ArrowStreamExportable") -> None:
        """Take rows; they need not be durable when it returns.

        Raises:
            SinkError: As `flush`. The rows since the last `flush` are to be written again.
        """

    def flush(self, checkpoint: str) -> None:
        """Make all rows since the last call durable, and the checkpoint with them, at once or not at all.

        Raises:
            SinkError: They are not durable; the same rows are written again.
        """

    def describe(self) -> str:
        """Say in one line where to and how, as `status` shows it."""

    def close(self) -> None:
        """Let go of whatever is not flushed."""
