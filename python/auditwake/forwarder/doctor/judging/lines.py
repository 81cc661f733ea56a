"""What stands in the log."""

from collections.abc import Iterator
from typing import Final

from auditwake.forwarder.doctor.facts import Facts, LogFacts, Sample
from auditwake.forwarder.doctor.finding import Check, Code, Finding
from auditwake.forwarder.doctor.judging.words import counted, octets

__all__ = ["CODES", "find"]

SECTION: Final = "log files"
LINES: Final = Check(SECTION, "lines")
LARGEST: Final = Check(SECTION, "largest-event")
LEVELS: Final = Check(SECTION, "levels")

LEGACY: Final = Code(
    "AWD320",
    "legacy-lines",
    "error",
    LINES,
    "Lines in the legacy format are no events: they are counted and left out.",
    "- --audit-log-format=json",
)
FOREIGN: Final = Code(
    "AWD321",
    "foreign-lines",
    "warning",
    LINES,
    "Something else than kube-apiserver's audit backend writes to this file; its lines are counted and left out.",
    "fuser -v LOG    # what else writes to it; give the audit log a file of its own",
)
TORN: Final = Code(
    "AWD322",
    "torn-lines",
    "warning",
    LINES,
    "A line is cut where the disk was full, the server was killed, or two servers wrote at once; the fragment is an "
    "event that is lost.",
    "df -h LOG; fuser -v LOG    # is there room, and does one server alone write to it",
)
LARGE: Final = Code(
    "AWD323",
    "larger-than-the-sink-takes",
    "warning",
    LARGEST,
    "Events over the sink's limit lose their response, then their request, before they are shipped.",
    "# level: Metadata for large objects in the policy, or a sink that takes them whole:\n"
    "auditwake:\n  sinks:\n  - {type: parquet, directory: /var/lib/auditwake/parquet}",
)
CODES: Final = (LEGACY, FOREIGN, TORN, LARGE)


def find(facts: Facts) -> Iterator[Finding]:
    """Judge the lines of each log."""
    for log in facts.logs:
        if log.sample is not None and log.sample.bytes:
            yield from _lines(log, log.sample)
            if log.sample.events:
                yield from _largest(facts, log, log.sample)
                yield from _levels(log.sample)


def _lines(log: LogFacts, sample: Sample) -> Iterator[Finding]:
    seen = f"in the newest {octets(sample.bytes)}"
    faults = []
    if sample.legacy:
        faults.append(LEGACY.at(f"{counted(sample.legacy)} {seen} in the legacy format", log.path))
    if sample.foreign:
        faults.append(FOREIGN.at(f"{counted(sample.foreign)} {seen} that hold no audit event", log.path))
    if sample.torn:
        faults.append(TORN.at(f"{counted(sample.torn)} {seen} cut or broken", log.path))
    yield from faults or [LINES.fine(f"the newest {octets(sample.bytes)} are {sample.events:,} events, all whole")]


def _largest(facts: Facts, log: LogFacts, sample: Sample) -> Iterator[Finding]:
    smaller = [one for one in facts.sinks if one.max_event_bytes and one.max_event_bytes < sample.largest]
    for sink in smaller:
        message = (
            f"the largest event has {octets(sample.largest)}, and {sink.name} takes {octets(sink.max_event_bytes or 0)}"
        )
        yield LARGE.at(message, log.path)
    if not smaller:
        yield LARGEST.fine(f"the largest event has {octets(sample.largest)}")


def _levels(sample: Sample) -> Iterator[Finding]:
    counts = ", ".join(f"{name or 'none'} {count:,}" for name, count in sample.levels)
    bodies = f"{sample.bodies:,} with bodies" if sample.bodies else "none with bodies"
    yield LEVELS.fine(f"{counts}; {bodies}")
