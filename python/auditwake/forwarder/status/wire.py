"""Lines of JSON over a socket, with limits for their length and for the time that they take."""

import json
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Lines", "WireError", "send_line"]

STEP = 0.5
CHUNK = 65_536


class WireError(Exception):
    """The other side says nothing in time, breaks off, or says what is no line of JSON."""


class Lines:
    r"""The lines that come in.

    Args:
        peer: The socket.
        limit: Most bytes of a line.

    Example:
        >>> one, other = socket.socketpair()
        >>> with one, other:
        ...     send_line(one, {"command": "status"}, timeout=1)
        ...     Lines(other, limit=100).next(timeout=1)
        {'command': 'status'}
    """

    def __init__(self, peer: socket.socket, limit: int) -> None:
        self._peer, self._limit = peer, limit
        self._kept = bytearray()

    def next(self, timeout: float | None) -> dict[str, Any] | None:
        """Give the next line; None at the end.

        Args:
            timeout: Seconds for the whole line; None waits for as long as it takes.

        Raises:
            WireError: None came in time, or it is none.
        """
        until = None if timeout is None else time.monotonic() + timeout
        searched = 0
        while (end := self._kept.find(b"\n", searched)) < 0:
            searched = len(self._kept)
            if searched > self._limit:
                message = f"a line has more than {self._limit} bytes"
                raise WireError(message)
            if not self._more(until):
                return None
        if end > self._limit:
            message = f"a line has more than {self._limit} bytes"
            raise WireError(message)
        line = bytes(self._kept[:end])
        del self._kept[: end + 1]
        return _object(line)

    def _more(self, until: float | None) -> bool:
        """Receive something; in steps, since on Windows nothing else lets Ctrl-C through."""
        while True:
            left = STEP if until is None else min(until - time.monotonic(), STEP)
            if left <= 0:
                message = "nothing came in time"
                raise WireError(message)
            self._peer.settimeout(left)
            try:
                chunk = self._peer.recv(CHUNK)
            except TimeoutError:
                continue
            self._kept += chunk
            return bool(chunk)


def send_line(
    peer: socket.socket, values: Mapping[str, Any], timeout: float, stopped: Callable[[], bool] = lambda: False
) -> None:
    """Send a line.

    Args:
        peer: The socket.
        values: What the line says.
        timeout: Seconds after which a peer that takes nothing more is given up.
        stopped: Says whether to give up at once.

    Raises:
        WireError: It was given up.
        OSError: The peer is gone.
    """
    left = memoryview(json.dumps(values).encode() + b"\n")
    peer.settimeout(STEP)
    until = time.monotonic() + timeout
    while left:
        try:
            left = left[peer.send(left) :]
            until = time.monotonic() + timeout
        except TimeoutError:
            if stopped() or time.monotonic() >= until:
                message = "the peer takes nothing"
                raise WireError(message) from None


def _object(line: bytes) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        message = "a line is no JSON"
        raise WireError(message) from error
    if not isinstance(values, dict):
        message = "a line is no JSON object"
        raise WireError(message)
    return values
