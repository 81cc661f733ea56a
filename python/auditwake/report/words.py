"""Values as people read them. Text of a log is chosen by whoever sent the request: nothing in it may act or mislead."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

__all__ = ["LONGEST", "amount", "counted", "duration", "label", "labels", "moment", "percent", "shown", "size"]

LONGEST: Final = 2_000
"""Most characters of a value that the page shows."""
LABEL: Final = 64
"""Most characters of a value in a chart."""
KILO: Final = 1_000


def shown(text: str, longest: int = LONGEST) -> str:
    r"""Write what cannot be seen, or would turn the direction of the text, as an escape; cut what is too long.

    Example:
        >>> print(shown("a" + chr(0x202E) + "b"), shown("abcdef", 3))
        a\u202eb abc… (3 more characters)
    """
    cut = text[:longest]
    if not cut.isprintable():
        cut = "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in cut)
    return cut if len(text) <= longest else f"{cut}… ({counted(len(text) - longest, 'more character')})"


def label(text: str | None) -> str:
    """Shorten a value for a chart: its ends say more than its middle.

    Example:
        >>> label(None), len(label("x" * 1000))
        ('(none)', 64)
    """
    if text is None:
        return "(none)"
    if text == "__proto__":
        # Vega keeps categories as the keys of an object, which this one would not become.
        return f"{text} "
    start, end = shown(text[:LABEL]), shown(text[-LABEL:])
    if len(text) <= LABEL and len(start) <= LABEL:
        return start
    half = LABEL // 2
    return f"{start[:half]}…{end[half + 1 - LABEL :]}"


def labels(texts: Iterable[str | None]) -> dict[str | None, str]:
    """Shorten values for a chart so that different ones stay different.

    Example:
        >>> list(labels(["a", "b" * 200, "b" * 201]).values())[2][-4:]
        ' (2)'
    """
    taken: dict[str, int] = {}
    named = {}
    for text in dict.fromkeys(texts):
        short = label(text)
        taken[short] = taken.get(short, 0) + 1
        named[text] = short if taken[short] == 1 else f"{short} ({taken[short]})"
    return named


def duration(micros: int | None) -> str:
    """Say a duration.

    Example:
        >>> duration(950), duration(12_300), duration(1_509_499), duration(7_265_000_000)
        ('950 µs', '12.3 ms', '1.51 s', '2 h 1 min 5 s')
    """
    if micros is None:
        return ""
    if micros < KILO:
        return f"{micros} µs"
    if micros < KILO * KILO:
        return f"{micros / KILO:.1f} ms"
    seconds = micros / KILO / KILO
    if round(seconds, 2) < 60:  # noqa: PLR2004  # a minute
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{value} {unit}" for value, unit in parts if value)


def size(count: int | None) -> str:
    """Say a number of bytes.

    Example:
        >>> size(999), size(1_234_567)
        ('999 B', '1.2 MB')
    """
    if count is None:
        return ""
    if count < KILO:
        return f"{count} B"
    value, units = float(count), ["kB", "MB", "GB", "TB"]
    value /= KILO
    while value >= KILO and len(units) > 1:
        value /= KILO
        units.pop(0)
    return f"{value:,.1f} {units[0]}"


def amount(count: int | None) -> str:
    """Say a number.

    Example:
        >>> amount(5292)
        '5,292'
    """
    return "" if count is None else f"{count:,}"


def counted(count: int, noun: str) -> str:
    """Say how many of something there are.

    Example:
        >>> counted(1, "line"), counted(4716, "row")
        ('1 line', '4,716 rows')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def percent(part: int, whole: int) -> str:
    """Say a share.

    Example:
        >>> percent(1, 8), percent(0, 0)
        ('12.5 %', '')
    """
    return f"{100 * part / whole:.1f} %" if whole else ""


def moment(time: datetime | None) -> str:
    """Say a time, in UTC.

    Example:
        >>> from datetime import UTC
        >>> moment(datetime(2026, 11, 26, 10, 30, 0, 123456, UTC))
        '2026-11-26 10:30:00.123'
    """
    return "" if time is None else time.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
