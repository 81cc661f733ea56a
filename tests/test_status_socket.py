"""The agent's socket: nobody else's, from the first moment on, and no peer can hold the agent up."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from auditwake.errors import AuditwakeError
from auditwake.forwarder.config.model import LogSource
from auditwake.forwarder.snapshot import AgentSnapshot
from auditwake.forwarder.status import Filters, StatusServer, ask_status, follow
from auditwake.forwarder.status.client import Dropped
from auditwake.forwarder.status.endpoint import HAS_UNIX, connect, listen
from auditwake.forwarder.status.peers import is_allowed
from auditwake.forwarder.status.server import MOST_LISTENERS, MOST_REQUEST
from auditwake.forwarder.status.stream import Queue, stream_line
from auditwake.forwarder.taps import Taps
from tests.standing import healthy, troubled

needs_unix = pytest.mark.skipif(not HAS_UNIX, reason="there are no Unix sockets here")
KINDS = [pytest.param(True, marks=needs_unix, id="unix"), pytest.param(False, id="loopback")]
SOURCE = LogSource(
    integration="kubernetes_audit",
    file=Path("conf.yaml"),
    path="/var/log/kubernetes/apiserver/audit.log",
    service="audit",
    source="kubernetes.audit",
    tags=("env:prod",),
)

Make = Callable[..., StatusServer]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "run" / "agent.sock"


@pytest.fixture
def serve(place: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def make(
            snapshot: Callable[[], AgentSnapshot] = healthy,
            taps: Taps | None = None,
            **more: Any,  # noqa: ANN401  # as of the server
        ) -> StatusServer:
            return stack.enter_context(StatusServer(place, snapshot, taps or Taps(), **more))

        yield make


def ask_raw(place: Path, data: bytes) -> list[dict[str, Any]]:
    peer, _ = connect(place)
    with closing(peer):
        peer.settimeout(20)
        peer.sendall(data)
        return answers(peer)


def answers(peer: socket.socket) -> list[dict[str, Any]]:
    with peer.makefile("rb") as lines:
        try:
            return [json.loads(line) for line in lines]
        except ConnectionResetError:
            # It was closed before it had read what we said.
            return [{"error": "closed"}]


@pytest.mark.parametrize("unix", KINDS)
def test_the_snapshot_comes_over_whole(serve: Make, *, unix: bool) -> None:
    for snapshot in (healthy(), troubled()):
        server = serve(lambda one=snapshot: one, unix=unix)
        assert ask_status(server.path) == snapshot
        server.stop()


@needs_unix
def test_it_is_for_its_owner_only_whatever_the_umask(place: Path, serve: Make) -> None:
    former = os.umask(0)
    try:
        serve()
    finally:
        os.umask(former)
    status = place.stat()
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert [one.name for one in place.parent.iterdir()] == [place.name]


@needs_unix
@pytest.mark.skipif(sys.platform != "linux", reason="a path is named as Linux does it")
def test_no_moment_shows_it_to_others(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it comes into being it is in a directory that others cannot enter; at its place it is 0600 at once."""
    seen: list[tuple[int, int]] = []
    bind, move = socket.socket.bind, Path.replace

    class Watched(socket.socket):
        def bind(self, address: Any) -> None:  # noqa: ANN401
            bind(self, address)
            seen.append((stat.S_IMODE(Path(address).parent.stat().st_mode), 0))

    def replaced(self: Path, target: Path) -> Path:
        seen.append((stat.S_IMODE(self.parent.stat().st_mode), stat.S_IMODE(self.stat().st_mode)))
        return move(self, target)

    monkeypatch.setattr(socket, "socket", Watched)
    monkeypatch.setattr(Path, "replace", replaced)
    listen(place).close()
    assert seen == [(0o700, 0), (0o700, 0o600)]


