"""Reading from a peer that has so many seconds for all that it says, however slowly it says it."""

import io
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["DeadlineReader"]


class DeadlineReader(io.RawIOBase):
    """The bytes that a peer sends. A timeout of a socket begins anew with each byte; this one does not.

    Args:
        peer: The socket; its own timeout is set with each read.
        seconds: From now on, for all that is read.

    Example:
        >>> one, other = socket.socketpair()
        >>> with one, other:
        ...     other.sendall(b"GET / HTTP/1.1")
        ...     DeadlineReader(one, 5.0).read(3)
        b'GET'
    """

    def __init__(self, peer: socket.socket, seconds: float) -> None:
        super().__init__()
        self._peer = peer
        self.allow(seconds)

    def allow(self, seconds: float) -> None:
        """Give the peer so many seconds from now on, for all that is read."""
        self._until = time.monotonic() + seconds

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Read something.

        Raises:
            TimeoutError: The seconds are over.
            OSError: The peer is gone.
        """
        left = self._until - time.monotonic()
        if left <= 0:
            message = "the peer takes too long"
            raise TimeoutError(message)
        self._peer.settimeout(left)
        return self._peer.recv_into(buffer)
