"""What a scalar of YAML means to the server: goyaml's rules, which are those of YAML 1.1, and not quite."""

import base64
import binascii
import re
from datetime import date
from typing import Final, TypeAlias

from auditwake.policy.loading.failure import DecodeError

__all__ = ["Scalar", "resolve"]

Scalar: TypeAlias = bool | int | float | str | None

PREFIX: Final = "tag:yaml.org,2002:"
RESOLVABLE: Final = {"str", "bool", "int", "float", "null", "timestamp"}

WORDS: Final[dict[str, tuple[str, Scalar]]] = {
    **dict.fromkeys(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"], ("bool", True)),
    **dict.fromkeys(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"], ("bool", False)),
    **dict.fromkeys(["", "~", "null", "Null", "NULL"], ("null", None)),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], ("float", float("nan"))),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], ("float", float("inf"))),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], ("float", float("-inf"))),
}
# A scalar that begins with none of these is a string, and nothing more is tried.
HINTS: Final = frozenset("+-0123456789yYnNtTfFoO~.")

INTEGER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]+)|(0|[1-9][0-9]*))", re.ASCII)
BASES: Final = {2: 16, 3: 2, 4: 8, 5: 8, 6: 10}
INT64: Final = 1 << 63
UINT64: Final = 1 << 64
LONGEST_INTEGER: Final = 70  # a sign, 0b and 64 digits, and some zeros before them; longer ones are no 64-bit integers
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
# What begins with a dot goes to strconv.ParseFloat at once, which takes underscores between digits.
DOT_FLOAT = re.compile(r"\.[0-9](_?[0-9])*([eE][-+]?[0-9](_?[0-9])*)?", re.ASCII)
CLOCK = r"(\d{1,2}):(\d{1,2}):(\d{1,2})([.,]\d+)?"
TIMESTAMP = re.compile(
    rf"(\d{{4}})-(\d{{1,2}})-(\d{{1,2}})(?:[Tt]{CLOCK}(?:Z|[+-](\d{{2}}):(\d{{2}}))|[ ]+{CLOCK})?", re.ASCII
)


def resolve(tag: str, text: str) -> tuple[str, Scalar]:
    """Give the kind and the value of a scalar that is plain or has a tag.

    Args:
        tag: The tag in full; `""` for none.
        text: The scalar.

    Returns:
        One of `str`, `bool`, `int`, `float`, `null`, or the tag itself where it is none of those; the value.

    Raises:
        DecodeError: The tag promises what the text is not.

    Example:
        >>> resolve("", "0x1F"), resolve("", "yes"), resolve("", "1:30")
        (('int', 31), ('bool', True), ('str', '1:30'))
    """
    if not tag and (not text or text[0] not in HINTS):
        return ("str", text) if text else ("null", None)
    wanted = tag.removeprefix(PREFIX) if tag.startswith(PREFIX) else tag
    if tag and (wanted not in RESOLVABLE or wanted == tag):
        return wanted if wanted != tag else tag, _binary(text) if tag == PREFIX + "binary" else text
    if wanted == "str":
        return "str", text
    found, value = _guess(text, timestamps=wanted in {"", "timestamp"})
    if wanted in {"", found}:
        return ("str", text) if found == "timestamp" else (found, value)
    # An integer beyond 64 bits with a sign is a float to goyaml, too, but for one that only fits without a sign.
    if wanted == "float" and found == "int" and isinstance(value, int) and value < INT64:
        return "float", float(value)
    message = f"yaml: cannot decode !!{found} `{text}` as a !!{wanted}"
    raise DecodeError(message)


def _binary(text: str) -> str:
    try:
        data = base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        message = "yaml: !!binary value contains invalid base64 data"
        raise DecodeError(message) from None
    # Go reads text byte by byte where it is none, and JSON has U+FFFD for each of those bytes.
    return re.sub("[\udc80-\udcff]", "\ufffd", data.decode("utf-8", "surrogateescape"))


def _guess(text: str, *, timestamps: bool) -> tuple[str, Scalar]:
    if text in WORDS:
        return WORDS[text]
    if text[:1] == "." and DOT_FLOAT.fullmatch(text):
        return _float(text)
    if not text or text[0] not in "+-0123456789":
        return "str", text
    if timestamps and _is_timestamp(text):
        return "timestamp", text
    plain = text.replace("_", "")
    integer = _integer(plain)
    if integer is not None:
        return "int", integer
    return _float(plain, text) if FLOAT.fullmatch(plain) else ("str", text)


def _integer(plain: str) -> int | None:
    match = INTEGER.fullmatch(plain)
    if match is None or match.lastindex is None:
        return None
    digits = match[match.lastindex].lstrip("0") or "0"
    if len(digits) > LONGEST_INTEGER:
        return None
    number = int(digits, BASES[match.lastindex])
    if match[1] == "-":
        return -number if number <= INT64 else None
    # Without a sign, what is too long for int64 may fit in uint64.
    return number if number < (INT64 if match[1] else UINT64) else None


def _float(plain: str, text: str | None = None) -> tuple[str, Scalar]:
    number = float(plain.replace("_", ""))
    # What is beyond a float is an error to Go, and therefore a string.
    return ("str", plain if text is None else text) if number in {float("inf"), float("-inf")} else ("float", number)


def _is_timestamp(text: str) -> bool:
    match = TIMESTAMP.fullmatch(text)
    if match is None:
        return False
    year, month, day, hour, minute, second, _, zone_hour, zone_minute, *spaced = match.groups()
    hour, minute, second = (hour, minute, second) if hour else tuple(spaced[:3])
    try:
        # Year 0 is a leap year that Python does not have.
        date(int(year) or 4, int(month), int(day))
    except ValueError:
        return False
    if hour is None or minute is None or second is None:
        return True
    if int(hour) > 23 or int(minute) > 59 or int(second) > 59:  # noqa: PLR2004  # a clock
        return False
    return zone_hour is None or (int(zone_hour) <= 24 and int(zone_minute) <= 60)  # noqa: PLR2004  # as Go has it