def test_the_token_file_is_for_its_owner_only(place: Path, serve: Make) -> None:
    serve(unix=False)
    assert place.is_file()
    if os.name == "posix":
        assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_without_the_token_nothing_is_said(place: Path, serve: Make) -> None:
    serve(unix=False)
    token = json.loads(place.read_text())["token"]
    for wrong in (None, "", "x", token[:-1], token + "0", "é", 1, [token]):
        request = {"command": "status"} if wrong is None else {"command": "status", "token": wrong}
        assert ask_raw(place, json.dumps(request).encode() + b"\n") == [{"error": "the token is wrong"}]


def test_only_the_agents_user_and_root_may_ask(place: Path, serve: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    me = getattr(os, "geteuid", lambda: 0)()
    assert [is_allowed(uid) for uid in (me, 0, me + 1)] == [True, True, False]
    if HAS_UNIX:
        monkeypatch.setattr("auditwake.forwarder.status.server.peer_uid", lambda _peer: me + 1)
        serve()
        with pytest.raises(AuditwakeError, match="agent"):
            ask_status(place)


@needs_unix
@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can become another user")
def test_another_user_cannot_open_it(place: Path, serve: Make) -> None:
    serve()
    # The way to it is opened, so that the mode of the socket itself is what keeps others out.
    for folder in (place.parent, *place.parents):
        if folder.owner() == "root" and os.access(folder, os.W_OK) and str(folder).startswith("/tmp/pytest"):  # noqa: S108
            folder.chmod(0o755)
    code = (
        "import os, socket, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: socket.socket(socket.AF_UNIX).connect(sys.argv[1])\n"
        "except PermissionError: print('denied')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(place)], check=True, capture_output=True, text=True)
    assert done.stdout == "denied\n"


@pytest.mark.parametrize("unix", KINDS)
def test_what_a_dead_agent_left_is_replaced(place: Path, serve: Make, *, unix: bool) -> None:
    left = listen(place, unix=unix)
    left.listener.close()
    assert place.exists()
    serve(unix=unix)
    assert ask_status(place) == healthy()


@pytest.mark.parametrize("unix", KINDS)
def test_a_living_agent_is_left_alone(place: Path, serve: Make, *, unix: bool) -> None:
    serve(unix=unix)
    with pytest.raises(AuditwakeError, match="another agent answers there"):
        StatusServer(place, troubled, Taps())
    assert ask_status(place) == healthy()


@pytest.mark.parametrize("text", [b"", b"precious", b'{"port": 1}', b"{" * 5000])
def test_a_file_that_is_not_ours_is_left_alone(place: Path, text: bytes) -> None:
    place.parent.mkdir()
    place.write_bytes(text)
    with pytest.raises(AuditwakeError, match="something else is there"):
        StatusServer(place, healthy, Taps())
    assert place.read_bytes() == text


def test_it_is_gone_after_the_stop_unless_it_is_anothers(place: Path) -> None:
    with StatusServer(place, healthy, Taps()):
        pass
    assert not place.exists()
    with StatusServer(place, healthy, Taps()):
        place.unlink()
        place.write_text("another's")
    assert place.read_text() == "another's"


def test_a_path_that_is_too_long_says_so(tmp_path: Path) -> None:
    with pytest.raises(AuditwakeError, match="socket:"):
        StatusServer(tmp_path / ("x" * 100) / "agent.sock", healthy, Taps(), unix=True)


@pytest.mark.parametrize(
    "request_line",
    [
        b"\n",
        b"status\n",
        b"[]\n",
        b"null\n",
        b"{}\n",
        b'{"command":"stop"}\n',
        b'{"command":"stream-logs","filters":[1]}\n',
        b'{"command":"stream-logs","filters":{"where":"x"}}\n',
        b'{"command":"stream-logs","filters":{"name":1}}\n',
        b"[" * 60_000 + b"\n",
        b"\xff\xfe\n",
        b"x" * (MOST_REQUEST + 1) + b"\n",
    ],
)
def test_a_request_that_is_none_gets_an_error(place: Path, serve: Make, request_line: bytes) -> None:
    serve()
    (answer,) = ask_raw(place, request_line)
    assert set(answer) == {"error"}
    assert ask_status(place) == healthy()


def test_an_error_of_the_agent_is_no_secret(place: Path, serve: Make) -> None:
    def broken() -> AgentSnapshot:
        message = "the key is opensesame"
        raise RuntimeError(message)

    serve(broken)
    with pytest.raises(AuditwakeError, match="its log says why") as caught:
        ask_status(place)
    assert "opensesame" not in str(caught.value)


def test_silent_peers_are_sent_away_and_do_not_hold_it_up(place: Path, serve: Make) -> None:
    """More peers than there are threads say nothing, or half a line: each is sent away, and threads come back."""
    server = serve(timeout=0.2)
    with ExitStack() as stack:
        peers = [stack.enter_context(closing(connect(place)[0])) for _ in range(30)]
        for peer in peers[::2]:
            peer.sendall(b'{"command":')
        for peer in peers:
            peer.settimeout(20)
            assert {"error"} == set().union(*answers(peer))
    assert ask_status(place) == healthy()
    assert threading.active_count() < 30
    server.stop()


def test_nobody_there_is_said_plainly(place: Path) -> None:
    with pytest.raises(AuditwakeError, match="no agent is running there"):
        ask_status(place)
    listen(place).listener.close()
    with pytest.raises(AuditwakeError, match="no agent is running there"):
        ask_status(place)


# --- stream-logs -----------------------------------------------------------------------------------------------------


def wait_until(condition: Callable[[], bool]) -> None:
    waited = threading.Event()
    for _ in range(3000):
        if condition():
            return
        waited.wait(0.01)
    pytest.fail("it did not come to that")


def listening(taps: Taps) -> None:
    wait_until(lambda: taps.active)


def test_the_line_is_the_agents() -> None:
    head, _, rest = stream_line(SOURCE, b'{"kind":"Event"}', "node-1").partition(" | Timestamp: ")
    assert head == "Integration Name: kubernetes_audit | Type: file | Status: info"
    assert rest.partition(" | ")[2] == (
        "Hostname: node-1 | Service: audit | Source: kubernetes.audit | Tags: filename:audit.log,"
        'dirname:/var/log/kubernetes/apiserver,env:prod | Message: {"kind":"Event"}'
    )


@pytest.mark.parametrize("event", [b"\x1b[2J\x07", b"a\nb", b"\xff", "\u202egnp".encode(), b"a\r\n"])
def test_a_line_is_one_line_and_moves_no_cursor(event: bytes) -> None:
    assert stream_line(SOURCE, event, "h").isprintable()


@pytest.mark.parametrize("unix", KINDS)
def test_events_come_in_order_until_the_agent_stops(serve: Make, *, unix: bool) -> None:
    taps = Taps()
    server = serve(taps=taps, unix=unix)
    stream = follow(server.path, Filters())
    got: list[str | Dropped] = []
    reader = threading.Thread(target=lambda: got.extend(stream))
    reader.start()
    listening(taps)
    for start in range(0, 100, 10):
        taps.publish(SOURCE, [b"%d" % number for number in range(start, start + 10)])
    wait_until(lambda: len(got) >= 100)
    server.stop()
    reader.join(20)
    assert not taps.active
    assert [str(line).rpartition(" ")[2] for line in got] == [str(number) for number in range(100)]


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({}, True),
        ({"name": "kubernetes_audit", "type": "file", "source": "kubernetes.audit", "service": "audit"}, True),
        ({"name": "kubernetes"}, False),
        ({"type": "webhook"}, False),
        ({"source": "audit"}, False),
        ({"service": ""}, False),
    ],
)
def test_each_filter_has_to_be_equal(filters: dict[str, str], *, passes: bool) -> None:
    assert Filters.from_dict(filters).match(SOURCE) is passes


