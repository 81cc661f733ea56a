"""Certificates that are renewed under a running agent: taken without a restart, and never half."""

import gzip
import http.client
import logging
import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
import trustme

from auditwake.errors import SourceError
from auditwake.forwarder.config.model import HttpOptions, HttpSink, WebhookSource
from auditwake.forwarder.config.secret import SecretFile
from auditwake.forwarder.engine.keys import KeyWatch
from auditwake.forwarder.renewal import AGAIN, Renewed
from auditwake.forwarder.sinks.http import Failure, HttpClient, Response
from auditwake.forwarder.webhook.receiver import WebhookReceiver
from tests.intake import Intake
from tests.tailing.lines import line

BODY: Final = gzip.compress(b"{}")
KEY: Final = "tls.key"
CERT: Final = "tls.crt"
AUTHORITY: Final = "ca.crt"


class Mounted:
    """A Secret as kubelet mounts it: links through `..data`, which is swapped as a whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._version = 0
        folder.mkdir()

    def path(self, name: str) -> Path:
        return self.folder / name

    def put(self, **files: bytes) -> None:
        """Mount another version; `tls_crt` is `tls.crt`."""
        self._version += 1
        version = self.folder / f"..{self._version}"
        version.mkdir()
        for name, data in files.items():
            (version / name.replace("_", ".")).write_bytes(data)
        link = self.folder / "..data_tmp"
        link.symlink_to(version.name)
        link.rename(self.folder / "..data")
        for name in files:
            path = self.path(name.replace("_", "."))
            if not path.is_symlink():
                path.symlink_to(Path("..data", path.name))


def pair(authority: trustme.CA, name: str = "127.0.0.1") -> tuple[bytes, bytes]:
    certificate = authority.issue_cert(name)
    return certificate.cert_chain_pems[0].bytes(), certificate.private_key_pem.bytes()


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    return Mounted(tmp_path / "tls")


# --- the thing itself ------------------------------------------------------------------------------------------------


class Clock:
    """Seconds that go on when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_cannot_be_used_leaves_the_former_in_use_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, file = Clock(), tmp_path / "number"
    file.write_text("1")
    number = Renewed("the number", [file, None], lambda: int(file.read_text()), clock)
    with caplog.at_level(logging.INFO, "auditwake"):
        file.write_text("none at all")
        for _ in range(3):
            assert number.current() == 1
            clock.now += 2 * AGAIN
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "the number" in caplog.text
        file.unlink()
        assert number.current() == 1
        file.write_text("2")
        assert [number.current(), number.current()] == [2, 2]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "INFO"]


def test_files_that_did_not_change_are_read_once(tmp_path: Path) -> None:
    file = tmp_path / "number"
    file.write_text("1")
    reads = []
    number = Renewed("it", [file], lambda: reads.append(1))
    for _ in range(5):
        number.current()
    assert len(reads) == 1


def test_the_same_files_may_be_good_later(tmp_path: Path) -> None:
    """As when there was no descriptor left to open them."""
    clock, file, broken = Clock(), tmp_path / "file", [False]
    file.write_text("1")

    def make() -> str:
        if broken[0]:
            raise OSError
        return file.read_text()

    text = Renewed("it", [file], make, clock)
    file.write_text("22")
    broken[0] = True
    assert text.current() == "1"
    broken[0] = False
    assert text.current() == "1"
    clock.now += AGAIN
    assert text.current() == "22"


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_mounted_secret_that_is_swapped_is_seen(mounted: Mounted) -> None:
    mounted.put(a=b"1")
    made = Renewed("it", [mounted.path("a")], lambda: mounted.path("a").read_bytes())
    mounted.put(a=b"2")
    assert made.current() == b"2"


