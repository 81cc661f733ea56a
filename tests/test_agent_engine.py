"""The engine, step by step: whatever is answered, whatever cannot be written, whenever the process dies."""

import itertools
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from auditwake.errors import StateError
from auditwake.forwarder.answers import Ack, Answer, Hold, Partial, Reject, Retry, Split
from auditwake.forwarder.config.model import Backoff
from auditwake.forwarder.engine.backoff import Wait
from auditwake.forwarder.engine.counters import Counters
from auditwake.forwarder.engine.flow import Flow
from auditwake.forwarder.engine.journal import Journal
from auditwake.forwarder.engine.reader import Encoded, Reader
from auditwake.forwarder.engine.sender import Sender
from auditwake.forwarder.taps import Taps
from tests.engine.world import Batch, Encoder, Log, Payload, Quarantine, Sink

EVENTS = 30
LIMIT = 80  # bytes: eight events
FAILURES = 40  # answers that are no acknowledgement; then the receiver is well
BACKOFF = Backoff(base=1.0, factor=2.0, max=8.0)


class World:
    """A log, a receiver and a disk that outlive the processes, and one process after the other."""

    def __init__(self, dice: random.Random, folder: Path, *, whim: bool) -> None:
        self.dice = dice
        self.folder = folder
        self.whim = whim
        self.log = Log(EVENTS)
        self.quarantine = Quarantine()
        self.large = {dice.randrange(EVENTS) for _ in range(dice.randint(0, 3))}
        self.bad = {dice.randrange(EVENTS) for _ in range(dice.randint(0, 4))}
        self.lines = 0
        self.taken: Counter[int] = Counter()
        self.bodies: dict[int, set[bytes]] = {}
        self.left = FAILURES
        self.made = itertools.count(1)
        self.again: dict[str, bytes] = {}
        self.sending = ""

    def start(self, senders: int) -> None:
        """Begin a process."""
        self.flow = Flow(LIMIT)
        self.journal = Journal(self.folder / "inflight")
        self.counters = Counters()
        self.clock = 0.0
        self.full = self.dice.randint(0, 4)
        self.until = {f"sender {number}": 0.0 for number in range(senders)}
        self.again.clear()
        shared: dict[str, Any] = {"flow": self.flow, "journal": self.journal, "counters": self.counters}
        shared |= {"backoff": BACKOFF, "dice": self.dice.random}
        self.reader = Reader(
            encoded=lambda _stream: Encoded(Encoder(self.large), "same"),  # type: ignore[arg-type]
            clock=lambda: next(self.made),
            persist=lambda write: write(),
            patience=1e9,
            **shared,
        )
        self.senders = {
            name: Sender(
                source=None,  # type: ignore[arg-type]
                sink=Sink(self.answer),  # type: ignore[arg-type]
                quarantine=self.quarantine,  # type: ignore[arg-type]
                taps=Taps(),
                **shared,
            )
            for name in self.until
        }

    def die(self) -> None:
        """End the process as `kill -9` does."""
        self.journal.close()
        self.log.restart()

    def answer(self, payload: Payload) -> Answer:
        """Answer a payload, and note what the receiver has of it."""
        assert 0 < payload.events <= 3
        expected = self.again.pop(self.sending, None)
        assert expected in {None, payload.body}, "sent again, and not the same"
        answer = self.choose(payload)
        if isinstance(answer, Retry | Hold):
            self.again[self.sending] = payload.body
        if answer == Ack() or (isinstance(answer, Retry) and answer.reason == "lost"):
            self.take(payload, payload.numbers, also=answer == Ack())
        elif isinstance(answer, Partial):
            gone = {place for place, _ in answer.rejected} | set(answer.retry)
            self.take(payload, [one for place, one in enumerate(payload.numbers) if place not in gone], also=True)
        return answer

    def take(self, payload: Payload, numbers: list[int], *, also: bool) -> None:
        for number in numbers:
            self.taken[number] += also
            self.bodies.setdefault(number, set()).add(payload.body)

    def choose(self, payload: Payload) -> Answer:
        """Refuse what is bad; else fail as long as failures are left."""
        if self.left > 0:
            self.left -= 1
            kind = self.dice.choice(["ack", "retry", "lost", "hold", "split", "partial"])
            if kind in {"retry", "hold"} or (kind == "lost" and not self.bad & set(payload.numbers)):
                after = self.dice.choice([None, self.dice.uniform(0, 3600)])
                return Hold("403: no") if kind == "hold" else Retry(kind, after)
            if self.whim and kind == "split" and payload.events > 1:
                return Split("413")
            if self.whim and kind == "partial":
                again = tuple(place for place in range(payload.events) if self.dice.random() < 0.5)
                bad = [(place, "no") for place, one in enumerate(payload.numbers) if one in self.bad]
                return Partial(tuple(one for one in bad if one[0] not in again), again, "busy")
        return Reject("400") if self.bad & set(payload.numbers) else Ack()

    def step(self) -> bool:
        """Have somebody do something; False when there is nothing left to do."""
        if self.flow.idle and self.log.handed == EVENTS:
            return False
        waiting = bool(self.flow._jobs)  # noqa: SLF001  # a sender without one would wait
        able = [name for name, sender in self.senders.items() if sender._job or waiting]  # noqa: SLF001  # as above
        ready = [name for name in able if self.until[name] <= self.clock]
        if self.flow.room and self.log.handed < EVENTS:
            ready.append("reader")
        if not ready:
            self.clock = min(self.until[name] for name in able)
            return True
        who = self.dice.choice(ready)
        if who == "reader":
            self.read()
            return True
        self.sending = who
        wait = self.senders[who].step()
        self.until[who] = self.clock + (0.0 if wait is None else self.checked(wait))
        return True

    def checked(self, wait: Wait) -> float:
        asked = wait.seconds
        assert 0.5 * BACKOFF.base <= asked <= max(BACKOFF.max, 3600)
        assert wait.state == ("holding" if wait.reason[:3] == "403" or "cannot" in wait.reason else "retrying")
        return asked

    def read(self) -> None:
        lines = self.dice.randint(0, 2)
        batch = self.log.next(self.dice.randint(1, 12), lines)
        self.lines += lines
        self.reader.take(batch)  # type: ignore[arg-type]

    def commit(self, log: Log, batch: Batch) -> None:
        """Look at every commit: what it moves over is acknowledged or in the quarantine."""
        if self.full and self.dice.random() < 0.5:
            self.full -= 1
            message = "no space left"
            raise StateError(message)
        Log.commit(log, batch)
        for number in range(log.offset):
            kept = number in self.quarantine.events
            excluded = number % 7 == 0
            assert excluded or kept or self.taken[number], f"{number} is lost"


