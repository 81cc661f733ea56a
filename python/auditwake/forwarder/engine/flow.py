"""What is under way: how much of it there is, who sends what next, and when batches may be committed."""

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditwake._core import Prepared, Rejected
    from auditwake.forwarder.engine.delivery import Delivery
    from auditwake.forwarder.engine.journal import Entry
    from auditwake.tail import TailBatch

__all__ = ["Flow", "Group", "Job", "Unit"]


@dataclass(eq=False, slots=True)
class Group:
    """Batches that are committed together, since the payloads made of them do not end where they do.

    Attributes:
        stream: Their log.
        batches: The batches, in order.
        lines: Lines of theirs that hold no event, or one that the policy cannot reduce safely.
        entries: What the journal has of their payloads.
        closed: Whether no unit comes to it any more.
        left: Units that are not done.
        refused: Events that the sink never takes: the batch, their index, and why.
        kept: Whether what was refused is in the quarantine.
        last_event: The newest time in it, in seconds since the epoch.
    """

    stream: str
    batches: "list[TailBatch]" = field(default_factory=list)
    lines: "list[Rejected]" = field(default_factory=list)
    entries: "list[Entry]" = field(default_factory=list)
    closed: bool = False
    left: int = 0
    refused: "list[tuple[Prepared, int, str]]" = field(default_factory=list)
    kept: bool = False
    last_event: float | None = None

    @property
    def done(self) -> bool:
        """Whether every event of it is acknowledged or refused."""
        return self.closed and self.left == 0


@dataclass(eq=False, slots=True)
class Unit:
    """Events that were encoded together.

    Attributes:
        group: The batches that they are from.
        bytes: Bytes of the events.
        left: Payloads that are not done.
    """

    group: Group
    bytes: int
    left: int = 0


@dataclass(eq=False, slots=True)
class Job:
    """A payload to deliver.

    Attributes:
        unit: The events that were encoded together.
        delivery: The way of the payload.
        told: Whether those who listen were told of it.
    """

    unit: Unit
    delivery: "Delivery"
    told: bool = False


class Flow:
    """What is under way between the reader and the senders of a route.

    Args:
        limit: Bytes of events that may be under way when more are read.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._changed = threading.Condition()
        self._jobs: deque[Job | Group] = deque()
        self._open = 0
        self.bytes = 0
        self.payloads = 0

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return self._open == 0

    @property
    def last(self) -> bool:
        """Whether one group is under way at most."""
        return self._open <= 1

    @property
    def room(self) -> bool:
        """Whether more may be read."""
        return self.bytes < self._limit

    def wait_for_room(self, timeout: float) -> bool:
        """Wait until more may be read, and say whether it may."""
        with self._changed:
            return self._changed.wait_for(lambda: self.room, timeout)

    def wait_until_idle(self, timeout: float) -> bool:
        """Wait until nothing is under way, and say whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self.idle, timeout)

    def open(self, stream: str) -> Group:
        """Begin a group."""
        with self._changed:
            self._open += 1
        return Group(stream)

    def add(self, unit: Unit, jobs: list[Job]) -> None:
        """Hand payloads of a unit to the senders."""
        with self._changed:
            unit.left = len(jobs)
            unit.group.left += 1
            self.bytes += unit.bytes
            self.payloads += len(jobs)
            self._jobs.extend(jobs)
            self._changed.notify_all()

    def close(self, group: Group) -> None:
        """Say that no unit comes to a group any more; when all of its own are done, a sender finishes it."""
        with self._changed:
            group.closed = True
            if group.done:
                self._finish_later(group)

    def take(self, timeout: float = 0.0) -> Job | Group | None:
        """Give the next payload to deliver, or a group to finish; None if there is none in time."""
        with self._changed:
            if not self._jobs and timeout > 0:
                self._changed.wait(timeout)
            return self._jobs.popleft() if self._jobs else None

    def delivered(self, unit: Unit) -> None:
        """Say that each event of one of a unit's payloads is acknowledged or refused."""
        with self._changed:
            self.payloads -= 1
            unit.left -= 1
            if unit.left == 0:
                self.bytes -= unit.bytes
                unit.group.left -= 1
                if unit.group.done:
                    self._finish_later(unit.group)
                self._changed.notify_all()

    def finished(self) -> None:
        """Say that a group was committed, or is left to the next start."""
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def wake(self) -> None:
        """Have all that wait look again."""
        with self._changed:
            self._changed.notify_all()

    def _finish_later(self, group: Group) -> None:
        # In front: a commit costs little, and what is acknowledged should not wait behind what is not.
        self._jobs.appendleft(group)
        self._changed.notify_all()
