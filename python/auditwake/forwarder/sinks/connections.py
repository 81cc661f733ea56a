"""The client of a receiver, made anew when its certificates are renewed, and never closed under who uses it."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from auditwake.forwarder.renewal import Renewed

if TYPE_CHECKING:
    import httpx

__all__ = ["Connections"]


class _Lent:
    """A client, and how many use it."""

    def __init__(self, client: "httpx.Client") -> None:
        self.client = client
        self.users = 0


class Connections:
    """Lends a client that has read the files as they are now.

    Args:
        name: Whose they are, for the log.
        paths: The files.
        make: Makes a client of them.

    Raises:
        SinkError: It cannot be made.
    """

    def __init__(self, name: str, paths: Iterable[Path | None], make: "Callable[[], httpx.Client]") -> None:
        self._renewed = Renewed(name, paths, lambda: _Lent(make()))
        self._lock = threading.Lock()
        self._newest = self._renewed.current()
        self._closed = False

    @contextmanager
    def borrowed(self) -> "Iterator[httpx.Client]":
        """Lend the client; the one before it is closed when nobody uses it any more."""
        with self._lock:
            former = self._newest
            if not self._closed:
                self._newest = self._renewed.current()
            lent = self._newest
            lent.users += 1
            over = former is not lent and not former.users
        if over:
            former.client.close()
        try:
            yield lent.client
        finally:
            with self._lock:
                lent.users -= 1
                over = lent is not self._newest and not lent.users
            if over:
                lent.client.close()

    def close(self) -> None:
        """Close all connections, also under who uses them."""
        with self._lock:
            self._closed = True
        self._newest.client.close()
