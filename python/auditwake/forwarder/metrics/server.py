"""`/metrics`, `/healthz` and `/readyz` over HTTP; on loopback unless the configuration says otherwise."""

import http.server
import io
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any, Self

from auditwake.errors import AuditwakeError
from auditwake.forwarder.bounded import BoundedThreads
from auditwake.forwarder.deadline import DeadlineReader
from auditwake.forwarder.metrics.render import render
from auditwake.forwarder.readiness import missing
from auditwake.forwarder.snapshot import AgentSnapshot

__all__ = ["MetricsServer"]

TIMEOUT = 5.0
TEXT = "text/plain; charset=utf-8"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

logger = logging.getLogger(__name__)


class MetricsServer:
    r"""Serves the metrics and the probes of an agent.

    Args:
        address: `host:port`; port 0 takes a free one; no host means loopback.
        snapshot: Says how the agent stands; it is called in the thread that serves.
        timeout: Seconds that a peer has for its request, and for taking the answer.

    Raises:
        AuditwakeError: The address cannot be listened on.

    Example:
        >>> import urllib.request
        >>> agent = AgentSnapshot(version="1", pid=1, started=0.0, now=1.0, hostname="a")
        >>> with MetricsServer("127.0.0.1:0", lambda: agent) as server:
        ...     urllib.request.urlopen(f"http://{server.address}/healthz").read()
        b'ok\n'
    """

    def __init__(self, address: str, snapshot: Callable[[], AgentSnapshot], *, timeout: float = TIMEOUT) -> None:
        host, port = _host_and_port(address)
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            self._server = _Server(family, (host, port), snapshot, timeout)
        except (OSError, OverflowError) as error:
            message = f"metrics_address {address}: cannot listen there: {error}; name another one, or none"
            raise AuditwakeError(message) from error
        self._thread = threading.Thread(target=self._server.serve, name="auditwake-metrics", daemon=True)

    @property
    def address(self) -> str:
        """Where it listens, `host:port`."""
        host, port = self._server.socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def start(self) -> None:
        """Serve, in threads of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.wake()
        if self._thread.is_alive():
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(BoundedThreads, http.server.HTTPServer):
    most_threads = 16
    request_queue_size = 128

    def __init__(
        self,
        family: socket.AddressFamily,
        address: tuple[str, int],
        snapshot: Callable[[], AgentSnapshot],
        patience: float,
    ) -> None:
        self.address_family = family
        self.snapshot, self.patience = snapshot, patience
        super().__init__(address, _Handler)

    def refuse(self, request: Any) -> None:  # noqa: ANN401  # as socketserver types it
        request.settimeout(0)
        request.send(BUSY)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "auditwake"
    sys_version = ""

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(DeadlineReader(self.connection, self.server.patience))
        self.server.asks(self.connection)

    def finish(self) -> None:
        self.server.has_asked(self.connection)
        super().finish()

    def do_GET(self) -> None:  # http.server calls it so
        self.server.has_asked(self.connection)
        self.connection.settimeout(self.server.patience)
        status, kind, body = self._page()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        # A peer that has its page holds no thread.
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815  # http.server calls it so

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server calls it so
        """Log no request: probes come every few seconds."""

    def _page(self) -> tuple[int, str, bytes]:
        path = self.path.partition("?")[0]
        if path == "/healthz":
            return 200, TEXT, b"ok\n"
        if path not in ("/metrics", "/readyz"):
            return 404, TEXT, b"there is /metrics, /healthz and /readyz\n"
        try:
            snapshot = self.server.snapshot()
            if path == "/metrics":
                return 200, PROMETHEUS, render(snapshot).encode()
            lacks = missing(snapshot)
        except Exception:
            logger.exception("the page cannot be made", extra={"event": "metrics_failed", "page": path})
            return 500, TEXT, b"the page cannot be made; the agent's log says why\n"
        return (503, TEXT, "".join(f"{one}\n" for one in lacks).encode()) if lacks else (200, TEXT, b"ready\n")


def _host_and_port(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit():
        message = f"metrics_address {address}: a host and a port are needed, such as 127.0.0.1:8686"
        raise AuditwakeError(message)
    return host.strip("[]") or "127.0.0.1", int(port)
