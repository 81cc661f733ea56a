"""What became of the lines, in words."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditwake.cli.exits import Exit
from auditwake.cli.style import Style, counted
from auditwake.cli.table import text_table

if TYPE_CHECKING:
    from auditwake import Outcomes

__all__ = ["finish", "outcome_table", "outcomes_as_json"]

OUTCOMES = ("ok", "repaired", "skipped", "rejected")


def outcome_table(outcomes: "Outcomes", style: Style) -> Iterator[str]:
    """Give the lines of the table of outcomes: reasons under each, and the sum that is every byte read."""
    rows: list[list[str]] = []
    for name in OUTCOMES:
        outcome = getattr(outcomes, name)
        rows.append([name, f"{outcome.lines:,}", f"{outcome.bytes:,}"])
        reasons = sorted(outcomes.reasons.get(name, {}).items())
        rows.extend([f"  {reason}", f"{lines:,}", f"{size:,}"] for reason, (lines, size) in reasons)
    lines = sum(getattr(outcomes, name).lines for name in OUTCOMES)
    rows.append(["all bytes read", f"{lines:,}", f"{outcomes.bytes:,}"])
    return text_table(["outcome", "lines", "bytes"], rows, style, right=["lines", "bytes"])


def outcomes_as_json(outcomes: "Outcomes") -> dict[str, object]:
    """Give the outcomes as JSON has them: lines, bytes, and reasons of each."""
    said: dict[str, object] = {}
    for name in OUTCOMES:
        outcome = getattr(outcomes, name)
        said[name] = {"lines": outcome.lines, "bytes": outcome.bytes, "reasons": outcomes.reasons.get(name, {})}
    return said


def finish(outcomes: "Outcomes", *, quiet: bool = False) -> Exit:
    """Say on standard error what was rejected, and give the exit code for it."""
    if not outcomes.rejected.lines:
        return Exit.FINE
    if not quiet:
        reasons = ", ".join(
            f"{lines:,} {reason}" for reason, (lines, _) in sorted(outcomes.reasons.get("rejected", {}).items())
        )
        print(f"auditwake: {counted(outcomes.rejected.lines, 'line')} rejected: {reasons}", file=sys.stderr)
    return Exit.REJECTED
