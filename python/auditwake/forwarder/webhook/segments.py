"""The log that a receiver writes: appended, fsynced, rotated by size, deleted when every sink has acknowledged it."""

import errno
import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from auditwake.forwarder.files import sync_directory, write_all
from auditwake.forwarder.webhook.batch import Batch

__all__ = ["BacklogFullError", "Segments"]

LIVE: Final = "audit.log"
INTENTS: Final = "batches"
MIB: Final = 1 << 20

# A server gives a batch up after some 98 s of tries; so many batches are hours of the largest rate there is.
REMEMBERED: Final = 100_000
FIELDS: Final = 4


class BacklogFullError(OSError):
    """The sinks have not taken what is here already: more is not kept."""


class Segments:
    """A log of received events, `audit.log` and `audit-<time>.log` in a directory of its own.

    A batch is durable when `append` returns. In front of it goes a line of `batches` with its digest and its place:
    after a crash, a batch that the log holds in full is known, and one that it holds in part is taken again. The log
    itself is never cut: whoever follows it may have read what would be cut off.

    Args:
        directory: Made if it is not there; mode 0700.
        max_bytes: Size at which the log is rotated.
        max_backlog: Most bytes of all its files.
    """

    def __init__(self, directory: Path, *, max_bytes: int = 64 * MIB, max_backlog: int = 1024 * MIB) -> None:
        self.directory = directory
        self.path = directory / LIVE
        self._closed = False
        self._max_bytes = max_bytes
        self._max_backlog = max_backlog
        self._lock = threading.Lock()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._former: set[str] = set()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._recover()
        self._log = _append(self.path)
        self._intents = _append(directory / INTENTS)
        sync_directory(directory)

    def append(self, batch: Batch) -> bool:
        """Make a batch durable.

        Returns:
            False if it is here already: it was sent again, since the answer got lost.

        Raises:
            BacklogFullError: There is too much already.
            OSError: It cannot be written, and counts as not taken; some of its lines may be in the log all the same.
        """
        with self._lock:
            if self._closed:
                raise OSError(errno.ESHUTDOWN, "the receiver has ended")
            if batch.digest in self._known:
                return False
            if not (_is_named(self._log, self.path) and _is_named(self._intents, self.directory / INTENTS)):
                self._begin_anew()
            start = os.fstat(self._log).st_size
            if self.backlog + len(batch.lines) > self._max_backlog:
                if start:
                    # Only a rotated file can be deleted when it was taken.
                    self._rotate()
                message = f"{self.backlog} bytes wait for the sinks already"
                raise BacklogFullError(message)
            if start and start + len(batch.lines) > self._max_bytes:
                self._rotate()
                start = 0
            # A line that a full disk or a crash has left half is ended first.
            lines = batch.lines if self._is_at_a_line(start) else b"\n" + batch.lines
            self._write(f"{batch.digest} {start} {len(lines)} {_check(lines)}\n".encode(), lines)
            self._remember(batch.digest)
            return True

    @property
    def backlog(self) -> int:
        """Bytes of all files of the log."""
        return sum(map(_size, (*self._rotated(), self.path)))

    def discard(self, committed: Iterable[str | None]) -> None:
        """Delete rotated files that nobody needs any more.

        Args:
            committed: For each sink the file that it would go on in after a restart, or an older one; None where that
                is not known.
        """
        needed = list(committed)
        with self._lock:
            rotated = self._rotated()
            # A file that was rotated since the last call may still be the live one for whoever is asked.
            before, self._former = self._former, {path.name for path in rotated}
            if not needed or None in needed:
                return
            names = [Path(str(file)).name for file in needed]
            # The live file is younger than all others.
            oldest = min((name for name in names if name != LIVE), default=None)
            for path in rotated:
                if path.name in before and (oldest is None or path.name < oldest):
                    path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            self._closed = True
            os.close(self._log)
            os.close(self._intents)

    def _write(self, intent: bytes, lines: bytes) -> None:
        before = os.fstat(self._intents).st_size
        try:
            write_all(self._intents, intent)
            os.fsync(self._intents)
            write_all(self._log, lines)
            os.fsync(self._log)
        except OSError:
            # Else the place would belong to the batch that is written there next.
            os.ftruncate(self._intents, before)
            raise

    def _is_at_a_line(self, size: int) -> bool:
        os.lseek(self._log, max(size - 1, 0), os.SEEK_SET)
        return os.read(self._log, 1) in {b"", b"\n"}

    def _rotated(self) -> list[Path]:
        return sorted(self.directory.glob("audit-*.log"))

    def _rotate(self) -> None:
        """Begin a new log, as the rotation in kube-apiserver does it; the list of batches begins anew with it."""
        now = datetime.now(UTC)
        name = self.directory / f"audit-{now:%Y-%m-%dT%H-%M-%S}.{now.microsecond // 1000:03}.log"
        if name.exists():
            # Twice in a millisecond: the log grows a little longer instead.
            return
        self.path.rename(name)
        try:
            self._log = _instead(self._log, self.path)
        except OSError:
            name.rename(self.path)
            raise
        self._list_anew()

    def _list_anew(self) -> None:
        """Begin the list of batches that belongs to a new log."""
        kept = self.directory / f"{INTENTS}.new"
        with kept.open("wb") as file:
            # Batches of older files are remembered too: they have no place in this one.
            file.writelines(f"{digest} - 0 -\n".encode() for digest in self._known)
            file.flush()
            os.fsync(file.fileno())
        kept.rename(self.directory / INTENTS)
        self._intents = _instead(self._intents, self.directory / INTENTS)
        sync_directory(self.directory)

    def _begin_anew(self) -> None:
        """Open the files again of which somebody has taken the names: what is written to those is nowhere."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._log = _instead(self._log, self.path)
        self._list_anew()

    def _remember(self, digest: str) -> None:
        self._known[digest] = None
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _recover(self) -> None:
        """Learn the batches that are here in full; the last may not be, and is forgotten."""
        intents = self.directory / INTENTS
        whole = 0
        for line in intents.read_bytes().splitlines(keepends=True) if intents.exists() else []:
            fields = line.split()
            if not line.endswith(b"\n") or len(fields) != FIELDS or not self._holds(fields):
                os.truncate(intents, whole)
                return
            whole += len(line)
            self._remember(fields[0].decode())

    def _holds(self, fields: list[bytes]) -> bool:
        """Tell whether the log has a batch: of one that is no longer in this file, there is nothing to look at."""
        _, start, length, check = fields
        if start == b"-":
            return True
        with suppress(OSError), self.path.open("rb") as file:
            file.seek(int(start))
            return _check(file.read(int(length))).encode() == check
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        # Deleted since the directory was read.
        return 0


def _append(path: Path) -> int:
    # Binary matters on Windows only, where a newline would become two bytes.
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    return os.open(path, flags, 0o600)


def _is_named(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _instead(former: int, path: Path) -> int:
    """Open a file, and only then let go of the former: a number that was let go of is soon that of another file."""
    file = _append(path)
    os.close(former)
    return file


def _check(lines: bytes) -> str:
    return hashlib.sha256(lines).hexdigest()[:16]
