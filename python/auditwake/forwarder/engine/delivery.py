"""The way of one payload until each of its events is acknowledged or refused: a machine without clock and threads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditwake.forwarder.answers import Ack, Answer, Counted, Hold, Partial, Reject, Retry, Split
from auditwake.forwarder.engine.backoff import Wait, seconds

if TYPE_CHECKING:
    from auditwake._core import Payload, Prepared
    from auditwake.forwarder.config.model import Backoff

__all__ = ["Delivery", "Doubt", "Step"]

MOST_REFUSED = 100
SMALLER = 0.9  # how much smaller an event has to be for a receiver to which it was too large
REFUSES_ALL = (
    f"the receiver has refused {MOST_REFUSED} events one after the other and taken none between them: it is not the "
    "events; look at the URL, and at what stands there"
)


class Doubt:
    """Whether it is the events that are refused, or all that comes: then nothing goes to the quarantine any more.

    Example:
        >>> doubt = Doubt()
        >>> all(doubt.refused() for _ in range(MOST_REFUSED)), doubt.refused()
        (True, False)
        >>> doubt.took(), doubt.refused()
        (None, True)
    """

    __slots__ = ("_in_a_row",)

    def __init__(self) -> None:
        self._in_a_row = 0

    def took(self) -> None:
        """Say that the receiver has taken something."""
        self._in_a_row = 0

    def refused(self) -> bool:
        """Say that it has refused an event, and hear whether to believe it."""
        if self._in_a_row >= MOST_REFUSED:
            return False
        self._in_a_row += 1
        return True


@dataclass(frozen=True, slots=True)
class Step:
    """What has followed from an answer.

    Attributes:
        taken: Events that are acknowledged now.
        whole: Whether these were all of the payload.
        rejected: Events that are never taken: index in the batch, and why.
        failed: The try did not succeed: why, in one word; empty if it did.
        wait: What to wait for before the next try.
        shrunk: Events that have lost a body now, and none before.
        lost: Events that the receiver counts as not taken, without saying which.
    """

    taken: int = 0
    whole: bool = False
    rejected: tuple[tuple[int, str], ...] = ()
    failed: str = ""
    wait: Wait | None = None
    shrunk: int = 0
    lost: int = 0


class Delivery:
    """The way of one payload. What is sent again is the same payload, unless it has to be parted.

    Args:
        prepared: The batch that it is from.
        payload: The payload.
        backoff: Of the sink.
        dice: For the jitter.
        doubt: Of the route.
    """

    __slots__ = ("_backoff", "_dice", "_doubt", "_left", "_prepared", "_tries")

    def __init__(
        self,
        prepared: "Prepared",
        payload: "Payload",
        backoff: "Backoff",
        dice: Callable[[], float],
        doubt: Doubt,
    ) -> None:
        self._doubt = doubt
        self._prepared = prepared
        self._backoff = backoff
        self._dice = dice
        self._left = [payload]
        self._tries = 0

    @property
    def over(self) -> bool:
        """Whether there is nothing left to be sent."""
        return not self._left

    @property
    def payload(self) -> "Payload":
        """What is to be sent next; there is one until it is over."""
        return self._left[-1]

    @property
    def prepared(self) -> "Prepared":
        """The batch that it is from."""
        return self._prepared

    def answered(self, answer: Answer) -> Step:
        """Go on after the payload was sent.

        Args:
            answer: What the sink has said to it.
        """
        payload = self._left[-1]
        match answer:
            case Ack():
                return self._took(payload)
            case Counted():
                return self._took(payload, min(answer.rejected, payload.events))
            case Retry():
                return Step(failed=answer.reason, wait=self._again(answer.reason, answer.after))
            case Hold():
                return Step(failed=_word(answer.reason), wait=self._hold(answer.reason))
            case Split() | Reject():
                return self._part(payload, answer)
            case Partial():
                return self._sort(payload, answer)

    def _took(self, payload: "Payload", lost: int = 0) -> Step:
        self._left.pop()
        self._tries = 0
        self._doubt.took()
        return Step(taken=payload.events - lost, whole=not lost, lost=lost)

    def _again(self, reason: str, after: float | None = None) -> Wait:
        self._tries += 1
        return Wait(seconds(self._backoff, self._tries, self._dice, after), "retrying", reason)

    def _hold(self, reason: str) -> Wait:
        self._tries += 1
        return Wait(seconds(self._backoff, self._tries, self._dice), "holding", reason)

    def _part(self, payload: "Payload", answer: Split | Reject) -> Step:
        """Go on with the halves; a single event that is too large loses a body, and else it is the end."""
        indexes = payload.indexes
        smaller = self._smaller(payload) if len(indexes) == 1 and isinstance(answer, Split) else None
        if smaller is not None:
            self._left[-1] = smaller
            self._tries = 0
            return Step(shrunk=int(not payload.shrunk), failed=_word(answer.reason))
        if len(indexes) == 1 and not self._doubt.refused():
            return Step(failed=_word(answer.reason), wait=self._hold(f"{answer.reason}: {REFUSES_ALL}"))
        self._left.pop()
        self._tries = 0
        if len(indexes) == 1:
            return Step(rejected=((indexes[0], answer.reason),), failed=_word(answer.reason))
        middle = indexes[len(indexes) // 2]
        self._push([(payload.start, middle), (middle, payload.stop)])
        return Step(failed=_word(answer.reason))

    def _sort(self, payload: "Payload", answer: Partial) -> Step:
        """Take each event where it belongs: acknowledged, refused, or once more."""
        indexes = payload.indexes
        again = sorted({indexes[position] for position in answer.retry})
        rejected = tuple((indexes[position], why) for position, why in dict(answer.rejected).items())
        taken = len(indexes) - len(again) - len(rejected)
        if taken:
            self._doubt.took()
        failed = "partial" if again or rejected else ""
        if len(again) == len(indexes):
            return Step(failed=failed, wait=self._again(answer.reason or "partial"))
        if not taken and not all(self._doubt.refused() for _ in rejected):
            return Step(failed=failed, wait=self._hold(f"{rejected[0][1]}: {REFUSES_ALL}"))
        self._left.pop()
        if not again:
            self._tries = 0
            return Step(taken, whole=not rejected, rejected=rejected, failed=failed)
        self._push(_runs(again, indexes))
        return Step(taken, rejected=rejected, failed=failed, wait=self._again(answer.reason or "partial"))

    def _smaller(self, payload: "Payload") -> "Payload | None":
        """Give the payload of a single event with one body less; None when it has none."""
        size = payload.bytes
        while size > 1:
            # What frames an event counts in the payload and not in the limit: it may take more than one step.
            size = int(size * SMALLER)
            made = self._prepared.payloads(payload.start, payload.stop, max_event_bytes=size)
            one = next((one for one in made if one.events), None)
            if one is None or one.bytes < payload.bytes:
                return one
        return None

    def _push(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Put the payloads of ranges of events in front of what is left. Those that never fit are known from before."""
        made = [payload for start, stop in ranges for payload in self._prepared.payloads(start, stop)]
        self._left += [payload for payload in reversed(made) if payload.events]


def _runs(chosen: Sequence[int], indexes: Sequence[int]) -> list[tuple[int, int]]:
    """Give ranges that hold the chosen events and no other of the payload.

    Example:
        >>> _runs([2, 3, 7], [1, 2, 3, 4, 7])
        [(2, 4), (7, 8)]
    """
    ranges: list[tuple[int, int]] = []
    wanted, open_ = set(chosen), False
    for index in indexes:
        if index in wanted:
            start = ranges.pop()[0] if open_ else index
            ranges.append((start, index + 1))
        open_ = index in wanted
    return ranges


def _word(reason: str) -> str:
    """Give the first word of a reason, which is what is counted by.

    Example:
        >>> _word("403: the key is not accepted")
        '403'
    """
    return reason.split(maxsplit=1)[0].strip(":,.;") if reason.strip() else "refused"
