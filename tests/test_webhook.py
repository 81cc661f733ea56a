"""The receiver of a server's webhook backend: 200 is a promise, and only who has a right to it is heard."""

import gzip
import http.client
import io
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

import auditwake as aw
from auditwake.errors import SourceError
from auditwake.forwarder.config.model import WebhookSource
from auditwake.forwarder.config.secret import Secret, SecretFile
from auditwake.forwarder.webhook.handler import PIECE
from auditwake.forwarder.webhook.receiver import MOST_CONNECTIONS, WebhookReceiver
from tests.serving import wait_until
from tests.tailing.lines import line

LISTS = sorted((Path(__file__).parent / "data" / "eventlist").glob("*.json.gz"))


def source(**fields: Any) -> WebhookSource:  # noqa: ANN401  # of any field
    return WebhookSource(integration="audit", file=Path("conf.yaml"), **{"address": "127.0.0.1:0", **fields})


@contextmanager
def receiving(directory: Path, **fields: Any) -> Iterator[WebhookReceiver]:  # noqa: ANN401  # as above
    receiver = WebhookReceiver(source(**fields), directory)
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.stop()


def event_list(numbers: range) -> bytes:
    items = [json.loads(line(number)) for number in numbers]
    for item in items:
        del item["kind"], item["apiVersion"]
    return json.dumps({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": items}).encode()


def post(
    receiver: WebhookReceiver, body: "bytes | io.BufferedReader | Iterator[bytes]", path: str = "/", **headers: str
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
    try:
        connection.request("POST", path, body, headers, encode_chunked="Transfer-Encoding" in headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def names(log: Path) -> list[str]:
    table = aw.read(log, columns=["name"]).to_reader().read_all()
    names: list[str] = table.column("name").to_pylist()
    return names


def test_what_a_real_server_sends_is_the_log_that_it_would_have_written(tmp_path: Path) -> None:
    assert len(LISTS) >= 1
    with receiving(tmp_path) as receiver:
        bodies = [gzip.decompress(path.read_bytes()) for path in LISTS]
        for body in bodies:
            assert post(receiver, body) == (200, "")
        got = [json.loads(one) for one in receiver.log.read_bytes().splitlines()]
    sent = [item for body in bodies for item in json.loads(body)["items"]]
    assert got == [{"kind": "Event", "apiVersion": "audit.k8s.io/v1", **item} for item in sent]
    outcomes = aw.read(receiver.log)
    assert sum(1 for _ in aw.lines(outcomes)) == outcomes.outcomes.ok.lines == len(sent)


@pytest.mark.parametrize(("before", "after"), [("}]", "}\n]"), ("}, {", "},\n{"), ("[{", "[\r\n{"), ("{", "{\n")])
def test_line_ends_in_a_list_make_no_event_of_it_twice(tmp_path: Path, before: str, after: str) -> None:
    body = event_list(range(3)).decode().replace(before, after)
    assert after in body
    with receiving(tmp_path) as receiver:
        assert post(receiver, body.encode())[0] == 200
        reader = aw.read(receiver.log, columns=["name"])
        assert reader.to_reader().read_all().num_rows == reader.outcomes.ok.lines == 3


def test_a_batch_that_is_sent_again_is_there_once_also_after_a_restart(tmp_path: Path) -> None:
    body = event_list(range(3))
    with receiving(tmp_path) as receiver:
        assert [post(receiver, body)[0] for _ in range(3)] == [200] * 3
        assert (receiver.counters.now().duplicates, receiver.counters.now().events) == (2, 3)
    with receiving(tmp_path) as receiver:
        assert post(receiver, body)[0] == 200
        assert receiver.counters.now().duplicates == 1
        assert len(names(receiver.log)) == 3


def test_another_event_with_the_same_audit_id_is_no_duplicate(tmp_path: Path) -> None:
    body = event_list(range(1))
    with receiving(tmp_path) as receiver:
        post(receiver, body)
        post(receiver, body.replace(b'"verb": "get"', b'"verb": "delete"'))
        verbs = aw.read(receiver.log, columns=["verb"]).to_reader().read_all().column("verb").to_pylist()
    assert verbs == ["get", "delete"]


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_a_batch_that_a_crash_has_left_half_is_taken_again(tmp_path: Path, kept: float) -> None:
    first, second = event_list(range(2)), event_list(range(2, 4))
    with receiving(tmp_path) as receiver:
        post(receiver, first)
        before = receiver.log.stat().st_size
        post(receiver, second)
        after = receiver.log.stat().st_size
    with receiver.log.open("r+b") as file:
        file.truncate(before + int((after - before) * kept))
    with receiving(tmp_path) as receiver:
        assert post(receiver, first)[0] == 200
        assert receiver.counters.now().duplicates == 1
        assert post(receiver, second)[0] == 200
        assert receiver.counters.now().duplicates == 1
        # And what was half there is told, not lost in silence.
        assert set(names(receiver.log)) == {f"n-{number:09}" for number in range(4)}
    with receiving(tmp_path) as receiver:
        post(receiver, second)
        assert receiver.counters.now().duplicates == 1


def test_a_crash_between_intent_and_batch_hides_no_later_batch(tmp_path: Path) -> None:
    """The place of the batch that never came is taken by the next one: the first must not count as here then."""
    lost, other = event_list(range(2)), event_list(range(5, 9))
    with receiving(tmp_path) as receiver:
        post(receiver, lost)
    receiver.log.write_bytes(b"")
    for _ in range(2):
        with receiving(tmp_path) as receiver:
            post(receiver, other)
    with receiving(tmp_path) as receiver:
        post(receiver, lost)
        assert sorted(names(receiver.log)) == [f"n-{number:09}" for number in (0, 1, 5, 6, 7, 8)]


def test_pieces_that_are_no_event_are_kept_for_the_quarantine(tmp_path: Path) -> None:
    body = event_list(range(2)).replace(b'"items": [', b'"items": [{"auditID":1 2},')
    with receiving(tmp_path) as receiver:
        assert post(receiver, body)[0] == 200
        reader = aw.read(receiver.log, columns=["name"])
        assert reader.to_reader().read_all().num_rows == 2
    assert reader.outcomes.rejected.lines == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{}", 400), (b"not json", 400), (b'{"kind":"Pod"}', 400), (b"\xff\x00", 400), (b"[" * 99999, 400)],
)
def test_what_is_no_batch_is_refused_and_leaves_nothing(tmp_path: Path, body: bytes, status: int) -> None:
    with receiving(tmp_path) as receiver:
        assert post(receiver, body)[0] == status
        assert receiver.log.stat().st_size == 0
        assert post(receiver, event_list(range(1)))[0] == 200


def test_a_body_that_is_too_large_gets_a_clear_413(tmp_path: Path) -> None:
    body = event_list(range(10))
    with receiving(tmp_path, max_body_bytes=len(body) - 1) as receiver:
        status, why = post(receiver, body)
        assert (status, "--audit-webhook-batch-max-size" in why) == (413, True)
        chunks = iter([body[:100], body[100:]])
        assert post(receiver, chunks, **{"Transfer-Encoding": "chunked"})[0] == 413
    with receiving(tmp_path, max_body_bytes=len(body)) as receiver:
        assert post(receiver, body)[0] == 200


def test_a_body_in_chunks_is_taken(tmp_path: Path) -> None:
    body = event_list(range(4))
    for size in (1, 3, 1000):
        with receiving(tmp_path / str(size)) as receiver:
            chunks = (body[at : at + size] for at in range(0, len(body), size))
            assert post(receiver, io.BufferedReader(io.BytesIO(body)))[0] == 200
            assert post(receiver, chunks, **{"Transfer-Encoding": "chunked"})[0] == 200
            assert (receiver.counters.now().duplicates, len(names(receiver.log))) == (1, 4)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/else", {}, 404),
        ("/", {"Authorization": "Bearer wrong"}, 401),
        ("/", {"Authorization": ""}, 401),
        ("/", {"Authorization": "Bearer canary-token", "Content-Encoding": "gzip"}, 415),
    ],
)
def test_who_has_no_right_is_not_heard(tmp_path: Path, path: str, headers: dict[str, str], status: int) -> None:
    right = {"Authorization": "Bearer canary-token"}
    with receiving(tmp_path, token=Secret("canary-token")) as receiver:
        got, why = post(receiver, event_list(range(1)), path, **{**right, **headers})
        assert (got, "canary" in why) == (status, False)
        assert receiver.log.stat().st_size == 0
        assert post(receiver, event_list(range(1)), **right)[0] == 200


def test_an_empty_token_lets_nobody_in(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("\n")
    with receiving(tmp_path / "log", token=SecretFile(file)) as receiver:
        for said in ("Bearer ", "Bearer", ""):
            assert post(receiver, event_list(range(1)), Authorization=said)[0] == 401


def test_plain_http_is_for_loopback_alone(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="only loopback"):
        WebhookReceiver(source(address="0.0.0.0:0"), tmp_path)


def test_a_certificate_of_ours_is_asked_for(tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    ours = authority.issue_cert("127.0.0.1")
    files = {name: tmp_path / name for name in ("cert", "key", "ca")}
    ours.cert_chain_pems[0].write_to_path(files["cert"])
    ours.private_key_pem.write_to_path(files["key"])
    authority.cert_pem.write_to_path(files["ca"])
    fields = {"cert_file": files["cert"], "key_file": files["key"], "client_ca_file": files["ca"]}

    def send(client: trustme.LeafCert | None) -> int:
        context = ssl.create_default_context(cafile=str(files["ca"]))
        if client is not None:
            client.configure_cert(context)
        connection = http.client.HTTPSConnection("127.0.0.1", receiver.port, timeout=20, context=context)
        try:
            connection.request("POST", "/", event_list(range(1)))
            return connection.getresponse().status
        finally:
            connection.close()

    with receiving(tmp_path / "log", **fields) as receiver:
        for nobody in (None, stranger.issue_cert("client")):
            with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
                send(nobody)
        assert receiver.log.stat().st_size == 0
        assert send(authority.issue_cert("kube-apiserver")) == 200


def test_no_name_server_is_asked_for_our_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def getfqdn(name: str = "") -> str:
        asked.append(name)
        return "a"

    monkeypatch.setattr(socket, "getfqdn", getfqdn)
    with receiving(tmp_path) as receiver:
        assert post(receiver, event_list(range(1)))[0] == 200
    assert asked == []


def test_peers_that_say_nothing_hold_nobody_up(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver:
        silent = [socket.create_connection(("127.0.0.1", receiver.port)) for _ in range(MOST_CONNECTIONS - 1)]
        assert post(receiver, event_list(range(1)))[0] == 200
        for one in silent:
            one.close()


def begun(receiver: WebhookReceiver, size: int, sent: bytes) -> socket.socket:
    """Begin a request whose body does not come to its end."""
    peer = socket.create_connection(("127.0.0.1", receiver.port), timeout=20)
    peer.sendall(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode() + sent)
    return peer


def test_the_bodies_of_all_connections_have_one_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = 1 << 20
    monkeypatch.setattr("auditwake.forwarder.webhook.receiver.MOST_BYTES", limit)
    with receiving(tmp_path, max_body_bytes=limit) as receiver:
        room = receiver._server.room  # noqa: SLF001  # what is in memory is seen from nowhere else
        # Each waits for one piece more.
        peers = [begun(receiver, limit, b" " * (limit // 2 - PIECE)) for _ in range(2)]
        wait_until(lambda: room.free == 0)
        # A body that says it is large takes no more than what came of it, and one for which there is no room waits.
        status, why = post(receiver, event_list(range(1)) + b" " * (3 * PIECE))
        assert (status, "send it again" in why) == (503, True)
        for peer in peers:
            peer.close()
        wait_until(lambda: room.free == limit)
        assert post(receiver, event_list(range(1)) + b" " * (3 * PIECE))[0] == 200
        # The share is given back behind the answer.
        wait_until(lambda: room.free == limit)


def test_a_refusal_for_want_of_room_says_when_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditwake.forwarder.webhook.receiver.MOST_BYTES", 1)
    with receiving(tmp_path, max_body_bytes=PIECE) as receiver:
        with receiver._server.room.lease() as lease:  # noqa: SLF001  # as above
            lease.grow(PIECE)
            connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
            connection.request("POST", "/", event_list(range(1)))
            answer = connection.getresponse()
            assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
            connection.close()
        assert post(receiver, event_list(range(1)))[0] == 200


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "+1", "1_0", "0x10", ""])
def test_a_length_that_is_none_is_refused(tmp_path: Path, length: str) -> None:
    with receiving(tmp_path) as receiver:
        peer = socket.create_connection(("127.0.0.1", receiver.port), timeout=20)
        peer.sendall(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode())
        assert peer.recv(100).startswith(b"HTTP/1.1 411 ")
        peer.close()


@pytest.mark.parametrize("chunk", [b"-1\r\n", b"1_0\r\n", b"0x1\r\n", b"\r\n", b"1\r\n{xx", b"g\r\n"])
def test_a_chunk_that_is_none_is_refused(tmp_path: Path, chunk: bytes) -> None:
    with receiving(tmp_path) as receiver:
        peer = socket.create_connection(("127.0.0.1", receiver.port), timeout=20)
        peer.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
        assert peer.recv(100).startswith(b"HTTP/1.1 400 ")
        peer.close()


def test_a_token_that_cannot_be_read_is_a_503(tmp_path: Path) -> None:
    with receiving(tmp_path / "log", token=SecretFile(tmp_path / "token")) as receiver:
        assert post(receiver, event_list(range(1)), Authorization="Bearer x")[0] == 503
        (tmp_path / "token").write_text("x")
        assert post(receiver, event_list(range(1)), Authorization="Bearer x")[0] == 200


def test_one_connection_more_than_there_are_threads_is_counted(tmp_path: Path) -> None:
    with receiving(tmp_path) as receiver:
        silent = [socket.create_connection(("127.0.0.1", receiver.port)) for _ in range(MOST_CONNECTIONS + 1)]
        wait_until(lambda: receiver.counters.now().refused == 1)
        for one in silent:
            one.close()
        # Who goes away leaves his place to others.
        wait_until(lambda: answers(receiver))


def answers(receiver: WebhookReceiver) -> bool:
    try:
        return post(receiver, event_list(range(1)))[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def test_many_senders_at_once(tmp_path: Path) -> None:
    bodies = [event_list(range(start, start + 5)) for start in range(0, 100, 5)]
    with receiving(tmp_path) as receiver:
        threads = [threading.Thread(target=post, args=(receiver, body)) for body in bodies * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(names(receiver.log)) == [f"n-{number:09}" for number in range(100)]
        assert receiver.counters.now().duplicates == len(bodies)


def test_a_full_backlog_asks_the_server_to_wait(tmp_path: Path) -> None:
    with receiving(tmp_path, max_backlog_bytes=2000) as receiver:
        assert post(receiver, event_list(range(2)))[0] == 200
        assert post(receiver, event_list(range(2, 4)))[0] == 503
        assert len(names(tmp_path)) == 2
        assert post(receiver, event_list(range(9)))[0] == 413
