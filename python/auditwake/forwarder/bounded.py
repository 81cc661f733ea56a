"""Servers whose threads are counted: many peers, or silent ones, cannot take the agent's memory or time."""

import errno
import selectors
import socket
import socketserver
import threading
import time
from contextlib import suppress
from typing import Any

__all__ = ["BoundedThreads"]

PAUSE = 0.1
ROOM = 1.0  # seconds for a thread that was asked to end


class BoundedThreads(socketserver.ThreadingMixIn):
    """A thread for each peer, as many as `most_threads`; one more is sent away, unless another can be let go for it.

    That is who has been asking longest: who says all at once has been heard long before, and who says nothing, or a
    byte now and then, is nobody that is waited for.

    Example:
        >>> class Server(BoundedThreads, socketserver.TCPServer):
        ...     most_threads = 4
        >>> Server.daemon_threads
        True
    """

    most_threads = 8
    daemon_threads = True
    block_on_close = False

    # `handle_request` is called when a peer is there: it does not wait.
    timeout: float | None = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # those of the server
        self._slots = threading.BoundedSemaphore(self.most_threads)
        # Peers that have not said yet what they want, the oldest first.
        self._asking: dict[socket.socket, None] = {}
        self._asking_lock = threading.Lock()
        self._woken, self._wakes = socket.socketpair()
        super().__init__(*args, **kwargs)

    def serve(self) -> None:
        """Take peers until `wake`; unlike `serve_forever` it does not look around twice a second."""
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)  # type: ignore[arg-type]  # a server has a file descriptor
            selector.register(self._woken, selectors.EVENT_READ)
            while not any(key.fileobj is self._woken for key, _ in selector.select()):
                self.handle_request()  # type: ignore[attr-defined]  # of the server that this is mixed into

    def wake(self) -> None:
        """End `serve`."""
        self._wakes.shutdown(socket.SHUT_RDWR)

    def server_close(self) -> None:
        """Let go of all sockets."""
        super().server_close()
        self._woken.close()
        self._wakes.close()

    def server_bind(self) -> None:
        """Bind the socket. `HTTPServer` would look up the host's name too, which may wait for a name server."""
        socketserver.TCPServer.server_bind(self)  # type: ignore[arg-type]  # it is mixed into one

    def get_request(self) -> Any:  # noqa: ANN401  # as socketserver types it
        """Take a peer; where no file descriptor is left for it, wait a little, since it stays there to be taken."""
        try:
            return super().get_request()  # type: ignore[misc]  # of the server that this is mixed into
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                time.sleep(PAUSE)
            raise

    def refuse(self, request: Any) -> None:  # noqa: ANN401  # as socketserver types it
        """Tell a peer that there are too many; must not wait."""

    def asks(self, peer: socket.socket) -> None:
        """Note a peer that has not said yet what it wants: it may be let go for another one."""
        with self._asking_lock:
            self._asking[peer] = None

    def has_asked(self, peer: socket.socket) -> bool:
        """Note that a peer is to be kept, or has come to its end; say whether it was not let go before."""
        with self._asking_lock:
            was_asking = peer in self._asking
            self._asking.pop(peer, None)
            return was_asking

    def make_room(self) -> bool:
        """Let go of a peer whose thread another one needs, and say whether there was one."""
        with self._asking_lock:
            oldest = next(iter(self._asking), None)
            if oldest is None:
                return False
            del self._asking[oldest]
            with suppress(OSError):
                # Not as TLS shuts a socket: its thread would go on without TLS.
                socket.socket.shutdown(oldest, socket.SHUT_RDWR)
            return True

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # as socketserver types it
        """Take a peer, in a thread if there is one left."""
        if not self._slots.acquire(blocking=False) and not (self.make_room() and self._slots.acquire(timeout=ROOM)):
            with suppress(OSError):
                self.refuse(request)
            self.shutdown_request(request)  # type: ignore[attr-defined]  # of the server that this is mixed into
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:
            # No thread can be started; the peer is let go and the agent goes on.
            self._slots.release()
            self.shutdown_request(request)  # type: ignore[attr-defined]  # as above

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # as socketserver types it
        """Serve a peer, then give the thread back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def drain(self, seconds: float) -> bool:
        """Wait until no peer is left, so many seconds at most; to be called when no more are taken.

        Returns:
            Whether none is left.
        """
        until = time.monotonic() + seconds
        left = (max(until - time.monotonic(), 0.0) for _ in range(self.most_threads))
        return all(self._slots.acquire(timeout=one) for one in left)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # as socketserver types it
        """Let go of a peer that broke off; the default prints to standard error."""
