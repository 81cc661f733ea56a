"""The tools of the tests of `aw.tail`: what proves that nothing is lost has to be proved first."""

import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

import auditwake as aw
from tests.tailing.lines import joined, line, number_of, runs
from tests.tailing.processes import faulty, writing
from tests.tailing.record import Ledger, Record, Recorder, read_record
from tests.tailing.rotator import Rotator

COPY = """
import os, sys
source = os.open(sys.argv[1], os.O_RDONLY)
target = os.open(sys.argv[2] + ".part", os.O_WRONLY | os.O_CREAT)
calls = 0
while data := os.read(source, 1 << 16):
    calls += 1
    assert os.write(target, data) == len(data)
os.fsync(target)
os.rename(sys.argv[2] + ".part", sys.argv[2])
print(calls)
"""


def copy(faults: Path, tmp_path: Path, *rules: str) -> subprocess.CompletedProcess[str]:
    """Copy `in/text` to `out/text` in a process with faults."""
    for name in ("in", "out"):
        (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / "in" / "text").write_bytes(b"0123456789")
    command = [sys.executable, "-c", COPY, str(tmp_path / "in" / "text"), str(tmp_path / "out" / "text")]
    env = faulty(faults, *rules)
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


# --- the library of faults -------------------------------------------------------------------------------------------


def test_without_a_rule_nothing_is_changed(faults: Path, tmp_path: Path) -> None:
    assert copy(faults, tmp_path).stdout == "1\n"
    assert (tmp_path / "out" / "text").read_bytes() == b"0123456789"


def test_reads_are_short(faults: Path, tmp_path: Path) -> None:
    assert copy(faults, tmp_path, "read@/in/@short").stdout == "10\n"


@pytest.mark.parametrize("path", ["/elsewhere/", "/in$"])
def test_other_paths_are_left_alone(faults: Path, tmp_path: Path, path: str) -> None:
    assert copy(faults, tmp_path, f"read@{path}@EIO").stdout == "1\n"


def test_python_tries_again_what_a_signal_broke_off(faults: Path, tmp_path: Path) -> None:
    assert copy(faults, tmp_path, "read@/in/@EINTR@every=2").stdout == "1\n"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("open@/in/@EACCES", "Permission denied"),
        ("read@/in/@EIO", "Input/output error"),
        ("read@/in/@EIO@nth=2", "Input/output error"),
        ("create@/out/@EROFS", "Read-only file system"),
        ("write@/out/@ENOSPC", "No space left on device"),
        ("write@/out/@short", "AssertionError"),
        ("fsync@/out/@EIO@first=1", "Input/output error"),
        ("fsync@.part$@EIO", "Input/output error"),
        ("rename@/out/@EACCES", "Permission denied"),
    ],
)
def test_a_call_fails(faults: Path, tmp_path: Path, rule: str, said: str) -> None:
    done = copy(faults, tmp_path, rule)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / "out" / "text").exists()


def test_a_call_fails_as_long_as_a_file_is_there(faults: Path, tmp_path: Path) -> None:
    rule = f"fsync@/out/@EIO@while={tmp_path / 'broken'}"
    assert copy(faults, tmp_path, rule).returncode == 0
    (tmp_path / "broken").touch()
    assert copy(faults, tmp_path, rule).returncode == 1


@pytest.mark.parametrize(("call", "left"), [("write", b""), ("fsync", b"0123456789"), ("rename", b"0123456789")])
def test_a_process_dies_at_a_call(faults: Path, tmp_path: Path, call: str, left: bytes) -> None:
    assert copy(faults, tmp_path, f"{call}@/out/@kill").returncode == -signal.SIGKILL
    assert (tmp_path / "out" / "text.part").read_bytes() == left


def test_a_process_dies_within_a_write(faults: Path, tmp_path: Path) -> None:
    assert copy(faults, tmp_path, "write@/out/@torn").returncode == -signal.SIGKILL
    assert (tmp_path / "out" / "text.part").read_bytes() == b"01234"


@pytest.mark.parametrize("rule", ["raed@/in/@EIO", "read@/in/@EWHAT", "read@/in/", "read@/in/@EIO@often=1"])
def test_a_rule_that_says_nothing_is_refused(faults: Path, tmp_path: Path, rule: str) -> None:
    done = copy(faults, tmp_path, rule)
    assert done.returncode == 97
    assert "AUDITWAKE_FAULTS" in done.stderr


