"""Times as Go's time.Parse takes them for RFC 3339, and what it says of others."""

import re
from datetime import date
from typing import Final, NoReturn

__all__ = ["check_time"]

LAYOUT: Final = "2006-01-02T15:04:05Z07:00"
# Python has no year 0, which Go has, and which is a leap year.
A_LEAP_YEAR: Final = 4
# Piece of the layout, what stands for it, and its name and last value where it has a range.
PIECES: Final[tuple[tuple[str, str, str, range | None], ...]] = (
    ("2006", r"\d{4}", "", None),
    ("-", "-", "", None),
    ("01", r"\d{2}", "month", range(1, 13)),
    ("-", "-", "", None),
    ("02", r"\d{2}", "day", None),
    ("T", "T", "", None),
    ("15", r"\d{1,2}", "hour", range(24)),
    (":", ":", "", None),
    ("04", r"\d{2}", "minute", range(60)),
    (":", ":", "", None),
    ("05", r"\d{2}", "second", range(60)),
)
FRACTION: Final = re.compile(r"[.,]\d+", re.ASCII)
ZONE: Final = re.compile(r"Z|[+-]\d{2}:\d{2}", re.ASCII)
ZONE_HOURS, ZONE_MINUTES = 24, 60


def check_time(text: str) -> str | None:
    """Give Go's error for a text that is no time; None when it is one.

    Example:
        >>> check_time("2026-11-25T10:00:00Z")
        >>> check_time("today")
        'parsing time "today" as "2006-01-02T15:04:05Z07:00": cannot parse "today" as "2006"'
    """
    try:
        _check(text)
    except ValueError as error:
        return f"parsing time {_quote(text)}{error}"
    return None


def _check(text: str) -> None:
    """Raise what Go says behind the text."""
    at = 0
    seen: dict[str, int] = {}
    for piece, pattern, name, limits in PIECES:
        match = re.compile(pattern, re.ASCII).match(text, at)
        if match is None:
            raise _cannot(text[at:], piece)
        at = match.end()
        if name:
            seen[name] = int(match[0])
            if limits is not None and seen[name] not in limits:
                _out_of_range(name)
    fraction = FRACTION.match(text, at)
    zone = ZONE.match(text, fraction.end() if fraction else at)
    if zone is None:
        raise _cannot(text[fraction.end() if fraction else at :], "Z07:00")
    _check_zone(zone[0])
    if zone.end() < len(text):
        message = f": extra text: {_quote(text[zone.end() :])}"
        raise ValueError(message)
    try:
        date(int(text[:4]) or A_LEAP_YEAR, seen["month"], seen["day"])
    except ValueError:
        _out_of_range("day")


def _check_zone(zone: str) -> None:
    if zone != "Z":
        if int(zone[1:3]) > ZONE_HOURS:
            _out_of_range("time zone offset hour")
        if int(zone[4:6]) > ZONE_MINUTES:
            _out_of_range("time zone offset minute")


def _cannot(rest: str, piece: str) -> ValueError:
    return ValueError(f" as {_quote(LAYOUT)}: cannot parse {_quote(rest)} as {_quote(piece)}")


def _out_of_range(what: str) -> NoReturn:
    message = f": {what} out of range"
    raise ValueError(message) from None


def _quote(text: str) -> str:
    """Quote as Go's package time does: all that is not ASCII byte by byte."""
    shown = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub("[^ -\x7f]", lambda match: "".join(f"\\x{byte:02x}" for byte in match[0].encode()), shown) + '"'
