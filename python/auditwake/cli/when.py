"""Times and durations as people write them on a command line."""

import re
import time
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final

__all__ = ["back_from_now", "duration", "instant"]

DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|s|m|h|d))+", re.ASCII)
PIECE: Final = re.compile(r"(\d+(?:\.\d+)?)(\D+)", re.ASCII)
MICROS: Final = {
    "ns": Fraction(1, 1000),
    "us": Fraction(1),
    "µs": Fraction(1),
    "μs": Fraction(1),
    "ms": Fraction(1000),
    "s": Fraction(1_000_000),
    "m": Fraction(60_000_000),
    "h": Fraction(3_600_000_000),
    "d": Fraction(86_400_000_000),
}
DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
TIME: Final = re.compile(
    rf"({DAY.pattern})[Tt ](\d{{2}}:\d{{2}}(?::\d{{2}}(?:\.\d+)?)?)([Zz]|[+-]\d{{2}}:\d{{2}})?", re.ASCII
)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST: Final = (datetime(1, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def duration(text: str) -> Fraction | None:
    """Give the microseconds of a duration; None for what is none.

    Example:
        >>> int(duration("1.5s")), int(duration("1h30m")), duration("soon")
        (1500000, 5400000000, None)
    """
    if not DURATION.fullmatch(text):
        return None
    return sum((Fraction(number) * MICROS[unit] for number, unit in PIECE.findall(text)), Fraction(0))


def instant(text: str) -> int:
    """Give the microseconds from 1970 to a time as RFC 3339 has it, or to the beginning of a day in UTC.

    Raises:
        ValueError: It is no time, or says no zone.

    Example:
        >>> instant("1970-01-01T01:00:00.5+01:00"), instant("1970-01-02")
        (500000, 86400000000)
    """
    match = TIME.fullmatch(text)
    if match is None and not DAY.fullmatch(text):
        message = f"{text!r} is no time such as 2026-11-25T10:00:00Z"
        raise ValueError(message)
    day, clock, zone = match.groups() if match else (text, "00:00", "Z")
    if zone is None:
        message = f"{text!r} says no zone: write {text}Z for UTC, or {text}+01:00"
        raise ValueError(message)
    try:
        then = datetime.fromisoformat(f"{day}T{clock}{zone.upper()}")
    except ValueError as error:
        message = f"{text!r} is no time: {error}"
        raise ValueError(message) from error
    return (then - EPOCH) // timedelta(microseconds=1)


def back_from_now(text: str) -> int:
    """Give the microseconds from 1970 to a time, or to a duration back from now.

    Raises:
        ValueError: It is neither.

    Example:
        >>> back_from_now("2h") < back_from_now("15m")
        True
    """
    if DAY.match(text):
        return instant(text)
    ago = duration(text)
    if ago is None:
        message = f"{text!r} is neither a time such as 2026-11-25T10:00:00Z nor a duration such as 15m"
        raise ValueError(message)
    return max(time.time_ns() // 1000 - int(ago), EARLIEST)
