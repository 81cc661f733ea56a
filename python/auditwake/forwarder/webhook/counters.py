"""What a receiver counts: from the start of the agent, also when its configuration is read again."""

import threading
from dataclasses import dataclass

__all__ = ["Counters", "Received"]


@dataclass(frozen=True, slots=True)
class Received:
    """What a receiver has seen.

    Attributes:
        batches: Batches that were new.
        events: Events in them.
        duplicates: Batches that were sent again, and are here once.
        refused: Requests and connections that were not answered with 200.
    """

    batches: int = 0
    events: int = 0
    duplicates: int = 0
    refused: int = 0


class Counters:
    """The counters of a receiver; every connection has a thread.

    Example:
        >>> counters = Counters()
        >>> counters.add(batches=1, events=400), counters.now()
        (None, Received(batches=1, events=400, duplicates=0, refused=0))
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = Received()

    def add(self, *, batches: int = 0, events: int = 0, duplicates: int = 0, refused: int = 0) -> None:
        """Add to them."""
        with self._lock:
            now = self._now
            self._now = Received(
                batches=now.batches + batches,
                events=now.events + events,
                duplicates=now.duplicates + duplicates,
                refused=now.refused + refused,
            )

    def now(self) -> Received:
        """Give all of them, as they are at one moment."""
        return self._now
