"""A route to a sink that takes rows: one thread, in order, with the place in the log in the same commit as the rows."""

import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditwake import _core
from auditwake.errors import StateError
from auditwake.forwarder.config.model import DeltaSink, ParquetSink
from auditwake.forwarder.encoding import Encoding
from auditwake.forwarder.engine.counters import counts_of
from auditwake.forwarder.engine.encoders import evaluator
from auditwake.forwarder.engine.quarantine import Refused
from auditwake.forwarder.engine.route import Context, Route
from auditwake.forwarder.engine.rows import rows_of
from auditwake.forwarder.engine.sender import refused_event, refused_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditwake._core import Prepared
    from auditwake.forwarder.config.model import Source
    from auditwake.forwarder.sinks.sink import TableSink
    from auditwake.tail import Tail, TailBatch

__all__ = ["TableRoute"]

LOG = logging.getLogger("auditwake.route")

STEP = 0.5  # seconds
BATCH_BYTES = 8 << 20
TIME = "ts_stage"
NO_EVENT = "what a rule has left of it is no event"


@dataclass(slots=True)
class _Group:
    """What goes into one commit.

    Attributes:
        batches: How many batches.
        bytes: How many bytes of the log.
        rows: How many rows the sink was given.
        lines: Lines that hold no event, or one that the policy cannot reduce safely.
        events: Events that cannot be made rows after policy and rules.
        counts: What was counted of it. It counts when it is durable: what is read again is not read twice.
        last_event: The newest time in it, in seconds since the epoch.
    """

    batches: int = 0
    bytes: int = 0
    rows: int = 0
    lines: list[Refused] = field(default_factory=list)
    events: list[Refused] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    last_event: float | None = None

    def saw(self, moment: float | None) -> None:
        """Note the time of an event."""
        if moment is not None:
            self.last_event = max(self.last_event or 0.0, moment)


class TableRoute(Route):
    """Writes rows and flushes them with the checkpoint of the tail.

    What was written and not flushed is nowhere: after anything that went wrong the tail is opened again where the
    table says.

    Args:
        context: What all routes share.
        source: Where events come from.
        config: Configuration of the sink.
        make: Makes the sink anew.
        options: As for every route.
    """

    def __init__(
        self,
        context: Context,
        source: "Source",
        config: ParquetSink | DeltaSink,
        make: "Callable[[], TableSink]",
        **options: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(context, source, config, **options)
        self._make = make
        self._config = config
        self._sink = make()
        self._encoder = None
        if context.policy is not None or source.rules:
            self._encoder = _core.Encoder(Encoding(format="ndjson"), source.rules, evaluator(context.policy))
        self._group = _Group()
        self._is_behind = False  # rows were lost on their way to the disk, and none were written since

    def describe(self) -> str:
        """Say where to, as the sink does."""
        return self._sink.describe()

    def _under_way(self) -> dict[str, Any]:
        return {"in_flight_bytes": self._group.bytes}

    def _work(self) -> None:
        """Write until the route stops; a rest is flushed then."""
        try:
            self._write()
        finally:
            self._is_behind |= bool(self._group.batches)
            self._group = _Group()
            self._sink.close()
            if not self.pausing.stopping.is_set():
                self._sink = self._make()

    def _write(self) -> None:
        config = self._config
        columns = config.columns if self._encoder is None else dict.fromkeys([*self._encoder.columns, "raw"])
        with self._open(
            resume=None if self._forced else self._sink.resume(),
            columns=columns,
            raw=self._encoder is not None,
            bodies=config.bodies and self._encoder is None,
            batch_bytes=min(BATCH_BYTES, config.roll_bytes),
            batch_age=min(1.0, config.roll_seconds),
        ) as tail:
            if not self._is_behind:
                self.standing.runs()
            since, closed = 0.0, False
            while not self.pausing.leaving.is_set():
                if self.pausing.stopping.is_set() and not closed:
                    tail.close()
                    closed = True
                batch = self._next(tail, STEP)
                if batch is not None:
                    since = since if self._group.batches else time.monotonic()
                    self._take(batch)
                late = self._is_behind or time.monotonic() - since >= config.roll_seconds
                due = late or self._group.bytes >= config.roll_bytes
                ended = closed and batch is None
                if self._group.batches and (due or ended):
                    self._flush(tail)
                elif self._is_behind and not self._group.batches and _is_at_the_end(tail):
                    # What it owed is gone, as when the log was deleted.
                    self._catches_up()
                if ended:
                    break

    def _catches_up(self) -> None:
        """Say that it runs: opening the log was no success yet."""
        self._is_behind = False
        self.standing.runs()

    def _take(self, batch: "TailBatch") -> None:
        """Hand rows to the sink; they are not durable yet."""
        place, group = batch.offsets, self._group
        group.batches += 1
        group.bytes += place.end - place.start
        group.lines += [refused_line(place.stream, line) for line in batch.rejected]
        if self._encoder is None:
            group.counts["events_read"] += batch.num_rows
            self._sink.write(batch)
            group.rows += batch.num_rows
            group.saw(_newest(batch))
        else:
            prepared = self._encoder.prepare(batch, int(time.time() * 1000))
            group.counts.update(counts_of(prepared))
            group.lines += [refused_line(place.stream, line) for line in prepared.rejected]
            group.saw(prepared.last_event)
            if prepared.events:
                self._read_again(place.stream, prepared)
        # The rows are the sink's now.
        batch.release()

    def _read_again(self, stream: str, prepared: "Prepared") -> None:
        """Make rows of what policy and rules have left; a rule can leave a text that holds no event any more."""
        config = self._config
        rows = rows_of(prepared, columns=config.columns, bodies=config.bodies, cluster=self._context.config.cluster)
        self._sink.write(rows.table)
        self._group.rows += rows.table.num_rows
        self._group.events += [refused_event(stream, prepared, index, NO_EVENT) for index in rows.lost]

    def _flush(self, tail: "Tail") -> None:
        """Make the rows durable with the checkpoint; then the state directory may know it too."""
        group = self._group
        self._quarantine.put([*group.lines, *group.events])
        self._sink.flush(tail.checkpoint())
        try:
            tail.commit()
        except StateError as error:
            # The table knows better where to go on.
            LOG.warning("%s: the offset cannot be saved, the table has it: %s", self.standing.name, error)
        self._quarantine.committed()
        self.counters.add(**group.counts)
        self.counters.add(events_sent=group.rows, bytes_sent=group.bytes, payloads_sent=1)
        self.counters.add(quarantined_lines=len(group.lines), quarantined_events=len(group.events))
        self.counters.acknowledged()
        self.counters.committed(group.last_event)
        self._group = _Group()
        if self._is_behind:
            self._catches_up()


def _is_at_the_end(tail: "Tail") -> bool:
    return not any(one.lag_bytes for one in tail.stats.streams)


def _newest(batch: "TailBatch") -> float | None:
    """Give the newest time of rows, in seconds since the epoch; None where they have none."""
    import pyarrow.compute as pc

    rows = batch.to_pyarrow()
    newest = pc.max(rows.column(TIME)).as_py() if TIME in rows.schema.names else None
    return None if newest is None else float(newest.timestamp())
