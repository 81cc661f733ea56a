"""Texts of a log in JSON and CSV, so that nothing of them acts where they are shown."""

import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["as_json", "for_cells", "for_terminal", "in_json"]

UNSEEN: Final = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What JSON lets stand in a text and a terminal obeys: DEL, the C1 controls, and marks that turn its direction."""
CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""The same with the controls that JSON escapes by itself; ends of lines and tabs are none."""
OBEYED: Final = re.sub(r"\\[xu]([0-9a-f]{2,4})", r"\\x{\1}", CONTROL.pattern)
"""The same as Arrow writes it."""
FORMULA: Final = "^([=+\\-@\t\r\n＝＋－＠])"  # noqa: RUF001  # programs for tables take the wide ones as well
"""What makes a program for tables take a text for a formula."""


def in_json(value: object, indent: int | None = None) -> str:
    r"""Write a value as JSON. What a terminal would obey is escaped; a reader of JSON gets the same text.

    Args:
        value: The value.
        indent: Spaces of a level; None for one line.

    Example:
        >>> print(in_json({"user": "a" + chr(0x9B) + "2J"}))
        {"user":"a\u009b2J"}
    """
    close = (",", ":") if indent is None else None
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=close, default=as_json)
    return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def as_json(value: object) -> object:
    """Give what JSON has for a value that it does not know: sums of whole numbers, times within lists, and the like.

    Example:
        >>> from decimal import Decimal
        >>> as_json(Decimal(12))
        12
    """
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)


def for_terminal(line: bytes) -> bytes:
    r"""Escape in a line of a log what a terminal would obey; to a file or a pipe, lines go as they stood in the log.

    Args:
        line: The line, JSON as a client had it written.

    Example:
        >>> print(for_terminal(b'{"a":"x\xc2\x9b2J"}').decode())
        {"a":"x\u009b2J"}
    """
    text = line.decode(errors="backslashreplace")
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def for_cells(column: pa.Array) -> pa.Array:
    r"""Give a column of text for CSV: nothing in it is a formula to a program for tables, or acts on a terminal.

    Args:
        column: The column; one that is no text stays as it is.

    Example:
        >>> for_cells(pa.array(["=1+1", "a" + chr(27)])).to_pylist()
        ["'=1+1", 'a\\x1b']
    """
    kind = column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return column
    if pc.any(pc.match_substring_regex(column, OBEYED)).as_py():
        column = pa.array([value and CONTROL.sub(_escaped, value) for value in column.to_pylist()], kind)
    return pc.replace_substring_regex(column, FORMULA, r"'\1")


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
