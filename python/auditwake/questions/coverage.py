"""What a log can say: its time, its stages and levels, and what its events do not record."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

    from auditwake._core import Outcomes
    from auditwake.types import Survey

__all__ = ["LOOKED_AT", "Coverage"]

LOOKED_AT: Final = ("ts_received", "stage", "level", "decision", "lat_total_us")
"""The columns that it is made of."""

MISSING: Final = {
    "ended": "no event says how a request ended: there is no ResponseComplete, ResponseStarted or Panic",
    "decision": "no event has the annotation authorization.k8s.io/decision: nothing says what the authorizer decided",
    "latency": (
        "no event has the annotations apiserver.latency.k8s.io/*: no request took more than 500 ms, or the server is "
        "one that does not write them (1.34 and 1.35 before their fix)"
    ),
    "bodies": "no event has a level above Metadata, so no body was recorded",
}
"""What a question may need of a log -> what is said where the log does not have it."""


@dataclass(slots=True, kw_only=True)
class Coverage:
    """What the events of a source record, counted over all of them, whatever was asked for.

    Example:
        >>> coverage = Coverage(events=2, stages=Counter({"RequestReceived": 2}))
        >>> [said[:37] for said in coverage.missing(["ended"])]
        ['no event says how a request ended: th']
    """

    events: int = 0
    """How many events there are."""
    repeats: int = 0
    """How many of those that were looked at repeat another in full, and were left out."""
    first: datetime | None = None
    """When the first request was received."""
    last: datetime | None = None
    """When the last one was."""
    stages: Counter[str] = field(default_factory=Counter)
    """Stage -> events."""
    levels: Counter[str] = field(default_factory=Counter)
    """Level -> events."""
    decisions: int = 0
    """Events that say what the authorizer decided."""
    latencies: int = 0
    """Events that say where their time went."""
    known: set[str] = field(default_factory=lambda: set(LOOKED_AT))
    """The columns of `LOOKED_AT` that the source has: of the others nothing can be said."""
    rejected: int | None = None
    """Lines that hold no event; None where the source is not a log, as Parquet is not."""

    def missing(self, needs: tuple[str, ...] | list[str]) -> Iterator[str]:
        """Say what a question needs and the log does not record.

        Args:
            needs: Keys of `MISSING`.
        """
        if not self.events:
            yield "there is no event"
            return
        ended = self.events - self.stages["RequestReceived"]
        has = {
            "ended": ended > 0,
            "decision": self.decisions > 0 or "decision" not in self.known,
            "latency": self.latencies > 0 or "lat_total_us" not in self.known,
            "bodies": "level" not in self.known
            or any(count for level, count in self.levels.items() if level != "Metadata"),
        }
        if not ended:
            yield MISSING["ended"]
            return
        yield from (MISSING[need] for need in needs if not has[need])

    def add(self, batch: "pa.RecordBatch") -> None:
        """Take in a batch, as far as it has the columns of `LOOKED_AT`."""
        import pyarrow as pa
        import pyarrow.compute as pc

        self.known &= set(batch.schema.names)
        self.events += batch.num_rows
        if "ts_received" in self.known:
            times = batch["ts_received"].cast(pa.timestamp("us", "UTC"), safe=False)
            span = pc.min_max(times).as_py()
            self._span(span["min"], span["max"])
        for name, counts in (("stage", self.stages), ("level", self.levels)):
            if name in self.known:
                counts.update(_counted(batch[name]))
        if "decision" in self.known:
            self.decisions += batch.num_rows - batch["decision"].null_count
        if "lat_total_us" in self.known:
            self.latencies += batch.num_rows - batch["lat_total_us"].null_count

    def add_survey(self, survey: "Survey", columns: Collection[str]) -> None:
        """Take in what was counted of files that have these columns."""
        self.known &= set(columns)
        self.events += survey["events"]
        self._span(_moment(survey["first"]), _moment(survey["last"]))
        for counts, counted in ((self.stages, survey["stages"]), (self.levels, survey["levels"])):
            counts.update({value: events for value, events in counted.items() if value is not None})
        self.decisions += survey["decisions"]
        self.latencies += survey["latencies"]

    def add_outcomes(self, outcomes: "Outcomes") -> None:
        """Take in what became of the lines of a log."""
        self.rejected = outcomes.rejected.lines

    def _span(self, first: datetime | None, last: datetime | None) -> None:
        self.first = min((time for time in (self.first, first) if time is not None), default=None)
        self.last = max((time for time in (self.last, last) if time is not None), default=None)

    def as_json(self) -> dict[str, object]:
        """Give it as JSON has it."""
        return {
            "events": self.events,
            "repeats": self.repeats,
            "first": self.first and self.first.isoformat(),
            "last": self.last and self.last.isoformat(),
            "stages": dict(self.stages),
            "levels": dict(self.levels),
            "rejected_lines": self.rejected,
        }


def _moment(microseconds: int | None) -> datetime | None:
    """Give a time that is counted from 1970; none that a datetime cannot have."""
    try:
        return None if microseconds is None else datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
    except OverflowError:
        return None


def _counted(column: "pa.Array") -> dict[str, int]:
    """Count the values of a dictionary column."""
    import pyarrow as pa

    counts = column.cast(pa.string()).value_counts()
    return {one["values"]: one["counts"] for one in counts.to_pylist() if one["values"] is not None}
