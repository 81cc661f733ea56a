"""What a tail says of itself: counters, events, gaps, and how long unread bytes have left."""

import os
import sys
import time
from dataclasses import fields
from pathlib import Path

import pytest

import auditwake as aw
from auditwake import _core
from auditwake.tail import StreamStats, TailStats
from tests.tailing.lines import line
from tests.tailing.rotator import Rotator
from tests.tailing.taken import Taken, drain, follow, nothing_comes

SIZE = len(line(1))
MIB = 1 << 20


def test_counters_of_a_log_that_is_read(log: Rotator, state: Path) -> None:
    log.write(5)
    log.compress_now(log.rotate())
    log.append(b"no event\n")
    log.write(5)
    taken = drain(log.path, state)
    (stream,) = taken.stats.streams
    size = 10 * SIZE + len(b"no event\n")
    assert (stream.path, stream.file) == (str(log.path), str(log.path))
    assert (stream.bytes, stream.lines, stream.offset) == (size, 11, log.path.stat().st_size)
    assert (stream.outcomes.events, stream.outcomes.rejected.lines) == (10, 1)
    assert (stream.lag_bytes, stream.lag_seconds, stream.uncommitted_bytes) == (0, 0.0, 0)
    assert (stream.rotations, stream.replays, stream.truncations) == (0, 0, 0)
    assert (stream.gaps, stream.lost_bytes) == (0, 0)
    assert (stream.held_deleted_files, stream.held_deleted_bytes) == (0, 0)
    assert (stream.error, stream.time_to_loss) == (None, None)


def test_sums_are_over_all_logs(tmp_path: Path) -> None:
    logs = [Rotator(tmp_path / name / "audit.log") for name in ("a", "b")]
    for place, log in enumerate(logs):
        log.write(3 + place)
    taken = drain([log.path for log in logs], None, commit=False)
    stats = taken.stats
    assert [stream.lines for stream in stats.streams] == [3, 4]
    assert (stats.lines, stats.bytes, stats.uncommitted_bytes) == (7, 7 * SIZE, 7 * SIZE)
    assert (stats.gaps, stats.lost_bytes, stats.lag_bytes, stats.lag_seconds) == (0, 0, 0, 0.0)
    assert stats.time_to_loss is None
    assert (stats.outcomes.events, stats.outcomes.ok.bytes, stats.outcomes.reasons["rejected"]) == (7, 7 * SIZE, {})


OF_ONE_LOG = {"path", "file", "offset", "committed_file", "committed_offset", "error"}
WORST = {"lag_seconds": 2.0, "time_to_loss": 1.0}


def test_all_that_can_be_summed_is() -> None:
    """Each field of a log is one of the whole, but for those that are of one log alone."""
    outcomes = [aw.read(aw.demo.LOG), aw.read(aw.demo.LOG)]
    rows = [sum(batch.num_rows for batch in one) for one in outcomes]
    names = [one.name for one in fields(StreamStats)]
    numbers = {name: 0 for name in names if name not in OF_ONE_LOG | {"outcomes"}}
    streams = tuple(
        StreamStats(
            path=str(number),
            file=None,
            offset=0,
            committed_file=None,
            committed_offset=0,
            error=None,
            outcomes=one.outcomes,
            **dict.fromkeys(numbers, number),
        )
        for number, one in enumerate(outcomes, 1)
    )
    whole = TailStats(streams)
    for name in numbers:
        assert getattr(whole, name) == WORST.get(name, 3), name
    assert whole.outcomes.events == sum(rows)
    assert whole.outcomes.bytes == sum(one.outcomes.bytes for one in outcomes)
    assert {name for name in names if not hasattr(whole, name)} == OF_ONE_LOG
    assert TailStats(()).outcomes == _core.Outcomes()


def test_uncommitted_bytes_are_what_was_handed_out(log: Rotator, state: Path) -> None:
    log.write(6)
    with follow(log.path, state, batch_rows=2, follow=False) as tail:
        sizes = []
        batches = []
        for batch in tail:
            batches.append(batch)
            sizes.append(tail.stats.uncommitted_bytes)
        assert sizes == [2 * SIZE, 4 * SIZE, 6 * SIZE]
        batches[1].commit()
        assert tail.stats.uncommitted_bytes == 6 * SIZE
        batches[0].commit()
        assert tail.stats.uncommitted_bytes == 2 * SIZE


