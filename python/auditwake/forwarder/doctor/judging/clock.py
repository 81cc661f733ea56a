"""The clocks: ours, the server's and the receiver's."""

from collections.abc import Iterator
from typing import Final

from auditwake.forwarder.doctor.facts import Facts, LogFacts, SinkFacts
from auditwake.forwarder.doctor.finding import Check, Code, Finding
from auditwake.forwarder.doctor.judging.words import duration

__all__ = ["CODES", "find"]

SECTION: Final = "clock"
RECEIVER: Final = Check(SECTION, "receiver")
EVENTS: Final = Check(SECTION, "events")

OFF: Final = Code(
    "AWD801",
    "clock-off",
    "warning",
    RECEIVER,
    "Events are filed at the wrong time, and searches and monitors over the last minutes miss them.",
    "timedatectl set-ntp true && chronyc makestep",
)
TOO_OLD: Final = Code(
    "AWD802",
    "clock-far-off",
    "error",
    RECEIVER,
    "Datadog drops what its clock takes for older than 18 hours: the events are acknowledged and gone.",
    "timedatectl set-ntp true && chronyc makestep",
)
FUTURE: Final = Code(
    "AWD803",
    "events-in-the-future",
    "warning",
    EVENTS,
    "The clock of the server is ahead of this one, or was set back: events do not stand in the order of time.",
    "timedatectl set-ntp true && chronyc makestep",
)
APART: Final = Code(
    "AWD804",
    "events-behind-the-file",
    "warning",
    EVENTS,
    "The newest event is much older than the last writing of the file: the server's clock is behind, or another "
    "program writes old lines into the log.",
    "date -u; fuser -v LOG    # on the server: its clock, and who writes",
)
CODES: Final = (OFF, TOO_OLD, FUTURE, APART)

LIMIT: Final = 60.0
DATADOG: Final = 18 * 3_600.0
ROTATING: Final = 300.0
"""Long requests are written when they end, so the newest line is not always of the newest time."""


def find(facts: Facts) -> Iterator[Finding]:
    """Judge the clocks."""
    for sink in facts.sinks:
        if sink.clock is not None:
            yield from _receiver(sink, sink.clock)
    for log in facts.logs:
        yield from _events(log, facts.now)


def _receiver(sink: SinkFacts, clock: float) -> Iterator[Finding]:
    way = "behind" if clock > 0 else "ahead of"
    message = f"this clock is {duration(abs(clock))} {way} that of {sink.target}"
    if sink.type == "datadog" and clock > DATADOG:
        yield TOO_OLD.at(message)
    elif abs(clock) > LIMIT:
        yield OFF.at(message)
    else:
        yield RECEIVER.fine(f"this clock and that of {sink.target} are within {LIMIT:.0f} s")


def _events(log: LogFacts, now: float) -> Iterator[Finding]:
    look = log.first
    newest = log.sample.last if log.sample else None
    if look is None or newest is None:
        return
    if newest > now + LIMIT:
        yield FUTURE.at(f"the newest event is {duration(newest - now)} in the future", log.path)
    elif look.modified - newest > ROTATING:
        behind = duration(look.modified - newest)
        yield APART.at(f"the newest event is {behind} older than the last writing of the file", log.path)
    else:
        yield EVENTS.fine(f"the newest event is {duration(max(0.0, now - newest))} old, as the file is")
