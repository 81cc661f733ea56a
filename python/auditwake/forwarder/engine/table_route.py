"""A route to a sink that takes rows: one thread, in order, with the place in the log in the same commit as the rows."""

import io
import logging
import time
from typing import TYPE_CHECKING, Any

from auditwake import _core
from auditwake.errors import StateError
from auditwake.forwarder.config.model import DeltaSink, ParquetSink
from auditwake.forwarder.encoding import Encoding
from auditwake.forwarder.engine.encoders import evaluator
from auditwake.forwarder.engine.flow import Group
from auditwake.forwarder.engine.route import Context, Route
from auditwake.forwarder.engine.sender import refused_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditwake.forwarder.config.model import Source
    from auditwake.forwarder.sinks.sink import TableSink
    from auditwake.tail import Tail, TailBatch

__all__ = ["TableRoute"]

LOG = logging.getLogger("auditwake.route")

STEP = 0.5  # seconds
BATCH_BYTES = 8 << 20


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
        self._pending = 0

    def describe(self) -> str:
        """Say where to, as the sink does."""
        return self._sink.describe()

    def _under_way(self) -> dict[str, Any]:
        return {"in_flight_bytes": self._pending}

    def _work(self) -> None:
        """Write until the route stops; a rest is flushed then."""
        try:
            self._write()
        finally:
            self._pending = 0
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
            self._tail = tail
            self.standing.runs()
            group, since, closed = Group(""), 0.0, False
            while not self.pausing.leaving.is_set():
                if self.pausing.stopping.is_set() and not closed:
                    tail.close()
                    closed = True
                batch = self._next(tail, STEP)
                if batch is not None:
                    since = since if group.batches else time.monotonic()
                    self._take(group, batch)
                due = self._pending >= config.roll_bytes or time.monotonic() - since >= config.roll_seconds
                ended = closed and batch is None
                if group.batches and (due or ended):
                    self._flush(tail, group)
                    group = Group("")
                if ended:
                    break
            self._streams()

    def _take(self, group: Group, batch: "TailBatch") -> None:
        """Hand rows to the sink; they are not durable yet."""
        place = batch.offsets
        group.stream = place.stream
        group.lines += batch.rejected
        group.batches.append(batch)
        self._pending += place.end - place.start
        if self._encoder is None:
            self.counters.add(events_read=batch.num_rows)
            self._sink.write(batch)
            # The rows are the sink's now.
            batch.release()
            group.left += batch.num_rows
            return
        from auditwake.read import read

        prepared = self._encoder.prepare(batch, int(time.time() * 1000))
        batch.release()
        self.counters.read(prepared)
        group.lines += prepared.rejected
        if prepared.events:
            config = self._config
            lines = io.BytesIO(prepared.lines())
            rows = read(lines, columns=config.columns, bodies=config.bodies, cluster=self._context.config.cluster)
            self._sink.write(rows)
        group.left += prepared.events

    def _flush(self, tail: "Tail", group: Group) -> None:
        """Make the rows durable with the checkpoint; then the state directory may know it too."""
        self._quarantine.put(refused_lines(group))
        self._sink.flush(tail.checkpoint())
        try:
            tail.commit()
        except StateError as error:
            # The table knows better where to go on.
            LOG.warning("%s: the offset cannot be saved, the table has it: %s", self.standing.name, error)
        self._quarantine.committed()
        self.counters.add(events_sent=group.left, bytes_sent=self._pending, payloads_sent=1)
        self.counters.add(quarantined_lines=len(group.lines))
        self.counters.acknowledged()
        self.counters.committed(None)
        self._pending = 0
