"""Batches after a crash, cut as they were before it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditwake.forwarder.engine.journal import Entry
    from auditwake.tail import TailBatch
    from auditwake.types import ArrowStreamExportable

__all__ = ["Cut", "Replay", "matching"]


@dataclass(frozen=True, slots=True)
class Cut:
    """Rows that are encoded together: as the journal has them, or, with no entry, such as come for the first time."""

    rows: "ArrowStreamExportable"
    count: int
    entry: "Entry | None"


def matching(plan: "list[Entry]", batch: "TailBatch", first: "Callable[[TailBatch], str]") -> "list[Entry]":
    """Give the part of a plan that begins where a tail does: what is in front of it was committed.

    Args:
        plan: What the journal has of the log.
        batch: The first batch of it.
        first: What tells its first event from others; empty if there is none.
    """
    start = batch.offsets.start
    found = first(batch) if any(entry.start == start for entry in plan) else ""
    for number, entry in enumerate(plan):
        if entry.start == start and (found == entry.first or not found or not entry.first):
            return plan[number:]
    return []


class Replay:
    """Cuts the batches of a log as a plan says, whatever their own ends are."""

    def __init__(self, plan: "list[Entry]") -> None:
        self._plan = list(plan)
        self._kept: list[Any] = []
        self._rows = 0

    @property
    def over(self) -> bool:
        """Whether all of the plan was cut."""
        return not self._plan

    @property
    def left(self) -> "list[Entry]":
        """What was not cut yet."""
        return list(self._plan)

    def take(self, batch: "TailBatch") -> list[Cut]:
        """Give what is whole now; the rest is kept for the next batch."""
        rows = batch.to_pyarrow()
        cuts = []
        while self._plan and self._rows + rows.num_rows >= self._plan[0].rows:
            entry = self._plan.pop(0)
            needed = entry.rows - self._rows
            self._keep(rows.slice(0, needed))
            cuts.append(self._cut(entry))
            rows = rows.slice(needed)
        self._keep(rows)
        return cuts if self._plan else cuts + self.rest()

    def rest(self) -> list[Cut]:
        """Give what is kept, whatever the plan says: the rows that it needs are not there any more."""
        self._plan.clear()
        return [self._cut(None)] if self._rows else []

    def _keep(self, rows: Any) -> None:  # noqa: ANN401  # pyarrow has no types
        if rows.num_rows:
            self._kept.append(rows)
            self._rows += rows.num_rows

    def _cut(self, entry: "Entry | None") -> Cut:
        import pyarrow as pa

        cut = Cut(pa.Table.from_batches(self._kept), self._rows, entry)
        self._kept, self._rows = [], 0
        return cut
