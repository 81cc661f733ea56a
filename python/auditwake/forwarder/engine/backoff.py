"""How long to wait for the next try."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from auditwake.forwarder.config.model import Backoff

__all__ = ["Wait", "seconds"]

MOST_STEPS = 64  # the power is no number any more at a thousand


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be done for a while.

    Attributes:
        seconds: For how long.
        state: What the route is meanwhile.
        reason: Why, for people.
    """

    seconds: float
    state: Literal["retrying", "holding"]
    reason: str


def seconds(backoff: "Backoff", tries: int, dice: Callable[[], float], after: float | None = None) -> float:
    """Give the seconds until the next try.

    Args:
        backoff: Of the sink.
        tries: How many have failed, from 1.
        dice: Gives a number from 0 to 1: half of the time is jitter, so that agents do not come back all at once.
        after: What the receiver asks for; it wins when it is longer.

    Example:
        >>> from auditwake.forwarder.config.model import Backoff
        >>> [seconds(Backoff(base=1, factor=2, max=5), tries, lambda: 1.0) for tries in (1, 2, 3, 4)]
        [1.0, 2.0, 4.0, 5.0]
    """
    full = min(backoff.base * backoff.factor ** min(tries - 1, MOST_STEPS), backoff.max)
    return max(full * (0.5 + 0.5 * dice()), after or 0.0)
