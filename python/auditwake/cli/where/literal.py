"""Values of an expression, read as the kind of the column that they are compared with."""

import re
from typing import Final

from auditwake.cli.when import duration, instant

__all__ = ["literal"]

WHOLE: Final = re.compile(r"[+-]?\d+", re.ASCII)
LARGEST: Final = 2**63
BOOLEANS: Final = {"true": True, "false": False}
# The end of a column's name, and the microseconds that are one of its units.
UNITS: Final = {"_us": 1, "_s": 1_000_000}


def literal(text: str, column: str, kind: str, operator: str) -> str | int | bool:
    """Read a value.

    Args:
        text: The value as it is written.
        column: The column that it is compared with.
        kind: The kind of that column.
        operator: How it is compared: what `~` takes is a regular expression.

    Raises:
        ValueError: It is no value of that kind.

    Example:
        >>> literal("500ms", "duration_us", "number", ">"), literal("500", "code", "number", "=")
        (500000, 500)
    """
    if kind == "number":
        return _number(text, column)
    if kind == "bool":
        if text.lower() not in BOOLEANS:
            message = f"{column} is true or false, not {text!r}"
            raise ValueError(message)
        return BOOLEANS[text.lower()]
    if kind == "time":
        try:
            return instant(text)
        except ValueError as error:
            message = f"{column} is a time: {error}"
            raise ValueError(message) from error
    if operator in {"~", "!~"}:
        _check_pattern(text)
    return text


def _number(text: str, column: str) -> int:
    unit = next((micros for end, micros in UNITS.items() if column.endswith(end)), None)
    if WHOLE.fullmatch(text):
        number = int(text)
    elif unit is not None and (micros := duration(text)) is not None:
        if (micros / unit).denominator != 1:
            message = f"{text} is no whole number of the units of {column}"
            raise ValueError(message)
        number = int(micros / unit)
    else:
        also = " or a duration such as 500ms" if unit else ""
        message = f"{column} is a whole number{also}, not {text!r}"
        raise ValueError(message)
    if not -LARGEST <= number < LARGEST:
        message = f"{text} is larger than any value of {column}"
        raise ValueError(message)
    return number


def _check_pattern(pattern: str) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        message = f"{error}".replace("Invalid regular expression", "this is no regular expression")
        raise ValueError(message) from error
