"""What has arrived, by the numbers of the events."""

import threading
from collections import Counter
from collections.abc import Collection

from tests.intake.messages import Request
from tests.tailing.lines import runs


class Oracle:
    """Counts what a receiver has taken. An event is known by its number, a payload by all of its bytes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: Counter[int] = Counter()
        self._payload: dict[int, str] = {}
        self._other: set[int] = set()
        self.payloads = 0
        self.events = 0

    def take(self, request: Request) -> None:
        """Note a payload that is taken."""
        with self._lock:
            self.payloads += 1
            self.events += len(request.numbers)
            for number in request.numbers:
                self._times[number] += 1
                if self._payload.setdefault(number, request.digest) != request.digest:
                    self._other.add(number)

    @property
    def arrived(self) -> list[tuple[int, int]]:
        """The numbers of all events that are there, as runs."""
        with self._lock:
            return runs(sorted(self._times))

    @property
    def last(self) -> int:
        """The highest number that is there; 0 for none."""
        with self._lock:
            return max(self._times, default=0)

    @property
    def distinct(self) -> int:
        """How many events are there."""
        with self._lock:
            return len(self._times)

    @property
    def twice(self) -> list[tuple[int, int]]:
        """The numbers of events that came more than once, as runs."""
        with self._lock:
            return runs(sorted(number for number, times in self._times.items() if times > 1))

    def check(self, last: int, without: Collection[int] = ()) -> None:
        """Hold that the events 1 to `last` are there but for some, and nothing else, and what came again was the same.

        Args:
            last: The number that was written last.
            without: Numbers that must not be there, since the receiver never takes them.
        """
        expected = runs(number for number in range(1, last + 1) if number not in without)
        assert self.arrived == expected
        assert not self._other, f"came again in other bytes: {runs(sorted(self._other))}"
