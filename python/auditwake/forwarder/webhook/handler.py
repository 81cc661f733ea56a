"""Answers one request of a server's webhook backend."""

import hmac
import http.client
import io
import logging
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Final

from auditwake import _core
from auditwake.forwarder.deadline import DeadlineReader
from auditwake.forwarder.webhook.batch import NotABatchError, to_batch
from auditwake.forwarder.webhook.room import Lease, NoRoomError
from auditwake.forwarder.webhook.segments import BacklogFullError

if TYPE_CHECKING:
    from auditwake.forwarder.webhook.receiver import Server

__all__ = ["ASKING", "Handler"]

log = logging.getLogger("auditwake.webhook")

TOO_LARGE: Final = (
    "the body has more than {limit} bytes. On the server, set --audit-webhook-truncate-enabled and lower "
    "--audit-webhook-batch-max-size; or raise max_body_bytes here"
)
NO_ROOM: Final = "the bodies that are being read take all the memory that there is for them: send it again"
CHUNK_LINE: Final = 1024
LENGTH: Final = re.compile(r"[0-9]{1,18}")
CHUNK_SIZE: Final = re.compile(rb"[0-9a-fA-F]{1,16}")
RETRY_AFTER: Final = "10"
ASKING: Final = 10.0  # seconds for a handshake; for the head of a request; and for taking an answer
BODY: Final = 60.0  # seconds for a body; a server gives a request up after 30
SILENCE: Final = 90.0  # seconds between requests; a server waits up to 30 for a batch to fill
LINGER: Final = 2.0  # seconds for what still comes of a request that was refused
QUIET: Final = 0.5  # seconds without a byte of it
PIECE: Final = 65_536


