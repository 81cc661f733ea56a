"""Text as Go writes it: the server's messages are compared with ours letter for letter."""

import json
import math
import struct

__all__ = ["float32_text", "go_syntax", "json_float", "json_string", "quote"]

ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    '"': '\\"',
    "\\": "\\\\",
}
# What encoding/json escapes beside what JSON itself demands, so that the text can stand in HTML.
HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029", "\x7f": "\x7f"}
# From here on, and below the other, Go's encoding/json and %g write an exponent.
LARGE, SMALL = 1e21, 1e-6
SHORTEST_EXPONENT = 6
FLOAT32_DIGITS = 9
# What is no int64 is an uint64 to goyaml, and Go writes those differently.
UINT64_ONLY = 1 << 63


def quote(text: str) -> str:
    r"""Quote as strconv.Quote and %q do.

    Example:
        >>> print(quote('a "b"\n'))
        "a \"b\"\n"
    """
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(ESCAPES.get(char) or _escape(char) for char in text) + '"'


def _escape(char: str) -> str:
    code = ord(char)
    if char == " " or char.isprintable():
        return char
    if code < ord(" ") or char == "\x7f":
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004  # the basic plane


def json_string(text: str) -> str:
    """Write a string as encoding/json does."""
    written = json.dumps(text, ensure_ascii=False)
    return written if written.isalnum() else "".join(HTML.get(char, char) for char in written)


def _digits(number: float, shortest: str) -> tuple[str, str, int]:
    """Give sign, digits and decimal exponent of the shortest text that reads back as the number."""
    mantissa, exponent = shortest.split("e")
    sign = "-" if math.copysign(1, number) < 0 else ""
    digits = mantissa.lstrip("-").replace(".", "").rstrip("0") or "0"
    return sign, digits, int(exponent)


def _exact(number: float) -> str:
    """Give the shortest text of a number in the form 1.5e+00."""
    for precision in range(17):
        text = f"{number:.{precision}e}"
        if float(text) == number:
            break
    return text


def _scientific(sign: str, digits: str, exponent: int) -> str:
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _plain(sign: str, digits: str, exponent: int) -> str:
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole, fraction = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def json_float(number: float) -> str:
    """Write a finite number as encoding/json does.

    Example:
        >>> json_float(1.0), json_float(1e21), json_float(2.5e-7)
        ('1', '1e+21', '2.5e-7')
    """
    sign, digits, exponent = _digits(number, _exact(number))
    if number and not SMALL <= abs(number) < LARGE:
        return _scientific(sign, digits, exponent).replace("e-0", "e-")
    return _plain(sign, digits, exponent)


def _general(sign: str, digits: str, exponent: int) -> str:
    """Write as %g does with the shortest precision."""
    if exponent < -4 or exponent >= SHORTEST_EXPONENT:  # noqa: PLR2004  # as strconv has it
        return _scientific(sign, digits, exponent)
    return _plain(sign, digits, exponent)


def float32_text(number: float) -> str:
    """Write a key that is a number as sigs.k8s.io/yaml does: as a 32-bit float.

    Example:
        >>> float32_text(1.1), float32_text(float("-inf")), float32_text(1e300)
        ('1.1', '-.inf', '.inf')
    """
    if math.isnan(number):
        return ".nan"
    try:
        single = struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        single = math.copysign(math.inf, number)
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    for precision in range(FLOAT32_DIGITS):
        text = f"{single:.{precision}e}"
        try:
            if struct.unpack("f", struct.pack("f", float(text)))[0] == single:
                break
        except OverflowError:
            continue
    return _general(*_digits(single, text))


def _float(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return _general(*_digits(number, _exact(number)))


def go_syntax(value: object) -> str:  # noqa: PLR0911  # a type a line
    """Write a decoded YAML value as %#v does.

    Example:
        >>> go_syntax({"a": [1, None]})
        'map[interface {}]interface {}{"a":[]interface {}{1, interface {}(nil)}}'
    """
    if value is None:
        return "interface {}(nil)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, int):
        return str(value) if value < UINT64_ONLY else f"{value:#x}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(go_syntax, value))}}}"
    if isinstance(value, dict):
        pairs = (f"{go_syntax(key)}:{go_syntax(value[key])}" for key in sorted(value, key=str))
        return f"map[interface {{}}]interface {{}}{{{', '.join(pairs)}}}"
    return str(value)
