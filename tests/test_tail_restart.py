"""What happens to a log while nobody follows it, and where the next run goes on."""

import gzip
import os
from pathlib import Path

import pytest

import auditwake as aw
from tests.tailing.lines import line
from tests.tailing.rotator import Rotator
from tests.tailing.taken import Taken, drain, follow

SIZE = len(line(1))


@pytest.fixture
def stopped(log: Rotator, state: Path) -> Rotator:
    """A log of ten lines; five were committed, and the run that did it has ended."""
    log.write(10)
    with follow(log.path, state, batch_rows=5) as tail:
        batch = tail.next(timeout=10)
        assert batch is not None
        batch.commit()
    return log


def test_nothing_happened(stopped: Rotator, state: Path) -> None:
    assert drain(stopped.path, state).rows == [(6, 10)]
    assert drain(stopped.path, state).rows == []


@pytest.mark.parametrize("compress", [False, True])
def test_it_was_rotated(stopped: Rotator, state: Path, *, compress: bool) -> None:
    backup = stopped.rotate()
    if compress:
        stopped.compress_now(backup)
    stopped.write(5)
    taken = drain(stopped.path, state)
    assert taken.rows == [(6, 15)]
    assert taken.kinds() <= {"rotated"}
    assert taken.places[0].start == 5 * SIZE
    assert drain(stopped.path, state).rows == []


def test_it_was_rotated_many_times(stopped: Rotator, state: Path) -> None:
    for number in range(20):
        backup = stopped.rotate()
        stopped.write(5)
        if number % 3:
            stopped.compress_now(backup)
    taken = drain(stopped.path, state)
    assert taken.rows == [(6, 110)]
    assert taken.gaps == []
    assert drain(stopped.path, state).rows == []


def test_it_is_being_compressed_when_the_next_run_begins(stopped: Rotator, state: Path) -> None:
    steps = stopped.compress(stopped.rotate(), 3)
    next(steps)
    stopped.write(5)
    with follow(stopped.path, state) as tail:
        taken = Taken().until(tail, 15)
        list(steps)
        stopped.write(1)
        assert taken.until(tail, 16).rows == [(6, 16)]
        assert not taken.kinds() & {"replay", "gap"}


def test_it_was_copied_and_truncated(stopped: Rotator, state: Path) -> None:
    stopped.copytruncate()
    stopped.write(3)
    taken = drain(stopped.path, state)
    assert taken.rows == [(6, 13)]
    assert taken.gaps == []
    assert drain(stopped.path, state).rows == []


@pytest.mark.parametrize("count", [2, 5, 10, 12], ids=["shorter", "at-the-offset", "as-long", "longer"])
def test_it_was_truncated_and_written_anew(stopped: Rotator, state: Path, count: int) -> None:
    """The offset is beyond the file or within it: by its content it is another, to be read from its beginning."""
    os.truncate(stopped.path, 0)
    stopped.write(count)
    taken = drain(stopped.path, state)
    assert taken.rows == [(11, 10 + count)]
    (gap,) = taken.gaps
    assert gap.bytes in {0, 5 * SIZE}
    assert "gap" in taken.kinds()
    assert drain(stopped.path, state).rows == []


def test_its_inode_belongs_to_another_file_now(stopped: Rotator, state: Path) -> None:
    """What was read is compressed, and the new log is where it was."""
    inode = stopped.path.stat().st_ino
    backup = stopped.backup_name()
    backup.with_name(backup.name + ".gz").write_bytes(gzip.compress(stopped.path.read_bytes()))
    os.truncate(stopped.path, 0)
    stopped.write(20)
    assert stopped.path.stat().st_ino == inode
    taken = drain(stopped.path, state)
    assert taken.rows == [(6, 30)]
    assert taken.gaps == []


def test_the_inodes_of_two_files_are_exchanged(stopped: Rotator, state: Path) -> None:
    backup = stopped.rotate()
    stopped.write(5)
    old, new = backup.read_bytes(), stopped.path.read_bytes()
    backup.write_bytes(new)
    stopped.path.write_bytes(old)
    backup.rename(aside := backup.with_name("aside"))
    stopped.path.rename(backup)
    aside.rename(stopped.path)
    assert drain(stopped.path, state).rows == [(6, 15)]
    assert drain(stopped.path, state).rows == []


def test_it_was_copied_to_another_disk_and_back(stopped: Rotator, state: Path) -> None:
    """Every inode is new, and so are the times."""
    stopped.rotate()
    stopped.write(5)
    for path in list(stopped.path.parent.iterdir()):
        data = path.read_bytes()
        copy = path.with_name("copy")
        copy.write_bytes(data)
        copy.replace(path)
    taken = drain(stopped.path, state)
    assert taken.rows == [(6, 15)]
    assert "replay" not in taken.kinds()


def test_half_a_line_stood_at_its_end(log: Rotator, state: Path) -> None:
    log.write(3)
    for _ in log.write_halves():
        with follow(log.path, state) as tail:
            assert Taken().until(tail, 3).rows == [(1, 3)]
            tail.next(timeout=0.1)
    taken = drain(log.path, state)
    assert taken.rows == [(4, 4)]
    assert taken.rejected == []


def test_half_a_line_stood_at_its_end_and_it_was_rotated(log: Rotator, state: Path) -> None:
    log.write(3)
    for _ in log.write_halves():
        with follow(log.path, state) as tail:
            assert Taken().until(tail, 3).rows == [(1, 3)]
            tail.next(timeout=0.1)
    log.compress_now(log.rotate())
    log.write(2)
    taken = drain(log.path, state)
    assert taken.rows == [(4, 6)]
    assert taken.rejected == []


def test_what_was_deleted_meanwhile_is_a_gap(stopped: Rotator, state: Path) -> None:
    for _ in range(3):
        stopped.rotate()
        stopped.write(5)
    stopped.drop_oldest()
    stopped.drop_oldest()
    taken = drain(stopped.path, state)
    assert taken.rows == [(16, 25)]
    assert taken.stats.lost_bytes == 5 * SIZE
    assert {gap.reason for gap in taken.gaps} <= {"deleted", "missing"}
    assert "gap" in taken.kinds()
    again = drain(stopped.path, state)
    assert again.rows == []
    assert again.gaps == []


def test_it_was_deleted_and_is_not_there(stopped: Rotator, state: Path) -> None:
    stopped.path.unlink()
    with pytest.raises(aw.errors.SourceNotFoundError):
        drain(stopped.path, state)
    with follow(stopped.path, state) as tail:
        stopped.write(3)
        taken = Taken().until(tail, 13)
        assert taken.rows == [(11, 13)]
        assert taken.stats.lost_bytes == 5 * SIZE
