"""A server's webhook backend, an agent that dies, and a sink that is down: 200 was a promise."""

import http.client
import socket
import threading
import time
from pathlib import Path

from tests.engine.process import AgentProcess
from tests.intake import Intake, Reply, always
from tests.tailing.lines import line

BATCH, BATCHES = 20, 60
KILLS = 4
PATIENCE = 120

OWN = """\
auditwake:
  webhook:
    - address: 127.0.0.1:{port}
      token: opensesame
      source: kubernetes.audit
      service: audit
      max_backlog_bytes: {backlog}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def batch(first: int, count: int = BATCH) -> bytes:
    events = b",".join(line(number).strip() for number in range(first, first + count))
    return b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[' + events + b"]}\n"


def post(port: int, body: bytes) -> int:
    """Send a batch once; 0 where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", "/", body, {"Authorization": "Bearer opensesame"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def insist(port: int, body: bytes) -> list[int]:
    """Send a batch until it is taken, as the server does; give the answers."""
    answers: list[int] = []
    until = time.monotonic() + PATIENCE
    while not answers or answers[-1] != 200:
        assert time.monotonic() < until, answers
        answers.append(post(port, body))
        if answers[-1] != 200:
            time.sleep(0.02)
    return answers


def test_every_batch_that_was_taken_arrives(tmp_path: Path) -> None:
    port = free_port()
    own = OWN.format(port=port, backlog=1 << 30)
    with (
        Intake(always(Reply(503))) as intake,
        AgentProcess(tmp_path, tmp_path / "none.log", intake.url, own=own) as agent,
    ):
        agent.start()
        server = threading.Thread(
            target=lambda: [insist(port, batch(1 + BATCH * number)) for number in range(BATCHES)], daemon=True
        )
        server.start()
        for turn in range(KILLS):
            seen = intake.seen
            agent.until(lambda _now, seen=seen: intake.seen > seen + 2)
            if turn == KILLS // 2:
                intake.answer = always()
            agent.kill()
            agent.start()
        server.join(PATIENCE)
        assert not server.is_alive()
        agent.until(lambda _now: intake.oracle.last == BATCH * BATCHES)
        agent.until(lambda now: all(route.in_flight_payloads == 0 for one in now.sources for route in one.routes))
        agent.terminate()
        intake.oracle.check(BATCH * BATCHES)
        # A kill in the middle of a write leaves a piece of a line, whose batch was not answered: it came again.
        pieces = [piece.rstrip(b"\n") for piece in agent.quarantine()]
        events = [line(number).rstrip(b"\n") for number in range(1, BATCH * BATCHES + 1)]
        assert len(pieces) <= KILLS
        assert all(any(event.startswith(piece) and event != piece for event in events) for piece in pieces), pieces


def test_a_backlog_that_is_full_is_taken_later(tmp_path: Path) -> None:
    port = free_port()
    own = OWN.format(port=port, backlog=1 << 20)
    with (
        Intake(always(Reply(503))) as intake,
        AgentProcess(tmp_path, tmp_path / "none.log", intake.url, own=own) as agent,
    ):
        agent.start()
        many = 400  # events of a batch: some 300 kB
        taken = 0
        insist(port, batch(1, many))
        while post(port, batch(1 + many * (taken + 1), many)) == 200:
            taken += 1
        assert 1 <= taken < 10
        assert post(port, batch(1 + many * (taken + 1), many)) == 503
        intake.answer = always()
        agent.until(lambda _now: intake.oracle.last == many * (taken + 1))
        intake.oracle.check(many * (taken + 1))
        agent.terminate()
