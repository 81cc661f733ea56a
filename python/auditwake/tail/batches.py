"""The batches of a tail, and the tail that gives them."""

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Self, final

from auditwake.tail.standing import Gap, Offsets, StreamStats, TailEvent, TailStats

if TYPE_CHECKING:
    from types import TracebackType

    import pyarrow as pa

    from auditwake import _core

__all__ = ["Tail", "TailBatch"]


@final
class TailBatch:
    """Rows of a log, with the place they were read from; made by a `Tail`.

    Anything that takes Arrow takes it as it is: `pyarrow.record_batch(batch)`, `polars.DataFrame(batch)`,
    `duckdb.sql("from batch")`. It may have no rows, where lines became none: it is committed as any other.

    Example:
        >>> import auditwake as aw
        >>> with aw.tail(aw.demo.LOG, state=None, follow=False, columns=["verb"]) as log:
        ...     batch = next(iter(log))
        >>> batch.offsets.start, batch.outcomes.events == batch.num_rows
        (0, True)
    """

    __slots__ = ("_core",)

    def __init__(self, core: "_core.TailBatch") -> None:
        self._core = core

    @property
    def num_rows(self) -> int:
        """Rows."""
        return self._core.num_rows

    @property
    def schema(self) -> "pa.Schema":
        """The Arrow schema, the same for every batch of a tail."""
        import pyarrow as pa

        return pa.schema(self._core)

    @property
    def offsets(self) -> Offsets:
        """Where the batch stands in its log."""
        return Offsets(*self._core.place)

    @property
    def outcomes(self) -> "_core.Outcomes":
        """What became of the lines between the offsets; their bytes are all bytes between them."""
        return self._core.outcomes

    @property
    def rejected(self) -> "list[_core.Rejected]":
        """The lines between the offsets that hold no event, with file, offset, reason and bytes."""
        return self._core.rejected

    @property
    def lag_bytes(self) -> int:
        """Bytes behind the batch that were not read yet, in all files of its log."""
        return self._core.lag_bytes

    def to_pyarrow(self) -> "pa.RecordBatch":
        """Give the rows as a pyarrow record batch, without a copy.

        Example:
            >>> import auditwake as aw
            >>> with aw.tail(aw.demo.LOG, state=None, follow=False, columns=["verb"]) as log:
            ...     next(iter(log)).to_pyarrow().column_names
            ['verb']
        """
        import pyarrow as pa

        return pa.record_batch(self._core)

    def release(self) -> None:
        """Let go of the rows, for who is done with them and commits later; all else of the batch stays.

        Example:
            >>> import auditwake as aw
            >>> with aw.tail(aw.demo.LOG, state=None, follow=False) as log:
            ...     for batch in log:
            ...         batch.release()
            ...         batch.commit()
            >>> batch.to_pyarrow()
            Traceback (most recent call last):
            ...
            ValueError: the rows of this batch were released: take them before that
        """
        self._core.release()

    def commit(self) -> None:
        """Acknowledge the batch: it is not given again.

        The offset moves to the end of the acknowledged prefix, so batches can be committed in any order, from any
        thread. When the call returns, an offset that moved is on disk.

        Raises:
            StateError: The state cannot be written. Nothing is forgotten: call it again.

        Example:
            >>> import auditwake as aw
            >>> with aw.tail(aw.demo.LOG, state=None, follow=False) as log:
            ...     for batch in log:
            ...         batch.commit()
            ...     log.stats.uncommitted_bytes
            0
        """
        self._core.commit()

    def __arrow_c_schema__(self) -> object:
        return self._core.__arrow_c_schema__()

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        return self._core.__arrow_c_array__(requested_schema)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._core.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        place = self.offsets
        return f"<auditwake.TailBatch: {self.num_rows:,} events, {place.file} from {place.start:,} to {place.end:,}>"


