"""Make the page of a log."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from auditwake._core import __version__
from auditwake.questions import AskedOf, Coverage, Log, Scope
from auditwake.report.asked import all_sql, find
from auditwake.report.model import Section
from auditwake.report.page import page
from auditwake.report.sections.actors import actors
from auditwake.report.sections.denials import denials
from auditwake.report.sections.detected import detected
from auditwake.report.sections.head import facts, recorded
from auditwake.report.sections.latency import latency
from auditwake.report.sections.over_time import over_time
from auditwake.report.sections.rules import rules
from auditwake.report.sections.sensitive import sensitive
from auditwake.report.sections.slowest import slowest
from auditwake.report.window import window
from auditwake.report.words import moment
from auditwake.sources import called

if TYPE_CHECKING:
    from auditwake.detections import Detections
    from auditwake.policy import Cost

__all__ = ["Report", "make"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A page about a log.

    Example:
        >>> import auditwake as aw
        >>> aw.report.make(aw.demo.LOG).html.startswith("<!DOCTYPE html>")
        True
    """

    html: str
    """The page: one file that needs no other and no network."""
    coverage: Coverage
    """What the log records."""
    sections: tuple[Section, ...]
    """What the page shows."""

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, which appears whole or not at all.

        Raises:
            OSError: It cannot be written.
        """
        out = Path(path)
        handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(self.html)
            Path(name).chmod(0o644)
            Path(name).replace(out)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return out


def make(
    source: AskedOf,
    *,
    cost: "Cost | None" = None,
    detections: "Detections | None" = None,
    scope: Scope | None = None,
    threads: int | None = None,
    title: str = "Kubernetes audit report",
    more: Sequence[Section] = (),
) -> Report:
    """Make a page about a log. The log is read once.

    Args:
        source: Logs as `auditwake.read` takes them, Parquet files or a directory of them, or Arrow.
        cost: What a policy makes of the log, as `Policy.cost` gives it, or, of a part of it, `auditwake.report.price`;
            None for a page without.
        detections: What the detection rules found, as `auditwake.detect` gives it; None for a page without.
        scope: Which events it is about; None for all.
        threads: How many threads parse and compute; None for one a core.
        title: Its heading.
        more: Sections of your own, which come last.

    Raises:
        QuestionError: The source lacks a column that is asked for.
        SourceError: The source names nothing that can be opened.

    Example:
        >>> import auditwake as aw
        >>> [section.key for section in aw.report.make(aw.demo.LOG).sections][:3]
        ['recorded', 'over-time', 'actors']
    """
    with Log(source, all_sql(), scope=scope, threads=threads) as log:
        head = find(log, "head").rows[0]
        found = [recorded(log.coverage, head["requests"])]
        if detections is not None:
            found.append(detected(detections))
        if head["first"]:
            pieces = window(head["first"], head["last"])
            found += [
                over_time(log, pieces),
                actors(log),
                denials(log, head["denied"]),
                latency(log, head["backwards"]),
                slowest(log, log.coverage),
                sensitive(log, pieces),
            ]
        if cost is not None:
            found.append(rules(cost))
        found += more
        html = page(
            title=title,
            source=called(source),
            written=f"{moment(datetime.now(UTC))[:16]} UTC",
            facts=list(facts(log.coverage, head, scope or Scope())),
            sections=found,
            by=f"auditwake {__version__}",
        )
        return Report(html=html, coverage=log.coverage, sections=tuple(found))
