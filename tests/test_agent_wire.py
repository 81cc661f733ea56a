"""The wire itself: HTTP/2 over TLS, certificates of ours, proxies; each time the same events arrive."""

import asyncio
import base64
import json
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, Self

import pyarrow as pa
import pytest
import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config

from auditwake import _core
from auditwake.forwarder.answers import Ack, Answer, Retry
from auditwake.forwarder.config.model import DatadogSink, HttpOptions
from auditwake.forwarder.config.secret import Secret
from auditwake.forwarder.encoding import Encoding
from auditwake.forwarder.sinks.make import make
from tests.tailing.lines import line

KEY = "0123456789abcdef0123456789abcdef"
PROXY_WORDS = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@dataclass
class Receiver:
    """What a server of another make has received."""

    port: int
    versions: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401  # ASGI
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        self.versions.append(scope["http_version"])
        self.keys |= {value.decode() for name, value in scope["headers"] if name == b"dd-api-key"}
        self.messages += [entry["message"] for entry in json.loads(body)]
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@contextmanager
def serving(folder: Path, authority: trustme.CA, *, asks: bool = False) -> Iterator[Receiver]:
    """Run Hypercorn, with HTTP/2 and with a certificate of the authority."""
    folder.mkdir(exist_ok=True)
    certificate = authority.issue_cert("127.0.0.1")
    files = {name: folder / name for name in ("cert", "key", "ca")}
    certificate.cert_chain_pems[0].write_to_path(files["cert"])
    certificate.private_key_pem.write_to_path(files["key"])
    authority.cert_pem.write_to_path(files["ca"])
    listening = socket.create_server(("127.0.0.1", 0))
    config = Config()
    config.bind = [f"fd://{listening.fileno()}"]
    config.certfile, config.keyfile = str(files["cert"]), str(files["key"])
    config.errorlog = None
    if asks:
        config.ca_certs, config.verify_mode = str(files["ca"]), ssl.CERT_REQUIRED
    receiver = Receiver(listening.getsockname()[1])
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def run() -> None:
        await serve(receiver, config, shutdown_trigger=over.wait)  # type: ignore[arg-type]  # an ASGI application

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()
        # The server has closed the descriptor.
        listening.detach()


class _Tunnel(StreamRequestHandler):
    """A proxy that knows CONNECT and one user."""

    server: "Proxy"

    def handle(self) -> None:
        words = self.rfile.readline().split()
        headers = {}
        while (text := self.rfile.readline().strip()) != b"":
            name, _, value = text.partition(b":")
            headers[name.lower()] = value.strip()
        if headers.get(b"proxy-authorization", b"") != self.server.wants:
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = words[1].decode().rpartition(":")
        self.server.asked.append(f"{host}:{port}")
        with socket.create_connection((host, int(port))) as other:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ends = {self.connection: other, other: self.connection}
            while True:
                for one in select.select(list(ends), [], [], 20)[0]:
                    data = one.recv(65536)
                    if not data:
                        return
                    ends[one].sendall(data)


class Proxy(ThreadingTCPServer):
    """Where it listens, whom it lets through, and who was asked for."""

    daemon_threads = True

    def __init__(self, user: str = "", password: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        pair = base64.b64encode(f"{user}:{password}".encode())
        self.wants = b"Basic " + pair if user else b""
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for word in PROXY_WORDS:
        for one in (word, word.lower()):
            monkeypatch.delenv(one, raising=False)


def send(receiver: Receiver, folder: Path, **options: Any) -> Answer:  # noqa: ANN401  # of HttpOptions
    url = f"https://127.0.0.1:{receiver.port}/api/v2/logs"
    given: dict[str, Any] = {"ca_file": folder / "ca", "compression": "none", **options}
    sink = make(DatadogSink(http=HttpOptions(url=url, **given), api_key=Secret(KEY)), "node-1")
    table = pa.table({"raw": pa.array([line(number).strip() for number in range(3)], pa.binary())})
    (payload,) = _core.Encoder(Encoding(format="datadog")).prepare(table, 0).payloads()
    try:
        return sink.send(payload)  # type: ignore[union-attr]  # it takes payloads
    finally:
        sink.close()


def arrived(receiver: Receiver) -> bool:
    return receiver.messages == [line(number).strip().decode() for number in range(3)] and receiver.keys == {KEY}


@pytest.mark.parametrize("version", ["2", "1.1"])
def test_http_2_is_spoken_where_it_is_offered(tmp_path: Path, authority: trustme.CA, version: str) -> None:
    with serving(tmp_path, authority) as receiver:
        assert send(receiver, tmp_path, http2=version == "2") == Ack()
        assert (receiver.versions, arrived(receiver)) == ([version], True)


def test_a_certificate_that_nobody_has_signed_is_not_trusted(tmp_path: Path, authority: trustme.CA) -> None:
    with serving(tmp_path, authority) as receiver:
        assert send(receiver, tmp_path, ca_file=None) == Retry("tls")
        assert receiver.messages == []
        assert send(receiver, tmp_path, ca_file=None, verify=False) == Ack()


def test_our_certificate_is_shown_to_who_asks(tmp_path: Path, authority: trustme.CA) -> None:
    ours = authority.issue_cert("agent")
    ours.cert_chain_pems[0].write_to_path(tmp_path / "ours.crt")
    ours.private_key_pem.write_to_path(tmp_path / "ours.key")
    with serving(tmp_path / "server", authority, asks=True) as receiver:
        refused = send(receiver, tmp_path / "server")
        assert isinstance(refused, Retry)
        assert receiver.messages == []
        files = {"client_cert_file": tmp_path / "ours.crt", "client_key_file": tmp_path / "ours.key"}
        assert send(receiver, tmp_path / "server", **files) == Ack()
        assert arrived(receiver)


def test_a_proxy_is_gone_through_with_its_credentials(tmp_path: Path, authority: trustme.CA) -> None:
    with serving(tmp_path, authority) as receiver, Proxy("me", "opensesame") as proxy:
        assert send(receiver, tmp_path, proxy=proxy.url) == Retry("proxy")
        wrong = {"proxy_username": "me", "proxy_password": Secret("wrong")}
        assert send(receiver, tmp_path, proxy=proxy.url, **wrong) == Retry("proxy")
        assert (proxy.asked, receiver.messages) == ([], [])
        right = {"proxy_username": "me", "proxy_password": Secret("opensesame")}
        assert send(receiver, tmp_path, proxy=proxy.url, **right) == Ack()
        assert (proxy.asked, arrived(receiver)) == ([f"127.0.0.1:{receiver.port}"], True)


def test_the_proxy_of_the_environment(tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path, authority) as receiver, Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert send(receiver, tmp_path) == Ack()
        assert len(proxy.asked) == 1
        assert send(receiver, tmp_path, proxy="") == Ack()
        assert len(proxy.asked) == 1
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert send(receiver, tmp_path) == Ack()
        assert len(proxy.asked) == 1
