"""What detection found: the outcome of each rule, and the findings with their evidence."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from auditwake.detections.rule import Rule, Severity

if TYPE_CHECKING:
    import pyarrow as pa

    from auditwake.questions import Coverage

__all__ = ["Detections", "Outcome", "RuleOutcome"]

Outcome = Literal["fired", "silent", "cannot fire"]
SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOutcome:
    """What became of a rule.

    Example:
        >>> import auditwake as aw
        >>> outcome = next(one for one in aw.detect(aw.demo.LOG).outcomes if one.rule.name == "privileged-workload")
        >>> outcome.outcome
        'cannot fire'
    """

    rule: Rule
    """The rule."""
    outcome: Outcome
    """`fired`; `silent`: the log records what it needs and nothing matched; `cannot fire`: `notes` say why."""
    hits: int = 0
    """How many findings there are."""
    who: tuple[str, ...] = ()
    """Effective users of the findings; no more than four."""
    users: int = 0
    """How many there are of them."""
    first: datetime | None = None
    """Time of the first finding."""
    last: datetime | None = None
    """Time of the last one."""
    looked_at: int = 0
    """Requests of the kind that it looks at."""
    notes: tuple[str, ...] = ()
    """What has to be known with it."""

    @property
    def said_who(self) -> str:
        """The users in words, and how many more there are."""
        more = self.users - len(self.who)
        return ", ".join(self.who) + (f" and {more:,} more" if more else "")

    def as_json(self) -> dict[str, object]:
        """Give it as JSON has it."""
        return {
            "rule": self.rule.id,
            "name": self.rule.name,
            "title": self.rule.title,
            "severity": self.rule.severity,
            "attack": list(self.rule.attack),
            "level": self.rule.level,
            "outcome": self.outcome,
            "hits": self.hits,
            "who": list(self.who),
            "users": self.users,
            "first": self.first and self.first.isoformat(),
            "last": self.last and self.last.isoformat(),
            "looked_at": self.looked_at,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """Outcomes and findings. Anything that takes Arrow takes the findings as they are.

    Example:
        >>> import auditwake as aw
        >>> found = aw.detect(aw.demo.LOG)
        >>> sorted({one.outcome for one in found.outcomes})
        ['cannot fire', 'fired', 'silent']
    """

    table: "pa.Table"
    """One row a finding, in the order of time."""
    outcomes: tuple[RuleOutcome, ...]
    """One a rule: what fired first, the most severe in front."""
    coverage: "Coverage"
    """What the log records."""
    notes: tuple[str, ...] = ()
    """What has to be known with all of it."""

    @property
    def fired(self) -> tuple[RuleOutcome, ...]:
        """Those that fired."""
        return self._those("fired")

    @property
    def silent(self) -> tuple[RuleOutcome, ...]:
        """Those that looked and found nothing."""
        return self._those("silent")

    @property
    def cannot_fire(self) -> tuple[RuleOutcome, ...]:
        """Those that cannot say anything."""
        return self._those("cannot fire")

    def _those(self, outcome: Outcome) -> tuple[RuleOutcome, ...]:
        return tuple(one for one in self.outcomes if one.outcome == outcome)

    @property
    def summary(self) -> "pa.Table":
        """One row a rule."""
        import pyarrow as pa

        time = pa.timestamp("us", "UTC")
        fields: list[tuple[str, pa.DataType, list[object]]] = [
            ("rule", pa.string(), [one.rule.id for one in self.outcomes]),
            ("title", pa.string(), [one.rule.title for one in self.outcomes]),
            ("severity", pa.string(), [one.rule.severity for one in self.outcomes]),
            ("outcome", pa.string(), [one.outcome for one in self.outcomes]),
            ("hits", pa.int64(), [one.hits for one in self.outcomes]),
            ("who", pa.string(), [one.said_who for one in self.outcomes]),
            ("first", time, [one.first for one in self.outcomes]),
            ("last", time, [one.last for one in self.outcomes]),
            ("notes", pa.string(), ["; ".join(one.notes) for one in self.outcomes]),
        ]
        return pa.table({name: pa.array(values, kind) for name, kind, values in fields})

    def sarif(self) -> str:
        """Give the findings as SARIF 2.1.0, the JSON that code scanning takes."""
        from auditwake.detections.sarif import sarif

        return sarif(self)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give the findings through the Arrow PyCapsule interface."""
        return self.table.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        """Say how many there are."""
        return (
            f"Detections(findings={self.table.num_rows}, fired={len(self.fired)}, silent={len(self.silent)}, "
            f"cannot_fire={len(self.cannot_fire)})"
        )

    def _repr_html_(self) -> str:
        """Show them in a notebook; every value of the log is escaped."""
        said = tuple(f"{one.rule.id} cannot fire: {'; '.join(one.notes)}" for one in self.cannot_fire)
        shown = self.summary.slice(0, len(self.fired)).drop_columns(["notes"])
        rules = self._shown(self.said, shown, (*self.notes, *said))
        evidence = ["time", "rule", "severity", "user", "address", "verb", "what", "namespace", "name", "detail"]
        first = self.table.select(evidence).slice(0, SHOWN)
        return rules + (self._shown(f"The first {first.num_rows} findings", first) if first.num_rows else "")

    def _shown(self, title: str, table: "pa.Table", notes: tuple[str, ...] = ()) -> str:
        from auditwake.questions import Answer

        answer = Answer(question="detect", title=title, table=table, coverage=self.coverage, notes=notes)
        return answer._repr_html_()

    @property
    def said(self) -> str:
        """How many rules fired, were silent, and cannot fire, in words."""
        counts = f"{len(self.fired)} fired, {len(self.silent)} silent, {len(self.cannot_fire)} cannot fire"
        return f"{len(self.outcomes)} rule{'' if len(self.outcomes) == 1 else 's'}: {counts}"


def order(outcome: RuleOutcome) -> tuple[int, int, str]:
    """Sort what fired to the front, then by severity."""
    rank: dict[Severity, int] = {"critical": 0, "high": 1, "medium": 2, "low": 3}
    return (("fired", "cannot fire", "silent").index(outcome.outcome), rank[outcome.rule.severity], outcome.rule.id)
