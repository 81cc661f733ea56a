"""Which file of a log an offset of the Agent is in: it says only the path, and the log may have been rotated since."""

import gzip
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from auditwake.forwarder.registry.file import Entry
from auditwake.tail import Tail, TailBatch

__all__ = ["File", "Place", "place_of", "survey"]

LATE: Final = timedelta(minutes=5)
"""How long the Agent may have read a file that was rotated already: it looks for rotations every 10 seconds, unless it
is told otherwise, and what it reads later it does not save."""
SLACK: Final = timedelta(seconds=5)
"""By how much a clock that is set may have put an event behind the time at which it was read."""
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


@dataclass(slots=True)
class File:
    """A file of a log.

    Attributes:
        name: What it is called.
        first: Time of its first event that has one.
        end: Bytes up to the end of its last whole line, decompressed.
        before: Time of the last event in front of the offset that was asked for; None if there is none.
        whole: Whether a line ends at that offset.
    """

    name: str
    first: datetime | None = None
    end: int = 0
    before: datetime | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """An offset in a file of a log.

    Attributes:
        file: The file.
        offset: The offset, decompressed.
        whole: Whether a line ends there.
        doubt: Why it may be another file; empty if it may not.
    """

    file: str
    offset: int
    whole: bool = True
    doubt: str = ""


def survey(tail: Tail, offset_of: Callable[[str], int | None]) -> dict[str, list[File]]:
    """Read all that is there.

    Args:
        tail: One that does not follow, with the columns `ts_stage` and `src_offset`.
        offset_of: Gives the offset that is asked for in a log; None for none.

    Returns:
        The files of each log, in the order in which they were written.
    """
    logs: dict[str, list[File]] = {}
    for batch in tail:
        files = logs.setdefault(batch.offsets.stream, [])
        if not files or files[-1].name != batch.offsets.file:
            files.append(File(batch.offsets.file))
        files[-1].first = files[-1].first or next(_times(batch), None)
        files[-1].end = batch.offsets.end
        offset = offset_of(batch.offsets.stream)
        if offset is not None and batch.offsets.start < offset:
            files[-1].before = _last_before(batch, offset) or files[-1].before
            if offset <= batch.offsets.end:
                files[-1].whole = offset == batch.offsets.end or _ends_line(batch.offsets.file, offset)
    return logs


def place_of(entry: Entry, files: Sequence[File]) -> Place | str:
    """Say where an offset is.

    The Agent's offset is the end of a line, in the file that was live when that line was read, or that was rotated
    shortly before. Of several that fit, the earliest is taken: events that are sent twice are no events that are lost.

    Args:
        entry: The offset.
        files: The files of its log, at least one.

    Returns:
        The place, or why there is none.

    Example:
        >>> place_of(Entry("audit.log", 5, None), [File("audit.log", None, 9, whole=True)])
        Place(file='audit.log', offset=5, whole=True, doubt='')
        >>> place_of(Entry("audit.log", 10, None), [File("audit.log", None, 9)])
        'the offset 10 is beyond the end of audit.log (9): it is not of this file'
    """
    old = [one for one in files if _is_old_enough(one, entry.updated)]
    if not old:
        return "all that is there was written after the offset was saved: what it was in has been deleted"
    fitting = [one for one in old if entry.offset <= one.end]
    if not fitting:
        last = old[-1]
        return f"the offset {entry.offset} is beyond the end of {last.name} ({last.end}): it is not of this file"
    recent = [one for one in fitting if _is_recent(one, files, entry)]
    whole = [one for one in fitting if one.whole]
    candidates = [one for one in recent if one.whole] or whole or recent
    if not candidates:
        return f"no line ends at {entry.offset} in what is there, and what was live then is gone or shorter"
    chosen = candidates[0]
    return Place(chosen.name, entry.offset, chosen.whole, _doubt(candidates))


def _is_old_enough(file: File, updated: datetime | None) -> bool:
    """Say whether the line in front of the offset was there when it was saved."""
    written = file.before or file.first
    return updated is None or written is None or written <= updated + SLACK


def _is_recent(file: File, files: Sequence[File], entry: Entry) -> bool:
    """Say whether a file was live when the line in front of the offset was read, or shortly before."""
    after = files.index(file) + 1
    began = files[after].first if after < len(files) else None
    return not entry.exact or entry.updated is None or began is None or began >= entry.updated - LATE


def _doubt(candidates: Sequence[File]) -> str:
    if len(candidates) == 1:
        return ""
    names = ", ".join(os.path.basename(one.name) for one in candidates[1:])  # noqa: PTH119  # the name is text
    return (
        f"the offset may as well be of {names}: the earliest file is taken, so that nothing is lost, and what was "
        "delivered already is sent twice"
    )


def _times(batch: TailBatch) -> Iterator[datetime]:
    for value in batch.to_pyarrow().column("ts_stage"):
        if value.is_valid:
            yield value.as_py()


def _last_before(batch: TailBatch, offset: int) -> datetime | None:
    import pyarrow.compute as pc

    rows = batch.to_pyarrow()
    times = rows.filter(pc.less(rows.column("src_offset"), offset)).column("ts_stage").drop_null()
    found: datetime | None = times[-1].as_py() if len(times) else None
    return found


def _ends_line(name: str, offset: int) -> bool:
    """Say whether a line ends at an offset; what cannot be looked into is taken for one that has none there."""
    try:
        with open(name, "rb") as file:  # noqa: PTH123  # the name is text
            magic = file.read(4)
            if magic == ZSTD:
                return False
            file.seek(0)
            with gzip.open(file) if magic.startswith(GZIP) else file as plain:
                plain.seek(offset - 1)
                return plain.read(1) == b"\n"
    except (OSError, EOFError):
        return False
