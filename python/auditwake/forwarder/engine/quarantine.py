"""What no sink takes, kept on disk before the offset moves over it: bytes, place and reason, one JSON object a line."""

import base64
import json
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from auditwake.forwarder.files import sync_directory, write_all

__all__ = ["Quarantine", "Refused"]

LOOKED_AT = 16 << 20  # bytes at the end that a crash may have left in front of a commit


@dataclass(frozen=True, slots=True)
class Refused:
    """An event that a sink never takes, or a line that holds none.

    Attributes:
        stream: Its log.
        file: The file that it was in.
        offset: Where it began, in the decompressed file.
        reason: Why, in a word or two.
        detail: Why, for people; quotes nothing.
        data: Its bytes, if they were kept.
        length: How many there were.
    """

    stream: str
    file: str | None
    offset: int
    reason: str
    detail: str
    data: bytes | None
    length: int

    @property
    def key(self) -> str:
        """What tells it from others."""
        return _key(self.stream, self.offset, self.length, base64.b64encode(self.data or b"").decode())


class Quarantine:
    """The file of a route; used by several threads.

    Args:
        path: Where it is; it is made when there is something to put into it.
        sink: Name of the sink.
    """

    def __init__(self, path: Path, sink: str) -> None:
        self.path = path
        self._sink = sink
        self._before: set[str] | None = None
        # A write that fails is cut away: what another thread has written meanwhile would go with it.
        self._lock = threading.Lock()

    def put(self, refused: Iterable[Refused]) -> None:
        """Write and sync.

        What a process has written that died before its commit is not written again.

        Raises:
            OSError: It cannot be written; nothing was.
        """
        with self._lock:
            self._put(refused)

    def committed(self) -> None:
        """Say that the offset has moved: what comes now was not written by a process before this one."""
        with self._lock:
            self._before = set()

    def _put(self, refused: Iterable[Refused]) -> None:
        if self._before is None:
            self._before = _keys(self.path)
        new = [one for one in refused if one.key not in self._before]
        if not new:
            return
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        try:
            if os.fstat(file).st_size == 0:
                # First the name: when it cannot be made durable, nothing was written yet.
                sync_directory(self.path.parent)
            self._write(file, b"".join(map(self._line, new)))
        finally:
            os.close(file)
        # A commit that fails behind this is tried again with the same.
        self._before.update(one.key for one in new)

    def _line(self, one: Refused) -> bytes:
        values = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "sink": self._sink,
            "stream": one.stream,
            "file": one.file,
            "offset": one.offset,
            "length": one.length,
            "reason": one.reason,
            "detail": one.detail,
            "bytes": None if one.data is None else base64.b64encode(one.data).decode(),
        }
        return json.dumps(values, separators=(",", ":")).encode() + b"\n"

    def _write(self, file: int, data: bytes) -> None:
        before = os.fstat(file).st_size
        if before and not _ends_whole(self.path):
            data = b"\n" + data
        try:
            write_all(file, data)
            os.fsync(file)
        except OSError:
            os.ftruncate(file, before)
            raise


def _key(stream: str, offset: int, length: int, data: str) -> str:
    return sha256(f"{stream}\0{offset}\0{length}\0{data}".encode()).hexdigest()


def _keys(path: Path) -> set[str]:
    """Read what tells apart the newest lines of a file."""
    found: set[str] = set()
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - LOOKED_AT, 0))
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return found
    for line in lines:
        try:
            values = json.loads(line)
            found.add(_key(values["stream"], values["offset"], values["length"], values["bytes"] or ""))
        except (ValueError, KeyError, TypeError):
            continue  # the first may be cut, the last torn
    return found


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
