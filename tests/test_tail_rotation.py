"""A tail that runs while its log is rotated, compressed, copied, cut, deleted and made anew."""

import os
import time
from pathlib import Path

import pytest

import auditwake as aw
from tests.tailing.lines import line
from tests.tailing.rotator import Rotator
from tests.tailing.taken import SOON, Taken, drain, follow, nothing_comes

SIZE = len(line(1))


@pytest.fixture
def tail(log: Rotator, state: Path) -> aw.Tail:
    """A tail of the log; the file is not there yet."""
    del log
    return follow(state.parent / "logs" / "audit.log", state)


def whole(tail: aw.Tail, taken: Taken) -> Taken:
    """Hold that nothing was lost, nothing came twice, and nothing was said about either."""
    taken.ask(tail)
    assert taken.rejected == []
    assert taken.gaps == []
    assert not taken.kinds() & {"gap", "replay"}
    assert taken.stats.lag_bytes == taken.stats.uncommitted_bytes == 0
    return taken


def test_a_renamed_log_is_read_on_by_both_names(log: Rotator, tail: aw.Tail) -> None:
    with tail:
        log.write(5)
        taken = Taken().until(tail, 5)
        log.rotate()
        log.write(5)
        taken.until(tail, 10)
        assert taken.rows == [(1, 10)]
        assert whole(tail, taken).stats.streams[0].rotations == 1


def test_a_writer_that_still_holds_the_old_file(log: Rotator, tail: aw.Tail) -> None:
    """It writes to the renamed file after the new one has begun: what comes late comes, behind what was there."""
    with tail:
        log.write(5)
        taken = Taken().until(tail, 5)
        with log.path.open("ab", buffering=0) as old:
            log.rotate()
            for number in (6, 8, 10):
                old.write(line(number))
                log.append(line(number + 1))
                while len(taken.numbers) < number + 1:
                    batch = tail.next(timeout=10)
                    assert batch is not None, taken.rows
                    taken.add(batch)
                    batch.commit()
        assert sorted(taken.numbers) == list(range(1, 12))
        assert [number for number in taken.numbers if number % 2] == [1, 3, 5, 7, 9, 11]
        whole(tail, taken)


def test_a_writer_that_still_holds_the_old_file_before_the_new_one_begins(log: Rotator, tail: aw.Tail) -> None:
    with tail:
        log.write(5)
        taken = Taken().until(tail, 5)
        with log.path.open("ab", buffering=0) as old:
            log.rotate()
            nothing_comes(tail)
            old.write(line(6))
            log.last = 6
            taken.until(tail, 6)
        log.write(2)
        assert taken.until(tail, 8).rows == [(1, 8)]
        whole(tail, taken)


@pytest.mark.parametrize("compress", [False, True])
def test_many_rotations_without_a_pause(log: Rotator, tail: aw.Tail, *, compress: bool) -> None:
    with tail:
        taken = Taken()
        for _ in range(25):
            log.write(2)
            backup = log.rotate()
            if compress:
                log.compress_now(backup)
        log.write(1)
        assert taken.until(tail, 51).rows == [(1, 51)]
        for _ in range(25):
            # A look could find the new log empty, and nothing would tell it from others once it is compressed.
            log.write(1 if compress else 2)
            backup = log.rotate()
            log.write(1 if compress else 0)
            batch = tail.next(timeout=0)
            if batch is not None:
                taken.add(batch)
            if compress:
                log.compress_now(backup)
        log.write(1)
        assert taken.until(tail, 102).rows == [(1, 102)]
        tail.commit()
        whole(tail, taken)


def test_a_log_that_was_seen_empty_and_came_back_compressed(log: Rotator, tail: aw.Tail) -> None:
    """Whether the compressed file is the one that was empty, nothing tells: all is read, and the doubt is said."""
    with tail:
        log.write(1)
        taken = Taken().until(tail, 1)
        log.rotate()
        nothing_comes(tail)
        log.write(2)
        log.compress_now(log.rotate())
        log.write(1)
        assert taken.until(tail, 4).rows == [(1, 4)]
        deadline = time.monotonic() + SOON
        while not taken.ask(tail).gaps:
            assert time.monotonic() < deadline
            nothing_comes(tail)
        assert [(gap.reason, gap.certain, gap.bytes) for gap in taken.gaps] == [("missing", False, 0)]


