"""The agent's socket: nobody else's, from the first moment on, and no peer can hold the agent up."""

import errno
import json
import os
import socket
import socketserver
import stat
import subprocess
import sys
import threading
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auditwake.errors import AuditwakeError
from auditwake.forwarder.bounded import BoundedThreads
from auditwake.forwarder.snapshot import AgentSnapshot
from auditwake.forwarder.status import Filters, StatusServer, ask_status, follow
from auditwake.forwarder.status.endpoint import HAS_UNIX, connect, listen
from auditwake.forwarder.status.peers import is_allowed
from auditwake.forwarder.status.server import MOST_REQUEST
from auditwake.forwarder.taps import Taps
from tests.engine.process import AgentProcess
from tests.serving import KINDS, SOURCE, Make, listening, needs_unix
from tests.standing import healthy, troubled


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
        with pytest.raises(AuditwakeError, match="only the agent's own user and root may ask it"):
            ask_status(place)
        with pytest.raises(AuditwakeError, match="only the agent's own user and root may ask it"):
            next(follow(place, Filters()))


@needs_unix
@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can become another user")
def test_a_running_agent_tells_another_user_nothing(tmp_path: Path) -> None:
    """Its socket is opened for all, so that the agent itself is what keeps others out."""
    log = tmp_path / "audit.log"
    code = (
        "import os, sys; from pathlib import Path\n"
        "from auditwake.forwarder.status import Filters, ask_status, follow\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "for ask in (ask_status, lambda path: next(follow(path, Filters()))):\n"
        "    try: print(ask(Path(sys.argv[1])))\n"
        "    except Exception as error: print(error)\n"
    )
    with AgentProcess(tmp_path, log, "http://127.0.0.1:9") as agent:
        agent.start()
        agent.until(lambda _snapshot: True)
        place = agent.state / "agent.sock"
        place.chmod(0o666)
        open_the_way(place)
        done = subprocess.run([sys.executable, "-c", code, str(place)], check=True, capture_output=True, text=True)
        agent.terminate()
    assert done.stdout == f"{place}: only the agent's own user and root may ask it\n" * 2


def open_the_way(place: Path) -> None:
    """Let every user come to a socket's directory."""
    for folder in place.parents:
        if folder.owner() == "root" and os.access(folder, os.W_OK) and str(folder).startswith("/tmp/pytest"):  # noqa: S108
            folder.chmod(0o755)


@needs_unix
@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can become another user")
def test_another_user_cannot_open_it(place: Path, serve: Make) -> None:
    serve()
    # So that the mode of the socket itself is what keeps others out.
    open_the_way(place)
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
        # Whoever is sent away early can write nothing more, and may not hear why.
        for peer in peers[::2]:
            with suppress(BrokenPipeError):
                peer.sendall(b'{"command":')
        for peer in peers:
            peer.settimeout(20)
            with suppress(ConnectionResetError):
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


@needs_unix
def test_an_agent_that_breaks_off_has_not_stopped_in_good_order(place: Path) -> None:
    """Nothing was answered, so nobody is told that the stream has come to its end."""
    with closing(listen(place).listener) as listener:

        def breaks_off() -> None:
            for _ in range(2):
                listener.accept()[0].close()

        thread = threading.Thread(target=breaks_off)
        thread.start()
        for ask in (ask_status, lambda path: next(follow(path, Filters()), None)):
            with pytest.raises(AuditwakeError, match="agent"):
                ask(place)
        thread.join(20)


@pytest.mark.parametrize(("command", "end"), [("status", b""), ("stream-logs", b"auditwake: the agent has stopped\n")])
def test_any_text_is_shown_on_any_output(serve: Make, place: Path, command: str, end: bytes) -> None:
    """An output in ASCII, as of a container without a locale, shows what it cannot write as escapes."""
    taps, tagged = Taps(), replace(SOURCE, tags=("größe:ü",))
    server = serve(lambda: replace(healthy(), warnings=("größe",)), taps)
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    asks = [sys.executable, "-m", "auditwake", "agent", command, "--socket", str(place)]
    with subprocess.Popen(asks, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as process:
        if command == "stream-logs":
            listening(taps)
            taps.publish(tagged, ["é".encode()])
            assert process.stdout is not None
            assert process.stdout.readline().endswith(b"Message: \\xe9\n")
            server.stop()
        said, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, end)
    assert command == "stream-logs" or b"gr\\xf6\\xdfe" in said


def test_without_a_file_descriptor_it_waits_rather_than_spins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that cannot be accepted stays there to be accepted: a loop would take a whole core."""
    slept: list[float] = []

    class Full(socketserver.TCPServer):
        def get_request(self) -> tuple[socket.socket, object]:
            raise OSError(errno.EMFILE, "too many open files")

    class Server(BoundedThreads, Full):
        pass

    monkeypatch.setattr("auditwake.forwarder.bounded.time.sleep", slept.append)
    with Server(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server, pytest.raises(OSError, match="too many"):
        server.get_request()
    assert slept == [0.1]
