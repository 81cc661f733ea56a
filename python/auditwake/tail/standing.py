"""How a tail stands: places, losses, events and counters."""

from dataclasses import dataclass

from auditwake import _core

__all__ = ["Gap", "Offsets", "Retention", "StreamStats", "TailEvent", "TailStats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What rotation keeps of a log: with it a tail can say how long unread bytes have left.

    Attributes:
        maxsize: MiB at which the log is rotated, as `--audit-log-maxsize`; None if unknown.
        maxbackup: Backups that are kept, as `--audit-log-maxbackup`; 0 keeps all; None if unknown.
        maxage: Days after which a backup is deleted, as `--audit-log-maxage`; None if unknown or never.

    Example:
        >>> Retention(maxsize=100, maxbackup=10).maxage is None
        True
    """

    maxsize: int | None = None
    maxbackup: int | None = None
    maxage: float | None = None


@dataclass(frozen=True, slots=True)
class Offsets:
    """Where a batch stands in its log.

    Attributes:
        stream: The live file of the log.
        file: The file that the batch was read from, as it was called then.
        start: First byte of the decompressed file that the batch accounts for.
        end: The byte behind the last.

    Example:
        >>> Offsets("audit.log", "audit.log", 0, 512).end
        512
    """

    stream: str
    file: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that were deleted or overwritten before they were read.

    Attributes:
        stream: The live file of the log.
        file: The file that the bytes were in, as it was last called.
        offset: Where they began, in the decompressed file.
        bytes: Bytes that are known to be lost; there may be more.
        certain: Whether something is lost for sure. After a restart that finds none of the files it knows, nobody can
            tell.
        reason: `deleted`, `truncated` or `missing`.
        message: What happened and what to do.

    Example:
        >>> gap = Gap("audit.log", "audit.log", 0, 10, True, "truncated", "...")
        >>> gap.bytes
        10
    """

    stream: str
    file: str
    offset: int
    bytes: int
    certain: bool
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class TailEvent:
    """Something that happened to a log, or to the state.

    Attributes:
        number: How many happened before it.
        kind: `rotated`, `truncated`, `gap`, `replay`, `state`, `unreadable`, `readable` or `late`.
        stream: The live file of the log, or the state directory.
        file: The file.
        offset: Place in the decompressed file.
        message: What happened, for people.

    Example:
        >>> TailEvent(0, "rotated", "audit.log", "audit-1.log", 0, "...").kind
        'rotated'
    """

    number: int
    kind: str
    stream: str
    file: str
    offset: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStats:
    """How one log stands.

    Attributes:
        path: The live file.
        file: The file that is read, or was last; None before the first.
        offset: Up to where it was handed out, in bytes of the decompressed file.
        committed_file: The file in which a restart would go on, by the name that it had then; None before anything was
            committed.
        committed_offset: Where in it, in bytes of the decompressed file.
        bytes: Bytes handed out since the tail was opened.
        lines: Lines handed out, of all outcomes.
        outcomes: What became of them.
        rotations: Times that the live file got another name.
        replays: Times that something was read again.
        truncations: Times that a file was cut or written anew.
        gaps: Losses, and times when there may have been one.
        lost_bytes: Bytes known to be lost.
        lag_bytes: Bytes that were not read yet, as far as is known of compressed files.
        lag_seconds: For how long there have been such.
        held_deleted_files: Files without a name that are still read.
        held_deleted_bytes: Their bytes on disk.
        uncommitted_bytes: Bytes that were handed out and not committed.
        error: What cannot be read at present; None if nothing.
        time_to_loss: Seconds until rotation deletes the oldest unread byte at the present rate; None if nothing says
            that it will.

    Example:
        >>> import auditwake as aw
        >>> with aw.tail(aw.demo.LOG, state=None, follow=False) as log:
        ...     rows = sum(batch.num_rows for batch in log)
        ...     rows == log.stats.streams[0].outcomes.events
        True
    """

    path: str
    file: str | None
    offset: int
    committed_file: str | None
    committed_offset: int
    bytes: int
    lines: int
    outcomes: _core.Outcomes
    rotations: int
    replays: int
    truncations: int
    gaps: int
    lost_bytes: int
    lag_bytes: int
    lag_seconds: float
    held_deleted_files: int
    held_deleted_bytes: int
    uncommitted_bytes: int
    error: str | None
    time_to_loss: float | None


@dataclass(frozen=True, slots=True)
class TailStats:
    """How all logs of a tail stand: the sums of what can be summed, of times the worst.

    Files, offsets and errors are those of one log each, and stand in `streams`.

    Attributes:
        streams: Each of them.

    Example:
        >>> TailStats(()).bytes
        0
    """

    streams: tuple[StreamStats, ...]

    @property
    def bytes(self) -> int:
        """Bytes handed out since the tail was opened."""
        return sum(stream.bytes for stream in self.streams)

    @property
    def lines(self) -> int:
        """Lines handed out."""
        return sum(stream.lines for stream in self.streams)

    @property
    def outcomes(self) -> _core.Outcomes:
        """What became of them."""
        return sum((stream.outcomes for stream in self.streams), start=_core.Outcomes())

    @property
    def rotations(self) -> int:
        """Times that a live file got another name."""
        return sum(stream.rotations for stream in self.streams)

    @property
    def replays(self) -> int:
        """Times that something was read again."""
        return sum(stream.replays for stream in self.streams)

    @property
    def truncations(self) -> int:
        """Times that a file was cut or written anew."""
        return sum(stream.truncations for stream in self.streams)

    @property
    def gaps(self) -> int:
        """Losses, and times when there may have been one."""
        return sum(stream.gaps for stream in self.streams)

    @property
    def lost_bytes(self) -> int:
        """Bytes known to be lost."""
        return sum(stream.lost_bytes for stream in self.streams)

    @property
    def lag_bytes(self) -> int:
        """Bytes that were not read yet."""
        return sum(stream.lag_bytes for stream in self.streams)

    @property
    def lag_seconds(self) -> float:
        """For how long there have been such, in the log that is furthest behind."""
        return max((stream.lag_seconds for stream in self.streams), default=0.0)

    @property
    def held_deleted_files(self) -> int:
        """Files without a name that are still read."""
        return sum(stream.held_deleted_files for stream in self.streams)

    @property
    def held_deleted_bytes(self) -> int:
        """Their bytes on disk."""
        return sum(stream.held_deleted_bytes for stream in self.streams)

    @property
    def uncommitted_bytes(self) -> int:
        """Bytes that were handed out and not committed."""
        return sum(stream.uncommitted_bytes for stream in self.streams)

    @property
    def time_to_loss(self) -> float | None:
        """Seconds until rotation deletes something unread in the log where that is soonest; None if nothing says so."""
        return min((stream.time_to_loss for stream in self.streams if stream.time_to_loss is not None), default=None)