def test_a_file_that_is_compressed_while_it_is_read(log: Rotator, tail: aw.Tail) -> None:
    """Small batches, so that the reader stands within the file when its plain form goes."""
    with tail:
        log.write(1)
        taken = Taken().until(tail, 1)
        log.write(30)
        steps = log.compress(log.rotate(), 3)
        next(steps)
        log.write(5)
        batch = tail.next(timeout=10)
        assert batch is not None
        taken.add(batch)
        list(steps)
        assert taken.until(tail, 36).rows == [(1, 36)]
        tail.commit()
        whole(tail, taken)


def test_a_growing_gzip_is_read_as_it_grows(log: Rotator, state: Path) -> None:
    """Its plain form is gone and the compressed one is not whole yet: nothing is rejected, nothing comes twice."""
    log.length = 2000
    log.write(60)
    backup = log.rotate()
    log.write(3)
    steps = log.compress(backup, 4)
    next(steps)
    plain = backup.with_name("aside")
    backup.rename(plain)
    with follow(log.path, state, batch_rows=7) as tail:
        taken = Taken()
        batch = tail.next(timeout=0.5)
        if batch is not None:
            taken.add(batch)
        plain.rename(backup)
        list(steps)
        assert taken.until(tail, 63).rows == [(1, 63)]
        tail.commit()
        assert whole(tail, taken).rejected == []
    assert drain(log.path, state).rows == []


def test_a_copied_and_truncated_log(log: Rotator, tail: aw.Tail) -> None:
    with tail:
        log.write(5)
        taken = Taken().until(tail, 5)
        for count in (3, 4):
            log.copytruncate()
            log.write(count)
            taken.until(tail, log.last)
        assert taken.rows == [(1, 12)]
        assert whole(tail, taken).stats.streams[0].truncations == 2
        assert "truncated" in taken.kinds()


def test_what_was_not_read_of_a_copied_log_is_read_from_the_copy(log: Rotator, tail: aw.Tail) -> None:
    with tail:
        log.write(5)
        taken = Taken().until(tail, 5)
        log.write(5)
        log.copytruncate()
        log.write(3)
        assert taken.until(tail, 13).rows == [(1, 13)]
        whole(tail, taken)


def test_a_writer_that_keeps_its_place_in_a_truncated_log_leaves_a_hole(log: Rotator, tail: aw.Tail) -> None:
    """Opened without O_APPEND, as kube-apiserver does: the file becomes sparse. The hole is skipped and counted."""
    with tail:
        log.write(5)
        taken = Taken().until(tail, 5)
        with log.path.open("r+b", buffering=0) as writer:
            writer.seek(0, os.SEEK_END)
            log.copytruncate()
            nothing_comes(tail)
            writer.write(line(6))
            assert log.path.stat().st_size == 6 * SIZE
            log.last = 6
            taken.until(tail, 6)
            writer.write(line(7))
            log.last = 7
            taken.until(tail, 7)
        assert taken.rows == [(1, 7)]
        assert whole(tail, taken).stats.streams[0].truncations == 1
        assert taken.stats.streams[0].outcomes.skipped.bytes == 5 * SIZE


def test_a_truncated_log_is_read_from_its_beginning_once(log: Rotator, tail: aw.Tail) -> None:
    with tail:
        log.write(5)
        taken = Taken().until(tail, 5)
        os.truncate(log.path, 0)
        log.write(2)
        taken.until(tail, 7)
        (stream,) = taken.stats.streams
        assert stream.offset == log.path.stat().st_size
        assert stream.truncations == 1
        assert taken.rows == [(1, 7)]
        nothing_comes(tail)
    assert "replay" not in taken.kinds()


def test_what_was_not_read_of_a_truncated_log_is_a_gap(log: Rotator, tail: aw.Tail) -> None:
    with tail:
        log.write(5)
        taken = Taken().until(tail, 5)
        log.write(5)
        os.truncate(log.path, 0)
        log.write(1)
        taken.until(tail, 11)
        (gap,) = taken.gaps
    # Nobody saw what was cut off before anybody looked.
    assert (gap.stream, gap.reason, gap.offset, gap.certain) == (str(log.path), "truncated", 5 * SIZE, False)


