"""`aw.tail` where calls fail: nothing is lost, what comes again is bounded, and every fault is said."""

import signal
from datetime import timedelta
from pathlib import Path

import pytest

from tests.tailing.processes import ReaderProcess, faulty
from tests.tailing.record import Ledger, Record
from tests.tailing.rotator import START, Rotator

QUICK: dict[str, object] = {"batch_age": 0.02, "patient": True}

# Faults of the directory of the state, and how the system words them.
STATE_FAULTS = [
    ("create@reader/state@EACCES", "Permission denied"),
    ("create@reader/state@EROFS", "Read-only file system"),
    ("create,write@reader/state@ENOSPC", "No space left on device"),
    ("write@reader/state@EIO", "Input/output error"),
    ("fsync@reader/state@EIO", "Input/output error"),
    ("rename@reader/state@EACCES", "Permission denied"),
]


@pytest.fixture
def log(tmp_path: Path) -> Rotator:
    """A log of 20 lines."""
    rotator = Rotator(tmp_path / "logs" / "audit.log")
    rotator.write(20)
    return rotator


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a reader has its state and its record."""
    return tmp_path / "reader"


def drain(log: Rotator, folder: Path, env: dict[str, str] | None = None) -> Record:
    """Read what is there, in a process of its own."""
    with ReaderProcess(log.path, folder, env=env, follow=False, patient=True) as reader:
        assert reader.wait() == 0, reader.said()
        return reader.record


# --- the state cannot be written -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "said"), STATE_FAULTS)
@pytest.mark.parametrize("killed", [False, True], ids=["until-it-works-again", "until-kill"])
def test_a_state_that_cannot_be_written(
    faults: Path, tmp_path: Path, log: Rotator, folder: Path, *, rule: str, said: str, killed: bool
) -> None:
    broken = tmp_path / "broken"
    with ReaderProcess(log.path, folder, env=faulty(faults, f"{rule}@while={broken}"), **QUICK) as reader:
        reader.until(lambda record: record.committed == 20)
        broken.touch()
        log.write(20)
        record = reader.until(lambda record: record.delivered == 40 and bool(record.refused))
        assert said in record.refused[0]
        assert str(folder / "state") in record.refused[0]
        log.rotate()
        log.write(20)
        record = reader.until(lambda record: record.delivered == 60)
        assert record.committed == 20
        if killed:
            reader.kill()
        else:
            broken.unlink()
            reader.until(lambda record: record.committed == 60)
            assert reader.terminate().rows == [(1, 60)]
    assert drain(log, folder).rows == ([(21, 60)] if killed else [])


@pytest.mark.parametrize("killed", [False, True], ids=["until-it-works-again", "until-kill"])
def test_a_directory_that_cannot_be_synced(
    faults: Path, tmp_path: Path, log: Rotator, folder: Path, *, killed: bool
) -> None:
    broken = tmp_path / "broken"
    env = faulty(faults, f"fsync@reader/state$@EIO@while={broken}")
    with ReaderProcess(log.path, folder, env=env, **QUICK) as reader:
        reader.until(lambda record: record.committed == 20)
        broken.touch()
        log.write(20)
        record = reader.until(lambda record: record.delivered == 40 and bool(record.refused))
        assert "Input/output error" in record.refused[0]
        assert record.committed == 20
        if killed:
            reader.kill()
        else:
            broken.unlink()
            reader.until(lambda record: record.committed == 40)
            assert reader.terminate().rows == [(1, 40)]
    # Whether the new state is there is not known: it is replaced, but a power cut could undo that.
    assert drain(log, folder).rows in ([[], [(21, 40)]] if killed else [[]])


def test_a_state_in_use(log: Rotator, folder: Path) -> None:
    with ReaderProcess(log.path, folder) as first:
        first.until(lambda record: record.committed == 20)
        with ReaderProcess(log.path, folder) as second:
            assert second.wait() == 3, second.said()
            failed = second.record.failed
        assert failed is not None
        assert failed.startswith("StateError")
        assert str(folder / "state") in failed
        assert str(first.pid) in failed
        log.write(20)
        first.until(lambda record: record.committed == 40)
        first.kill()
    log.write(1)
    assert drain(log, folder).rows == [(41, 41)]


def test_a_state_that_cannot_be_made(faults: Path, log: Rotator, folder: Path) -> None:
    env = faulty(faults, "create,mkdir@reader/state@EACCES")
    with ReaderProcess(log.path, folder, env=env) as reader:
        assert reader.wait() == 3, reader.said()
        failed = reader.record.failed
    assert failed is not None
    assert failed.startswith("StateError")
    assert "Permission denied" in failed
    assert str(folder / "state") in failed
    assert drain(log, folder).rows == [(1, 20)]


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize(
    "deadly", ["create@{}@kill", "write@{}@kill", "write@{}@torn", "fsync@{}@kill", "rename@{}@kill"]
)
def test_a_process_that_dies_while_it_writes_its_state(
    faults: Path, log: Rotator, folder: Path, deadly: str, nth: int
) -> None:
    ledger = Ledger()
    env = faulty(faults, f"{deadly.format('reader/state')}@nth={nth}")
    with ReaderProcess(log.path, folder, env=env, follow=False, batch_rows=5) as reader:
        assert reader.wait() == -signal.SIGKILL, reader.said()
        ledger.add(reader.record)
    log.write(20)
    ledger.add(drain(log, folder))
    assert ledger.delivered == ledger.committed == 40


# --- the state cannot be read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        "read@reader/state/offsets@EIO",
        "read@reader/state/offsets@EIO@first=1",
        "open@reader/state/offsets@EACCES",
        "open@reader/state/offsets@EACCES@first=1",
    ],
)
def test_a_state_that_cannot_be_read(faults: Path, log: Rotator, folder: Path, rule: str) -> None:
    drain(log, folder)
    log.write(10)
    drain(log, folder)
    log.rotate()
    log.write(10)
    with ReaderProcess(log.path, folder, env=faulty(faults, rule), follow=False, patient=True) as reader:
        status = reader.wait()
        record = reader.record
    if status == 3:
        # A refusal says why, and leaves the state as it was.
        assert record.failed is not None
        assert str(folder / "state") in record.failed
        assert drain(log, folder).rows == [(31, 40)]
    else:
        assert status == 0
        assert "state" in record.kinds()
        assert record.rows in ([(1, 40)], [(21, 40)], [(31, 40)])
        assert drain(log, folder).rows == []


def test_a_state_that_is_read_and_written_bit_by_bit(faults: Path, log: Rotator, folder: Path) -> None:
    env = faulty(faults, "read,write@reader/state@EINTR@every=2", "read,write@reader/state@short")
    assert drain(log, folder, env).rows == [(1, 20)]
    log.write(5)
    record = drain(log, folder, env)
    assert record.rows == [(21, 25)]
    assert "state" not in record.kinds()


# --- the log cannot be read ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rules",
    [
        ["read@/logs/@short"],
        ["read@/logs/@EINTR@every=2"],
        ["read@/logs/@EINTR@every=3", "read@/logs/@short"],
    ],
    ids=["short", "interrupted", "both"],
)
def test_short_and_interrupted_reads(faults: Path, log: Rotator, folder: Path, rules: list[str]) -> None:
    log.compress_now(log.rotate())
    log.write(20)
    with ReaderProcess(log.path, folder, env=faulty(faults, *rules), **QUICK) as reader:
        reader.until(lambda record: record.committed == 40)
        for _ in log.write_halves():
            reader.until(lambda record: record.committed == 40)
        steps = log.compress(log.rotate(), 3)
        next(steps)
        log.write(20)
        reader.until(lambda record: record.committed == 61)
        list(steps)
        log.write(20)
        reader.until(lambda record: record.committed == 81)
        record = reader.terminate()
    assert record.rows == [(1, 81)]
    assert record.rejected == 0
    assert not record.kinds() & {"unreadable", "gap", "replay", "truncated"}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("read@/logs/@EIO", "Input/output error"),
        ("open@/logs/@EACCES", "Permission denied"),
        ("open@/logs/@EMFILE", "Too many open files"),
    ],
)
@pytest.mark.parametrize("compress", [False, True], ids=["plain", "compressed"])
def test_a_log_that_cannot_be_read_for_a_while(
    faults: Path, tmp_path: Path, log: Rotator, folder: Path, *, rule: str, said: str, compress: bool
) -> None:
    broken = tmp_path / "broken"
    with ReaderProcess(log.path, folder, env=faulty(faults, f"{rule}@while={broken}"), **QUICK) as reader:
        reader.until(lambda record: record.committed == 20)
        broken.touch()
        log.write(10)
        backup = log.rotate()
        log.write(10)
        if compress:
            log.compress_now(backup)
        record = reader.until(lambda record: "unreadable" in record.kinds())
        assert any(said in message for message in record.messages("unreadable"))
        broken.unlink()
        reader.until(lambda record: record.committed == 40)
        record = reader.terminate()
    assert record.rows == [(1, 40)]
    assert "readable" in record.kinds()
    assert record.report is not None
    assert record.report["gaps"] == record.report["errors"] == []


def test_a_log_that_is_unreadable_at_first(faults: Path, log: Rotator, folder: Path) -> None:
    log.rotate()
    log.write(10)
    with ReaderProcess(log.path, folder, env=faulty(faults, "read@/logs/@EIO@first=3"), **QUICK) as reader:
        reader.until(lambda record: record.committed == 30)
        record = reader.terminate()
    assert record.rows == [(1, 30)]
    assert "unreadable" in record.kinds()


# --- the clock jumps -------------------------------------------------------------------------------------------------

JUMPS = [timedelta(days=-1), timedelta(days=3), timedelta(hours=-1), timedelta(days=-400), timedelta(0)]


def jump(log: Rotator, clock: Path, by: timedelta) -> None:
    """Set the clocks of the reader and of the writer, and let the log rotate twice."""
    clock.write_text(str(int(by.total_seconds())))
    for number in range(2):
        log.now = START + by + timedelta(hours=1, seconds=number)
        log.write(10)
        backup = log.rotate()
        log.write(10)
        log.compress_now(backup)


def test_a_clock_that_jumps_while_it_reads(faults: Path, tmp_path: Path, log: Rotator, folder: Path) -> None:
    clock = tmp_path / "clock"
    with ReaderProcess(log.path, folder, env=faulty(faults, clock=clock), **QUICK) as reader:
        for by in JUMPS:
            jump(log, clock, by)
            reader.until(lambda record: record.committed == log.last)
        record = reader.terminate()
    assert record.rows == [(1, log.last)]
    assert record.report is not None
    assert record.report["gaps"] == []


def test_a_clock_that_jumps_while_nobody_reads(faults: Path, tmp_path: Path, log: Rotator, folder: Path) -> None:
    clock = tmp_path / "clock"
    seen: set[int] = set()
    for by in [timedelta(0), *JUMPS]:
        record = drain(log, folder, faulty(faults, clock=clock))
        numbers = [number for first, last in record.rows for number in range(first, last + 1)]
        again = seen & set(numbers)
        assert len(numbers) == len(set(numbers))
        assert not again or "replay" in record.kinds(), f"again, in silence: {sorted(again)}"
        seen |= set(numbers)
        assert seen == set(range(1, log.last + 1))
        jump(log, clock, by)
