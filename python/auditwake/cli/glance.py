"""One line an event: when, how it ended, how long it took, who did what to which object."""

import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from auditwake.cli.style import KILO, Style, escape, shorten

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["COLUMNS", "Glance", "human_span"]

COLUMNS: Final = (
    "ts_stage",
    "stage",
    "code",
    "decision",
    "duration_us",
    "verb",
    "user",
    "imp_user",
    "resource",
    "subresource",
    "namespace",
    "name",
    "path",
)
"""The columns that a line is made of."""

GAP: Final = "  "
ABSENT: Final = "-"
FORBIDDEN, PANIC = "✗", "!"
CLOCK, CODE, SPAN = 12, 5, 6
# Characters of a verb, of a user at the least and the most, on terminals below a width and above it.
WIDE: Final = 140
VERB: Final = (8, 16)
USER: Final = (16, 44)
USER_SHARE: Final = 0.4
NARROWEST: Final = 8
SYSTEM: Final = "system:"
MINUTE, HOUR = 60, 3600
TENS: Final = 10
SERVER_ERROR, CLIENT_ERROR, REDIRECT = 500, 400, 300
MICROS: Final = 1_000_000


class Glance:
    """Makes the lines of batches. A line of its own says the date before the first event and when it changes.

    Args:
        style: Colours, if there are any.
        utc: Whether times are in UTC; else in the zone of this machine.

    Example:
        >>> import io, auditwake as aw
        >>> batch = next(iter(aw.read(aw.demo.LOG, columns=COLUMNS)))
        >>> lines = list(Glance(Style(io.StringIO()), utc=True).lines(batch.slice(0, 2), 80))
        >>> print(lines[0][:15], "|", lines[2][14:])
        ── 2026-11-24 U | 201     2.6ms  create    …troller-manager  serviceaccounts kube-s…
    """

    def __init__(self, style: Style, *, utc: bool = False) -> None:
        self._style = style
        self._utc = utc
        self._day = ""

    def lines(self, batch: "pa.RecordBatch", width: int | None) -> Iterator[str]:
        """Give the lines of a batch.

        Args:
            batch: Rows with at least `COLUMNS`.
            width: Characters of a line, whose cells are cut for it; None for no limit.
        """
        verb, user, rest = _widths(width)
        for row in zip(*(_values(batch.column(name)) for name in COLUMNS), strict=True):
            (stamp, stage, code, decision, micros, did, who, as_whom, *target) = row
            day, clock = _moment(stamp, utc=self._utc)
            if day and day != self._day:
                self._day = day
                yield self._style.dim(shorten(f"── {day} ──", width or len(day) + len("── ") * 2))
            received = stage == "RequestReceived"
            ended = _code_cell(code, FORBIDDEN if decision == "forbid" else PANIC if stage == "Panic" else "")
            line = GAP.join(
                [
                    clock,
                    ended if received else self._coloured(ended, code),
                    ("" if received else human_span(micros)).rjust(SPAN),
                    _padded(did or ABSENT, verb),
                    _user_cell(who, as_whom, user),
                    _object_cell(target, rest),
                ]
            )
            yield self._style.dim(line) if received else line

    def _coloured(self, text: str, code: int | None) -> str:
        if FORBIDDEN in text or PANIC in text or (code or 0) >= SERVER_ERROR:
            return self._style.red(text)
        if code is None or REDIRECT <= code < CLIENT_ERROR:
            return text
        return self._style.yellow(text) if code >= CLIENT_ERROR else self._style.green(text)


def human_span(micros: int | None) -> str:
    """Say a duration in six characters at most.

    Example:
        >>> [human_span(micros) for micros in (842, 3_100, 47_000, 1_240_000, 125_000_000, None)]
        ['842µs', '3.1ms', '47ms', '1.2s', '2m05s', '-']
    """
    if micros is None or micros < 0:
        return ABSENT
    if micros < KILO:
        return f"{micros}µs"
    # What is cut here is never rounded up: 59.96 s are no 60.0s.
    if micros < MICROS:
        return _tenths(micros, KILO, "ms")
    seconds = micros // MICROS
    if seconds < MINUTE:
        return _tenths(micros, MICROS, "s")
    if seconds < HOUR:
        return f"{seconds // MINUTE}m{seconds % MINUTE:02}s"
    hours = seconds // HOUR
    return f"{hours}h{seconds % HOUR // MINUTE:02}m" if hours < TENS * TENS else f"{hours}h"


def _tenths(micros: int, unit: int, name: str) -> str:
    whole, tenths = micros // unit, micros * TENS // unit % TENS
    return f"{whole}.{tenths}{name}" if whole < TENS else f"{whole}{name}"


def _widths(width: int | None) -> tuple[int, int, int | None]:
    """Give the characters of verb, user and object."""
    if width is None:
        return VERB[1], USER[1], None
    verb = VERB[width >= WIDE]
    left = width - CLOCK - CODE - SPAN - verb - 5 * len(GAP)
    user = min(max(int(left * USER_SHARE), USER[0]), USER[1])
    return verb, user, max(left - user, NARROWEST)


def _values(column: "pa.Array") -> list[Any]:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.int64())
    values: list[Any] = column.to_pylist()
    return values


def _moment(stamp: int | None, *, utc: bool) -> tuple[str, str]:
    """Give the date with its zone, and the time of day."""
    if stamp is None:
        return "", ABSENT.ljust(CLOCK)
    minute, within = divmod(stamp, MINUTE * MICROS)
    day, clock = _minute(minute * MINUTE, utc=utc)
    seconds, micros = divmod(within, MICROS)
    return (day, f"{clock}:{seconds:02}.{micros // KILO:03}") if day else ("", ABSENT.ljust(CLOCK))


@lru_cache(maxsize=256)
def _minute(seconds: int, *, utc: bool) -> tuple[str, str]:
    try:
        then = time.gmtime(seconds) if utc else time.localtime(seconds)
    except (OverflowError, ValueError, OSError):  # a year that the platform does not know
        return "", ""
    return time.strftime("%Y-%m-%d ", then) + ("UTC" if utc else then.tm_zone), time.strftime("%H:%M", then)


@lru_cache(maxsize=1024)
def _code_cell(code: int | None, mark: str) -> str:
    return f"{ABSENT if code is None else code:>3} {mark}".ljust(CODE)


@lru_cache(maxsize=4096)
def _padded(text: str, width: int) -> str:
    return shorten(escape(text), width).ljust(width)


@lru_cache(maxsize=4096)
def _user_cell(who: str | None, as_whom: str | None, width: int) -> str:
    """Give who asked, and whom they were allowed to act as. What tells names of the system apart is their end."""
    text = escape(who or ABSENT)
    if as_whom is not None:
        text = f"{text} as {escape(as_whom)}"
    if len(text) > width and text.startswith(SYSTEM):
        return "…" + text[len(text) - width + 1 :]
    return shorten(text, width).ljust(width)


def _object_cell(names: Sequence[str | None], width: int | None) -> str:
    """Give `pods/exec web/nginx-0`, a list's `pods web/`, what has no namespace, or the path of no resource."""
    resource, subresource, namespace, name, path = names
    if resource is None:
        text = path or ABSENT
    else:
        text = f"{resource}/{subresource}" if subresource else resource
        if namespace:
            text = f"{text} {namespace}/{name or ''}"
        elif name:
            text = f"{text} {name}"
    text = escape(text)
    return text if width is None else shorten(text, width)
