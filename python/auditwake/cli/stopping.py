"""How a command that would run for ever is told to end."""

import select
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import Final, Self, TextIO

__all__ = ["Stopping", "reader_left"]

GRACE: Final = 0.5
"""Seconds from Ctrl-C to the end, for what is being written."""


class Stopping:
    """While it is open, SIGTERM and Ctrl-C only ask for the end, so that what was begun is finished.

    Ctrl-C ends at once, all the same: a reader of our output that does not read cannot hold us. A second one too.

    Example:
        >>> with Stopping() as stop:
        ...     stop.asked
        False
    """

    def __init__(self) -> None:
        self.asked = False
        self.interrupted = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        # Elsewhere than in the main thread, signals are the business of whoever runs it.
        if threading.current_thread() is threading.main_thread():
            self._handle(signal.SIGTERM, self._end)
            self._handle(signal.SIGINT, self._interrupt)
            if hasattr(signal, "setitimer"):
                self._handle(signal.SIGALRM, signal.default_int_handler)
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(signal, "setitimer") and self._before:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # it is what was there

    def _handle(self, number: int, handler: object) -> None:
        # A shell that starts a command in the background may have it ignore Ctrl-C.
        if signal.getsignal(number) == signal.SIG_IGN:
            return
        self._before[number] = signal.signal(number, handler)  # type: ignore[arg-type]  # one of those above

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        again, self.asked, self.interrupted = self.interrupted, True, True
        if again or not hasattr(signal, "setitimer"):
            raise KeyboardInterrupt
        signal.setitimer(signal.ITIMER_REAL, GRACE)


def reader_left(out: TextIO) -> bool:
    """Say whether nobody reads a pipe any more. Writing would tell, but a quiet log gives nothing to write.

    Example:
        >>> import sys
        >>> reader_left(sys.stderr)
        False
    """
    if hasattr(select, "poll"):
        with suppress(OSError, ValueError):  # what is no file of the system has no reader to leave
            poll = select.poll()
            poll.register(out.fileno(), 0)
            return any(event & select.POLLERR for _, event in poll.poll(0))
    return False
