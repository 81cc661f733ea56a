"""Lines that are long, torn, empty or late, and files that break off: none of them stops a tail."""

import gzip
import os
import random
import time
from pathlib import Path

import pytest

import auditwake as aw
from tests.tailing.lines import line
from tests.tailing.rotator import Rotator
from tests.tailing.taken import Taken, drain, follow, nothing_comes

MIB = 1 << 20


@pytest.mark.parametrize("mib", [1, 3, 30])
def test_a_long_line_does_not_stop_the_log(log: Rotator, state: Path, mib: int) -> None:
    with follow(log.path, state) as tail:
        log.write(2)
        taken = Taken().until(tail, 2)
        log.length = mib * MIB
        log.write(1)
        log.length = 0
        log.write(2)
        assert taken.until(tail, 5).rows == [(1, 5)]
        assert max(place.end - place.start for place in taken.places) >= mib * MIB
    assert drain(log.path, state).rows == []


def test_a_line_that_is_longer_than_allowed_costs_only_itself(log: Rotator, state: Path) -> None:
    with follow(log.path, state, max_line_bytes=MIB) as tail:
        log.write(2)
        taken = Taken().until(tail, 2)
        log.append(b"x" * (3 * MIB) + b"\n")
        log.write(2)
        assert taken.until(tail, 4).rows == [(1, 4)]
        (long,) = taken.rejected
        assert long.length == 3 * MIB + 1
        (stream,) = taken.stats.streams
        assert stream.outcomes.bytes == stream.offset == log.path.stat().st_size
    assert drain(log.path, state, max_line_bytes=MIB).batches == []


def test_an_event_that_is_longer_than_allowed_is_counted(log: Rotator, state: Path) -> None:
    log.write(1)
    log.length = 3 * MIB
    log.write(1)
    log.length = 0
    log.write(1)
    taken = drain(log.path, state, max_line_bytes=MIB)
    assert {1, 3} <= set(taken.numbers) <= {1, 2, 3}
    outcomes = taken.stats.streams[0].outcomes
    assert outcomes.rejected.lines + outcomes.repaired.lines == 1
    assert outcomes.bytes == log.path.stat().st_size
    assert drain(log.path, state, max_line_bytes=MIB).batches == []


def test_half_a_line_waits_for_its_end(log: Rotator) -> None:
    with follow(log.path, None) as tail:
        log.write(1)
        taken = Taken().until(tail, 1)
        for _ in log.write_halves():
            nothing_comes(tail, 0.5)
        taken.until(tail, 2)
        for byte in line(3):
            log.append(bytes([byte]))
        log.last = 3
        assert taken.until(tail, 3).rows == [(1, 3)]
        assert taken.rejected == []


def test_half_a_line_before_a_rotation_gets_its_end_from_who_holds_the_file(log: Rotator) -> None:
    with follow(log.path, None) as tail:
        log.write(1)
        taken = Taken().until(tail, 1)
        with log.path.open("ab", buffering=0) as old:
            old.write(line(2)[:100])
            nothing_comes(tail, 0.1)
            log.rotate()
            log.last = 2
            nothing_comes(tail, 0.5)
            old.write(line(2)[100:])
            taken.until(tail, 2)
        log.write(1)
        assert taken.until(tail, 3).rows == [(1, 3)]
        assert taken.rejected == []


def test_half_a_line_whose_end_cannot_come_any_more_is_rejected(log: Rotator, state: Path) -> None:
    with follow(log.path, state) as tail:
        log.write(1)
        taken = Taken().until(tail, 1)
        log.append(line(2)[:100])
        nothing_comes(tail, 0.1)
        log.compress_now(log.rotate())
        log.last = 2
        log.write(1)
        taken.until(tail, 3)
        assert taken.numbers == [1, 3]
        assert [one.bytes for one in taken.rejected] == [line(2)[:100]]
    assert drain(log.path, state).batches == []


def test_an_event_behind_a_torn_one_is_kept(log: Rotator) -> None:
    """After a crash the server appends directly behind what it had begun to write."""
    log.write(1)
    log.append(line(2)[:200])
    log.last = 2
    log.write(1)
    taken = drain(log.path, None)
    assert taken.numbers == [1, 3]
    assert [one.bytes for one in taken.rejected] == [line(2)[:200]]


# --- NULs ------------------------------------------------------------------------------------------------------------


def test_a_file_of_nuls_is_passed_and_the_place_kept(log: Rotator, state: Path) -> None:
    """Sparse, ten MiB long, and then it is written on."""
    log.path.touch()
    os.truncate(log.path, 10 * MIB)
    with follow(log.path, state) as tail:
        nothing_comes(tail, 0.2) if tail.next(timeout=0.5) is None else tail.commit()
        log.write(2)
        taken = Taken().until(tail, 2)
        assert taken.rows == [(1, 2)]
        (stream,) = tail.stats.streams
        assert stream.offset == log.path.stat().st_size
        assert stream.outcomes.skipped.bytes == 10 * MIB
        tail.commit()
    assert drain(log.path, state).batches == []