def run(seed: int, *, whim: bool, crashes: int) -> World:
    dice = random.Random(seed)  # noqa: S311  # no secrets
    with tempfile.TemporaryDirectory() as folder:
        world = World(dice, Path(folder), whim=whim)
        world.log.commit = lambda batch: world.commit(world.log, batch)  # type: ignore[method-assign]
        world.quarantine.failures = dice.randint(0, 2)
        for life in range(crashes + 1):
            world.start(dice.randint(1, 3))
            steps = dice.randint(1, 40) if life < crashes else 5000
            while steps and world.step():
                steps -= 1
                assert world.flow.bytes < LIMIT + 240  # two batches: one may be kept for the other
            if life < crashes:
                world.die()
        assert steps, "it does not come to an end"
        assert crashes or (world.folder / "inflight").read_bytes() == b""
        world.journal.close()
        return world


EXPECTED = {number for number in range(EVENTS) if number % 7}


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 32))
def test_each_event_is_acknowledged_once_or_quarantined_once(seed: int) -> None:
    world = run(seed, whim=True, crashes=0)
    refused = (world.large | world.bad) & EXPECTED
    assert sorted(world.quarantine.events) == sorted(refused)
    assert world.taken == Counter(EXPECTED - refused)
    assert world.log.offset == EVENTS
    assert len(world.quarantine.lines) == world.lines
    counted = world.counters.values()
    assert counted["events_read"] == EVENTS
    assert counted["events_sent"] == len(EXPECTED - refused)
    assert counted["quarantined_events"] == len(refused)
    assert counted["quarantined_lines"] == world.lines
    assert counted["events_sent"] + counted["quarantined_events"] + counted["excluded"] == counted["events_read"]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(1, 4))
def test_what_is_sent_again_after_a_crash_is_the_same_bytes(seed: int, crashes: int) -> None:
    """The receiver answers by what is in a payload, so each try goes the same way; only whether it fails is open."""
    world = run(seed, whim=False, crashes=crashes)
    refused = (world.large | world.bad) & EXPECTED
    assert set(world.quarantine.events) == refused
    assert set(world.taken) == EXPECTED - refused
    assert world.log.offset == EVENTS
    assert {number for number, bodies in world.bodies.items() if len(bodies) > 1} == set()
