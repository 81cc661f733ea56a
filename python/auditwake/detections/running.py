"""Rules at work on one log: what each finds goes into the table `hits`, and one that fails does not keep the others."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Final, Self

from auditwake.detections.rule import Rule
from auditwake.detections.server import ITS_OWN, RELEASES
from auditwake.detections.sql import (
    EVIDENCE,
    Looked,
    any_asks,
    asks_of,
    bodies_kept,
    counting,
    looked,
    looked_at,
    macros,
    no_findings,
    one_by_one,
    prefilter,
    reads_bodies,
    sliced,
    sql_of,
)
from auditwake.errors import QuestionError
from auditwake.questions import AskedOf, Log, Scope
from auditwake.questions.needed import LackingError, needed_columns

__all__ = ["SLICE", "Running"]

SLICE: Final = 1 << 21
"""Bytes of bodies that all rules look at together; twice that with the last body of a slice."""
ALWAYS: Final = " ".join((*EVIDENCE.values(), "level truncated"))
"""Names the columns without which there is no finding."""


class Running:
    """Rules at work on one log.

    Args:
        source: What `detect` takes.
        rules: The rules.
        scope: Which events are looked at.
        threads: How many threads parse and compute; None for one a core.

    Raises:
        QuestionError: The source lacks a column that every finding has, or that every rule needs.

    Example:
        >>> from auditwake import demo, detections
        >>> with Running(demo.LOG, detections.rules(), None, None) as running:
        ...     running.find()
        ...     running.log.query("select count(*) > 0 as found from hits").to_pylist()
        [{'found': True}]
    """

    def __init__(self, source: AskedOf, rules: Sequence[Rule], scope: Scope | None, threads: int | None) -> None:
        self.rules = rules
        self.failed: dict[int, str] = {}
        """Index of a rule -> why it could not be run, or not to the end."""
        self.left_out: Counter[int] = Counter()
        """Index of a rule -> how many bodies it left out: each is too large by itself for the memory that there is."""
        self.log = self._open(source, scope, threads)

    def find(self) -> None:
        """Run the rules."""
        self.log.execute(macros())
        self.log.execute(f"create temp table hits as {no_findings()}")
        self._find_without_bodies()
        self._look_into_bodies()
        for at in self._able(lambda rule: rule.count is not None):
            self._alone(at, counting(at, self.rules[at]))

    def looked(self) -> dict[int, Looked]:
        """Say what the rules that could be run look at."""
        able = {at: self.rules[at] for at in range(len(self.rules)) if at not in self._lacking}
        return looked(able, self.log.query(looked_at(able)).to_pylist())

    def releases(self) -> list[str]:
        """Give the releases of the servers of the log, where a rule needs to know."""
        return list(self.log.query(RELEASES)["release"].to_pylist()) if self._tells else []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.log.close()

    def _open(self, source: AskedOf, scope: Scope | None, threads: int | None) -> Log:
        """Open the log for the rules whose columns are there."""
        try:
            return self._log(source, scope, threads)
        except LackingError as error:
            lacks = set(error.columns)
            always = tuple(name for name in needed_columns(ALWAYS) if name in lacks)
            if always:
                raise LackingError(always) from error
            for at, rule in enumerate(self.rules):
                missing = sorted(lacks & set(needed_columns(sql_of(rule))))
                if missing:
                    self.failed[at] = f"the source has no column {', '.join(missing)}"
            if len(self.failed) in (0, len(self.rules)):
                raise
        return self._log(source, scope, threads)

    def _log(self, source: AskedOf, scope: Scope | None, threads: int | None) -> Log:
        self._lacking = frozenset(self.failed)
        able = [self.rules[at] for at in self._able()]
        self._tells = any(rule.since for rule in able)
        asked = "\n".join((*map(sql_of, able), ALWAYS, *([RELEASES] if self._tells else []), "from requests"))
        of = f"{prefilter(able)} or {ITS_OWN}" if self._tells else prefilter(able)
        return Log(source, asked, of, scope, threads, only=bodies_kept(able))

    def _able(self, wanted: Callable[[Rule], bool] = bool) -> list[int]:
        return [at for at, rule in enumerate(self.rules) if at not in self.failed and wanted(rule)]

    def _find_without_bodies(self) -> None:
        plain = self._able(lambda rule: rule.count is None and not reads_bodies(rule))
        try:
            self.log.execute(f"insert into hits by name {one_by_one(self.rules, plain)}")
        except QuestionError:
            for at in plain:
                self._alone(at, one_by_one(self.rules, [at]))

    def _alone(self, at: int, found: str) -> None:
        try:
            self.log.execute(f"insert into hits by name {found}")
        except QuestionError as error:
            self.failed[at] = _said(error)

    def _look_into_bodies(self) -> None:
        """Run the rules on bodies, over a few requests at a time: a log may hold any number of large bodies."""
        inside = self._able(lambda rule: rule.count is None and reads_bodies(rule))
        if not inside:
            return
        self.log.execute(f"create temp table bodied as {sliced({at: self.rules[at] for at in inside}, SLICE)}")
        asked = ", ".join(f"bool_or({asks_of(at)}) as {asks_of(at)}" for at in inside)
        columns = f"slice, sum(body_bytes)::bigint as size, min(rowid) as first, max(rowid) as last, {asked}"
        for row in self.log.query(f"select {columns} from bodied group by slice order by slice").to_pylist():
            # A rule that looks into none of these bodies costs its planning, which is most of the time.
            those = [at for at in inside if row[asks_of(at)] and at not in self.failed]
            if not those or (row["size"] <= 2 * SLICE and self._together(those, f"slice = {row['slice']}")):
                continue
            for at in those:
                self.left_out[at] += self._in_halves(at, row["first"], row["last"])

    def _together(self, those: Collection[int], where: str) -> bool:
        """Run rules over a slice; whether they could be."""
        try:
            self.log.execute(self._sliced(those, where))
        except QuestionError:
            return False
        return True

    def _in_halves(self, at: int, first: int, last: int) -> int:
        """Run a rule over rows, in halves where they do not fit at once, and count those that do not fit alone."""
        if at in self.failed:
            return 0
        try:
            self.log.execute(self._sliced([at], f"rowid between {first} and {last}"))
        except QuestionError as error:
            if "Out of Memory" not in str(error):
                self.failed[at] = _said(error)
                return 0
        else:
            return 0
        if first == last:
            return 1
        middle = (first + last) // 2
        return self._in_halves(at, first, middle) + self._in_halves(at, middle + 1, last)

    def _sliced(self, those: Collection[int], where: str) -> str:
        found = one_by_one(self.rules, those, f"bodied where {any_asks(those)} and {where}", is_sliced=True)
        return f"insert into hits by name {found}"


def _said(error: QuestionError) -> str:
    """Say what failed without what the log holds, which DuckDB has in its message."""
    return f"its SQL fails on what the log holds: {str(error).partition(':')[0]}"