class _RefusedError(Exception):
    """A request that is answered without a look at its body."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Handler(BaseHTTPRequestHandler):
    """One connection; the server keeps it open between batches."""

    server: "Server"
    protocol_version = "HTTP/1.1"
    server_version = f"auditwake/{_core.__version__}"
    sys_version = ""

    def setup(self) -> None:
        """Read with a deadline; until it has said something that is heard, the peer may be let go for another one."""
        super().setup()
        self.rfile.close()
        self._reader = DeadlineReader(self.connection, ASKING)
        self._is_known = self._has_refused = False
        self.rfile: io.BufferedReader = io.BufferedReader(self._reader)
        self.server.asks(self.connection)

    def finish(self) -> None:
        """Count a peer that was let go."""
        if not self._is_known and not self.server.has_asked(self.connection) and not self._has_refused:
            self._count_refusal()
        super().finish()

    def handle(self) -> None:
        """Answer requests; one whose answer cannot be given counts once, whatever that was to be."""
        try:
            super().handle()
        except OSError:
            if not self._has_refused:
                self._count_refusal()

    def handle_one_request(self) -> None:
        """Wait for a request. Who has sent one before may take its time for the next, but not within it."""
        try:
            self._reader.allow(SILENCE if self._is_known else ASKING)
            has_begun = bool(self.rfile.peek(1))
        except OSError:
            has_begun = False
            if not self._is_known:
                self._count_refusal()
        if has_begun:
            self._has_refused = False
            self._reader.allow(ASKING)
            super().handle_one_request()
        else:
            self.close_connection = True

    def do_POST(self) -> None:
        """Take a batch: 200 only when it is durable."""
        try:
            self._check_sender()
            self._is_known = True
            self.server.has_asked(self.connection)
            self._reader.allow(BODY)
            with self.server.room.lease() as lease:
                self._take(self._body(lease))
        except _RefusedError as refused:
            # What is left of the body on the connection would be read as the next request.
            self.close_connection = True
            self._count_refusal()
            self._answer(refused.status, refused.why)
            self._linger()

    def _linger(self) -> None:
        """Take a little of what is still coming: a connection that is closed over it is reset, and the answer lost."""
        until = time.monotonic() + LINGER
        with suppress(OSError):
            while (left := until - time.monotonic()) > 0:
                self._reader.allow(min(left, QUIET))
                if not self.rfile.read1(PIECE):
                    return

    def _count_refusal(self) -> None:
        self._has_refused = True
        self.server.counters.add(refused=1)

    def _check_sender(self) -> None:
        config = self.server.config
        try:
            token = self.server.token()
        except OSError as error:
            log.warning("the token of the webhook cannot be read, and nobody is let in: %s", error.strerror)
            raise _RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "the token cannot be read here") from None
        if token is not None:
            given = self.headers.get("Authorization", "")
            if not token or not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
                raise _RefusedError(HTTPStatus.UNAUTHORIZED, "this receiver wants another bearer token")
        if self.path.partition("?")[0] != config.path:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "the webhook is not at this path")
        if self.headers.get("Content-Encoding", "identity") != "identity":
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the body as it is, without compression")

    def _body(self, lease: Lease) -> bytes:
        # What is larger than the whole backlog would be told to wait for ever.
        limit = min(self.server.config.max_body_bytes, self.server.config.max_backlog_bytes)
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks(limit, lease)
        length = self.headers.get("Content-Length", "")
        if not LENGTH.fullmatch(length):
            raise _RefusedError(HTTPStatus.LENGTH_REQUIRED, "the length of the body is not given")
        if int(length) > limit:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE.format(limit=limit))
        return b"".join(self._pieces(int(length), lease))

    def _chunks(self, limit: int, lease: Lease) -> bytes:
        body: list[bytes] = []
        while True:
            size_text = self.rfile.readline(CHUNK_LINE).partition(b";")[0].strip()
            if not CHUNK_SIZE.fullmatch(size_text):
                raise _RefusedError(HTTPStatus.BAD_REQUEST, "a chunk has no size")
            size = int(size_text, 16)
            if lease.size + size > limit:
                raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE.format(limit=limit))
            if size == 0:
                http.client.parse_headers(self.rfile)
                return b"".join(body)
            body += self._pieces(size, lease)
            if self.rfile.read(2) != b"\r\n":
                raise _RefusedError(HTTPStatus.BAD_REQUEST, "a chunk does not end where it says")

    def _pieces(self, size: int, lease: Lease) -> Iterator[bytes]:
        """Read so many bytes; room is taken for what has come, and not for what a peer says that will come."""
        left = size
        while left:
            wanted = min(left, PIECE)
            try:
                lease.grow(wanted)
            except NoRoomError:
                raise _RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, NO_ROOM) from None
            data = self.rfile.read(wanted)
            if len(data) < wanted:
                raise _RefusedError(HTTPStatus.BAD_REQUEST, "the body breaks off")
            left -= wanted
            yield data

    def _take(self, body: bytes) -> None:
        counters = self.server.counters
        try:
            # It takes several times the memory of the body, and the time of a core: one after the other.
            with self.server.converting:
                batch = to_batch(body)
            is_new = self.server.segments.append(batch)
        except NotABatchError as error:
            self._count_refusal()
            self._answer(HTTPStatus.BAD_REQUEST, f"no audit events: {error}")
        except BacklogFullError as error:
            self._count_refusal()
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, f"the backlog is full: {error}")
        except OSError as error:
            self._count_refusal()
            log.warning("a batch cannot be kept, and the server is told to send it again: %s", error.strerror)
            # After a reload another receiver has the address: it is found with a new connection only.
            self.close_connection = True
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, f"it cannot be kept: {error.strerror}")
        else:
            if is_new:
                counters.add(batches=1, events=batch.events)
            else:
                counters.add(duplicates=1)
            self._answer(HTTPStatus.OK, "")

    def _answer(self, status: HTTPStatus, why: str) -> None:
        text = f"{why}\n".encode() if why else b""
        self.connection.settimeout(ASKING)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", RETRY_AFTER)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name in the base class
        """Say nothing of requests that went well; of others their answer, without a word that the peer sent."""

    def log_error(self, format: str, *args: object) -> None:  # noqa: A002, ARG002  # the names in the base class
        """Count what is no request at all."""
        self._count_refusal()
