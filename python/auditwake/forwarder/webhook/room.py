"""The memory of a receiver: the bodies of all connections together have a bound."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Lease", "NoRoomError", "Room"]


class NoRoomError(Exception):
    """So many bytes are in memory already that this body has to come later."""


class Lease:
    """The share of one body.

    Attributes:
        size: Its bytes so far.
    """

    def __init__(self, room: "Room") -> None:
        self._room = room
        self.size = 0

    def grow(self, size: int) -> None:
        """Take so many bytes more.

        Raises:
            NoRoomError: There is no room for them; what was taken before stays taken.
        """
        self._room.take(size)
        self.size += size


class Room:
    """Bytes that may be held at once. Nobody waits: who waited with half a body would keep the room from others.

    Args:
        most: How many bytes.

    Example:
        >>> room = Room(10)
        >>> with room.lease() as one, room.lease() as other:
        ...     one.grow(8)
        ...     other.grow(3)
        Traceback (most recent call last):
            ...
        auditwake.forwarder.webhook.room.NoRoomError
        >>> room.free
        10
    """

    def __init__(self, most: int) -> None:
        self._lock = threading.Lock()
        self._free = most

    @property
    def free(self) -> int:
        """Bytes that there is room for."""
        return self._free

    @contextmanager
    def lease(self) -> Iterator[Lease]:
        """Have a share that is given back at the end."""
        lease = Lease(self)
        try:
            yield lease
        finally:
            with self._lock:
                self._free += lease.size

    def take(self, size: int) -> None:
        """Take bytes; see `Lease.grow`."""
        with self._lock:
            if size > self._free:
                raise NoRoomError
            self._free -= size
