"""What happens to a log while it is followed, on standard error."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from auditwake.cli.style import escape

if TYPE_CHECKING:
    from auditwake.tail import TailEvent

__all__ = ["Happened"]

QUIET: Final = frozenset({"rotated"})
"""What happens to every log, every day."""


class Happened:
    """Says each event once, in a line of its own."""

    def __init__(self) -> None:
        self._next = 0

    def say(self, events: Iterable["TailEvent"]) -> None:
        """Say what is new among the newest events."""
        for event in events:
            if event.number < self._next:
                continue
            self._next = event.number + 1
            if event.kind not in QUIET:
                file = str(event.file)
                said = event.message if file in event.message else f"{file}: {event.message}"
                print(f"auditwake: {event.kind}: {escape(said)}", file=sys.stderr, flush=True)
