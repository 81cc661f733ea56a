"""What an audit policy makes of the log, by rule."""

from collections.abc import Iterator
from typing import Any

from auditwake.policy import Cost, RuleCost
from auditwake.report.model import Chart, Column, Section, Table
from auditwake.report.words import label, percent, shown, size

__all__ = ["rules"]

ROWS = 40
COLUMNS = (
    Column("rule", "rule"),
    Column("line", "line", "number"),
    Column("level", "level"),
    Column("events", "events", "number"),
    Column("new_events", "events kept", "number"),
    Column("bytes", "bytes", "size"),
    Column("new_bytes", "bytes kept", "size"),
    Column("share", "share"),
)


def rules(cost: Cost) -> Section:
    """Say what a policy keeps of the log.

    Args:
        cost: What `Policy.cost` said; see `auditwake policy cost`.
    """
    by_bytes = sorted(cost.rules, key=lambda rule: -rule.bytes)
    heaviest = {id(rule) for rule in by_bytes[:ROWS]}
    kept = [rule for rule in cost.rules if id(rule) in heaviest]
    rows = [part for rule in kept for part in _parts(rule)]
    return Section(
        key="rules",
        title="Bytes by policy rule",
        about=(
            f"What the policy {shown(cost.policy)} would make of these events, rule by rule, from the sizes that were "
            f"recorded: {size(cost.total.new_bytes)} of {size(cost.total.bytes)} would be kept "
            f"({percent(cost.total.new_bytes, cost.total.bytes) or 'there is nothing'})."
        ),
        charts=(Chart(name="rules", title="Bytes of the log by policy rule", rows=rows),),
        tables=(
            Table(
                title="Rules",
                columns=COLUMNS,
                rows=[_row(rule) for rule in kept],
                left_out=len(cost.rules) - len(kept),
            ),
        ),
        notes=cost.notes,
    )


def _parts(rule: RuleCost) -> Iterator[dict[str, Any]]:
    line = f", line {rule.mark.line}" if rule.mark else ""
    name = label(f"{rule.name} {rule.level}{line}")
    text = f"{size(rule.new_bytes)} of {size(rule.bytes)} · {name}"
    common = {"label": name, "low": 0, "high": rule.new_bytes, "bytes": rule.new_bytes}
    yield {**common, "part": "kept under the policy", "text": text}
    rest = max(rule.bytes - rule.new_bytes, 0)
    if rest:
        yield {"label": name, "part": "not kept", "low": rule.new_bytes, "high": rule.bytes, "bytes": rest}


def _row(rule: RuleCost) -> dict[str, object]:
    return {
        "rule": rule.name,
        "line": rule.mark.line if rule.mark else None,
        "level": rule.level,
        "events": rule.events,
        "new_events": rule.new_events,
        "bytes": rule.bytes,
        "new_bytes": rule.new_bytes,
        "share": f"{rule.share:.1%}",
    }
