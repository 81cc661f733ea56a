"""The agent's side of `status` and `stream-logs`: one line of JSON asks, lines of JSON answer."""

import hmac
import json
import logging
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from auditwake.forwarder.bounded import BoundedThreads
from auditwake.forwarder.config.model import Source
from auditwake.forwarder.scrub import scrub_values
from auditwake.forwarder.snapshot import AgentSnapshot
from auditwake.forwarder.status.endpoint import HAS_UNIX, Endpoint, listen
from auditwake.forwarder.status.peers import is_allowed, peer_uid
from auditwake.forwarder.status.stream import Filters, Queue, stream_line
from auditwake.forwarder.status.wire import Lines, WireError, send_line
from auditwake.forwarder.taps import Taps

__all__ = ["StatusServer"]

MOST_REQUEST = 65_536
MOST_LISTENERS = 4
TABLES = ("parquet", "delta")  # they take rows: there is no event's text to be heard
REQUEST_TIMEOUT, STREAM_TIMEOUT, STEP = 5.0, 60.0, 0.5

logger = logging.getLogger(__name__)


class StatusServer:
    """Answers `status` and `stream-logs` to its own user and to root.

    Args:
        path: The Unix socket; on Windows a file with a port of loopback and a token.
        snapshot: Says how the agent stands; it is called in the thread that answers.
        taps: Where the events that are sent can be heard.
        unix: Whether it is a Unix socket.
        timeout: Seconds that a peer has for its request, and for taking the answer.

    Raises:
        AuditwakeError: Another agent answers there, or it cannot be listened on.

    Example:
        >>> import tempfile
        >>> from auditwake.forwarder.status.client import ask_status
        >>> agent = AgentSnapshot(version="1", pid=1, started=0.0, now=1.0, hostname="a")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with StatusServer(Path(folder) / "agent.sock", lambda: agent, Taps()) as server:
        ...         ask_status(server.path).hostname
        'a'
    """

    def __init__(
        self,
        path: Path,
        snapshot: Callable[[], AgentSnapshot],
        taps: Taps,
        *,
        unix: bool = HAS_UNIX,
        timeout: float = REQUEST_TIMEOUT,
    ) -> None:
        self.path = path
        self._endpoint = listen(path, unix=unix)
        self._server = _Server(self._endpoint, snapshot, taps, timeout)
        self._thread = threading.Thread(target=self._server.serve, name="auditwake-status", daemon=True)

    def start(self) -> None:
        """Answer, in threads of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering; listeners are told. What is at the path is removed, if it is still ours."""
        if self._server.stopping.is_set():
            return
        self._server.stopping.set()
        self._server.wake()
        if self._thread.is_alive():
            self._thread.join()
        self._endpoint.close()
        self._server.server_close()
        self._server.drain(2 * STEP)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(BoundedThreads, socketserver.TCPServer):
    most_threads = 12

    def __init__(self, endpoint: Endpoint, snapshot: Callable[[], AgentSnapshot], taps: Taps, timeout: float) -> None:
        self.endpoint, self.snapshot, self.taps, self.patience = endpoint, snapshot, taps, timeout
        self.listeners = threading.BoundedSemaphore(MOST_LISTENERS)
        self.stopping = threading.Event()
        self.address_family = endpoint.listener.family
        super().__init__(("", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = endpoint.listener

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ANN401, ARG002  # as socketserver types it
        """Send a user away who may not ask, before a thread is taken."""
        if self.endpoint.token is not None or is_allowed(peer_uid(request)):
            return True
        _send_away(request, "only the agent's own user and root may ask it")
        return False

    def refuse(self, request: Any) -> None:  # noqa: ANN401  # as socketserver types it
        _send_away(request, "the agent answers others at present; try again")


def _send_away(peer: socket.socket, why: str) -> None:
    """Say why; a peer that does not take it is not waited for."""
    peer.settimeout(0)
    with suppress(OSError):
        peer.send(json.dumps({"error": why}).encode() + b"\n")


class _Handler(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        try:
            request = Lines(self.request, MOST_REQUEST).next(self.server.patience)
            if request is not None:
                self._answer(request)
        except (WireError, ValueError) as error:
            self._say({"error": str(error)})
        except OSError:
            return
        except Exception:
            logger.exception("a request is not answered", extra={"event": "status_failed"})
            self._say({"error": "the agent cannot answer; its log says why"})

    def _answer(self, request: Mapping[str, Any]) -> None:
        token, said = self.server.endpoint.token, request.get("token")
        if token is not None and not (isinstance(said, str) and hmac.compare_digest(said.encode(), token.encode())):
            self._say({"error": "the token is wrong"})
        elif request.get("command") == "status":
            self._say({"snapshot": scrub_values(self.server.snapshot().to_dict())})
        elif request.get("command") == "stream-logs":
            filters = request.get("filters") or {}
            if not isinstance(filters, dict):
                message = "filters: an object is needed"
                raise ValueError(message)
            self._stream(Filters.from_dict(filters))
        else:
            self._say({"error": "no such command; there is status and stream-logs"})

    def _stream(self, filters: Filters) -> None:
        if not self.server.listeners.acquire(blocking=False):
            self._say({"error": f"{MOST_LISTENERS} listen already; end one of them"})
            return
        try:
            self._follow(filters)
        finally:
            self.server.listeners.release()

    def _follow(self, filters: Filters) -> None:
        queue, stopping = Queue(), self.server.stopping
        snapshot = self.server.snapshot()
        hostname, unheard = snapshot.hostname, [sink.name for sink in snapshot.sinks if sink.type in TABLES]

        def heard(source: Source, events: list[bytes]) -> None:
            if filters.match(source):
                queue.put(source, events)

        with self.server.taps.listen(heard):
            self._say({"listening": True, "unheard": unheard})
            while not stopping.is_set() and not self._is_gone():
                events, dropped = queue.take(STEP)
                for source, event in events:
                    send_line(
                        self.request, {"line": stream_line(source, event, hostname)}, STREAM_TIMEOUT, stopping.is_set
                    )
                if dropped:
                    send_line(self.request, {"dropped": dropped}, STREAM_TIMEOUT, stopping.is_set)

    def _say(self, values: Mapping[str, Any]) -> None:
        send_line(self.request, values, self.server.patience, self.server.stopping.is_set)

    def _is_gone(self) -> bool:
        """Say whether the listener has left; it has nothing more to say, so whatever comes is its end."""
        self.request.settimeout(0)
        try:
            self.request.recv(1)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True