def test_the_clock_jumps(faults: Path, tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    program = "import time, os; print(time.time())"
    env = faulty(faults, clock=clock)
    for jump in (0, -86_400, 86_400):
        clock.write_text(str(jump))
        out = subprocess.run(
            [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
        ).stdout
        assert abs(float(out) - jump - time.time()) < 60


# --- the writers -----------------------------------------------------------------------------------------------------


def numbers_in(folder: Path) -> list[int]:
    """Read a rotated set with the reader that is no tail."""
    names = pa.table(aw.read(folder, columns=["name"]))["name"]
    return [number_of(name) for name in names.to_pylist()]


def test_the_go_writer_rotates_and_compresses(audit_writer: Path, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "audit.log"
    with writing(audit_writer, log, lines=3000, pad=1024, compress=True) as writer:
        assert writer.finish() == 3000
    assert len(list(log.parent.glob("audit-*"))) >= 2
    assert log.read_bytes().startswith(b'{"kind":"Event","apiVersion":"audit.k8s.io/v1"')
    assert {len(text) for text in log.read_bytes().splitlines(keepends=True)} == {1024}


def test_both_writers_make_the_same_event(audit_writer: Path, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "audit.log"
    with writing(audit_writer, log, lines=1, first=7, pad=800) as writer:
        assert writer.finish() == 7
    ours, theirs = json.loads(line(7, 800)), json.loads(log.read_bytes())
    assert len(line(7, 800)) == len(log.read_bytes()) == 800
    for event in (ours, theirs):
        del event["requestReceivedTimestamp"], event["stageTimestamp"]
    assert ours == theirs


def test_the_go_writer_waits_for_the_reader(audit_writer: Path, tmp_path: Path) -> None:
    log, pace = tmp_path / "logs" / "audit.log", tmp_path / "pace"

    def lines() -> int:
        return log.read_bytes().count(b"\n") if log.exists() else 0

    with writing(audit_writer, log, pace_file=pace, ahead=100) as writer:
        for committed in (0, 50, 400):
            pace.write_bytes(b"%020d\n" % committed)
            deadline = time.monotonic() + 30
            while lines() < committed + 100 and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.05)
            assert lines() == committed + 100
        assert writer.stop() == 500


def test_the_go_writer_keeps_a_rate(audit_writer: Path, tmp_path: Path) -> None:
    start = time.monotonic()
    with writing(audit_writer, tmp_path / "logs" / "audit.log", rate=500, duration="400ms") as writer:
        written = writer.finish()
    assert written <= 200
    assert time.monotonic() - start >= 0.4


def test_the_rotator_leaves_every_line(tmp_path: Path) -> None:
    log = Rotator(tmp_path / "audit.log", length=800)
    for compress in (False, True, False):
        log.write(10)
        backup = log.rotate()
        if compress:
            steps = log.compress(backup, 3)
            next(steps)
            with pytest.raises(EOFError):
                gzip.decompress(Path(f"{backup}.gz").read_bytes())
            list(steps)
            assert not backup.exists()
    list(log.write_halves())
    assert numbers_in(tmp_path) == list(range(1, 32))
    log.copytruncate()
    assert log.path.stat().st_size == 0
    assert len(log.backups()) == 4
    log.drop_oldest()
    assert numbers_in(tmp_path) == list(range(11, 32))


# --- what is recorded ------------------------------------------------------------------------------------------------


def test_runs_are_folded_and_joined() -> None:
    assert runs([1, 2, 3, 5, 6, 2]) == [(1, 3), (5, 6), (2, 2)]
    assert joined([(1, 3), (4, 6), (6, 7)]) == [(1, 6), (6, 7)]


def test_a_record_is_read_without_its_torn_end(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "record")
    recorder.say(opened=True)
    recorder.say(rows=runs([1, 2]))
    recorder.say(committed=2)
    recorder.say(refused="no space")
    recorder.say(rows=runs([3]))
    with (tmp_path / "record").open("ab") as file:
        file.write(b'{"rows": [[4, 9')
    record = read_record(tmp_path / "record")
    assert record == Record(opened=True, rows=[(1, 3)], committed=2, refused=["no space"])
    assert record.delivered == 3


def test_a_ledger_lets_pass_what_may_happen() -> None:
    ledger = Ledger()
    for rows, committed in [([(1, 9)], 7), ([], 0), ([(8, 8)], 0), ([(8, 20)], 20), ([(21, 30)], 30)]:
        ledger.add(Record(rows=rows, committed=committed))
    assert (ledger.delivered, ledger.committed, ledger.again) == (30, 30, 4)


@pytest.mark.parametrize(
    ("rows", "said"),
    [([(11, 12)], "lost: 10 to 10"), ([(7, 12)], "7 again"), ([(8, 9), (11, 12)], "not one run")],
)
def test_a_ledger_finds_what_must_not_happen(rows: list[tuple[int, int]], said: str) -> None:
    ledger = Ledger()
    ledger.add(Record(rows=[(1, 9)], committed=7))
    with pytest.raises(AssertionError, match=said):
        ledger.add(Record(rows=rows))
