"""What a new policy does to a log in place of an old one: events and bytes gained and lost."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from auditwake.policy.keys import Keys
from auditwake.policy.notes import UNSEEN, patched, stripped
from auditwake.policy.pricing import NO_RULE, price

if TYPE_CHECKING:
    import pyarrow as pa

    from auditwake.policy.policy import Policy

__all__ = ["Change", "Effect", "PairChange", "effect"]

SUMMED: Final = (
    "old_events",
    "new_events",
    "events_lost",
    "events_gained",
    "old_bytes",
    "new_bytes",
    "bytes_lost",
    "bytes_gained",
    "unpriced_events",
)


@dataclass(frozen=True, slots=True)
class Change:
    """What a part of a log is under the old policy and under the new one.

    Attributes:
        name: What it is the part of: a pair of rules, a user, a resource.
        old_events: Events under the old policy.
        new_events: Events under the new one.
        events_lost: Events that only the old one writes.
        events_gained: Events that only the new one writes.
        old_bytes: Bytes on the wire under the old policy: lines with their ends.
        new_bytes: The same under the new one.
        bytes_lost: Bytes that the new one writes less, of events and of bodies.
        bytes_gained: Bytes that it writes more.
        unpriced_events: Events of which the new policy asks for more than was recorded, and for more than the old one:
            what that adds cannot be known.
    """

    name: str
    old_events: int
    new_events: int
    events_lost: int
    events_gained: int
    old_bytes: int
    new_bytes: int
    bytes_lost: int
    bytes_gained: int
    unpriced_events: int


@final
@dataclass(frozen=True, slots=True)
class PairChange(Change):
    """The same for a pair of rules.

    Attributes:
        old_rule: Index of the old policy's rule; None for none.
        new_rule: Index of the new policy's rule; None for none.
    """

    old_rule: int | None
    new_rule: int | None


@final
@dataclass(frozen=True, slots=True)
class Effect:
    """What the new policy does to a log.

    Attributes:
        total: The whole log.
        rules: Pairs of rules of which something changes, the largest change first.
        users: Users of whom something changes, the largest change first, up to the number asked for.
        resources: The same of resources and paths.
        notes: What these figures do not say.
    """

    total: Change
    rules: tuple[PairChange, ...]
    users: tuple[Change, ...]
    resources: tuple[Change, ...]
    notes: tuple[str, ...]


def effect(old: "Policy", new: "Policy", keys: Keys, *, found_more: bool, top: int) -> Effect:
    """Say what a new policy does to a log.

    Args:
        old: The old policy.
        new: The new one.
        keys: The log.
        found_more: Whether the new policy writes events of requests of which the old one writes none.
        top: How many users and resources.

    Raises:
        ColumnError: The source of the keys did not have the sizes, or the recorded level.
        ValueError: `top` is negative.

    Example:
        >>> import auditwake as aw
        >>> text = '{"apiVersion":"audit.k8s.io/v1","kind":"Policy","rules":[{"level":"%s"}]}'
        >>> old, new = (aw.Policy.load(text % level) for level in ("Metadata", "None"))
        >>> effect(old, new, aw.Keys(aw.demo.LOG), found_more=False, top=1).total.events_lost
        2164
    """
    if top < 0:
        message = f"top={top}: how many users and resources cannot be negative"
        raise ValueError(message)
    before, after = price(old, keys), price(new, keys)
    table = _joined(before, after)
    columns = [(column, "sum") for column in SUMMED]
    pairs = table.group_by(["old_rule", "new_rule"]).aggregate(columns).to_pylist()
    rules = [_pair(row) for row in pairs if _changed(row)]
    return Effect(
        total=_change("", table.group_by([]).aggregate(columns).to_pylist()[0]),
        rules=tuple(sorted(rules, key=lambda pair: (*_size(pair), pair.old_rule or 0, pair.new_rule or 0))),
        users=tuple(_largest(table, "user"))[:top],
        resources=tuple(_largest(table, "resource"))[:top],
        notes=tuple(_notes(before, after, table, found_more=found_more)),
    )


def _joined(before: "pa.Table", after: "pa.Table") -> "pa.Table":
    """Give both prices of each key, and what is between them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def above(one: "pa.ChunkedArray", other: "pa.ChunkedArray") -> "pa.ChunkedArray":
        return pc.max_element_wise(pc.subtract(one, other), 0)

    more = pc.greater(after["level"], before["level"]).cast(pa.int64())
    return pa.table(
        {
            "old_rule": before["rule"],
            "new_rule": after["rule"],
            "user": before["user"],
            "resource": before["resource"],
            "old_events": before["new_events"],
            "new_events": after["new_events"],
            "events_lost": above(before["new_events"], after["new_events"]),
            "events_gained": above(after["new_events"], before["new_events"]),
            "old_bytes": before["new_bytes"],
            "new_bytes": after["new_bytes"],
            "bytes_lost": above(before["new_bytes"], after["new_bytes"]),
            "bytes_gained": above(after["new_bytes"], before["new_bytes"]),
            "unpriced_events": pc.multiply(after["unpriced_events"], more),
        }
    )


def _change(name: str, row: dict[str, Any]) -> Change:
    return Change(name, **{column: row[f"{column}_sum"] or 0 for column in SUMMED})


def _pair(row: dict[str, Any]) -> PairChange:
    old, new = (None if row[name] == NO_RULE else row[name] for name in ("old_rule", "new_rule"))
    name = " -> ".join("no rule" if rule is None else f"rules[{rule}]" for rule in (old, new))
    sums = {column: row[f"{column}_sum"] for column in SUMMED}
    return PairChange(name, old_rule=old, new_rule=new, **sums)


def _changed(row: dict[str, Any]) -> bool:
    looked_at = ("events_lost", "events_gained", "bytes_lost", "bytes_gained", "unpriced_events")
    return any(row[f"{column}_sum"] for column in looked_at)


def _size(change: Change) -> tuple[int, int]:
    """Sort the largest change first."""
    return -change.bytes_lost - change.bytes_gained, -change.unpriced_events


def _largest(table: "pa.Table", by: str) -> list[Change]:
    rows = table.group_by(by).aggregate([(column, "sum") for column in SUMMED]).to_pylist()
    changes = [_change(row[by] or "", row) for row in rows if _changed(row)]
    return sorted(changes, key=lambda change: (*_size(change), change.name))


def _notes(before: "pa.Table", after: "pa.Table", table: "pa.Table", *, found_more: bool) -> Iterator[str]:
    import pyarrow.compute as pc

    yield UNSEEN
    if found_more:
        yield (
            "The new policy writes events of requests or stages of which the old one writes none: a log that was "
            "written under the old one does not have them, and they are in no figure."
        )
    raised = pc.sum(table["unpriced_events"]).as_py() or 0
    if raised:
        yield (
            f"The new policy asks for more than was recorded of {raised:,} events: they are counted as they were "
            "recorded, and what they would gain cannot be known."
        )
    if stripped(before) != stripped(after):
        yield (
            "The policies omit managed fields from different bodies: what that saves cannot be told without reading "
            "them."
        )
    if patched(before) != patched(after):
        yield (
            "Events of writes fall below Request under one policy only: patches that webhooks left in their "
            "annotations go too, and cannot be priced without reading them."
        )
