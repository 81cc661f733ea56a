"""A route to a sink that takes payloads: one thread reads and encodes, a few send."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditwake.forwarder.engine.backoff import Wait, seconds
from auditwake.forwarder.engine.encoders import Encoders
from auditwake.forwarder.engine.flow import Flow
from auditwake.forwarder.engine.journal import Entry, Journal
from auditwake.forwarder.engine.reader import Reader
from auditwake.forwarder.engine.route import Context, LeftError, Route
from auditwake.forwarder.engine.sender import Sender

if TYPE_CHECKING:
    from auditwake.forwarder.config.model import PayloadSinkConfig, Source
    from auditwake.forwarder.sinks.sink import PayloadSink
    from auditwake.tail import Tail

__all__ = ["PayloadRoute"]

STEP = 0.5  # seconds that the reader waits for a batch or for room
IDLE = 5.0  # seconds that a sender waits; it is woken when there is something to do
BATCH_PAYLOADS = 4  # of a backlog: a commit waits for the disk


@dataclass(slots=True)
class _Session:
    """A log that is open, and what is under way of it."""

    tail: "Tail"
    flow: Flow
    journal: Journal
    reader: Reader
    senders: list[Sender]
    over: threading.Event
    failure: Exception | None = None

    def check(self) -> None:
        """Raise what a sender has ended with: what it had begun is under way for ever."""
        if self.failure is not None:
            raise self.failure


class PayloadRoute(Route):
    """The threads around the reader and the senders.

    Args:
        context: What all routes share.
        source: Where events come from.
        config: Configuration of the sink.
        sink: The sink; it may be that of other routes too.
        options: As for every route.
    """

    def __init__(
        self,
        context: Context,
        source: "Source",
        config: "PayloadSinkConfig",
        sink: "PayloadSink",
        **options: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(context, source, config, **options)
        self.sink = sink
        self._batching = config.batching
        self._backoff = config.backoff
        self._encoders = Encoders(sink, source, context.policy)
        self._columns = list(dict.fromkeys([*self._encoders(self._log).encoder.columns, "raw"]))
        self._flow: Flow | None = None

    def leave(self) -> None:
        """Ask it to leave what was begun to the next start."""
        super().leave()
        if self._flow is not None:
            self._flow.wake()

    def _under_way(self) -> dict[str, Any]:
        flow = self._flow
        return {} if flow is None else {"in_flight_bytes": flow.bytes, "in_flight_payloads": flow.payloads}

    def _work(self) -> None:
        """Read and send until the route stops."""
        batching = self._batching
        with (
            self._open(
                columns=self._columns,
                raw=True,
                bodies=False,
                batch_rows=batching.max_events * max(BATCH_PAYLOADS, batching.concurrency),
                batch_bytes=max(batching.max_bytes, 1 << 20),
                batch_age=batching.wait,
            ) as tail,
            closing(Journal(self.directory / "inflight")) as journal,
        ):
            session = self._session(tail, journal)
            self._flow = session.flow
            threads = [
                threading.Thread(target=self._send, args=(session, sender), name="auditwake-send", daemon=True)
                for sender in session.senders
            ]
            for thread in threads:
                thread.start()
            self.standing.runs()
            try:
                self._read(session)
                self._drain(session)
            finally:
                session.over.set()
                session.flow.wake()
                for thread in threads:
                    thread.join(0.0 if self.pausing.leaving.is_set() else 2 * STEP)

    def _session(self, tail: "Tail", journal: Journal) -> _Session:
        batching = self._batching
        flow = Flow(max(self._context.limit, batching.max_bytes * (batching.concurrency + 1)))
        reader = Reader(
            encoded=self._encoders,
            flow=flow,
            journal=journal,
            counters=self.counters,
            backoff=self._backoff,
            dice=self._dice,
            clock=time.time,
            persist=self._persist,
            patience=2 * self._batching.wait + 10.0,
        )
        senders = [
            Sender(
                source=self.source,
                sink=self.sink,
                backoff=self._backoff,
                flow=flow,
                journal=journal,
                quarantine=self._quarantine,
                counters=self.counters,
                taps=self._context.taps,
                dice=self._dice,
            )
            for _ in range(self._batching.concurrency)
        ]
        return _Session(tail, flow, journal, reader, senders, threading.Event())

    def _read(self, session: _Session) -> None:
        """Read until the route stops; what is cut as before a crash is read to its end."""
        stopping = self.pausing.stopping
        closed = False
        while not self.pausing.leaving.is_set():
            session.check()
            if stopping.is_set() and not session.reader.replaying and not closed:
                session.tail.close()
                closed = True
            if not session.flow.wait_for_room(STEP):
                continue
            batch = self._next(session.tail, STEP)
            if batch is not None:
                session.reader.take(batch)
            elif closed:
                return
            else:
                session.reader.idle()

    def _drain(self, session: _Session) -> None:
        """Wait until all is committed, or the route is left."""
        session.reader.end()
        while not self.pausing.leaving.is_set() and not session.flow.wait_until_idle(STEP):
            session.check()

    def _send(self, session: _Session, sender: Sender) -> None:
        """Run a sender; what it fails with opens the log anew."""
        try:
            while not session.over.is_set() and not self.pausing.leaving.is_set():
                wait = sender.step(IDLE)
                if wait is None:
                    self.standing.goes_on(sender)
                else:
                    self.pausing.wait(sender, wait)
        except Exception as error:  # noqa: BLE001  # a thread that ended without a word would be the worst
            session.failure = error
        finally:
            self.standing.forgets(sender)

    def _persist(self, write: Callable[[], Entry]) -> Entry:
        """Write until it succeeds: what cannot be written down is not sent."""
        tries = 0
        while not self.pausing.leaving.is_set():
            try:
                entry = write()
            except OSError as error:
                tries += 1
                reason = f"{self.directory} cannot be written: {error.strerror or error}; make room"
                self.pausing.wait(self, Wait(seconds(self._backoff, tries, self._dice), "holding", reason))
            else:
                self.standing.goes_on(self)
                return entry
        raise LeftError