def test_a_filtered_stream_leaves_the_others_out(serve: Make) -> None:
    taps = Taps()
    server = serve(taps=taps)
    stream = follow(server.path, Filters(service="audit"))
    first: list[str | Dropped] = []
    reader = threading.Thread(target=lambda: first.append(next(stream)))
    reader.start()
    listening(taps)
    taps.publish(replace(SOURCE, service="other"), [b"hidden"])
    taps.publish(SOURCE, [b"shown"])
    reader.join(20)
    assert [str(line).rpartition(" ")[2] for line in first] == ["shown"]
    stream.close()  # type: ignore[attr-defined]  # a generator is closed


def test_a_full_queue_drops_counts_and_says_where() -> None:
    queue = Queue(most_events=3, most_bytes=10)
    queue.put(SOURCE, [b"1", b"2", b"3", b"4", b"5"])
    queue.put(SOURCE, [b"6"])
    taken, dropped = queue.take(0)
    assert ([event for _, event in taken], dropped) == ([b"1", b"2", b"3"], 3)
    queue.put(SOURCE, [b"7", b"x" * 10, b"8"])
    taken, dropped = queue.take(0)
    assert ([event for _, event in taken], dropped) == ([b"7"], 2)
    assert queue.take(0) == ([], 0)


def test_a_listener_that_does_not_read_slows_nobody(serve: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every event is either in the stream or counted as left out, and to publish never waits."""
    monkeypatch.setattr("auditwake.forwarder.status.server.Queue", partial(Queue, most_events=500))
    taps = Taps()
    server = serve(taps=taps)
    stream = follow(server.path, Filters())
    begin, ended = threading.Event(), threading.Event()
    shown, dropped = [0], [0]

    def read() -> None:
        for one in stream:
            begin.wait(60)
            if isinstance(one, Dropped):
                dropped[0] += one.events
            else:
                shown[0] += 1
            if shown[0] + dropped[0] >= 5_000:
                ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    listening(taps)
    events = [b"x" * 1000] * 500
    for _ in range(10):
        taps.publish(SOURCE, events)
    begin.set()
    assert ended.wait(60)
    server.stop()
    reader.join(20)
    assert dropped[0] > 0
    assert shown[0] + dropped[0] == 5_000


def test_listeners_are_few_and_leave_room_for_status(serve: Make, place: Path) -> None:
    taps = Taps()
    serve(taps=taps)
    with ExitStack() as stack:
        for _ in range(MOST_LISTENERS):
            peer = stack.enter_context(closing(connect(place)[0]))
            peer.sendall(b'{"command":"stream-logs"}\n')
            assert peer.recv(100)
        with pytest.raises(AuditwakeError, match="listen already"):
            next(follow(place, Filters()))
        assert ask_status(place) == healthy()
    wait_until(lambda: not taps.active)


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal")
def test_ctrl_c_leaves_at_once(serve: Make, place: Path) -> None:
    taps = Taps()
    serve(taps=taps)
    command = [sys.executable, "-m", "auditwake", "agent", "stream-logs", "--socket", str(place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        listening(taps)
        taps.publish(SOURCE, [b"one"])
        assert process.stdout is not None
        assert process.stdout.readline().endswith("| Message: one\n")
        process.send_signal(2)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, "")


def test_the_command_says_what_the_agent_says(serve: Make, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from auditwake.cli import main
    from auditwake.forwarder.status import status_text

    assert main(["agent", "status", "--socket", str(place)]) == 1
    assert "no agent is running there" in capsys.readouterr().err
    serve()
    assert main(["agent", "status", "--socket", str(place)]) == 0
    assert capsys.readouterr().out == status_text(healthy())
    assert main(["agent", "status", "--json", "--socket", str(place)]) == 0
    assert AgentSnapshot.from_dict(json.loads(capsys.readouterr().out)) == healthy()