def test_lag_is_counted_in_bytes_and_in_seconds(log: Rotator) -> None:
    log.write(1)
    with follow(log.path, None, batch_rows=1) as tail:
        taken = Taken().until(tail, 1)
        log.write(50)
        taken.until(tail, 3)
        assert 40 * SIZE <= tail.stats.lag_bytes <= 50 * SIZE
        time.sleep(0.2)
        assert 0.1 < tail.stats.lag_seconds < 10
        taken.until(tail, 51)
        nothing_comes(tail, 0.1)
        assert (tail.stats.lag_bytes, tail.stats.lag_seconds) == (0, 0.0)


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be deleted")
def test_a_deleted_file_is_held_no_longer_than_it_is_read(log: Rotator) -> None:
    with follow(log.path, None) as tail:
        log.write(3)
        taken = Taken().until(tail, 3)
        log.path.unlink()
        nothing_comes(tail, 0.1)
        (stream,) = tail.stats.streams
        assert (stream.held_deleted_files, stream.held_deleted_bytes) == (1, 3 * SIZE)
        log.write(2)
        taken.until(tail, 5)
        (stream,) = tail.stats.streams
        assert (stream.held_deleted_files, stream.held_deleted_bytes) == (0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="open files are counted in /proc")
def test_files_that_were_read_are_let_go(log: Rotator) -> None:
    with follow(log.path, None) as tail:
        log.write(1)
        taken = Taken().until(tail, 1)
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        for _ in range(10):
            backup = log.rotate()
            log.write(1)
            taken.until(tail, log.last)
            log.compress_now(backup)
            log.drop_oldest()
        nothing_comes(tail, 0.2)
        assert len(os.listdir("/proc/self/fd")) <= before + 1  # noqa: PTH208
        assert taken.rows == [(1, 11)]


def test_events_say_what_happened_in_order(log: Rotator, state: Path) -> None:
    with follow(log.path, state) as tail:
        log.write(3)
        taken = Taken().until(tail, 3)
        backup = log.rotate()
        log.write(3)
        taken.until(tail, 6)
        os.truncate(log.path, 0)
        log.write(2)
        taken.until(tail, 8)
    events = [event for event in taken.events if event.kind in {"rotated", "truncated"}]
    assert [event.kind for event in events] == ["rotated", "truncated"]
    assert [event.file for event in events] == [str(backup), str(log.path)]
    assert [event.number for event in taken.events] == list(range(len(taken.events)))
    assert {event.stream for event in taken.events} == {str(log.path)}
    assert all(event.message for event in taken.events)


def test_a_gap_says_where_and_what_to_do(log: Rotator, state: Path) -> None:
    log.write(3)
    drain(log.path, state)
    log.write(4)
    log.rotate()
    log.write(2)
    with follow(log.path, state, batch_rows=1) as tail:
        taken = Taken()
        batch = tail.next(timeout=10)
        assert batch is not None
        taken.add(batch)
        backup = log.backups()[0]
        batch.commit()
    backup.unlink()
    taken = drain(log.path, state)
    (gap,) = taken.gaps
    assert (gap.stream, gap.file, gap.offset, gap.bytes) == (str(log.path), str(backup), 4 * SIZE, 3 * SIZE)
    assert (gap.certain, gap.reason) == (True, "deleted")
    assert "keep more backups" in gap.message
    (stream,) = taken.stats.streams
    assert (stream.gaps, stream.lost_bytes) == (1, 3 * SIZE)
    assert [event.kind for event in taken.events if event.kind == "gap"] == ["gap"]


# --- how long unread bytes have left ---------------------------------------------------------------------------------


def write_for_a_while(log: Rotator, tails: list[aw.Tail]) -> float:
    """Write at some rate, long enough to measure it; return the rate in bytes a second."""
    began, first = time.monotonic(), log.last
    while time.monotonic() < began + 2.5:
        log.write(5)
        for tail in tails:
            tail.next(timeout=0.05)
    return (log.last - first) * SIZE / (time.monotonic() - began)


def test_the_time_to_loss_is_the_time_to_the_rotation_that_deletes(log: Rotator) -> None:
    retention = aw.Retention(maxsize=1, maxbackup=2)
    with follow(log.path, None, retention=retention) as tail:
        log.write(1)
        Taken().until(tail, 1)
        assert tail.stats.time_to_loss is None
        rate = write_for_a_while(log, [tail])
        left = tail.stats.time_to_loss
    # The live file goes when two more have been filled after it.
    expected = (3 * MIB - log.path.stat().st_size) / rate
    assert expected / 3 < (left or 0) < expected * 3


def test_more_backups_are_more_time_and_all_backups_are_all_time(log: Rotator) -> None:
    kept = [aw.Retention(maxsize=1, maxbackup=backups) for backups in (1, 10, 0)]
    tails = [follow(log.path, None, retention=one) for one in kept]
    log.write(1)
    write_for_a_while(log, tails)
    few, many, all_of_them = [tail.stats.time_to_loss for tail in tails]
    for tail in tails:
        tail.close()
    assert few is not None
    assert many is not None
    assert few < many
    assert all_of_them is None


def test_without_retention_and_deletions_nothing_is_forecast(log: Rotator) -> None:
    with follow(log.path, None) as tail:
        log.write(1)
        Taken().until(tail, 1)
        write_for_a_while(log, [tail])
        assert tail.stats.time_to_loss is None
