"""Numbers that a caller gives: whole ones, within their bounds."""

import operator
from typing import Final

__all__ = ["MOST_THREADS", "threads_of", "whole"]

MOST_THREADS: Final = 1024
"""Threads are memory each, and more than the machine has cores are of no use."""


def whole(name: str, value: object, *, least: int = 1, most: int = (1 << 63) - 1) -> int:
    """Give a whole number that is within its bounds.

    Args:
        name: What the caller calls it.
        value: What the caller gave.
        least: The smallest that there may be.
        most: The largest that there may be.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is out of bounds.

    Example:
        >>> whole("threads", 2)
        2
    """
    if isinstance(value, bool):
        message = f"{name} must be a whole number, not {value!r}"
        raise TypeError(message)
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # that is what is found out
    except TypeError:
        message = f"{name} must be a whole number, not {value!r}"
        raise TypeError(message) from None
    if not least <= number <= most:
        bound = f"at least {least:,}" if number < least else f"at most {most:,}"
        message = f"{name} must be {bound}, not {number}"
        raise ValueError(message)
    return number


def threads_of(value: int | None) -> int | None:
    """Give a number of threads; None is one a core.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is less than 1 or more than 1,024.

    Example:
        >>> threads_of(None), threads_of(4)
        (None, 4)
    """
    return None if value is None else whole("threads", value, most=MOST_THREADS)
