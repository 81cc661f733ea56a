"""One that sends: a payload until all of it is acknowledged or refused, and then the commit."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from auditwake.errors import AuditwakeError
from auditwake.forwarder.answers import Answer, Retry
from auditwake.forwarder.engine.backoff import Wait, seconds
from auditwake.forwarder.engine.flow import Group
from auditwake.forwarder.engine.quarantine import Refused

if TYPE_CHECKING:
    from auditwake._core import Payload, Prepared, Rejected
    from auditwake.forwarder.config.model import Backoff, Source
    from auditwake.forwarder.engine.counters import Counters
    from auditwake.forwarder.engine.flow import Flow, Job
    from auditwake.forwarder.engine.journal import Journal
    from auditwake.forwarder.engine.quarantine import Quarantine
    from auditwake.forwarder.sinks.sink import PayloadSink
    from auditwake.forwarder.taps import Taps

__all__ = ["Sender", "refused_event", "refused_events", "refused_line", "refused_lines"]

LOG = logging.getLogger("auditwake.route")


class Sender:
    """Does one thing at a time and never waits: it says what is to be waited for.

    Args:
        source: Where the events are from.
        sink: Where they go.
        backoff: Of the sink.
        flow: What is under way.
        journal: How it was cut.
        quarantine: What the sink never takes.
        counters: Those of the route.
        taps: Who listens.
        dice: For the jitter.
    """

    def __init__(
        self,
        *,
        source: "Source",
        sink: "PayloadSink",
        backoff: "Backoff",
        flow: "Flow",
        journal: "Journal",
        quarantine: "Quarantine",
        counters: "Counters",
        taps: "Taps",
        dice: Callable[[], float],
    ) -> None:
        self._source = source
        self._sink = sink
        self._backoff = backoff
        self._flow = flow
        self._journal = journal
        self._quarantine = quarantine
        self._counters = counters
        self._taps = taps
        self._dice = dice
        self._job: Job | Group | None = None
        self._tries = 0

    def step(self, timeout: float = 0.0) -> Wait | None:
        """Send once, or commit once, or wait for something to do.

        Args:
            timeout: Seconds to wait for it.

        Returns:
            What to wait for before the next step.
        """
        job = self._job = self._job or self._flow.take(timeout)
        if job is None:
            return None
        if isinstance(job, Group):
            return self._finish(job)
        return self._send(job)

    def _send(self, job: "Job") -> Wait | None:
        delivery = job.delivery
        payload = delivery.payload
        if not job.told and self._taps.active:
            self._taps.publish(self._source, [delivery.prepared.event(index) for index in payload.indexes])
        job.told = True
        step = delivery.answered(self._ask(payload))
        if step.failed:
            self._counters.failed(step.failed)
        if step.shrunk:
            self._counters.add(shrunk=step.shrunk)
        if step.lost:
            self._counters.add(rejected_events=step.lost)
        if step.taken:
            self._counters.taken(payload, step.taken)
        job.unit.group.refused.extend((delivery.prepared, index, why) for index, why in step.rejected)
        if delivery.over:
            self._job = None
            self._flow.delivered(job.unit)
        return step.wait

    def _ask(self, payload: "Payload") -> Answer:
        began = time.monotonic()
        try:
            return self._sink.send(payload)
        except Exception as error:  # noqa: BLE001  # a fault of a sink must not lose what it was given
            LOG.error("sink %s: %s in send: this is a fault of ours", self._sink.name, type(error).__name__)  # noqa: TRY400  # a trace could quote the log
            return Retry("internal")
        finally:
            self._counters.request(time.monotonic() - began)

    def _finish(self, group: Group) -> Wait | None:
        """Keep what was refused, then commit: in this order, and nothing of it twice without a crash between."""
        try:
            if not group.kept:
                self._quarantine.put([*refused_events(group), *refused_lines(group)])
                group.kept = True
        except OSError as error:
            return self._hold(f"the quarantine {self._quarantine.path} cannot be written: {error.strerror or error}")
        try:
            # The offset moves with the last call, over all of them.
            for batch in reversed(group.batches):
                batch.commit()
        except AuditwakeError as error:
            return self._hold(f"the offset cannot be saved: {error}")
        with suppress(OSError):  # what it says too much is found out at the next start
            self._journal.done(group.entries, lambda: self._flow.last)
        self._quarantine.committed()
        self._counters.add(quarantined_events=len(group.refused), quarantined_lines=len(group.lines))
        self._counters.committed(group.last_event)
        self._job = None
        self._tries = 0
        self._flow.finished()
        return None

    def _hold(self, reason: str) -> Wait:
        self._tries += 1
        return Wait(seconds(self._backoff, self._tries, self._dice), "holding", reason)


def refused_events(group: Group) -> Iterator[Refused]:
    """Give the events of a group that the sink never takes."""
    for prepared, index, why in group.refused:
        yield refused_event(group.stream, prepared, index, f"the receiver does not take it: {why}")


def refused_lines(group: Group) -> Iterator[Refused]:
    """Give the lines of a group that hold no event."""
    for line in group.lines:
        yield refused_line(group.stream, line)


def refused_line(stream: str, line: "Rejected") -> Refused:
    """Describe a line that holds no event."""
    return Refused(stream, line.file, line.offset, line.reason, line.detail, line.bytes, line.length)


def refused_event(stream: str, prepared: "Prepared", index: int, why: str) -> Refused:
    """Describe an event that comes nowhere else."""
    file, offset = prepared.place(index)
    data = prepared.event(index)
    return Refused(stream, file, offset, "refused", why, data, len(data))
