"""What a tail hands out, taken in this process; what must always hold is checked on the way."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import auditwake as aw
from tests.tailing.lines import number_of, runs

SOON = 60  # seconds: what is waited for takes a fraction of one
QUICK: dict[str, Any] = {"columns": ["name"], "batch_age": 0.02, "threads": 1}


@dataclass
class Taken:
    """Batches of one tail.

    Attributes:
        numbers: The numbers of the events, in the order in which they came.
        places: Where the batches stand.
        rejected: What was rejected.
        batches: Them.
        events: What the tail says had happened, when it was last asked.
        stats: How it stood then.
        gaps: What it had lost then.
    """

    numbers: list[int] = field(default_factory=list)
    places: list[aw.Offsets] = field(default_factory=list)
    rejected: list[aw.Rejected] = field(default_factory=list)
    batches: list[aw.TailBatch] = field(default_factory=list)
    events: list[aw.TailEvent] = field(default_factory=list)
    stats: aw.TailStats = field(default_factory=lambda: aw.TailStats(()))
    gaps: list[aw.Gap] = field(default_factory=list)

    @property
    def rows(self) -> list[tuple[int, int]]:
        """The numbers as runs of consecutive ones."""
        return runs(self.numbers)

    def kinds(self) -> set[str]:
        """Kinds of the events."""
        return {event.kind for event in self.events}

    def add(self, batch: aw.TailBatch) -> None:
        """Take a batch: its bytes are all bytes between its offsets, and it begins where the one before has ended."""
        place, outcomes = batch.offsets, batch.outcomes
        assert outcomes.bytes == place.end - place.start
        # A file that breaks off is rejected at its end, with no bytes.
        assert outcomes.bytes > 0 or batch.rejected
        assert outcomes.events == batch.num_rows
        assert outcomes.rejected.lines == len(batch.rejected)
        before = [other for other in self.places if other.stream == place.stream and other.file == place.file]
        assert not before or place.start in {before[-1].end, 0}
        if "name" in batch.schema.names:
            names = batch.to_pyarrow().column("name").to_pylist()
            self.numbers += [number_of(name) for name in names]
        self.places.append(place)
        self.rejected += batch.rejected
        self.batches.append(batch)

    def ask(self, tail: aw.Tail) -> "Taken":
        """Ask the tail how it stands."""
        self.events, self.stats, self.gaps = tail.events, tail.stats, tail.gaps
        return self

    def until(self, tail: aw.Tail, last: int, *, commit: bool = True) -> "Taken":
        """Take batches until the line of a number has come."""
        deadline = time.monotonic() + SOON
        while not self.numbers or self.numbers[-1] != last:
            assert time.monotonic() < deadline, f"{last} does not come, there is {self.rows}: {self.ask(tail).events}"
            batch = tail.next(timeout=0.5)
            if batch is not None:
                self.add(batch)
                if commit:
                    batch.commit()
        return self.ask(tail)


def follow(path: Path | str | list[Path], state: Path | None, **options: Any) -> aw.Tail:  # noqa: ANN401  # those of aw.tail
    """Open a tail of numbered lines that gives its batches soon."""
    return aw.tail(path, state=state, **{**QUICK, **options})


def drain(path: Path | str | list[Path], state: Path | None, *, commit: bool = True, **options: Any) -> Taken:  # noqa: ANN401
    """Read what is there."""
    taken = Taken()
    with aw.tail(path, state=state, follow=False, **{**QUICK, **options}) as tail, ends_soon(tail):
        for batch in tail:
            taken.add(batch)
            if commit:
                batch.commit()
        return taken.ask(tail)


@contextmanager
def ends_soon(tail: aw.Tail) -> Iterator[None]:
    """Close a tail that does not end by itself, and fail."""
    late = threading.Event()

    def close() -> None:
        late.set()
        tail.close()

    watch = threading.Timer(SOON, close)
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
    assert not late.is_set(), f"it does not end: {tail.stats}"


def nothing_comes(tail: aw.Tail, seconds: float = 0.3) -> None:
    """Hold that there is no batch for a while."""
    batch = tail.next(timeout=seconds)
    assert batch is None, repr(batch)
