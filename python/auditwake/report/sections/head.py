"""What was read: the first thing to know about everything below."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from auditwake.questions import Coverage, Scope
from auditwake.report.model import Column, Section, Table
from auditwake.report.words import amount, counted, duration, moment, percent, shown

__all__ = ["facts", "limits", "recorded"]

EPOCH: Final = datetime.fromtimestamp(0, UTC)
NEEDS = ("ended", "decision", "latency", "bodies")


def facts(coverage: Coverage, found: Mapping[str, Any], scope: Scope) -> Iterator[tuple[str, str]]:
    """Say in pairs of a name and a value what was read."""
    yield from _asked_for(scope)
    requests = found["requests"]
    yield "events", amount(coverage.events)
    yield "requests", amount(requests)
    yield "users", amount(found["users"])
    yield "answered with 4xx", _share(found["client_errors"], requests)
    yield "answered with 5xx", _share(found["server_errors"], requests)
    yield "denied", _share(found["denied"], requests)
    yield "still open", amount(found["open"])
    yield "repeated events", amount(coverage.repeats)
    yield "rejected lines", "not known: no log" if coverage.rejected is None else amount(coverage.rejected)
    if found["first"]:
        yield "first request (UTC)", moment(found["first"])[:19]
        yield "last request (UTC)", moment(found["last"])[:19]
        yield "span", duration(int((found["last"] - found["first"]).total_seconds() * 1_000_000)) or "none"


def limits(coverage: Coverage, requests: int) -> tuple[str, ...]:
    """Say what the log cannot say, and what was left out."""
    notes = [f"The log cannot say: {why}." for why in coverage.missing(NEEDS)]
    if not requests and coverage.events > coverage.stages["RequestReceived"]:
        notes.append("No request is among those that were asked for: the log has others.")
    if coverage.repeats:
        notes.append(f"{counted(coverage.repeats, 'repeat')} of another event in full: each is counted once.")
    if coverage.rejected:
        notes.append(f"{counted(coverage.rejected, 'line')} without a readable event: `auditwake convert` keeps them.")
    return tuple(notes)


def recorded(coverage: Coverage, requests: int) -> Section:
    """Say which stages and levels the events have."""
    rows = [
        {"what": kind, "name": name, "events": events, "share": percent(events, coverage.events)}
        for kind, counts in (("level", coverage.levels), ("stage", coverage.stages))
        for name, events in sorted(counts.items(), key=lambda one: -one[1])
    ]
    columns = (
        Column("what", ""),
        Column("name", "name"),
        Column("events", "events", "number"),
        Column("share", "share"),
    )
    return Section(
        key="recorded",
        title="What the log records",
        about=(
            "An audit policy decides what is written. A request has up to three events, one a stage; everything below "
            "counts requests, each once, by its last stage."
        ),
        tables=(Table(title="Events by level and by stage", columns=columns, rows=rows),),
        notes=limits(coverage, requests),
    )


def _asked_for(scope: Scope) -> Iterator[tuple[str, str]]:
    """Say what narrowed down the requests, if anything did."""
    for field in fields(scope):
        value = getattr(scope, field.name)
        if field.name in ("since", "until") and value is not None:
            yield f"only {field.name} (UTC)", moment(EPOCH + timedelta(microseconds=value))
        elif value:
            yield f"only {field.name}", shown(", ".join(value))


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({percent(part, whole)})" if part else "0"
