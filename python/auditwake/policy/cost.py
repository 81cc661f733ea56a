"""What a policy costs: events and bytes of a log, as recorded and under the policy, by rule."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, final

from auditwake.policy.keys import Keys
from auditwake.policy.model import STAGES, Level, Mark
from auditwake.policy.notes import cost_notes
from auditwake.policy.pricing import NO_RULE, price
from auditwake.policy.source import EventSource

if TYPE_CHECKING:
    import pyarrow as pa

    from auditwake.policy.policy import Policy

__all__ = ["Cost", "Part", "RuleCost", "cost"]

DAY: Final = 86_400
SUMMED: Final = ("events", "bytes", "new_events", "new_bytes", "unpriced_events")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a log.

    Attributes:
        name: What it is the part of: a rule, a stage, a user, a resource.
        events: Events that were recorded.
        bytes: Their bytes on the wire: lines with their ends.
        new_events: Events under the policy.
        new_bytes: Their bytes.
        unpriced_events: Events of which the policy asks for more than was recorded. They are counted as recorded.
    """

    name: str
    events: int
    bytes: int
    new_events: int
    new_bytes: int
    unpriced_events: int


@dataclass(frozen=True, slots=True)
class RuleCost(Part):
    """What the requests come to that a rule decides about.

    Attributes:
        rule: Index of the rule; None for requests that no rule matches.
        mark: Where the rule stands in the file.
        level: The level that it gives.
        share: Share of all bytes under the policy, from 0 to 1.
        recorded_share: Share of all recorded bytes.
        bytes_per_day: Recorded bytes a day, at the rate of this log; None when the log spans no time.
        new_bytes_per_day: The same under the policy.
        stages: The same by stage.
        users: The users with the most bytes.
        resources: The resources, or paths, with the most bytes.
    """

    rule: int | None
    mark: Mark | None
    level: Level
    share: float
    recorded_share: float
    bytes_per_day: int | None
    new_bytes_per_day: int | None
    stages: tuple[Part, ...]
    users: tuple[Part, ...]
    resources: tuple[Part, ...]


@final
@dataclass(frozen=True, slots=True)
class Cost:
    """What a policy costs; made by `Policy.cost`.

    Attributes:
        policy: The policy's file, as it was named.
        rules: Each rule in its order, and then, with `rule=None`, what no rule matches.
        total: The whole log.
        stages: The whole log by stage.
        span: When the first event was received and the last one written; None if no event says.
        bytes_per_day: Recorded bytes a day; None when the log spans no time.
        new_bytes_per_day: The same under the policy.
        notes: What these figures do not say.
        table: The figures a key, to be grouped in other ways; see `auditwake.policy.pricing.price`.

    Example:
        >>> import auditwake as aw
        >>> policy = aw.Policy.load(\"\"\"
        ... apiVersion: audit.k8s.io/v1
        ... kind: Policy
        ... omitStages: [RequestReceived]
        ... rules: [{level: None, verbs: [get, list, watch]}, {level: Metadata}]
        ... \"\"\")
        >>> cost = policy.cost(aw.demo.LOG)
        >>> cost.total.events, cost.total.new_events
        (2164, 799)
        >>> [(rule.rule, rule.new_events) for rule in cost.rules]
        [(0, 0), (1, 799), (None, 0)]
    """

    policy: str
    rules: tuple[RuleCost, ...]
    total: Part
    stages: tuple[Part, ...]
    span: tuple[datetime, datetime] | None
    bytes_per_day: int | None
    new_bytes_per_day: int | None
    notes: tuple[str, ...]
    table: "pa.Table" = field(repr=False, compare=False)


def cost(policy: "Policy", source: EventSource | Keys, *, top: int = 5) -> Cost:
    """Say what a policy costs, from the sizes that a log recorded: no body is read.

    Args:
        policy: The policy.
        source: Logs, Parquet, Arrow, or `Keys` of them, with which any number of policies need one read of the log.
        top: How many users and resources of each rule.

    Raises:
        ColumnError: The source lacks a column that is needed for it.
        SourceError: A source names nothing that can be opened.
        ValueError: `top` is negative.

    Example:
        >>> import auditwake as aw
        >>> policy = aw.Policy.load(\"\"\"
        ... apiVersion: audit.k8s.io/v1
        ... kind: Policy
        ... rules: [{level: Metadata}]
        ... \"\"\")
        >>> found = cost(policy, aw.Keys(aw.demo.LOG), top=1)
        >>> found.total.new_bytes, found.rules[0].users[0].name
        (2026133, 'system:serviceaccount:kube-system:replicaset-controller')
    """
    if top < 0:
        message = f"top={top}: how many users and resources cannot be negative"
        raise ValueError(message)
    keys = source if isinstance(source, Keys) else Keys(source)
    table = price(policy, keys)
    span = keys.span
    days = (span[1] - span[0]).total_seconds() / DAY if span else 0.0
    total = _sum(table)
    return Cost(
        policy=policy.document.name,
        rules=tuple(_rules(policy, table, total, days, top)),
        total=total,
        stages=tuple(_by_stage(table)),
        span=span,
        bytes_per_day=_a_day(total.bytes, days),
        new_bytes_per_day=_a_day(total.new_bytes, days),
        notes=tuple(cost_notes(table)),
        table=table,
    )


def _rules(policy: "Policy", table: "pa.Table", total: Part, days: float, top: int) -> Iterator[RuleCost]:
    import pyarrow.compute as pc

    for index in [*range(len(policy.rules)), None]:
        rows = table.filter(pc.equal(table["rule"], NO_RULE if index is None else index))
        part = _sum(rows)
        yield RuleCost(
            name="no rule" if index is None else f"rules[{index}]",
            **{column: getattr(part, column) for column in SUMMED},
            rule=index,
            mark=None if index is None else policy.document.mark(f"rules[{index}]"),
            level="None" if index is None else policy.rules[index].level,
            share=_share(part.new_bytes, total.new_bytes),
            recorded_share=_share(part.bytes, total.bytes),
            bytes_per_day=_a_day(part.bytes, days),
            new_bytes_per_day=_a_day(part.new_bytes, days),
            stages=tuple(_by_stage(rows)),
            users=tuple(_largest(rows, "user")[:top]),
            resources=tuple(_largest(rows, "resource")[:top]),
        )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _a_day(size: int, days: float) -> int | None:
    return round(size / days) if days else None


def _sum(table: "pa.Table", name: str = "") -> Part:
    import pyarrow.compute as pc

    return Part(name, *(pc.sum(table[column]).as_py() or 0 for column in SUMMED))


def _groups(table: "pa.Table", by: str) -> list[Part]:
    rows: list[dict[str, Any]] = table.group_by(by).aggregate([(column, "sum") for column in SUMMED]).to_pylist()
    return [Part(row[by] or "", *(row[f"{column}_sum"] for column in SUMMED)) for row in rows]


def _by_stage(table: "pa.Table") -> list[Part]:
    """Give the stages in the order in which they come."""
    return sorted(_groups(table, "stage"), key=lambda part: (*(part.name != stage for stage in STAGES), part.name))


def _largest(table: "pa.Table", by: str) -> list[Part]:
    return sorted(_groups(table, by), key=lambda part: (-part.new_bytes, -part.bytes, part.name))
