"""The parts of that world. An event is a number; its bytes say which one it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from auditwake.forwarder.answers import Answer
from auditwake.tail import Offsets

MOST_EVENTS = 3


@dataclass(eq=False)
class Batch:
    """Events from one number to another, and how many lines beside them hold none."""

    log: "Log"
    first: int
    stop: int
    rejected: list[Any] = field(default_factory=list)
    released: bool = False

    @property
    def num_rows(self) -> int:
        return self.stop - self.first

    @property
    def offsets(self) -> Offsets:
        return Offsets("audit.log", "audit.log", self.first, self.stop)

    def release(self) -> None:
        self.released = True

    def to_pyarrow(self) -> pa.RecordBatch:
        assert not self.released, "the rows were let go of"
        return pa.record_batch({"number": pa.array(range(self.first, self.stop), pa.int64())})

    def commit(self) -> None:
        self.log.commit(self)


class Log:
    """What a tail does: hands batches out, and moves the offset to the end of the acknowledged prefix."""

    def __init__(self, events: int) -> None:
        self.events = events
        self.offset = 0
        self.handed = 0
        self.out: list[Batch] = []
        self.acknowledged: list[Batch] = []

    def restart(self) -> None:
        """Forget what was not committed, as a process does that dies."""
        self.handed = self.offset
        self.out.clear()
        self.acknowledged.clear()

    def next(self, rows: int, lines: int) -> Batch:
        stop = min(self.handed + rows, self.events)
        bad = [
            SimpleNamespace(
                file="audit.log", offset=self.handed, length=1, reason="text", detail="no event", bytes=b"%d" % number
            )
            for number in range(lines)
        ]
        batch = Batch(self, self.handed, stop, bad)
        self.handed = stop
        self.out.append(batch)
        return batch

    def commit(self, batch: Batch) -> None:
        self.acknowledged.append(batch)
        while self.out and self.out[0] in self.acknowledged:
            self.offset = self.out.pop(0).stop


@dataclass(frozen=True)
class Payload:
    """A payload whose body has the numbers in it and when it was made."""

    start: int
    stop: int
    indexes: list[int]
    oversized: list[int]
    body: bytes
    shrunk: list[int] = field(default_factory=list)

    @property
    def events(self) -> int:
        return len(self.indexes)

    @property
    def bytes(self) -> int:
        return len(self.body)

    @property
    def numbers(self) -> list[int]:
        return [int(text) for text in self.body.split()[1:]]


class Prepared:
    """Events of a batch that are left after the rules: every seventh is excluded."""

    policy_dropped = policy_reduced = masked = 0
    last_event = None
    rejected: Sequence[Any] = ()

    def __init__(self, numbers: Iterable[int], made: int, large: set[int]) -> None:
        all_ = list(numbers)
        self._numbers = [number for number in all_ if number % 7]
        self._large = large
        self._made = made
        self.read = len(all_)
        self.events = len(self._numbers)
        self.excluded = self.read - self.events
        self.bytes = 10 * self.events

    def payloads(self, start: int = 0, stop: int | None = None, max_event_bytes: int | None = None) -> list[Payload]:
        end = self.events if stop is None else stop
        if max_event_bytes is not None:
            # None of these has a body that it could lose.
            return []
        return [self._payload(first, min(first + MOST_EVENTS, end)) for first in range(start, end, MOST_EVENTS)]

    def _payload(self, start: int, stop: int) -> Payload:
        large = [index for index in range(start, stop) if self._numbers[index] in self._large]
        indexes = [index for index in range(start, stop) if index not in large]
        body = b" ".join([b"%d" % self._made, *(self.event(index) for index in indexes)])
        return Payload(start, stop, indexes, large, body)

    def event(self, index: int) -> bytes:
        return b"%d" % self._numbers[index]

    def place(self, index: int) -> tuple[str, int]:
        return "audit.log", self._numbers[index]


class Encoder:
    """Makes payloads of batches, and of tables of their rows."""

    columns: Sequence[str] = ()

    def __init__(self, large: set[int]) -> None:
        self._large = large

    def prepare(self, rows: Any, made: int) -> Prepared:  # noqa: ANN401
        numbers = range(rows.first, rows.stop) if isinstance(rows, Batch) else rows.column("number").to_pylist()
        return Prepared(numbers, made, self._large)


class Quarantine:
    """Keeps numbers and lines, unless the disk is full."""

    path = "quarantine"

    def __init__(self) -> None:
        self.events: list[int] = []
        self.lines: list[Any] = []
        self.failures = 0

    def put(self, refused: Iterable[Any]) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError(28, "no space left on device")
        for one in refused:
            if one.reason == "refused":
                self.events.append(int(one.data))
            else:
                self.lines.append((one.offset, one.data))

    def committed(self) -> None:
        """Nothing is remembered of a process before this one."""


class Sink:
    """Asks what it is to answer."""

    name = "model"

    def __init__(self, answers: Any) -> None:  # noqa: ANN401
        self._answers = answers

    def send(self, payload: Payload) -> Answer:
        answer: Answer = self._answers(payload)
        return answer
