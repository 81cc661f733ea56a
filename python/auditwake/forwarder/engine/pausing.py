"""How threads of a route wait: until it is time, until a key or certificate changes, or until the route ends."""

import threading
import time
from typing import TYPE_CHECKING

from auditwake.forwarder.engine.keys import KeyWatch

if TYPE_CHECKING:
    from auditwake.forwarder.engine.backoff import Wait
    from auditwake.forwarder.engine.standing import Standing

__all__ = ["Pausing"]

LOOK = 1.0  # seconds between looks at the files of keys and certificates


class Pausing:
    """Two ends: `stopping` finishes what was begun, `leaving` leaves it to the next start.

    Args:
        standing: Is told what is waited for.
        config: Of the sink, for its files of keys and certificates.
    """

    def __init__(self, standing: "Standing", config: object) -> None:
        self._standing = standing
        self._config = config
        self.stopping = threading.Event()
        self.leaving = threading.Event()

    def wait(self, who: object, wait: "Wait") -> None:
        """Wait for as long as is asked; not any more when the route is left, and in vain for a person when it stops."""
        self._standing.waits(who, wait)
        until = time.monotonic() + wait.seconds
        keys = KeyWatch(self._config)
        holds = wait.state == "holding"
        while (left := until - time.monotonic()) > 0:
            if holds and self.stopping.is_set():
                self.leaving.set()
            if self.leaving.wait(min(left, LOOK) if holds or not keys.idle else left):
                return
            if keys.changed():
                return