@final
class Tail:
    """Logs that are followed; made by `auditwake.tail`.

    Iterating waits for the next batch, and ends after `close`, or at the end of what is there if nothing is followed.
    It can be used from several threads, and with `async for`. Reading is done while somebody waits for a batch: who
    does not ask is not read for.

    Example:
        >>> import auditwake as aw
        >>> with aw.tail(aw.demo.LOG, state=None, follow=False) as log:
        ...     rows = sum(batch.num_rows for batch in log)
        >>> rows > 0
        True
    """

    __slots__ = ("_core", "_left")

    def __init__(self, core: "_core.Tail") -> None:
        self._core = core
        self._left: deque[Future[TailBatch | None]] = deque()

    @property
    def schema(self) -> "pa.Schema":
        """The Arrow schema of the batches."""
        import pyarrow as pa

        return pa.schema(self._core)

    @property
    def stats(self) -> TailStats:
        """How the logs stand now.

        Example:
            >>> import auditwake as aw
            >>> with aw.tail(aw.demo.LOG, state=None, follow=False) as log:
            ...     log.stats.lines
            0
        """
        return TailStats(tuple(StreamStats(**standing) for standing in self._core.standings()))

    @property
    def gaps(self) -> list[Gap]:
        """What was deleted or overwritten before it was read, since the tail was opened."""
        return [Gap(*gap) for gap in self._core.gaps()]

    @property
    def events(self) -> list[TailEvent]:
        """The newest thousand things that happened: rotations, truncations, gaps, replays, and what cannot be read."""
        return [TailEvent(*event) for event in self._core.events()]

    def next(self, timeout: float | None = None) -> TailBatch | None:
        """Wait for the next batch.

        Args:
            timeout: Seconds to wait; None waits for as long as it takes.

        Returns:
            The batch; None if there was none in time, and at the end.

        Raises:
            StateError: The state cannot be written where a log begins at its end.

        Example:
            >>> import auditwake as aw
            >>> with aw.tail("no-such.log", state=None) as log:
            ...     log.next(timeout=0) is None
            True
        """
        batch = self._core.next(timeout)
        return None if batch is None else TailBatch(batch)

    def commit(self) -> None:
        """Acknowledge every batch that was handed out.

        Raises:
            StateError: The state cannot be written.

        Example:
            >>> import auditwake as aw
            >>> with aw.tail(aw.demo.LOG, state=None, follow=False) as log:
            ...     rows = sum(batch.num_rows for batch in log)
            ...     log.commit()
        """
        self._core.commit()

    def checkpoint(self) -> str:
        """Give the offsets as `commit` would save them now, as a text for `tail(resume=...)`.

        Whoever keeps the text in one transaction with the rows of all batches so far has each event exactly once: a
        crash leaves both or neither, whatever the state directory says.

        Returns:
            Some hundred bytes for each file of the logs, with a checksum.

        Example:
            >>> import auditwake as aw
            >>> with aw.tail(aw.demo.LOG, state=None, follow=False) as log:
            ...     rows = sum(batch.num_rows for batch in log)
            ...     text = log.checkpoint()
            >>> with aw.tail(aw.demo.LOG, state=None, follow=False, resume=text) as log:
            ...     list(log)
            []
        """
        return self._core.checkpoint()

    def close(self) -> None:
        """End the reading, also of a thread that waits; what was handed out can still be committed.

        It only says so and returns at once, so that a signal handler may call it. The state is let go when the `with`
        block ends.

        Example:
            >>> import auditwake as aw
            >>> log = aw.tail("no-such.log", state=None)
            >>> log.close()
            >>> list(log)
            []
        """
        self._core.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> TailBatch:
        batch = self.next()
        if batch is None:
            raise StopIteration
        return batch

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> TailBatch:
        waited = self._left.popleft() if self._left else self._ask()
        try:
            batch = await asyncio.shield(asyncio.wrap_future(waited))
        except (asyncio.CancelledError, GeneratorExit):
            # Whoever is cancelled while it waits leaves the batch to the next one who asks, be it in another loop.
            self._left.append(waited)
            raise
        if batch is None:
            raise StopAsyncIteration
        return batch

    def _ask(self) -> "Future[TailBatch | None]":
        """Wait for the next batch on a thread that does not keep the interpreter from ending."""
        asked: Future[TailBatch | None] = Future()

        def wait() -> None:
            try:
                asked.set_result(self.next())
            except BaseException as error:  # noqa: BLE001  # whoever awaits it gets it
                asked.set_exception(error)

        threading.Thread(target=wait, name="auditwake-tail", daemon=True).start()
        return asked

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        error: BaseException | None,
        trace: "TracebackType | None",
    ) -> None:
        self._core.release()

    def __repr__(self) -> str:
        stats = self.stats
        return f"<auditwake.Tail: {stats.lines:,} lines of {len(stats.streams)} logs so far>"
