"""One that reads: batches become payloads, as many as may be under way."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from auditwake.forwarder.engine.delivery import Delivery, Doubt
from auditwake.forwarder.engine.flow import Flow, Group, Job, Unit
from auditwake.forwarder.engine.replay import Replay, matching

if TYPE_CHECKING:
    from auditwake._core import Encoder, Payload, Prepared
    from auditwake.forwarder.config.model import Backoff
    from auditwake.forwarder.engine.counters import Counters
    from auditwake.forwarder.engine.journal import Entry, Journal
    from auditwake.tail import TailBatch
    from auditwake.types import ArrowStreamExportable

__all__ = ["Encoded", "Reader"]

LOG = logging.getLogger("auditwake.route")

TOO_LARGE = "it is larger than the receiver takes, without its bodies too"


@dataclass(frozen=True, slots=True)
class Encoded:
    """How the events of a log are encoded, and what tells this from another way."""

    encoder: "Encoder"
    digest: str


@dataclass(slots=True)
class _Resumed:
    """A log whose first events are cut as they were before a crash."""

    replay: Replay
    group: Group
    fed: float


class Reader:
    """Takes batches and hands payloads on.

    Args:
        encoded: Gives how the events of a log are encoded.
        flow: What is under way.
        journal: How it was cut; what it has is cut like that again.
        counters: Those of the route.
        backoff: Of the sink.
        dice: For the jitter.
        clock: Gives seconds since the epoch.
        persist: Calls something that writes until it succeeds.
        patience: Seconds that a plan waits for its rows.
    """

    def __init__(
        self,
        *,
        encoded: Callable[[str], Encoded],
        flow: Flow,
        journal: "Journal",
        counters: "Counters",
        backoff: "Backoff",
        dice: Callable[[], float],
        clock: Callable[[], float],
        persist: "Callable[[Callable[[], Entry]], Entry]",
        patience: float,
    ) -> None:
        self._encoded = encoded
        self._flow = flow
        self._journal = journal
        self._counters = counters
        self._backoff = backoff
        self._dice = dice
        self._clock = clock
        self._persist = persist
        self._patience = patience
        self._doubt = Doubt()
        self._plan = journal.plan()
        if not self._plan:
            journal.discard()
        self._resumed: dict[str, _Resumed] = {}

    @property
    def replaying(self) -> bool:
        """Whether rows are kept that are not whole yet."""
        return bool(self._resumed)

    def take(self, batch: "TailBatch") -> None:
        """Take a batch."""
        place = batch.offsets
        plan = self._plan.pop(place.stream, None)
        if plan is not None:
            self._resume(batch, plan)
        resumed = self._resumed.get(place.stream)
        if resumed is None:
            group = self._flow.open(place.stream)
            self._join(group, batch)
            self._send(group, batch, batch.num_rows, None, place.start)
            # What is sent has its own bytes; of the batch, the commit needs the place alone.
            batch.release()
            self._flow.close(group)
        else:
            resumed.fed = self._clock()
            self._join(resumed.group, batch)
            for cut in resumed.replay.take(batch):
                self._send(resumed.group, cut.rows, cut.count, cut.entry, -1)
            batch.release()
            if resumed.replay.over:
                self._flow.close(self._resumed.pop(place.stream).group)

    def idle(self) -> None:
        """Say that no batch came: a plan whose rows are gone does not keep what there is."""
        for stream, resumed in list(self._resumed.items()):
            if self._clock() - resumed.fed > self._patience:
                LOG.warning("%s: the rows of a batch that was under way are not there any more", stream)
                self._journal.done(resumed.replay.left, lambda: False)
                for cut in resumed.replay.rest():
                    self._send(resumed.group, cut.rows, cut.count, None, -1)
                self._flow.close(self._resumed.pop(stream).group)

    def end(self) -> None:
        """Leave what is not whole to the next start."""
        for _ in range(len(self._resumed)):
            self._flow.finished()
        self._resumed.clear()

    def _resume(self, batch: "TailBatch", plan: "list[Entry]") -> None:
        """Cut a log as before a crash, if it goes on where that plan begins."""
        stream = batch.offsets.stream
        encoded = self._encoded(stream)
        same = [entry for entry in plan if entry.encoding == encoded.digest]
        left = matching(plan, batch, self._first) if len(same) == len(plan) else []
        # What is in front of it was committed, although nobody came to write that down.
        self._journal.done(plan[: len(plan) - len(left)], lambda: False)
        if left:
            LOG.info("%s: %d batches were under way and are sent again in the same bytes", stream, len(left))
            self._resumed[stream] = _Resumed(Replay(left), self._flow.open(stream), self._clock())
        else:
            why = "it is encoded in another way now" if len(same) < len(plan) else "reading goes on elsewhere"
            LOG.warning("%s: what was under way is cut anew: %s", stream, why)

    def _first(self, batch: "TailBatch") -> str:
        prepared = self._encoded(batch.offsets.stream).encoder.prepare(batch, 0)
        return _digest([prepared.event(0)]) if prepared.events else ""

    def _join(self, group: Group, batch: "TailBatch") -> None:
        group.batches.append(batch)
        group.lines += batch.rejected

    def _send(self, group: Group, rows: "ArrowStreamExportable", count: int, entry: "Entry | None", start: int) -> None:
        """Encode rows and hand their payloads to the senders."""
        encoded = self._encoded(group.stream)
        made = int(self._clock() * 1000) if entry is None else entry.made
        prepared = encoded.encoder.prepare(rows, made)
        payloads = prepared.payloads() if prepared.events else []
        self._count(group, prepared, payloads)
        sent = [payload for payload in payloads if payload.events]
        if not count:
            return
        digest = _digest([payload.body for payload in sent])
        if entry is None:
            values = {"stream": group.stream, "start": start, "rows": count, "made": made, "digest": digest}
            first = _digest([prepared.event(0)]) if prepared.events else ""
            entry = self._persist(lambda: self._journal.begin(**values, first=first, encoding=encoded.digest))
        elif entry.digest == digest:
            self._counters.add(replayed_payloads=len(sent))
        else:
            LOG.warning("%s: what was under way has other bytes now: the log was changed", group.stream)
        group.entries.append(entry)
        if not sent:
            return
        unit = Unit(group, prepared.bytes)
        jobs = [Job(unit, Delivery(prepared, payload, self._backoff, self._dice, self._doubt)) for payload in sent]
        self._flow.add(unit, jobs)

    def _count(self, group: Group, prepared: "Prepared", payloads: "list[Payload]") -> None:
        self._counters.read(prepared)
        self._counters.add(shrunk=sum(len(payload.shrunk) for payload in payloads))
        large = [(prepared, index, TOO_LARGE) for payload in payloads for index in payload.oversized]
        group.refused.extend(large)
        group.lines += prepared.rejected
        if prepared.last_event is not None:
            group.last_event = max(group.last_event or 0.0, prepared.last_event)


def _digest(parts: list[bytes]) -> str:
    whole = sha256()
    for part in parts:
        whole.update(part)
    return whole.hexdigest()[:16]
