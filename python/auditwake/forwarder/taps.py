"""Who listens to the events on their way: `stream-logs`. Nobody costs nothing."""

import threading
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditwake.forwarder.config.model import Source

__all__ = ["Listener", "Taps"]

Listener = Callable[["Source", list[bytes]], None]
"""Is called with events as they are sent, in the thread that sends them: it must not wait."""


class Taps:
    """The listeners of an agent.

    Example:
        >>> taps, heard = Taps(), []
        >>> with taps.listen(lambda source, events: heard.extend(events)):
        ...     taps.publish(None, [b"a"])
        >>> taps.publish(None, [b"b"])
        >>> heard, taps.active
        ([b'a'], False)
    """

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._lock = threading.Lock()

    @property
    def active(self) -> bool:
        """Whether somebody listens: if not, there is no need to make a list of events."""
        return bool(self._listeners)

    def publish(self, source: "Source", events: Iterable[bytes]) -> None:
        """Tell all listeners."""
        listeners = self._listeners
        if listeners:
            told = list(events)
            for listener in listeners:
                listener(source, told)

    @contextmanager
    def listen(self, listener: Listener) -> "Iterator[None]":
        """Listen while the block lasts."""
        with self._lock:
            self._listeners = (*self._listeners, listener)
        try:
            yield
        finally:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)
