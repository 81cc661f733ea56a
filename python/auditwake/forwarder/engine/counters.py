"""What a route counts: from the start of the agent, whatever is restarted meanwhile."""

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from auditwake.forwarder.engine.streams import StreamSums

if TYPE_CHECKING:
    from auditwake._core import Payload, Prepared

__all__ = ["BOUNDS", "Counters", "counts_of"]

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of requests' durations, in seconds."""


class Counters:
    """The counters of a route; used by several threads.

    Attributes:
        streams: Those of its logs.
    """

    def __init__(self) -> None:
        self.streams = StreamSums()
        self._lock = threading.Lock()
        self._sums: Counter[str] = Counter()
        self._retries: Counter[str] = Counter()
        self._requests = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0
        self._last: dict[str, float | None] = {"last_ack": None, "last_commit": None, "last_event": None}

    def read(self, prepared: "Prepared") -> None:
        """Count a batch that was read and encoded."""
        self.add(**counts_of(prepared))

    def add(self, **counts: int) -> None:
        """Add to counters."""
        with self._lock:
            self._sums.update(counts)

    def request(self, seconds: float) -> None:
        """Count a request by its duration."""
        with self._lock:
            self._requests[sum(seconds > bound for bound in BOUNDS)] += 1
            self._seconds += seconds

    def taken(self, payload: "Payload", events: int) -> None:
        """Count a payload of which some events, or all, were acknowledged."""
        with self._lock:
            self._sums["events_sent"] += events
            self._sums["payloads_sent"] += 1
            self._sums["bytes_sent"] += payload.bytes
            self._sums["encoded_bytes_sent"] += len(payload.body)
            self._last["last_ack"] = time.time()

    def acknowledged(self) -> None:
        """Note that rows were taken."""
        with self._lock:
            self._last["last_ack"] = time.time()

    def failed(self, reason: str) -> None:
        """Count a try that did not succeed."""
        with self._lock:
            self._retries[reason] += 1

    def committed(self, last_event: float | None) -> None:
        """Note a commit, and the time of the newest event in it."""
        with self._lock:
            self._last["last_commit"] = time.time()
            if last_event is not None:
                self._last["last_event"] = max(self._last["last_event"] or 0.0, last_event)

    def values(self) -> dict[str, Any]:
        """Give all of them, named as in `RouteSnapshot`."""
        with self._lock:
            bounds = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
            requests = {bound: sum(self._requests[: place + 1]) for place, bound in enumerate(bounds)}
            return {
                **self._sums,
                **self._last,
                "retries": dict(self._retries),
                "request_seconds": requests,
                "request_seconds_sum": self._seconds,
            }


def counts_of(prepared: "Prepared") -> dict[str, int]:
    """Give what is counted of a batch that was read and encoded."""
    return {
        "events_read": prepared.read,
        "policy_dropped": prepared.policy_dropped,
        "policy_reduced": prepared.policy_reduced,
        "excluded": prepared.excluded,
        "masked": prepared.masked,
    }
