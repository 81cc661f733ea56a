"""`stream-logs`: the events that are sent, in the words of the Agent, to whoever asks."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Self

from auditwake.forwarder.config.model import LogSource, Source
from auditwake.forwarder.scrub import printable

__all__ = ["Filters", "Queue", "stream_line"]

MOST_EVENTS, MOST_BYTES = 10_000, 16 << 20
WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which events are wanted; each that is set has to be equal.

    Attributes:
        name: Name of the integration.
        type: `file` or `webhook`.
        source: As configured.
        service: As configured.

    Example:
        >>> Filters.from_dict({"service": "audit"})
        Filters(name=None, type=None, source=None, service='audit')
    """

    name: str | None = None
    type: str | None = None
    source: str | None = None
    service: str | None = None

    def match(self, source: Source) -> bool:
        """Say whether the events of an entry are wanted."""
        wanted = ((self.name, source.integration), (self.type, _type(source)))
        more = ((self.source, source.source), (self.service, source.service))
        return all(one in (None, is_) for one, is_ in (*wanted, *more))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what came over the socket.

        Raises:
            ValueError: There is no such filter, or its value is no text.
        """
        for name, value in values.items():
            if name not in cls.__slots__ or not isinstance(value, str | None):
                message = f"no such filter: {name!r}; there is name, type, source, service"
                raise ValueError(message)
        return cls(**values)


class Queue:
    """The events between the agent and a slow reader: full, it drops and counts rather than wait.

    Example:
        >>> queue = Queue(most_events=1)
        >>> queue.put(None, [b"a", b"b"])
        >>> queue.take(0)
        ([(None, b'a')], 1)
    """

    def __init__(self, most_events: int = MOST_EVENTS, most_bytes: int = MOST_BYTES) -> None:
        self._most_events, self._most_bytes = most_events, most_bytes
        self._events: list[tuple[Source, bytes]] = []
        self._bytes = 0
        self._dropped = 0
        self._changed = threading.Condition()

    def put(self, source: Source, events: list[bytes]) -> None:
        """Add events, or count them as dropped; never waits for the reader."""
        with self._changed:
            for event in events:
                full = len(self._events) >= self._most_events or self._bytes + len(event) > self._most_bytes
                # Behind a dropped one all are, so that the reader is told where some are missing.
                if full or self._dropped:
                    self._dropped += 1
                else:
                    self._events.append((source, event))
                    self._bytes += len(event)
            self._changed.notify()

    def take(self, timeout: float) -> tuple[list[tuple[Source, bytes]], int]:
        """Give all events, and how many were dropped behind them; wait so many seconds for the first."""
        with self._changed:
            if not self._events and not self._dropped:
                self._changed.wait(timeout)
            taken, dropped = self._events, self._dropped
            self._events, self._bytes, self._dropped = [], 0, 0
            return taken, dropped


def stream_line(source: Source, event: bytes, hostname: str, now: datetime | None = None) -> str:
    """Give the line that `stream-logs` of the Agent gives.

    Args:
        source: The entry that the event is from.
        event: The event as it is sent.
        hostname: As events carry it.
        now: The time; None for now.

    Example:
        >>> from pathlib import Path
        >>> source = LogSource(integration="k", file=Path("c"), path="/l/audit.log", service="audit", source="a")
        >>> stream_line(source, b"{}", "node", datetime(2026, 9, 20, 10, tzinfo=UTC)).split(" | ")[3:5]
        ['Timestamp: 2026-09-20 10:00:00 +0000 UTC', 'Hostname: node']
    """
    values = {
        "Integration Name": source.integration,
        "Type": _type(source),
        "Status": "info",
        "Timestamp": _go_time(now or datetime.now(UTC)),
        "Hostname": hostname,
        "Service": source.service,
        "Source": source.source,
        "Tags": ",".join(_tags(source)),
        "Message": event.decode("utf-8", "replace").rstrip("\r\n"),
    }
    return printable(" | ".join(f"{name}: {value}" for name, value in values.items()))


def _type(source: Source) -> str:
    return "file" if isinstance(source, LogSource) else "webhook"


def _tags(source: Source) -> list[str]:
    """Give the tags, with those that the Agent makes of the path; a pattern has no one path."""
    if not isinstance(source, LogSource):
        return list(source.tags)
    made = [] if WILD & set(source.path) else _made(source.path)
    category = [f"sourcecategory:{source.sourcecategory}"] if source.sourcecategory else []
    # The configuration has it among the tags already; here it stands where the sink puts it.
    return list(dict.fromkeys([*made, *category, *source.tags]))


def _made(path: str) -> list[str]:
    return [f"filename:{PurePath(path).name}", f"dirname:{PurePath(path).parent}"]


def _go_time(moment: datetime) -> str:
    """Write a time as Go prints one: the fraction without the zeros at its end."""
    fraction = f".{moment.microsecond:06}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"
