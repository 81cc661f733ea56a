"""What the figures about a log under a policy do not say, in words."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from auditwake.policy.model import LEVELS

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["UNSEEN", "cost_notes", "events_of", "patched", "stripped"]

UNSEEN: Final = (
    "Only what the log holds is counted: requests and stages that the policy of its server left out are in no figure."
)

REQUEST: Final = LEVELS.index("Request")

WRITES: Final = ("create", "update", "patch", "delete", "deletecollection")
"""Verbs of which admission webhooks hear; their patches stand in annotations from `Request` on."""


def cost_notes(table: "pa.Table") -> Iterator[str]:
    """Say what the figures of a policy do not say.

    Args:
        table: What `auditwake.policy.pricing.price` gave.
    """
    import pyarrow.compute as pc

    yield UNSEEN
    raised = pc.sum(table["unpriced_events"]).as_py() or 0
    if raised:
        yield (
            f"The policy asks for more than was recorded of {raised:,} events: they are counted as they were recorded, "
            "and what they would gain cannot be known."
        )
    requests, rules = _without_first_stage(table)
    if requests:
        yield (
            f"The log has no RequestReceived event of {requests:,} requests ({', '.join(rules)}), and the policy "
            "writes that stage: these events are in no figure."
        )
    if bodies := stripped(table):
        yield (
            f"The policy omits managed fields from {bodies:,} bodies that stay: how many bytes that saves cannot be "
            "told without reading them."
        )
    if events := patched(table):
        yield (
            f"{events:,} events of writes fall below Request: patches that webhooks left in their annotations go too, "
            "and cannot be priced without reading them."
        )


def events_of(table: "pa.Table", mask: "pa.ChunkedArray", column: str = "new_events") -> int:
    """Add up a column where a mask is true."""
    import pyarrow.compute as pc

    total = pc.sum(table.filter(mask)[column]).as_py()
    return int(total or 0)


def stripped(table: "pa.Table") -> int:
    """Count the bodies that stay and lose their managed fields, if they have any."""
    return events_of(table, table["managed"], "bodies")


def patched(table: "pa.Table") -> int:
    """Count the events that lose the patches of webhooks, if there are any in their annotations."""
    import pyarrow as pa
    import pyarrow.compute as pc

    falls = pc.and_(pc.greater_equal(table["recorded"], REQUEST), pc.less(table["level"], REQUEST))
    writes = pc.is_in(table["verb"], pa.array(WRITES))
    done = pc.not_equal(table["stage"], "RequestReceived")
    return events_of(table, pc.and_(pc.and_(falls, writes), done))


def _without_first_stage(table: "pa.Table") -> tuple[int, list[str]]:
    """Count the finished requests of rules that write RequestReceived, of which the log has none under that rule."""
    import pyarrow.compute as pc

    writes_all = pc.and_(pc.greater(table["level"], 0), pc.invert(table["omits_received"]))
    rows = table.filter(writes_all)
    first = set(rows.filter(pc.equal(rows["stage"], "RequestReceived"))["rule"].to_pylist())
    ended = rows.filter(pc.equal(rows["stage"], "ResponseComplete")).group_by("rule").aggregate([("events", "sum")])
    counts = {row["rule"]: row["events_sum"] for row in ended.to_pylist() if row["rule"] not in first}
    return sum(counts.values()), [f"rules[{rule}]" for rule in sorted(counts)]