def test_what_waits_because_of_a_certificate_is_tried_when_it_changes(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("ca_file", "client_cert_file", "client_key_file", "token")}
    for file in files.values():
        file.write_text("1")
    token = SecretFile(files.pop("token"))
    options = HttpOptions(url="https://127.0.0.1", token=token, **files)  # type: ignore[arg-type]  # all are paths
    watch = KeyWatch(HttpSink(http=options))
    for file in [*files.values(), token.path]:
        assert not watch.changed()
        file.write_text("22")
        assert watch.changed()
    assert KeyWatch(HttpSink(http=HttpOptions(url="https://127.0.0.1"))).idle


# --- a webhook -------------------------------------------------------------------------------------------------------


def batch(number: int) -> bytes:
    return b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[' + line(number).strip() + b"]}"


def post(connection: http.client.HTTPConnection, number: int) -> int:
    connection.request("POST", "/", batch(number))
    answer = connection.getresponse()
    answer.read()
    return answer.status


def connected(receiver: WebhookReceiver, trusted: trustme.CA, client: trustme.LeafCert) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cadata=trusted.cert_pem.bytes().decode())
    client.configure_cert(context)
    return http.client.HTTPSConnection("127.0.0.1", receiver.port, timeout=20, context=context)


@pytest.fixture
def first() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def second() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def receiver(tmp_path: Path, mounted: Mounted, first: trustme.CA) -> Iterator[WebhookReceiver]:
    cert, key = pair(first)
    mounted.put(tls_crt=cert, tls_key=key, ca_crt=first.cert_pem.bytes())
    config = WebhookSource(
        integration="audit",
        file=Path("conf.yaml"),
        address="127.0.0.1:0",
        cert_file=mounted.path(CERT),
        key_file=mounted.path(KEY),
        client_ca_file=mounted.path(AUTHORITY),
    )
    one = WebhookReceiver(config, tmp_path / "log")
    one.start()
    yield one
    one.stop()


def post_once(receiver: WebhookReceiver, trusted: trustme.CA, client: trustme.LeafCert, number: int) -> int:
    with closing(connected(receiver, trusted, client)) as connection:
        return post(connection, number)


def test_a_webhook_takes_renewed_files_and_keeps_its_connections(
    receiver: WebhookReceiver, mounted: Mounted, first: trustme.CA, second: trustme.CA
) -> None:
    with closing(connected(receiver, first, first.issue_cert("server"))) as kept:
        assert post(kept, 1) == 200
        # Half of it: the new certificate with the old key. Nothing changes for anybody.
        cert, key = pair(second)
        former = mounted.path(KEY).read_bytes()
        mounted.put(tls_crt=cert, tls_key=former, ca_crt=first.cert_pem.bytes())
        assert post_once(receiver, first, first.issue_cert("server"), 2) == 200
        mounted.put(tls_crt=cert, tls_key=key, ca_crt=second.cert_pem.bytes())
        assert post_once(receiver, second, second.issue_cert("server"), 3) == 200
        # Whom the new authority has not signed is not heard any more; who was connected goes on.
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
            post_once(receiver, second, first.issue_cert("server"), 4)
        assert post(kept, 5) == 200
    assert receiver.counters.now().batches == 4


def test_a_key_with_a_password_is_refused_and_asked_nobody_for(tmp_path: Path, first: trustme.CA) -> None:
    from cryptography.hazmat.primitives import serialization

    cert, key = pair(first)
    locked = serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"opensesame"),
    )
    (tmp_path / CERT).write_bytes(cert)
    (tmp_path / KEY).write_bytes(locked)
    config = WebhookSource(
        integration="audit",
        file=Path("conf.yaml"),
        address="127.0.0.1:0",
        cert_file=tmp_path / CERT,
        key_file=tmp_path / KEY,
    )
    with pytest.raises(SourceError, match="without a password"):
        WebhookReceiver(config, tmp_path / "log")


# --- a sink ----------------------------------------------------------------------------------------------------------


