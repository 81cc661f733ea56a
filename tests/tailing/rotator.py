"""A log that is written and rotated step by step, as lumberjack and logrotate do it."""

import gzip
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.tailing.lines import line

START = datetime(2026, 11, 24, tzinfo=UTC)


class Rotator:
    """The writer of a log in this process.

    Attributes:
        path: The live file.
        last: The number of the last whole line.
        now: The time that the next rotated file is named after; each rotation takes a second. Set it for a clock that
            jumps.
    """

    def __init__(self, path: Path, *, length: int = 0) -> None:
        self.path = path
        self.length = length
        self.last = 0
        self.now = START
        path.parent.mkdir(parents=True, exist_ok=True)

    def append(self, data: bytes) -> None:
        """Write bytes in one call, as a log's writer does with a line."""
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            assert os.write(file, data) == len(data)
        finally:
            os.close(file)

    def write(self, count: int) -> None:
        """Write so many lines, each with its own call."""
        for _ in range(count):
            self.append(line(self.last + 1, self.length))
            self.last += 1

    def write_halves(self) -> Iterator[None]:
        """Write the next line in two steps."""
        whole = line(self.last + 1, self.length)
        self.append(whole[: len(whole) // 2])
        yield
        self.append(whole[len(whole) // 2 :])
        self.last += 1

    def backup_name(self) -> Path:
        """Name a rotated file as lumberjack does: after the time, to the millisecond."""
        stamp = self.now.strftime("%Y-%m-%dT%H-%M-%S.") + f"{self.now.microsecond // 1000:03}"
        self.now += timedelta(seconds=1)
        return self.path.with_name(f"{self.path.stem}-{stamp}{self.path.suffix}")

    def rotate(self) -> Path:
        """Rename the live file and make a new one, as lumberjack does."""
        backup = self.backup_name()
        self.path.rename(backup)
        self.path.touch(0o600)
        return backup

    def compress(self, backup: Path, steps: int = 2) -> Iterator[None]:
        """Gzip a rotated file beside it, step by step, then remove it: lumberjack uses no other name meanwhile."""
        packed = gzip.compress(backup.read_bytes())
        target = backup.with_name(backup.name + ".gz")
        size = -(-len(packed) // steps)
        with target.open("wb", buffering=0) as file:
            for start in range(0, len(packed), size):
                file.write(packed[start : start + size])
                yield
        backup.unlink()

    def compress_now(self, backup: Path) -> None:
        """Gzip a rotated file and remove it."""
        for _ in self.compress(backup, 1):
            pass

    def copytruncate(self) -> Path:
        """Copy the live file and cut it to nothing, as logrotate does when it is told to."""
        backup = self.backup_name()
        backup.write_bytes(self.path.read_bytes())
        os.truncate(self.path, 0)
        return backup

    def backups(self) -> list[Path]:
        """List the rotated files, the oldest name first."""
        return sorted(self.path.parent.glob(f"{self.path.stem}-*"))

    def drop_oldest(self) -> Path:
        """Delete the rotated file with the oldest name."""
        oldest = self.backups()[0]
        oldest.unlink()
        return oldest
