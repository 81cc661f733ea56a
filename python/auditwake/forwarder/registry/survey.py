"""Which file of a log an offset of the Agent is in: it says only the path, and the log may have been rotated since."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from auditwake.forwarder.registry.file import Entry
from auditwake.tail import Tail, TailBatch

__all__ = ["File", "Place", "place_of", "survey"]


@dataclass(slots=True)
class File:
    """A file of a log.

    Attributes:
        name: What it is called.
        first: Time of its first event that has one.
        end: Bytes up to the end of its last whole line, decompressed.
    """

    name: str
    first: datetime | None = None
    end: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """An offset in a file of a log."""

    file: str
    offset: int


def survey(tail: Tail) -> dict[str, list[File]]:
    """Read all that is there.

    Args:
        tail: One that does not follow, with the column `ts_stage`.

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
    return logs


def place_of(entry: Entry, files: list[File]) -> Place | str:
    """Say where an offset is.

    The Agent's offset is in the file that was live when it was saved: the last one that has an event from before that.

    Args:
        entry: The offset.
        files: The files of its log.

    Returns:
        The place, or why there is none.

    Example:
        >>> place_of(Entry("audit.log", 5, None), [File("audit.log", None, 9)])
        Place(file='audit.log', offset=5)
        >>> place_of(Entry("audit.log", 10, None), [File("audit.log", None, 9)])
        'the offset 10 is beyond the end of audit.log (9): it is not of this file'
    """
    if not files:
        return "the log is not there, or empty"
    if entry.updated is None:
        live = [one for one in files if os.path.basename(one.name) == os.path.basename(entry.path)]  # noqa: PTH119  # text
        candidates = live[-1:]
        if not candidates:
            return (
                "the live file is empty: the log was rotated, and the registry does not say when the offset was saved"
            )
    else:
        candidates = [one for one in files if one.first is not None and one.first <= entry.updated][-1:]
        if not candidates:
            return "all that is there was written after the offset was saved: what it was in has been deleted"
    file = candidates[0]
    if entry.offset > file.end:
        return f"the offset {entry.offset} is beyond the end of {file.name} ({file.end}): it is not of this file"
    return Place(file.name, entry.offset)


def _times(batch: TailBatch) -> Iterator[datetime]:
    for value in batch.to_pyarrow().column("ts_stage"):
        if value.is_valid:
            yield value.as_py()
