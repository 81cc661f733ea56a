"""How amounts and times are said in the report."""

from typing import Final

__all__ = ["counted", "duration", "octets"]

UNITS: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))
KILO: Final = 1000
FEW: Final = 10


def duration(seconds: float) -> str:
    """Say how long something takes.

    Args:
        seconds: Seconds.

    Example:
        >>> duration(3720), duration(93_600), duration(12)
        ('62 min', '26 h', '12 s')
    """
    for unit, name in UNITS:
        if seconds >= 2 * unit or (name == "min" and seconds >= unit):
            amount = seconds / unit
            return f"{amount:.1f} {name}".replace(".0 ", " ") if amount < FEW else f"{amount:,.0f} {name}"
    return f"{seconds:.0f} s"


def counted(lines: int) -> str:
    """Say a number of lines.

    Args:
        lines: How many.

    Example:
        >>> counted(1), counted(4716)
        ('1 line', '4,716 lines')
    """
    return "1 line" if lines == 1 else f"{lines:,} lines"


def octets(count: float) -> str:
    """Say a number of bytes.

    Args:
        count: Bytes.

    Example:
        >>> octets(1_234_567)
        '1.2 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < KILO:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= KILO
    return f"{count:,.1f} TB"
