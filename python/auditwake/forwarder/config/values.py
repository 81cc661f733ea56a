"""Values of scalar keys, be they from a file or from the environment."""

import re
from typing import Any, Final, NamedTuple

from auditwake.forwarder.config.document import Node
from auditwake.forwarder.config.key import Key
from auditwake.forwarder.config.report import Place, Report, meant

__all__ = ["EXPECTED", "TOO_LARGE", "Given", "Value", "scalar"]

EXPECTED: Final = {
    "text": "a string",
    "word": "a string",
    "words": "a list of strings, or one string with commas",
    "path": "a string",
    "url": "a string",
    "secret": "a string",
    "whole": "a whole number",
    "number": "a number",
    "flag": "true or false",
}
# As strconv.ParseBool of Go, by which the Agent reads its environment.
TRUE: Final = {"1", "t", "true"}
FALSE: Final = {"0", "f", "false"}
PLAIN: Final = {"true", "false"}
TOO_LARGE: Final = 1 << 63
INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
DECIMAL: Final = re.compile(r"[-+]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})([eE][-+]?[0-9]{1,3})?")


class Given(NamedTuple):
    """What was given for a key: its kind and value, how it is written, and whether the environment says it."""

    kind: str
    value: Any
    text: str
    variable: bool = False

    @classmethod
    def of(cls, node: Node) -> "Given":
        """Give what a file says."""
        return cls(node.kind, node.value, node.text)

    @property
    def called(self) -> str:
        """What a message calls it."""
        return "nothing" if self.kind == "null" else f"a {self.kind}"


class Value(NamedTuple):
    """A value that is right."""

    value: Any


def scalar(report: Report, key: Key, given: Given, place: Place) -> Value | None:
    """Check a value.

    Args:
        report: Takes what is wrong.
        key: Its key.
        given: What was given.
        place: Where.

    Returns:
        The value; None where there is none that is right, and the default holds.
    """
    if given.kind == "null" and key.nullable:
        return Value(None)
    value = _typed(report, key, given, place)
    if value is None:
        expected = EXPECTED[key.kind]
        got = (
            "another word"
            if given.variable or (given.kind == "string" and key.kind in {"whole", "number", "flag"})
            else given.called
        )
        report.error(place, f"expected {expected}, got {got}", f"{key.name} is {key.meaning}")
        return None
    return value if _allowed(report, key, value.value, place) else None


def _typed(report: Report, key: Key, given: Given, place: Place) -> Value | None:
    """Give the value in the type of its key; None where it has another."""
    if given.kind in {"map", "list", "null"}:
        return None
    if key.kind in {"word", "secret"}:
        return Value(given.text)
    if key.kind in {"text", "path", "url"}:
        return Value(given.text) if given.kind == "string" else None
    if key.kind == "flag":
        return _flag(report, given, place)
    return _number(key, given)


def _flag(report: Report, given: Given, place: Place) -> Value | None:
    word = given.text.lower()
    if given.kind == "boolean":
        if word not in PLAIN:
            report.warning(place, f"{given.text} is taken for {str(given.value).lower()}", "write true or false")
        return Value(given.value)
    known = TRUE | FALSE if given.variable else PLAIN
    return Value(word in TRUE) if given.kind == "string" and word in known else None


def _number(key: Key, given: Given) -> Value | None:
    number: int | float
    if given.kind == "number":
        number = given.value
    elif given.kind == "string" and (given.variable or key.fallback) and DECIMAL.fullmatch(given.text):
        number = int(given.text) if INTEGER.fullmatch(given.text) else float(given.text)
    else:
        return None
    if abs(number) >= TOO_LARGE:
        return Value(number)  # Refused below, as what it is.
    if key.kind == "number":
        return Value(float(number))
    return Value(int(number)) if number == int(number) else None


def _allowed(report: Report, key: Key, value: Any, place: Place) -> bool:  # noqa: ANN401  # of the kind that the key has
    """Say whether the key takes the value; complain if it does not."""
    if key.choices and value not in key.choices:
        message = f"{_quoted(value)} is not one of {', '.join(key.choices)}"
        why = f" ({key.why})" if key.why else ""
        remedy = meant(str(value), key.choices) or f"write one of {', '.join(key.choices)}"
        return _refuse(report, key, place, message, remedy + why)
    if key.kind == "path" and not value.strip():
        return _refuse(report, key, place, "the path is empty", f"{key.name} is {key.meaning}")
    if key.kind in {"whole", "number"} and abs(value) >= TOO_LARGE:
        return _refuse(report, key, place, "the number is too large", f"{key.name} is {key.meaning}")
    low, high = key.least, key.most
    if key.kind in {"whole", "number"} and ((low is not None and value < low) or (high is not None and value > high)):
        bounds = f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
        return _refuse(report, key, place, f"{value:g} is out of range", f"{key.name} is {bounds}")
    return True


def _refuse(report: Report, key: Key, place: Place, message: str, remedy: str) -> bool:
    if key.fallback:
        report.warning(place, f"{message}; the default {key.default} holds, as in Datadog's Agent", remedy)
    else:
        report.error(place, message, remedy)
    return False


def _quoted(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= 40 else f"{text[:40]}...")  # noqa: PLR2004  # enough to recognise it
