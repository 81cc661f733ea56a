"""Commands for the thread that runs the agent, from other threads and from handlers of signals."""

import selectors
import signal
import socket
import threading
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self, TypeAlias

__all__ = ["Command", "Commands"]

Command: TypeAlias = Literal["stop", "reload"]


class Commands:
    """What is to be done, in order.

    The system may give a signal to any thread, and Python handles it in the main thread, when that next runs. So who
    waits here is woken by a socket, which Python writes to whichever thread has the signal.

    Example:
        >>> with Commands() as commands:
        ...     commands.put("stop")
        ...     commands.get(10.0), commands.get(0.0), commands.asks("stop")
        ('stop', None, False)
    """

    def __init__(self) -> None:
        self._given: deque[Command] = deque()
        self._woken: socket.socket | None = None
        self._wakes: socket.socket | None = None
        self._before: int | None = None

    def asks(self, command: Command) -> bool:
        """Say whether it is among what is to be done."""
        return command in self._given

    def put(self, command: Command) -> None:
        """Give one, from anywhere."""
        self._given.append(command)
        wakes = self._wakes
        if wakes is not None:
            # Full: it is awake as it is. Closed: nobody waits any more.
            with suppress(OSError):
                wakes.send(b"\0")

    def get(self, timeout: float) -> Command | None:
        """Wait for one, so many seconds at most; inside the block only.

        Returns:
            The oldest; None where there is none, also when a signal came that is no command.

        Raises:
            RuntimeError: This is not inside the block.
        """
        woken = self._woken
        if woken is None:
            message = "nobody can be woken outside the block"
            raise RuntimeError(message)
        if not self._given:
            # `poll` needs no descriptor of its own, and there may be none left.
            with getattr(selectors, "PollSelector", selectors.DefaultSelector)() as selector:
                selector.register(woken, selectors.EVENT_READ)
                selector.select(timeout)
        with suppress(BlockingIOError):
            woken.recv(4096)
        return self._given.popleft() if self._given else None

    def __enter__(self) -> Self:
        self._woken, self._wakes = socket.socketpair()
        for one in (self._woken, self._wakes):
            one.setblocking(False)  # noqa: FBT003  # it has no other name
        # Elsewhere than in the main thread, signals are the business of whoever runs it.
        if threading.current_thread() is threading.main_thread():
            self._before = signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._before is not None:
            signal.set_wakeup_fd(self._before)
            self._before = None
        for one in (self._wakes, self._woken):
            if one is not None:
                one.close()