def test_nuls_of_a_rotated_file_are_read_once(log: Rotator, state: Path) -> None:
    log.path.write_bytes(bytes(MIB))
    log.rotate()
    log.write(1)
    for rows in ([(1, 1)], []):
        taken = drain(log.path, state)
        assert taken.rows == rows
        assert taken.kinds() <= {"rotated"}


# --- what breaks off -------------------------------------------------------------------------------------------------


def cut_gzip(log: Rotator) -> int:
    """Leave half of a compressed file and no plain one; return its last whole line."""
    log.length = 1000
    log.write(400)
    backup = log.rotate()
    packed = gzip.compress(backup.read_bytes(), 1)
    backup.unlink()
    backup.with_name(backup.name + ".gz").write_bytes(packed[: len(packed) // 2])
    log.write(3)
    return log.last - 3


def test_a_cut_gzip_gives_what_is_there(log: Rotator, state: Path) -> None:
    last = cut_gzip(log)
    taken = drain(log.path, state)
    (first, after) = taken.rows
    assert first[0] == 1
    assert 0 < first[1] < last
    assert after == (last + 1, last + 3)
    assert taken.rejected[-1].reason == "input_error"
    assert taken.stats.streams[0].outcomes.bytes > first[1] * 1000
    assert drain(log.path, state).rows == []


def test_a_cut_gzip_does_not_hold_up_what_is_behind_it_for_ever(log: Rotator, state: Path) -> None:
    last = cut_gzip(log)
    with follow(log.path, state) as tail:
        taken = Taken().until(tail, last + 3)
        assert taken.rows[0][0] == 1
        assert taken.rows[-1] == (last + 1, last + 3)
        assert len(taken.rows) == 2
    assert drain(log.path, state).rows == []


def test_what_is_no_gzip_behind_its_name_is_said_and_passed(log: Rotator, state: Path) -> None:
    log.write(3)
    backup = log.rotate()
    packed = bytearray(gzip.compress(backup.read_bytes()))
    rest = len(packed) - len(packed) // 2
    packed[-rest:] = random.Random(1).randbytes(rest)  # noqa: S311  # no secrets
    backup.unlink()
    backup.with_name(backup.name + ".gz").write_bytes(packed)
    log.write(2)
    taken = drain(log.path, state)
    assert taken.numbers[-2:] == [4, 5]
    assert taken.rejected or taken.gaps or "unreadable" in taken.kinds()


# --- what cannot be read for a while ---------------------------------------------------------------------------------


def test_a_log_that_can_be_read_later(log: Rotator, state: Path) -> None:
    """A link to itself cannot be opened, whoever asks."""
    log.path.symlink_to(log.path)
    with follow(log.path, state) as tail:
        nothing_comes(tail, 0.4)
        assert "unreadable" in {event.kind for event in tail.events}
        assert str(log.path) in str(tail.stats.streams[0].error)
        log.path.unlink()
        log.write(3)
        taken = Taken().until(tail, 3)
        assert taken.rows == [(1, 3)]
        assert "readable" in taken.kinds()
        assert tail.stats.streams[0].error is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all")
def test_a_log_that_may_be_read_later(log: Rotator, state: Path) -> None:
    log.write(3)
    log.path.chmod(0)
    with follow(log.path, state) as tail:
        nothing_comes(tail, 0.4)
        assert "Permission denied" in str(tail.stats.streams[0].error)
        log.path.chmod(0o600)
        assert Taken().until(tail, 3).rows == [(1, 3)]


def test_a_directory_in_place_of_the_log_is_waited_out(log: Rotator, state: Path) -> None:
    log.write(3)
    with follow(log.path, state) as tail:
        taken = Taken().until(tail, 3)
        log.rotate()
        log.path.unlink()
        log.path.mkdir()
        nothing_comes(tail, 0.4)
        log.path.rmdir()
        log.write(3)
        assert taken.until(tail, 6).rows == [(1, 6)]


def test_an_idle_log_costs_next_to_nothing(log: Rotator) -> None:
    log.write(3)
    with follow(log.path, None) as tail:
        Taken().until(tail, 3)
        nothing_comes(tail, 1.2)
        before = time.process_time()
        nothing_comes(tail, 1.5)
        assert time.process_time() - before < 0.15


def test_what_is_in_a_batch_is_there_although_the_file_is_gone(log: Rotator) -> None:
    log.write(3)
    with follow(log.path, None) as tail:
        batch = tail.next(timeout=10)
        log.path.unlink()
        assert isinstance(batch, aw.TailBatch)
        assert batch.to_pyarrow()["name"].to_pylist()[0] == "n-000000001"


def test_two_events_of_one_id_both_come(log: Rotator) -> None:
    """A user can choose the ID of a request: it says nothing about what is the same."""
    log.append(line(1) + line(1).replace(b'"get"', b'"delete"'))
    (batch,) = drain(log.path, None, columns=["audit_id", "verb"]).batches
    rows = batch.to_pyarrow().to_pylist()
    assert len({row["audit_id"] for row in rows}) == 1
    assert [row["verb"] for row in rows] == ["get", "delete"]
