"""The receiver itself: HTTP/1.1 on a port that the system gives, one thread a connection."""

import itertools
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from tests.intake.answers import Answerer, always
from tests.intake.messages import Reply, Request
from tests.intake.oracle import Oracle

Before = Callable[[Request], Reply | None]
AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closing resets


class Intake:
    """A receiver that can be told at any time how it answers.

    Attributes:
        answer: Says what is done with a request.
        before: Says so before its body is read, or gives None to have it read.
        oracle: What was taken.
        requests: All requests that were read, the newest last; kept when `keep` is set.
        seen: How many requests were begun.
    """

    def __init__(
        self,
        answer: Answerer | None = None,
        *,
        before: Before | None = None,
        keep: bool = True,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.answer = answer or always()
        self.before = before or (lambda _request: None)
        self.oracle = Oracle()
        self.requests: list[Request] = []
        self.keep = keep
        self.stopping = threading.Event()
        self._order = itertools.count()
        self.seen = 0
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.intake = self
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="intake", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def begin(self) -> int:
        """Number a request."""
        self.seen = order = next(self._order)
        self.seen += 1
        return order

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    intake: Intake

    def handle_error(self, *_: object) -> None:
        """Say nothing: whoever sends may go away at any time."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        intake = self.server.intake
        headers = {name.lower(): value for name, value in self.headers.items()}
        head = Request(intake.begin(), self.command, self.path, headers)
        early = intake.before(head)
        if early is not None:
            self._reply(early)
            return
        wire = self._body(headers)
        request = Request(head.order, head.method, head.path, headers, wire)
        reply = intake.answer(request)
        if intake.keep:
            intake.requests.append(request)
        if reply.takes:
            intake.oracle.take(request)
        self._reply(reply)

    do_GET = do_POST  # noqa: N815  # the base class calls it
    do_PUT = do_POST  # noqa: N815

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            length = int(headers.get("content-length", "0"))
            wire = self.rfile.read(length)
            assert len(wire) == length, "the body broke off"
            return wire
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _reply(self, reply: Reply) -> None:
        if reply.delay:
            self.server.intake.stopping.wait(reply.delay)
        if reply.fault:
            self._fail(reply)
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def _fail(self, reply: Reply) -> None:
        self.close_connection = True
        if reply.fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            # Only when nobody holds the socket any more is it closed.
            self.rfile.close()
            self.wfile.close()
            self.connection.close()
        elif reply.fault == "half_closed":
            self.connection.shutdown(socket.SHUT_WR)
            self.server.intake.stopping.wait(0.05)
        else:
            self.wfile.write(b"\x00 this is no HTTP\r\n\r\n")