def intake_of(folder: Path, authority: trustme.CA, clients: trustme.CA | None = None) -> Intake:
    """Run an intake with a certificate of an authority, which asks for one of another."""
    folder.mkdir(exist_ok=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert, key = pair(authority)
    (folder / CERT).write_bytes(cert)
    (folder / KEY).write_bytes(key)
    context.load_cert_chain(folder / CERT, folder / KEY)
    if clients is not None:
        context.load_verify_locations(cadata=clients.cert_pem.bytes().decode())
        context.verify_mode = ssl.CERT_REQUIRED
    return Intake(tls=context)


def test_a_sink_trusts_a_renewed_authority(
    tmp_path: Path, mounted: Mounted, first: trustme.CA, second: trustme.CA
) -> None:
    mounted.put(ca_crt=first.cert_pem.bytes())
    with intake_of(tmp_path / "intake", second) as intake:
        client = HttpClient(HttpOptions(url=intake.url, ca_file=mounted.path(AUTHORITY), http2=False))
        assert isinstance(client.post(BODY), Failure)
        mounted.put(ca_crt=b"torn")
        assert isinstance(client.post(BODY), Failure)
        mounted.put(ca_crt=second.cert_pem.bytes())
        assert isinstance(client.post(BODY), Response)
        client.close()
        assert isinstance(client.post(BODY), Failure)


def test_a_sink_shows_a_renewed_certificate(
    tmp_path: Path, mounted: Mounted, first: trustme.CA, second: trustme.CA
) -> None:
    cert, key = pair(first, "agent")
    mounted.put(tls_crt=cert, tls_key=key, ca_crt=first.cert_pem.bytes())
    with intake_of(tmp_path / "intake", first, clients=second) as intake:
        options = HttpOptions(
            url=intake.url,
            ca_file=mounted.path(AUTHORITY),
            client_cert_file=mounted.path(CERT),
            client_key_file=mounted.path(KEY),
            http2=False,
        )
        client = HttpClient(options)
        assert isinstance(client.post(BODY), Failure)
        renewed, other = pair(second, "agent")
        mounted.put(tls_crt=renewed, tls_key=key, ca_crt=first.cert_pem.bytes())
        assert isinstance(client.post(BODY), Failure)
        mounted.put(tls_crt=renewed, tls_key=other, ca_crt=first.cert_pem.bytes())
        assert isinstance(client.post(BODY), Response)
        client.close()


def test_what_is_under_way_keeps_its_connection(tmp_path: Path, mounted: Mounted, first: trustme.CA) -> None:
    mounted.put(ca_crt=first.cert_pem.bytes())
    arrived, go_on = threading.Event(), threading.Event()
    with intake_of(tmp_path / "intake", first) as intake:
        client = HttpClient(HttpOptions(url=intake.url, ca_file=mounted.path(AUTHORITY), http2=False, timeout=60))
        usual = intake.answer

        def slow(request: object) -> object:
            if not arrived.is_set():
                arrived.set()
                go_on.wait(20)
            return usual(request)  # type: ignore[arg-type]  # a request is passed on

        intake.answer = slow  # type: ignore[assignment]  # as above
        outcomes: list[object] = []
        under_way = threading.Thread(target=lambda: outcomes.append(client.post(BODY)))
        under_way.start()
        assert arrived.wait(20)
        mounted.put(ca_crt=first.cert_pem.bytes())
        assert isinstance(client.post(BODY), Response)
        go_on.set()
        under_way.join(20)
        assert isinstance(outcomes[0], Response)
        client.close()


def test_a_file_that_holds_no_certificate_is_named_without_a_place_in_our_libraries(tmp_path: Path) -> None:
    file = tmp_path / "tls.crt"
    file.write_text("no certificate")
    config = WebhookSource(integration="a", file=Path("c.yaml"), address="127.0.0.1:0", cert_file=file, key_file=file)
    with pytest.raises(SourceError) as caught:
        WebhookReceiver(config, tmp_path / "log")
    assert f"cert_file {file} and its key cannot be used: PEM lib; " in str(caught.value)
