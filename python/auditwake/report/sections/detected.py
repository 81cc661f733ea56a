"""What the detection rules found."""

from auditwake.detections import Detections, RuleOutcome
from auditwake.report.model import Column, Section, Table

__all__ = ["detected"]

FINDINGS = 60
RULES = (
    Column("severity", "severity"),
    Column("rule", "rule"),
    Column("title", "what it means"),
    Column("hits", "findings", "number"),
    Column("who", "users"),
    Column("first", "first (UTC)", "time"),
    Column("last", "last (UTC)", "time"),
    Column("notes", "to be known with it", "texts"),
)
EVIDENCE = (
    Column("time", "time (UTC)", "time"),
    Column("severity", "severity"),
    Column("rule", "rule"),
    Column("user", "user"),
    Column("verb", "verb"),
    Column("what", "resource or path"),
    Column("namespace", "namespace"),
    Column("name", "name"),
    Column("code", "code", "number"),
    Column("address", "address"),
    Column("detail", "detail"),
)
CANNOT = (Column("rule", "rule"), Column("title", "what it would find"), Column("why", "why it cannot", "texts"))
ORDER = ("critical", "high", "medium", "low")


def detected(found: Detections) -> Section:
    """Say which rules fired, the most severe first.

    Args:
        found: What `auditwake.detect` gave.
    """
    rows = sorted(found.table.to_pylist(), key=lambda row: ORDER.index(row["severity"]))
    shown = rows[:FINDINGS]
    return Section(
        key="detections",
        title="Detections",
        about=(
            f"What should not have happened, by the rules of auditwake detect. {found.said}. A rule cannot fire "
            "where the log does not record what it needs: that it found nothing says nothing."
        ),
        tables=(
            Table(title="Rules that fired", columns=RULES, rows=[_fired(one) for one in found.fired]),
            Table(
                title="Findings",
                columns=EVIDENCE,
                rows=shown,
                left_out=sum(one.hits for one in found.fired) - len(shown),
            ),
            Table(
                title="Rules that cannot fire",
                columns=CANNOT,
                rows=[
                    {"rule": one.rule.id, "title": one.rule.title, "why": list(one.notes)} for one in found.cannot_fire
                ],
                folded=True,
            ),
        ),
        notes=found.notes,
    )


def _fired(one: RuleOutcome) -> dict[str, object]:
    return {
        "severity": one.rule.severity,
        "rule": one.rule.id,
        "title": one.rule.title,
        "hits": one.hits,
        "who": one.said_who,
        "first": one.first,
        "last": one.last,
        "notes": list(one.notes),
    }
