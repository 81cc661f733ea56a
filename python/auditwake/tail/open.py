"""`auditwake.tail`: what to follow, and how."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from auditwake import _core
from auditwake.numbers import threads_of, whole
from auditwake.schema import column_names
from auditwake.tail.batches import Tail
from auditwake.tail.standing import Retention

if TYPE_CHECKING:
    from auditwake.types import Columns

__all__ = ["tail"]

MIB = 1 << 20
DAY = 86_400.0

Path: TypeAlias = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class _Options:
    state: str | None
    from_end: bool
    follow: bool
    columns: list[str] | None
    bodies: bool
    raw: bool
    batch_rows: int
    batch_bytes: int
    batch_age: float
    max_line_bytes: int
    threads: int | None
    backups: str | None
    exclude: list[str]
    resume: str | None
    max_size: int | None
    max_backups: int | None
    max_age: float | None
    cluster: str | None
    apiserver: str | None


def tail(
    path: Path | Iterable[Path],
    *,
    state: Path | None,
    start: Literal["beginning", "end"] = "beginning",
    follow: bool = True,
    columns: "Columns | None" = None,
    bodies: bool = True,
    raw: bool = False,
    batch_rows: int = 65_536,
    batch_bytes: int = 16 * MIB,
    batch_age: float = 1.0,
    max_line_bytes: int = 256 * MIB,
    threads: int | None = None,
    backups: str | None = None,
    exclude: Iterable[str] = (),
    resume: str | None = None,
    retention: Retention | None = None,
    cluster: str | None = None,
    apiserver: str | None = None,
) -> Tail:
    """Follow a log that is being written, through rotation, compression and restarts.

    The log and its rotated backups are one stream, in the order in which they were written. What was committed is not
    given again, whatever the files are called by then; what was not is, after a restart. Nothing but a commit moves the
    offset, and no deadline drops unread bytes.

    Args:
        path: The log, which need not be there yet; a directory, a pattern, or a list of those: each log is followed on
            its own. A rotated file, or a pattern that matches rotated files only, means just those.
        state: Directory that keeps the offsets, made if it is not there. One tail at a time can have it. None: nothing
            is kept.
        start: Where to begin in a log that the state does not know. Logs that appear later begin at their beginning.
        follow: Whether to wait for more. Without, what is there is read, and the iteration ends; half a line at the end
            of a live log is left for the next time.
        columns: As for `read`.
        bodies: As for `read`.
        raw: As for `read`.
        batch_rows: Most rows of a batch.
        batch_bytes: Most bytes of input in a batch, unless a single line is longer.
        batch_age: Seconds after which a line is given although its batch is not full. The log is read four times in
            that time, but not more often than every 20 ms nor less often than every 250 ms.
        max_line_bytes: As for `read`.
        threads: How many threads read a backlog of rotated files; None for one a core. The live log is read on the
            caller's.
        backups: Pattern for the names of rotated files, if they are not called after the log as lumberjack (which is in
            kube-apiserver) and logrotate do it.
        exclude: Patterns for the paths of logs that are left out, where `path` means several.
        resume: What `Tail.checkpoint` gave, to begin there whatever the state says; it becomes the state.
        retention: What rotation keeps, for `StreamStats.time_to_loss`; what it does not say is learned from the files.
        cluster: Value of the column `cluster`.
        apiserver: Value of the column `apiserver`.

    Returns:
        An iterable of batches, also with `async for`, to be used as a context manager.

    Raises:
        StateError: The state is in use by another tail, or cannot be read or written; or `resume` is no checkpoint.
        SourceError: Nothing is there and `follow` is false (`SourceNotFoundError`), or a pattern is none.
        ColumnError: There is no such column or group.
        ValueError: A number is out of bounds; `TypeError` where it is none.

    Example:
        >>> import auditwake as aw, tempfile
        >>> with tempfile.TemporaryDirectory() as state, aw.tail(aw.demo.LOG, state=state, follow=False) as log:
        ...     for batch in log:
        ...         table = batch.to_pyarrow()
        ...         batch.commit()
    """
    if start not in ("beginning", "end"):
        message = f"start is 'beginning' or 'end', not {start!r}"
        raise ValueError(message)
    paths = [path] if isinstance(path, str | os.PathLike) else list(path)
    kept = retention or Retention()
    options = _Options(
        state=None if state is None else os.fspath(state),
        from_end=start == "end",
        follow=follow,
        columns=column_names(columns),
        bodies=bodies,
        raw=raw,
        batch_rows=whole("batch_rows", batch_rows),
        batch_bytes=whole("batch_bytes", batch_bytes),
        batch_age=batch_age,
        max_line_bytes=whole("max_line_bytes", max_line_bytes),
        threads=threads_of(threads),
        backups=backups,
        exclude=list(exclude),
        resume=resume,
        max_size=None if kept.maxsize is None else kept.maxsize * MIB,
        max_backups=kept.maxbackup,
        max_age=None if kept.maxage is None else kept.maxage * DAY,
        cluster=cluster,
        apiserver=apiserver,
    )
    return Tail(_core.Tail([os.fspath(one) for one in paths], options))
