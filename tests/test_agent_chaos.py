"""The agent as a process, while its log is rotated, its receiver fails in every way, and it is killed at any moment.

`AUDITWAKE_KILLS` is how many agents are killed (20), `AUDITWAKE_HELD` how many events are written while the key is
wrong (600; an hour of log is 360,000).
"""

import os
import random
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from auditwake.forwarder.snapshot import AgentSnapshot, RouteSnapshot
from tests.engine.process import KEY, AgentProcess
from tests.intake import Chaos, Intake, Reply, Request, limited, marked
from tests.tailing.lines import number_of
from tests.tailing.processes import SOON, wait_until, writing
from tests.tailing.rotator import Rotator

KILLS = int(os.environ.get("AUDITWAKE_KILLS", "20"))
HELD = int(os.environ.get("AUDITWAKE_HELD", "600"))
MARKED = {3, 500, 501, 777, 1500, 2222}
LIMIT = 90_000  # bytes: less than a hundred events of a KiB
WRITER = {"pad": 1024, "maxbackups": 0, "compress": True}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


def route(snapshot: AgentSnapshot) -> RouteSnapshot:
    return snapshot.sources[0].routes[0]


def receiver() -> Chaos:
    """Refuses by what is in a payload, as a receiver does; all else is chance."""
    return Chaos(1, 0.3, marked(MARKED, limited(LIMIT)))


def test_killed_agents_lose_nothing_and_repeat_only_the_same_bytes(audit_writer: Path, tmp_path: Path) -> None:
    dice = random.Random(KILLS)  # noqa: S311  # no secrets
    chaos = receiver()
    log = tmp_path / "logs" / "audit.log"
    with (
        Intake(chaos, before=chaos.before, keep=False) as intake,
        AgentProcess(tmp_path, log, intake.url) as agent,
        writing(audit_writer, log, rate=400, **WRITER) as writer,
    ):
        for _ in range(KILLS):
            agent.start()
            seen, fine = intake.seen, dice.random() < 0.8
            if fine:
                wait_until(lambda seen=seen: intake.seen > seen, agent.said)  # type: ignore[misc]
            time.sleep(dice.uniform(0, 0.5))
            agent.kill()
        last = writer.stop()
        intake.answer, intake.before = marked(MARKED, limited(LIMIT)), lambda _request: None
        agent.start()
        wait_until(lambda: intake.oracle.distinct == last - len(MARKED), lambda: (intake.oracle.arrived, agent.said()))
        agent.terminate()
        intake.oracle.check(last, without=MARKED)
        assert intake.oracle.payloads > KILLS
    assert set(agent.quarantined()) == MARKED
    assert max(agent.quarantined().values()) == 1
    assert agent.times("fault of ours") == 0
    # Without any of these, little was shown.
    assert intake.oracle.twice
    assert agent.times("are sent again in the same bytes") > KILLS / 4
    assert agent.times("is cut anew") == agent.times("has other bytes now") == 0


TABLE = """\
auditwake:
  sinks:
    - {{type: {type}, {where}: {path}, columns: [name], bodies: false, roll_seconds: 0.1}}
"""


