"""The receiver: a small HTTP server for one kube-apiserver or several."""

import logging
import socket
import ssl
import threading
from collections.abc import Iterable
from http.server import HTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from auditwake.errors import SourceError
from auditwake.forwarder.bounded import BoundedThreads
from auditwake.forwarder.certificates import load_authority, load_pair
from auditwake.forwarder.config.model import WebhookSource
from auditwake.forwarder.config.secret import SecretFile
from auditwake.forwarder.renewal import Renewed
from auditwake.forwarder.webhook.counters import Counters
from auditwake.forwarder.webhook.handler import ASKING, Handler
from auditwake.forwarder.webhook.room import Room
from auditwake.forwarder.webhook.segments import Segments

__all__ = ["Server", "WebhookReceiver"]

log = logging.getLogger("auditwake.webhook")

# A server opens one connection and sends ten batches a second at most; the rest is for peers that are slow or hostile.
MOST_CONNECTIONS: Final = 64
MOST_BYTES: Final = 128 << 20  # of all bodies that are being read or made into lines


class Server(BoundedThreads, HTTPServer):
    """Listens, with a thread a connection, and bounds on their number and on their memory."""

    most_threads = MOST_CONNECTIONS
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, config: WebhookSource, segments: Segments, counters: Counters) -> None:
        self.config = config
        self.segments = segments
        self.counters = counters
        # One body has to have room, whatever is allowed.
        self.room = Room(max(MOST_BYTES, config.max_body_bytes))
        self.converting = threading.Lock()
        self._context = _context(config)
        host, port = _address(config)
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), Handler)

    def token(self) -> str | None:
        """Give the bearer token that a peer has to say; None when none is asked for."""
        token = self.config.token
        if token is None:
            return None
        return (token.current() if isinstance(token, SecretFile) else token).reveal()

    def refuse(self, request: object) -> None:
        """Count a connection for which there is no thread."""
        del request
        self.counters.add(refused=1)

    def finish_request(self, request: "socket.socket | tuple[bytes, socket.socket]", client_address: Any) -> None:  # noqa: ANN401  # as socketserver types it
        """Serve a connection; the handshake is made here, so that a peer that is slow in it holds up nobody."""
        assert isinstance(request, socket.socket)  # noqa: S101  # this is no server of datagrams
        request.settimeout(ASKING)
        if self._context is None:
            super().finish_request(request, client_address)
            return
        secured = self._context.current().wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        try:
            self.asks(secured)
            secured.do_handshake()
            super().finish_request(secured, client_address)
        finally:
            self.has_asked(secured)
            self.shutdown_request(secured)

    def handle_error(self, request: object, client_address: object) -> None:
        """Count a connection that broke, or was no TLS; its text is the peer's, and stays out of the log."""
        del request, client_address
        self.counters.add(refused=1)


class WebhookReceiver:
    """Takes batches of a server's webhook backend into a log that is followed as any other.

    Args:
        config: How to listen.
        directory: Where the log is kept; of its own.
        counters: To go on counting with; None for new ones.

    Raises:
        SourceError: It may not or cannot listen there: plain HTTP anywhere but on loopback, a certificate that cannot
            be read, an address that is in use.

    Example:
        >>> import tempfile
        >>> config = WebhookSource(integration="audit", file=Path("conf.yaml"), address="127.0.0.1:0")
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     receiver = WebhookReceiver(config, Path(directory))
        ...     receiver.start()
        ...     receiver.stop()
        ...     receiver.log.name
        'audit.log'
    """

    def __init__(self, config: WebhookSource, directory: Path, counters: Counters | None = None) -> None:
        self._segments = Segments(directory, max_backlog=config.max_backlog_bytes)
        try:
            self._server = Server(config, self._segments, counters or Counters())
        except (OSError, ValueError) as error:
            self._segments.close()
            message = f"webhook: cannot listen on {config.address}: {_why(error)}"
            raise SourceError(message) from error
        self._thread = threading.Thread(target=self._server.serve, name="auditwake-webhook", daemon=True)

    @property
    def log(self) -> Path:
        """The log to follow."""
        return self._segments.path

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    @property
    def counters(self) -> Counters:
        """What it has seen."""
        return self._server.counters

    @property
    def backlog(self) -> int:
        """Bytes of its log, those that every sink has taken and that are not deleted yet among them."""
        return self._segments.backlog

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()
        log.info("listening for audit batches on %s", self._server.config.address)

    def discard(self, committed: Iterable[str | None]) -> None:
        """Delete files that every sink has acknowledged.

        Args:
            committed: `StreamStats.committed_file` of each route that follows the log.
        """
        self._segments.discard(committed)

    def stop(self) -> None:
        """End; what was answered with 200 is on disk."""
        if self._thread.is_alive():
            self._server.wake()
            self._thread.join()
        self._server.server_close()
        self._segments.close()


def _address(config: WebhookSource) -> tuple[str, int]:
    host, _, port = config.address.rpartition(":")
    host = host.strip("[]")
    if not port.isdecimal():
        message = "the address is no host:port"
        raise ValueError(message)
    if config.cert_file is None and not _is_loopback(host):
        message = (
            "without a certificate (cert_file) events would cross the network in the clear: only loopback is allowed"
        )
        raise ValueError(message)
    return host, int(port)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _context(config: WebhookSource) -> Renewed[ssl.SSLContext] | None:
    """Give what each new connection is secured with; a renewed certificate takes effect with the next one."""
    cert = config.cert_file
    if cert is None:
        return None
    files = (cert, config.key_file, config.client_ca_file)
    return Renewed(f"webhook {config.address}", files, lambda: _secured(cert, config))


def _secured(cert: Path, config: WebhookSource) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    load_pair(context, cert, config.key_file, "cert_file")
    if config.client_ca_file is not None:
        load_authority(context, config.client_ca_file, "client_ca_file")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _why(error: Exception) -> str:
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)
