"""What a route counts of its logs: every tail begins at 0, and what the agent shows of them never falls."""

from collections.abc import Iterable
from dataclasses import replace

from auditwake.forwarder.snapshot import StreamSnapshot

__all__ = ["StreamSums"]

SUMS = ("bytes", "lines", "rotations", "truncations", "replays", "gaps", "lost_bytes")


class StreamSums:
    """The counts of tails that were closed, log by log.

    Example:
        >>> sums = StreamSums()
        >>> sums.closed([StreamSnapshot(path="audit.log", bytes=5)])
        >>> [one.bytes for one in sums.shown([StreamSnapshot(path="audit.log", bytes=2)])]
        [7]
    """

    def __init__(self) -> None:
        self._before: dict[str, StreamSnapshot] = {}

    def closed(self, streams: Iterable[StreamSnapshot]) -> None:
        """Keep what a tail has counted at its end."""
        for stream in self.shown(streams):
            self._before[stream.path] = stream

    def shown(self, streams: Iterable[StreamSnapshot]) -> tuple[StreamSnapshot, ...]:
        """Give how the logs of the present tail stand, with what was counted before it."""
        return tuple(_sum(stream, self._before.get(stream.path)) for stream in streams)


def _sum(stream: StreamSnapshot, before: StreamSnapshot | None) -> StreamSnapshot:
    if before is None:
        return stream
    outcomes = {
        name: stream.outcomes.get(name, 0) + before.outcomes.get(name, 0)
        for name in {**stream.outcomes, **before.outcomes}
    }
    sums = {name: getattr(stream, name) + getattr(before, name) for name in SUMS}
    return replace(stream, outcomes=outcomes, **sums)
