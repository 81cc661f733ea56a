"""Distinct keys: a log read once, for any number of policies."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self, final

from auditwake import _core
from auditwake.policy.source import EventSource, open_events
from auditwake.read import Reader

if TYPE_CHECKING:
    import pyarrow as pa

    from auditwake._core import Outcomes

__all__ = ["Keys"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SUMMED = ("level", "line_bytes", "req_bytes", "resp_bytes", "ts_received", "ts_stage")
"""Columns beside those that policies look at: what is added up."""


@final
class Keys:
    """The requests of a log as policies tell them apart, each with its number of events and the sums of their bytes.

    One pass over the log finds them, whatever the policy; every further policy is evaluated over the keys alone, in
    milliseconds. How many there are depends on the names in the log, since a policy can ask for them: memory grows with
    the number of keys, and a log in which every event has a name of its own has as many keys as events.

    Args:
        source: Logs as `auditwake.read` takes them, Parquet, or anything that gives Arrow batches.
        rows: Whether to remember which event has which key, at four bytes an event.

    Raises:
        ColumnError: The source lacks a column that policies look at.
        SourceError: A source names nothing that can be opened.

    Example:
        >>> import auditwake as aw
        >>> keys = aw.Keys(aw.demo.LOG)
        >>> len(keys) < keys.events
        True
        >>> policy = aw.Policy.load(\"\"\"
        ... apiVersion: audit.k8s.io/v1
        ... kind: Policy
        ... rules: [{level: Metadata}]
        ... \"\"\")
        >>> sum(batch.num_rows for batch in policy.evaluate(keys)) == len(keys)
        True
    """

    __slots__ = ("_core", "_lacks", "_outcomes", "_table")

    def __init__(self, source: EventSource, *, rows: bool = False) -> None:
        self._core = _core.Keys(rows)
        self._lacks: frozenset[str] = frozenset()
        self._outcomes: Outcomes | None = None
        self._table: pa.Table | None = None
        self.add(source)

    def add(self, source: EventSource) -> Self:
        """Add the events of another source.

        Args:
            source: As for the class.
        """
        import pyarrow as pa

        events = open_events(source, also=SUMMED)
        self._table = None
        opened = events.open()
        # Only the stream itself says what is in it.
        stream = opened if isinstance(opened, Reader) else pa.RecordBatchReader.from_stream(opened)
        self._lacks |= set(SUMMED) - set(stream.schema.names)
        try:
            self._core.add(stream)
        except _core.InputError as error:
            raise events.failed(error) from None
        self._outcomes = events.outcomes
        return self

    @property
    def table(self) -> "pa.Table":
        """One row a key, in the order of their first event.

        The columns are those that policies look at, the recorded `level`, `events`, the sums of `line_bytes`,
        `req_bytes` and `resp_bytes`, and `req_bodies` and `resp_bodies`: how many events have such a body. `namespace`
        and `name` are those that the policy saw: on `create`, no name.
        """
        import pyarrow as pa

        if self._table is None:
            self._table = pa.table(self._core.keys())
        return self._table

    @property
    def row_keys(self) -> "pa.ChunkedArray":
        """The place in `table` of each event's key; `uint32`.

        Raises:
            ValueError: The keys were made without `rows=True`.
        """
        import pyarrow as pa

        rows = self._core.rows()
        if rows is None:
            message = "which event has which key was not remembered: make the keys with Keys(source, rows=True)"
            raise ValueError(message)
        return pa.table(rows).column("key")

    @property
    def lacks(self) -> frozenset[str]:
        """Columns that a source did not have, of those that are added up: their sums are too small."""
        return self._lacks

    @property
    def outcomes(self) -> "Outcomes | None":
        """What became of the lines of the source that was added last; None where there are none, as in Parquet."""
        return self._outcomes

    @property
    def events(self) -> int:
        """How many events there are."""
        import pyarrow.compute as pc

        total = pc.sum(self.table["events"]).as_py()
        return int(total or 0)

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """When the first event was received and the last one written; None if no event says."""
        span = self._core.span
        if span is None:
            return None
        first, last = (EPOCH + timedelta(microseconds=micros) for micros in span)
        return first, last

    def __len__(self) -> int:
        return len(self._core)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)
