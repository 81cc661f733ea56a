"""NDJSON on standard output."""

import errno
import os
import select
import sys
import threading
from typing import TYPE_CHECKING

from auditwake.forwarder.answers import Ack, Hold, Retry
from auditwake.forwarder.sinks import disk
from auditwake.forwarder.sinks.ndjson import plain_lines, whole_lines

if TYPE_CHECKING:
    from auditwake._core import Payload
    from auditwake.forwarder.answers import Answer
    from auditwake.forwarder.config.model import Source, StdoutSink
    from auditwake.forwarder.encoding import Encoding

__all__ = ["StandardOutput"]

WAIT = 1.0  # seconds for room in a pipe that does not block, each time


class StandardOutput:
    """Writes lines to standard output; they are taken when the system has them.

    A reader that has left never comes back to this pipe. That is `Hold` and no end: nothing may be dropped, other sinks
    of the agent go on, and the alarm says what to do. A payload that broke off in its midst is gone on with when it
    comes again; when another one comes first, the half line is ended before it.

    Args:
        config: The sink.
        handle: Descriptor to write to; None is the one of standard output.

    Example:
        >>> from auditwake.forwarder.config.model import StdoutSink
        >>> StandardOutput(StdoutSink()).describe()
        'NDJSON on standard output'
    """

    def __init__(self, config: "StdoutSink", handle: int | None = None) -> None:
        self._config = config
        self._given = handle
        self._lock = threading.Lock()
        self._broken: tuple[bytes, int] | None = None

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self._config.name

    def encoding(self, source: "Source", stream: str) -> "Encoding":  # noqa: ARG002  # the same for all
        """Say how the events of a stream are encoded: as they are, a line each."""
        return plain_lines(self._config.batching)

    def send(self, payload: "Payload") -> "Answer":
        """Write a payload."""
        body = whole_lines(payload.body)
        with self._lock:
            try:
                self._write(body)
            except BrokenPipeError:
                return Hold("standard output: its reader has left: start the agent again with one")
            except (OSError, ValueError) as error:
                return _failed(error)
        return Ack()

    def check(self) -> "Answer":
        """Say whether there is a standard output; whether somebody reads it shows when something is written."""
        try:
            os.fstat(self._handle())
        except (OSError, ValueError) as error:
            return _failed(error)
        return Ack()

    def describe(self) -> str:
        """Say where to."""
        return "NDJSON on standard output"

    def close(self) -> None:
        """Leave standard output open: it is not ours."""

    def _handle(self) -> int:
        if self._given is not None:
            return self._given
        if sys.stdout is None:
            message = "there is none"
            raise ValueError(message)
        # What somebody has printed before goes first.
        sys.stdout.flush()
        return sys.stdout.fileno()

    def _write(self, body: bytes) -> None:
        handle = self._handle()
        start = 0
        if self._broken is not None:
            broken, written = self._broken
            if broken == body:
                start = written
            elif written and not broken[:written].endswith(b"\n"):
                body, start = b"\n" + body, 0
        self._broken = None
        while start < len(body):
            try:
                start += os.write(handle, memoryview(body)[start:])
            except BlockingIOError:
                select.select([], [handle], [], WAIT)
            except OSError:
                self._broken = (body, start)
                raise


def _failed(error: OSError | ValueError) -> "Answer":
    if isinstance(error, OSError) and error.errno not in (None, errno.EBADF) and not disk.needs_a_person(error):
        return Retry(disk.reason(error, "standard output"))
    return Hold("standard output is closed: start the agent again with one that is open")