@pytest.mark.parametrize(("type_", "where"), [("delta", "table"), ("parquet", "directory")])
def test_killed_agents_write_each_row_once(audit_writer: Path, tmp_path: Path, type_: str, where: str) -> None:
    dice = random.Random(type_)  # noqa: S311  # no secrets
    log, table = tmp_path / "logs" / "audit.log", tmp_path / "table"
    own = TABLE.format(type=type_, where=where, path=table)
    with (
        AgentProcess(tmp_path, log, "http://127.0.0.1:9", own=own) as agent,
        writing(audit_writer, log, rate=400, **WRITER) as writer,
    ):
        for _ in range(KILLS // 4):
            files = len(list(table.rglob("*.parquet")))
            agent.start()
            if dice.random() < 0.8:
                wait_until(lambda files=files: len(list(table.rglob("*.parquet"))) > files, agent.said)  # type: ignore[misc]
            time.sleep(dice.uniform(0, 0.5))
            agent.kill()
        last = writer.stop()
        agent.start().until(lambda snapshot: route(snapshot).streams and is_committed(snapshot) and is_read(snapshot))
        agent.terminate()
    assert numbers(type_, table) == list(range(1, last + 1))


def numbers(type_: str, table: Path) -> list[int]:
    """The numbers in a table, in their order; each as often as it is there."""
    if type_ == "delta":
        names = DeltaTable(table).to_pyarrow_table(columns=["name"]).column(0).to_pylist()
    else:
        names = [
            name for file in table.rglob("*.parquet") for name in pq.ParquetFile(file).read().column(0).to_pylist()
        ]
    return sorted(map(number_of, names))


def is_read(snapshot: AgentSnapshot) -> bool:
    return route(snapshot).streams[0].lag_bytes == 0


def test_status_never_lies(audit_writer: Path, tmp_path: Path) -> None:
    chaos = receiver()
    log = tmp_path / "logs" / "audit.log"
    with Intake(chaos, before=chaos.before, keep=False) as intake, AgentProcess(tmp_path, log, intake.url) as agent:
        with writing(audit_writer, log, lines=3000, **WRITER) as writer:
            agent.start()
            last = writer.finish()
        done = agent.until(lambda snapshot: route(snapshot).events_sent == last - len(MARKED))
        done = agent.until(lambda snapshot: route(snapshot).in_flight_payloads == 0 and is_committed(snapshot))
        intake.oracle.check(last, without=MARKED)
        stands, stream = route(done), route(done).streams[0]
        assert stands.events_read == stream.lines == last
        assert (stands.events_sent, stands.quarantined_events) == (last - len(MARKED), len(MARKED))
        assert (stands.quarantined_lines, stands.in_flight_bytes, stream.lag_bytes, stream.gaps) == (0, 0, 0, 0)
        assert {"400", "413"} <= set(stands.retries)
        assert stands.request_seconds["+Inf"] == stands.payloads_sent + sum(stands.retries.values())
        assert stands.bytes_sent > 1024 * stands.events_sent
        agent.terminate()


def is_committed(snapshot: AgentSnapshot) -> bool:
    return route(snapshot).streams[0].uncommitted_bytes == 0


def test_a_wrong_key_holds_and_the_right_one_goes_on(tmp_path: Path) -> None:
    def answer(request: Request) -> Reply:
        return Reply(202 if request.headers["dd-api-key"] == KEY else 403, body=b'{"errors":["Forbidden"]}')

    log = Rotator(tmp_path / "logs" / "audit.log")
    half = HELD // 2
    with Intake(answer, keep=False) as intake, AgentProcess(tmp_path, log.path, intake.url) as agent:
        agent.key_file.write_text("f" * 32)
        agent.start()
        log.write(half // 2)
        held = agent.until(lambda snapshot: route(snapshot).state == "holding")
        assert "403" in route(held).reason
        assert not held.ready
        for _ in range(5):
            log.write(half // 10)
            log.compress_now(log.rotate())
        log.write(HELD - log.last)
        agent.terminate()
        assert intake.oracle.arrived == []
        agent.start()
        agent.until(lambda snapshot: route(snapshot).state == "holding")
        agent.key_file.write_text(KEY)
        all_sent = SOON + HELD / 1000
        agent.until(
            lambda snapshot: route(snapshot).events_sent == HELD and route(snapshot).state == "running", all_sent
        )
        agent.terminate()
        intake.oracle.check(HELD)
        assert intake.oracle.twice == []
    assert agent.times(KEY) == 0
    assert agent.times("f" * 32) == 0
    assert 1 <= agent.times("403: the key") <= 4, agent.said()


def test_sigterm_loses_nothing_and_repeats_nothing(audit_writer: Path, tmp_path: Path) -> None:
    dice = random.Random(2)  # noqa: S311  # no secrets
    log = tmp_path / "logs" / "audit.log"
    with (
        Intake(keep=False) as intake,
        AgentProcess(tmp_path, log, intake.url) as agent,
        writing(audit_writer, log, rate=1000, **WRITER) as writer,
    ):
        for _ in range(4):
            seen = intake.seen
            agent.start()
            wait_until(lambda seen=seen: intake.seen > seen, agent.said)  # type: ignore[misc]
            time.sleep(dice.uniform(0, 0.4))
            agent.terminate()
        last = writer.stop()
        agent.start()
        wait_until(lambda: intake.oracle.distinct == last, lambda: (intake.oracle.arrived, agent.said()))
        agent.terminate()
        intake.oracle.check(last)
        assert intake.oracle.twice == []


def test_a_second_agent_on_the_same_state_refuses(tmp_path: Path) -> None:
    with (
        Intake() as intake,
        AgentProcess(tmp_path, tmp_path / "audit.log", intake.url) as one,
        AgentProcess(tmp_path / "other", tmp_path / "audit.log", intake.url, AUDITWAKE_STATE=str(one.state)) as other,
    ):
        one.start().until(lambda _snapshot: True)
        assert other.start().child.wait(30) == 1
        assert "in use by another agent" in other.said()
        one.terminate()
