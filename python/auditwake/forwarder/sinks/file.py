"""An NDJSON file that is appended to."""

import contextlib
import logging
import os
import threading
from typing import TYPE_CHECKING

from auditwake.forwarder.answers import Ack, Hold, Retry
from auditwake.forwarder.files import sync_directory, write_all
from auditwake.forwarder.sinks import disk
from auditwake.forwarder.sinks.ndjson import plain_lines, whole_lines

if TYPE_CHECKING:
    from auditwake._core import Payload
    from auditwake.forwarder.answers import Answer
    from auditwake.forwarder.config.model import FileSink, Source
    from auditwake.forwarder.encoding import Encoding

__all__ = ["LinesFile"]

logger = logging.getLogger(__name__)

FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class LinesFile:
    r"""Appends lines to a file, and has taken them when they are on the disk.

    Nobody else writes to it. Whoever rotates it renames it; the next payload goes into a new one. A write that broke
    off is cut away before anything else is written. Half a line that a crash left at the end is ended, so that it
    spoils no event behind it.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from types import SimpleNamespace
        >>> from auditwake.forwarder.config.model import FileSink
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sink = LinesFile(FileSink(path=Path(folder, "out.ndjson")))
        ...     sink.send(SimpleNamespace(body=b"{}\n")), Path(folder, "out.ndjson").read_bytes()
        ...     sink.close()
        (Ack(), b'{}\n')
    """

    def __init__(self, config: "FileSink") -> None:
        self._config = config
        self._path = config.path
        self._lock = threading.Lock()
        self._handle: int | None = None
        self._whole: int | None = None

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self._config.name

    def encoding(self, source: "Source", stream: str) -> "Encoding":  # noqa: ARG002  # the same for all
        """Say how the events of a stream are encoded: as they are, a line each."""
        return plain_lines(self._config.batching)

    def send(self, payload: "Payload") -> "Answer":
        """Append a payload and wait for the disk."""
        with self._lock:
            try:
                handle = self._opened()
                self._append(handle, payload.body)
            except OSError as error:
                return self._answer(error)
        return Ack()

    def check(self) -> "Answer":
        """Say whether the file can be opened for writing; whether there is room shows when something is written."""
        with self._lock:
            try:
                self._opened()
            except OSError as error:
                return self._answer(error)
        return Ack()

    def describe(self) -> str:
        """Say which file."""
        return f"NDJSON file {self._path}"

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._let_go()

    def _answer(self, error: OSError) -> "Answer":
        why = disk.reason(error, self._path)
        return Hold(why) if disk.needs_a_person(error) else Retry(why)

    def _opened(self) -> int:
        """Give the file that has the name now, whole lines in it."""
        if self._handle is not None:
            self._cut(self._handle)
            if not self._is_named(self._handle):
                self._let_go()
        if self._handle is None:
            self._path.parent.mkdir(mode=disk.OWN_DIRECTORY, parents=True, exist_ok=True)
            handle = os.open(self._path, FLAGS, disk.OWN_FILE)
            try:
                self._end_line(handle)
                sync_directory(self._path.parent)
            except OSError:
                os.close(handle)
                raise
            self._handle = handle
        return self._handle

    def _is_named(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), self._path.stat())
        except FileNotFoundError:
            return False

    def _end_line(self, handle: int) -> None:
        """End half a line at the end of the file. Its event is written again: it was never acknowledged."""
        size = os.fstat(handle).st_size
        if size == 0:
            return
        os.lseek(handle, size - 1, os.SEEK_SET)
        if os.read(handle, 1) != b"\n":
            logger.warning("%s ended within a line, as after a crash: the line was ended, it is no event", self._path)
            os.write(handle, b"\n")

    def _append(self, handle: int, body: bytes) -> None:
        self._whole = os.fstat(handle).st_size
        try:
            write_all(handle, whole_lines(body))
            # What cannot be synced may be gone although it can be read, so it is cut away and written again.
            os.fsync(handle)
        except OSError:
            with contextlib.suppress(OSError):  # the next call tries again, before it writes
                self._cut(handle)
            raise
        self._whole = None

    def _cut(self, handle: int) -> None:
        """Cut away what a write that failed has left."""
        if self._whole is not None:
            os.ftruncate(handle, self._whole)
            self._whole = None

    def _let_go(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):
                self._cut(self._handle)
            with contextlib.suppress(OSError):
                os.close(self._handle)
        self._handle, self._whole = None, None
