"""Peers of a webhook that are slow or hostile: none of them holds a thread that a server needs."""

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import trustme

from auditwake.forwarder.config.model import WebhookSource
from auditwake.forwarder.config.secret import Secret
from auditwake.forwarder.webhook import handler
from auditwake.forwarder.webhook.receiver import MOST_CONNECTIONS, WebhookReceiver
from tests.serving import wait_until
from tests.test_webhook import event_list, post, receiving

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


@contextmanager
def peers(receiver: WebhookReceiver, number: int, said: bytes) -> Iterator[list[socket.socket]]:
    """Connect so many peers that say this and nothing else."""
    with ExitStack() as stack:
        connected = []
        for _ in range(number):
            peer = socket.create_connection(("127.0.0.1", receiver.port), timeout=20)
            connected.append(stack.enter_context(peer))
            peer.sendall(said)
        yield connected


def is_gone(peer: socket.socket) -> bool:
    """Say one byte more, and see whether the connection has ended."""
    peer.settimeout(0)
    try:
        peer.sendall(b"x")
        return not peer.recv(65_536)
    except BlockingIOError:
        return False
    except OSError:
        return True


@pytest.mark.parametrize("said", [b"", b"P", HEAD, HEAD + b"X-A: "], ids=["nothing", "a byte", "a part", "within"])
def test_peers_that_do_not_come_to_the_end_of_their_head_make_room(tmp_path: Path, said: bytes) -> None:
    with receiving(tmp_path) as receiver, peers(receiver, MOST_CONNECTIONS + 3, said):
        wait_until(lambda: receiver.counters.now().refused >= 3)
        assert post(receiver, event_list(range(1)))[0] == 200
        # Each that was let go counts once.
        wait_until(lambda: receiver.counters.now().refused == 4)


def test_a_server_that_was_heard_is_kept_before_all_others(tmp_path: Path) -> None:
    with receiving(tmp_path, token=Secret("canary")) as receiver:
        server = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
        for number in range(2):
            with peers(receiver, MOST_CONNECTIONS + 3, HEAD):
                server.request("POST", "/", event_list(range(number + 1)), {"Authorization": "Bearer canary"})
                answer = server.getresponse()
                assert (answer.status, answer.read(), server.sock is None) == (200, b"", False)
        server.close()


def test_a_handshake_that_does_not_end_makes_room(tmp_path: Path) -> None:
    authority = trustme.CA()
    files = {name: tmp_path / name for name in ("cert_file", "key_file")}
    leaf = authority.issue_cert("127.0.0.1")
    leaf.cert_chain_pems[0].write_to_path(files["cert_file"])
    leaf.private_key_pem.write_to_path(files["key_file"])
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with (
        receiving(tmp_path / "log", **files) as receiver,
        peers(receiver, MOST_CONNECTIONS + 3, b"\x16\x03\x01"),
    ):
        server = http.client.HTTPSConnection("127.0.0.1", receiver.port, timeout=20, context=context)
        server.request("POST", "/", event_list(range(1)))
        assert server.getresponse().status == 200
        server.close()


@pytest.mark.parametrize("said", [HEAD + b"X-A: ", b"P"])
def test_a_head_has_one_deadline_however_slowly_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(handler, "ASKING", 0.2)
    with receiving(tmp_path) as receiver, peers(receiver, 1, said) as (peer,):
        wait_until(lambda: is_gone(peer))
        assert receiver.counters.now().refused == 1


def test_a_body_has_one_deadline_however_slowly_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "BODY", 0.2)
    said = HEAD + b"Content-Length: 100000\r\n\r\n"
    with receiving(tmp_path) as receiver, peers(receiver, 1, said) as (peer,):
        wait_until(lambda: is_gone(peer))
        assert receiver.counters.now().refused == 1


def test_who_is_refused_is_listened_to_for_a_moment_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "LINGER", 0.2)
    said = HEAD + b"Content-Length: 100000\r\n\r\n"
    with receiving(tmp_path, token=Secret("canary")) as receiver, peers(receiver, 1, said) as (peer,):
        assert peer.recv(12) == b"HTTP/1.1 401"
        wait_until(lambda: is_gone(peer))
        assert receiver.counters.now().refused == 1


def test_a_connection_that_is_closed_for_its_silence_is_no_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "SILENCE", 0.1)
    with receiving(tmp_path) as receiver:
        server = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
        server.request("POST", "/", event_list(range(1)))
        assert server.getresponse().read() == b""
        assert server.sock.recv(1) == b""
        assert receiver.counters.now().refused == 0
        server.close()


def test_a_server_that_is_connected_finds_the_receiver_of_a_changed_configuration(tmp_path: Path) -> None:
    """Answers of a receiver that has ended would else go on for as long as the server keeps its connection."""
    with receiving(tmp_path) as former:
        port = former.port
        server = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        server.request("POST", "/", event_list(range(1)))
        assert server.getresponse().read() == b""
    config = WebhookSource(integration="audit", file=Path("conf.yaml"), address=f"127.0.0.1:{port}", service="other")
    receiver = WebhookReceiver(config, tmp_path)
    receiver.start()
    try:
        statuses = []
        for _ in range(2):
            server.request("POST", "/", event_list(range(2)))
            answer = server.getresponse()
            answer.read()
            statuses.append(answer.status)
        assert statuses == [503, 200]
    finally:
        server.close()
        receiver.stop()
