"""How a route stands: its state, why, since when, and what is said about it in the log once."""

import logging
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditwake.forwarder.engine.backoff import Wait

__all__ = ["Standing"]

LOG = logging.getLogger("auditwake.route")


class Standing:
    """The state of a route; each of its threads says what it waits for.

    Args:
        name: Of the route, for people.

    Example:
        >>> from auditwake.forwarder.engine.backoff import Wait
        >>> one = Standing("audit.log to datadog")
        >>> one.runs(), one.waits("sender", Wait(1.0, "retrying", "503")), one.now()[:2]
        (None, None, ('retrying', '503'))
        >>> one.goes_on("sender"), one.now()[0]
        (None, 'running')
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._waits: dict[object, Wait] = {}
        self._base = "starting"
        self._why = ""
        self._shown = ("starting", "", time.time())

    def runs(self) -> None:
        """Say that the log is open; what was waited for with the one before is over."""
        with self._lock:
            self._waits.clear()
        self._set("running", "")

    def ends(self, state: str, reason: str = "") -> None:
        """Say that it has `stopped` or `failed`."""
        with self._lock:
            self._waits.clear()
        self._set(state, reason)

    def waits(self, who: object, wait: "Wait") -> None:
        """Say that a thread waits."""
        with self._lock:
            self._waits[who] = wait
            self._update()

    def goes_on(self, who: object) -> None:
        """Say that a thread has succeeded."""
        if who in self._waits:
            with self._lock:
                self._waits.pop(who, None)
                self._update()

    def forgets(self, who: object) -> None:
        """Leave a thread out of account that has ended; whoever ended it says what follows."""
        with self._lock:
            self._waits.pop(who, None)

    def now(self) -> tuple[str, str, float]:
        """Give state, reason and since when, in seconds since the epoch."""
        with self._lock:
            return self._shown

    def _set(self, state: str, reason: str) -> None:
        with self._lock:
            self._base, self._why = state, reason
            self._update()

    def _update(self) -> None:
        """Choose what is shown: a person who has to act comes first. A change is logged once."""
        held = [wait for wait in self._waits.values() if wait.state == "holding"]
        chosen = (held or list(self._waits.values()))[:1]
        state, reason = (chosen[0].state, chosen[0].reason) if chosen else (self._base, self._why)
        before, before_why, since = self._shown
        if (state, reason) == (before, before_why):
            return
        self._shown = (state, reason, since if state == before else time.time())
        self._say(before, state, reason)

    def _say(self, before: str, state: str, reason: str) -> None:
        if state == "holding":
            LOG.error("%s: holding, nothing is dropped: %s", self.name, reason)
        elif state == "failed":
            LOG.error("%s: failed: %s", self.name, reason)
        elif state == "retrying" and before != "retrying":
            LOG.warning("%s: trying again: %s", self.name, reason)
        elif state == "running" and before in {"holding", "retrying"}:
            LOG.info("%s: goes on", self.name)
