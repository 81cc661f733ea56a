"""How a fake receiver answers: always the same, by what is in the payload, one after the other, or at random."""

import random
import threading
from collections.abc import Callable, Collection, Iterable

from tests.intake.messages import Reply, Request

Answerer = Callable[[Request], Reply]

TAKEN = Reply(202)


def always(reply: Reply = TAKEN) -> Answerer:
    """Give the same answer to all."""
    return lambda _request: reply


def script(replies: Iterable[Reply], then: Answerer | None = None) -> Answerer:
    """Give one answer after the other, then what another answerer says."""
    lock, left, last = threading.Lock(), iter(replies), then or always()

    def answer(request: Request) -> Reply:
        with lock:
            reply = next(left, None)
        return last(request) if reply is None else reply

    return answer


def marked(numbers: Collection[int], then: Answerer | None = None, status: int = 400) -> Answerer:
    """Refuse payloads that have one of these events in them."""
    last = then or always()

    def answer(request: Request) -> Reply:
        return last(request) if set(numbers).isdisjoint(request.numbers) else Reply(status)

    return answer


def limited(bytes_: int, then: Answerer | None = None) -> Answerer:
    """Answer 413 to payloads that are larger than this, decompressed."""
    last = then or always()
    return lambda request: Reply(413) if len(request.body) > bytes_ else last(request)


class Chaos:
    """Fails at random in every way in which the same payload may succeed later, also after having taken it."""

    KINDS: tuple[Reply, ...] = (
        Reply(401),
        Reply(403),
        Reply(404),
        Reply(408),
        Reply(429, {"Retry-After": "0"}),
        Reply(500),
        Reply(503, taken=True),
        Reply(fault="reset"),
        Reply(fault="reset", taken=True),
        Reply(fault="half_closed"),
        Reply(fault="garbage", taken=True),
        Reply(202, delay=0.4),
        Reply(202, delay=2.5, taken=True),
        Reply(302, {"Location": "/elsewhere"}),
    )

    def __init__(self, seed: int, failing: float, then: Answerer | None = None) -> None:
        self._dice = random.Random(seed)  # noqa: S311  # no secrets
        self._lock = threading.Lock()
        self._failing = failing
        self._then = then or always()

    def __call__(self, request: Request) -> Reply:
        """Answer as the other answerer does, or fail. What that one refuses is not taken however this fails."""
        due = self._then(request)
        with self._lock:
            fails = self._dice.random() < self._failing
            reply = self._dice.choice(self.KINDS)
        return reply if fails and due.takes else due

    def before(self, _request: Request) -> Reply | None:
        """Reset some connections before their body is read."""
        with self._lock:
            return Reply(fault="reset") if self._dice.random() < self._failing / 10 else None