def test_what_was_read_of_a_truncated_log_is_handed_out(log: Rotator, state: Path) -> None:
    """Rows that wait for their turn behind a full batch are no longer in the file: they must not be dropped."""
    log.write(10)
    with follow(log.path, state, batch_rows=5) as tail:
        taken = Taken()
        batch = tail.next(timeout=10)
        assert batch is not None
        taken.add(batch)
        os.truncate(log.path, 0)
        log.write(1)
        taken.until(tail, 11)
    lost = sum(gap.bytes for gap in taken.gaps)
    assert taken.rows == [(1, 11)] or lost == 5 * SIZE, taken.gaps


@pytest.mark.parametrize("copied", [True, False])
def test_a_log_that_is_as_long_as_it_was_before_it_was_truncated(log: Rotator, tail: aw.Tail, *, copied: bool) -> None:
    """Only its time and its content tell that it is another; then it is rotated, and that must not hide it."""
    with tail:
        log.write(3)
        taken = Taken().until(tail, 3)
        if copied:
            log.copytruncate()
        else:
            os.truncate(log.path, 0)
        log.write(3)
        nothing_or_rows = tail.next(timeout=1.5)
        if nothing_or_rows is not None:
            taken.add(nothing_or_rows)
        log.rotate()
        log.write(1)
        taken.until(tail, 7)
    assert taken.rows == [(1, 7)]


def test_a_deleted_log_that_is_made_anew(log: Rotator, tail: aw.Tail) -> None:
    with tail:
        log.write(5)
        taken = Taken().until(tail, 5)
        log.path.unlink()
        nothing_comes(tail)
        log.write(5)
        assert taken.until(tail, 10).rows == [(1, 10)]
        assert taken.stats.lag_bytes == 0


def test_what_was_not_read_of_a_deleted_log_is_still_read_while_it_is_open(log: Rotator, tail: aw.Tail) -> None:
    with tail:
        log.write(5)
        taken = Taken().until(tail, 5)
        log.write(5)
        log.path.unlink()
        assert taken.until(tail, 10).rows == [(1, 10)]
        log.write(2)
        assert taken.until(tail, 12).rows == [(1, 12)]
        assert taken.gaps == []


def test_a_backup_that_is_deleted_unread_is_a_gap_of_known_size(log: Rotator, state: Path) -> None:
    log.write(5)
    with follow(log.path, state) as tail:
        taken = Taken().until(tail, 5)
    log.write(5)
    log.rotate()
    log.write(5)
    log.rotate()
    log.write(5)
    with follow(log.path, state, batch_rows=5) as tail:
        taken = Taken()
        batch = tail.next(timeout=10)
        assert batch is not None
        taken.add(batch)
        log.backups()[1].unlink()
        taken.until(tail, 20)
        (gap,) = taken.gaps
        assert (gap.reason, gap.bytes, gap.certain) == ("deleted", 5 * SIZE, True)
        assert taken.rows == [(6, 10), (16, 20)]
        assert taken.stats.lost_bytes == 5 * SIZE
        assert taken.stats.gaps == 1
        assert [event.kind for event in taken.events if event.kind == "gap"] == ["gap"]


def test_a_log_whose_directory_is_not_there_yet(tmp_path: Path, state: Path) -> None:
    path = tmp_path / "a" / "b" / "audit.log"
    with follow(path, state) as tail:
        nothing_comes(tail, 0.2)
        log = Rotator(path)
        log.write(3)
        assert Taken().until(tail, 3).rows == [(1, 3)]


def test_a_directory_that_is_deleted_and_made_anew(log: Rotator, tail: aw.Tail) -> None:
    with tail:
        log.write(3)
        taken = Taken().until(tail, 3)
        log.path.unlink()
        log.path.parent.rmdir()
        nothing_comes(tail)
        log.path.parent.mkdir()
        log.write(3)
        assert taken.until(tail, 6).rows == [(1, 6)]


def test_a_file_that_a_look_has_missed_is_no_gap_when_it_is_deleted_later(log: Rotator, tail: aw.Tail) -> None:
    with tail:
        log.write(5)
        taken = Taken().until(tail, 5)
        hidden = log.path.parent.parent / "hidden"
        log.path.rename(hidden)
        log.path.touch()
        nothing_comes(tail, 1.5)
        hidden.rename(log.backup_name())
        nothing_comes(tail, 1.5)
        log.write(5)
        taken.until(tail, 10)
        log.drop_oldest()
        nothing_comes(tail, 2.5)
        whole(tail, taken)
