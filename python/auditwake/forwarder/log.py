"""The agent's own logs: text or JSON lines on standard error, without bodies, tokens or keys.

Each line has an `event` that is the same whenever the same is said: the message before its arguments are put into it,
or what `extra` says. Beside it go fields, none of which is ever a body, a token or a key:
`logger.warning("the sink holds", extra={"event": "sink_holds", "sink": "datadog", "reason": reason})`.
"""

import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from auditwake.forwarder.scrub import printable, register_secret, register_secrets, scrub, scrub_values

__all__ = ["change_logging", "register_secret", "register_secrets", "setup_logging"]

ROOT = "auditwake"
BURST, PERIOD, MOST_KEYS = 10, 60.0, 1000

# What every record has; all else came from `extra` and is a field.
OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "event", "suppressed"}

# Without a handler of its own, a library prints warnings on standard error.
logging.getLogger(ROOT).addHandler(logging.NullHandler())


def setup_logging(
    level: Literal["debug", "info", "warning", "error"] = "info",
    format: Literal["text", "json"] = "text",  # noqa: A002  # as the option is called
    stream: TextIO | None = None,
) -> None:
    """Send the logs of `auditwake.*` to standard error. A second call replaces the first.

    A message that comes again and again is given ten times a minute, then counted; the next one says how many were left
    out. Secrets that `register_secret` knows are taken out, whoever put them there.

    Args:
        level: The least level that is given.
        format: `text` for people, `json` for one object a line: `ts`, `level`, `logger`, `event`, `message`, `fields`.
        stream: Where they go; None for standard error.

    Example:
        >>> import io
        >>> out = io.StringIO()
        >>> setup_logging("info", "json", out)
        >>> logging.getLogger("auditwake.engine").info("read", extra={"event": "stream_opened", "path": "audit.log"})
        >>> line = json.loads(out.getvalue())
        >>> line["event"], line["fields"]
        ('stream_opened', {'path': 'audit.log'})
        >>> setup_logging()
    """
    logger = logging.getLogger(ROOT)
    for former in [one for one in logger.handlers if isinstance(one, _Handler)]:
        logger.removeHandler(former)
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_JsonFormatter() if format == "json" else _TextFormatter())
    handler.addFilter(RepeatFilter())
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False


def change_logging(
    level: Literal["debug", "info", "warning", "error"],
    format: Literal["text", "json"],  # noqa: A002  # as in setup_logging
) -> None:
    r"""Go on with another level or format, at the same place; a program that has its own logging keeps it.

    Args:
        level: The least level that is given.
        format: `text` or `json`.

    Example:
        >>> import io
        >>> out = io.StringIO()
        >>> setup_logging("error", "text", out)
        >>> change_logging("info", "text")
        >>> logging.getLogger("auditwake").info("read")
        >>> out.getvalue().rpartition("Z ")[2]
        'INFO    auditwake: read\n'
        >>> setup_logging()
    """
    for handler in logging.getLogger(ROOT).handlers:
        if isinstance(handler, _Handler):
            setup_logging(level, format, handler.stream)
            return


class RepeatFilter:
    """Lets a message pass ten times a minute, and the next one says how many were left out.

    Args:
        burst: How often it passes in a period.
        period: Seconds.
        clock: Seconds that go on.

    Example:
        >>> limit, record = RepeatFilter(burst=1, clock=lambda: 0.0), logging.makeLogRecord({"msg": "again"})
        >>> limit.filter(record), limit.filter(record)
        (True, False)
    """

    def __init__(self, burst: int = BURST, period: float = PERIOD, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._period, self._clock = burst, period, clock
        self._seen: dict[tuple[object, ...], list[float]] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is given."""
        # Messages begin with what they are about.
        first = str(record.args[0]) if isinstance(record.args, tuple) and record.args else ""
        about = (getattr(record, name, None) for name in ("sink", "path"))
        key = (record.name, record.levelno, record.msg, first, *about)
        # A handler takes its lock behind its filters.
        with self._lock:
            now = self._clock()
            start, count = self._seen.pop(key, (now, 0.0))
            if now - start >= self._period:
                record.suppressed = max(int(count) - self._burst, 0)
                start, count = now, 0.0
            self._seen[key] = [start, count + 1]
            while len(self._seen) > MOST_KEYS:
                self._seen.pop(next(iter(self._seen)))
            return count < self._burst


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging calls it so
        """Say that a message was lost, and not what was in it, as logging would."""
        try:
            self.stream.write(f"a message of {printable(record.name)} cannot be written\n")
        except (OSError, ValueError):
            return


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        shown = " ".join(f"{name}={_word(value)}" for name, value in _fields(record).items())
        line = f"{_time(record)} {record.levelname:<7} {record.name}: {printable(record.getMessage())}"
        trace = _trace(self, record)
        lines = [f"{line} ({shown})" if shown else line, *("  " + printable(one) for one in trace.splitlines())]
        return scrub("\n".join(lines))


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        values = {
            "ts": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": getattr(record, "event", str(record.msg)),
            "message": message,
            "fields": _fields(record),
        }
        trace = _trace(self, record)
        if trace:
            values["exception"] = trace
        # Each value by itself: in the text of all of them, a pattern would take the escapes of JSON with it.
        return json.dumps(scrub_values(json.loads(json.dumps(values, default=str))))


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    found = {name: value for name, value in vars(record).items() if name not in OWN}
    suppressed = getattr(record, "suppressed", 0)
    return {**found, "suppressed": suppressed} if suppressed else found


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else ""


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _word(value: object) -> str:
    text = str(value)
    plain = text.isprintable() and text and not any(char in text for char in " \"'=()")
    return text if plain else json.dumps(text)
