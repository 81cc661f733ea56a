"""Text as Go's encoding/json writes it, and the few other formats that the API server puts into strings."""

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

# The first instant of every generated log, in microseconds.
EPOCH_US = int(datetime(2026, 3, 2, 8, 0, 0, tzinfo=UTC).timestamp()) * 1_000_000

_SECOND_US = 1_000_000
# Go escapes these even inside strings, because its encoder assumes that the text may end up in an HTML page.
_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def words(text: str) -> list[str]:
    """Return the words of a text: long lists of names read better as text."""
    return text.split()


def go_json(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    """Encode a value as Go does: no spaces, UTF-8 as it is, HTML characters escaped, keys in the order given.

    The five characters can only stand inside strings in JSON, so replacing them in the whole text is safe.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char, escape in _HTML.items():
        if char in text:
            text = text.replace(char, escape)
    return text


@lru_cache(maxsize=4096)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")


def micro_time(micros: int) -> str:
    """Format a MicroTime: always 27 characters."""
    second, rest = divmod(micros, _SECOND_US)
    return f"{_second(second)}.{rest:06d}Z"


def plain_time(micros: int) -> str:
    """Format the Time of object metadata: whole seconds."""
    return _second(micros // _SECOND_US) + "Z"


def go_duration(nanos: int) -> str:
    """Format a Go time.Duration below one minute, as the latency annotations hold it."""
    for unit, size in (("s", 1_000_000_000), ("ms", 1_000_000), ("µs", 1_000)):
        if nanos >= size:
            whole, rest = divmod(nanos, size)
            decimals = f"{rest:0{len(str(size)) - 1}d}".rstrip("0")
            return f"{whole}.{decimals}{unit}" if decimals else f"{whole}{unit}"
    return f"{nanos}ns"
