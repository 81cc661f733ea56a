"""What was cut how, for a crash: so that what is sent again is sent in the same bytes.

A line is written before a batch's first payload is sent, and one when it is committed. It is not synced: a process that
is killed leaves it, and a machine that loses power sends the same events, cut anew.
"""

import json
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from auditwake.forwarder.files import write_all

__all__ = ["Entry", "Journal"]

MOST_LINES = 4096  # of a file that is never empty because something is always under way


@dataclass(frozen=True, slots=True)
class Entry:
    """Events that were encoded together.

    Attributes:
        number: From 1, unique in the file.
        stream: Their log.
        start: Where the batch begins that they are from; -1 for such as begin within one.
        rows: How many events were read.
        made: When they were encoded, in milliseconds since the epoch: it stands in payloads.
        first: What tells the first of them from others.
        encoding: What tells the encoding from others.
        digest: Of the payloads.
    """

    number: int
    stream: str
    start: int
    rows: int
    made: int
    first: str
    encoding: str
    digest: str


class Journal:
    """The file; used by one route at a time.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file = _opened(path)
        self._closed = False
        self._open: dict[int, Entry] = {}
        self._done: set[int] = set()
        self._lines = 0
        *lines, torn = path.read_bytes().split(b"\n")
        for line in lines:
            self._read(line)
        if torn:
            # Else the next line would be a part of it.
            os.write(self._file, b"\n")
        self._number = max(self._open, default=0)
        self._planned = {entry.number for entries in self.plan().values() for entry in entries}

    def plan(self) -> dict[str, list[Entry]]:
        """Give what was not committed, log by log, in order.

        Behind one that was not, others may have been acknowledged: they are read and sent again as well.
        """
        streams: dict[str, list[Entry]] = {}
        for entry in self._open.values():
            streams.setdefault(entry.stream, []).append(entry)
        for entries in streams.values():
            while entries and entries[0].number in self._done:
                del entries[0]
        return {stream: entries for stream, entries in streams.items() if entries}

    def begin(self, **values: Any) -> Entry:  # noqa: ANN401  # those of an entry
        """Write down how events are cut, before they are sent.

        Raises:
            OSError: It cannot be written; nothing was.
        """
        with self._lock:
            entry = Entry(self._number + 1, **values)
            self._write(asdict(entry))
            self._number += 1
            self._open[entry.number] = entry
            return entry

    def done(self, entries: Iterable[Entry], idle: Callable[[], bool]) -> None:
        """Write down that events are committed.

        Args:
            entries: Theirs.
            idle: Says whether nothing else is under way: then the file begins anew, unless it has a plan of a log that
                was not begun yet.

        Raises:
            OSError: It cannot be written.
        """
        numbers = [entry.number for entry in entries]
        with self._lock:
            self._planned.difference_update(numbers)
            if not self._planned and idle():
                self._clear()
            elif numbers:
                self._write({"done": numbers})
                self._done.update(numbers)
                if self._lines > MOST_LINES:
                    self._compact()

    def discard(self) -> None:
        """Forget everything."""
        with self._lock:
            self._clear()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._closed = True
            self._let_go()

    def _ready(self) -> int:
        if self._file < 0 and not self._closed:
            self._file = _opened(self._path)
        return self._file

    def _let_go(self) -> None:
        if self._file >= 0:
            file, self._file = self._file, -1  # a number that is no file's: it may be another one's by then
            os.close(file)

    def _clear(self) -> None:
        if self._lines:
            os.ftruncate(self._ready(), 0)
        self._open.clear()
        self._done.clear()
        self._planned.clear()
        self._lines = 0

    def _read(self, line: bytes) -> None:
        self._lines += 1
        try:
            values = json.loads(line)
            if "done" in values:
                self._done.update(values["done"])
            else:
                entry = Entry(**{one.name: values[one.name] for one in fields(Entry)})
                self._open[entry.number] = entry
        except (ValueError, KeyError, TypeError):
            # A line that is torn names nothing that was sent: it is written before.
            return

    def _write(self, values: object) -> None:
        file = self._ready()
        before = os.fstat(file).st_size
        data = json.dumps(values, separators=(",", ":")).encode() + b"\n"
        try:
            write_all(file, data)
        except OSError:
            os.ftruncate(file, before)
            raise
        self._lines += 1

    def _compact(self) -> None:
        """Write the file anew without what is committed."""
        left = [entry for entries in self.plan().values() for entry in entries]
        self._open = {entry.number: entry for entry in sorted(left, key=lambda entry: entry.number)}
        self._done &= self._open.keys()
        lines: list[object] = [asdict(entry) for entry in self._open.values()]
        if self._done:
            lines.append({"done": sorted(self._done)})
        new = self._path.with_suffix(".new")
        new.write_bytes(b"".join(json.dumps(one, separators=(",", ":")).encode() + b"\n" for one in lines))
        # Windows replaces no file that is open.
        self._let_go()
        try:
            new.replace(self._path)
        finally:
            self._file = _opened(self._path)
        self._lines = len(lines)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
