"""Where a tail begins and where it goes on: `start`, a state that is not what it was, `follow=False`."""

import os
import time
from pathlib import Path

import pyarrow as pa
import pytest

import auditwake as aw
from tests.tailing.lines import line
from tests.tailing.processes import ReaderProcess
from tests.tailing.rotator import Rotator
from tests.tailing.taken import Taken, drain, follow, nothing_comes

DAY = 86_400
MONTH = 30 * DAY

# --- start="end" -----------------------------------------------------------------------------------------------------


def test_the_end_leaves_out_what_is_there(log: Rotator) -> None:
    for compress in (True, False):
        log.write(5)
        backup = log.rotate()
        if compress:
            log.compress_now(backup)
    log.write(5)
    with follow(log.path, None, start="end") as tail:
        nothing_comes(tail, 0.2)
        log.write(3)
        log.rotate()
        log.write(2)
        assert Taken().until(tail, 20).rows == [(16, 20)]


def test_the_end_is_kept_before_anything_is_committed(log: Rotator, state: Path) -> None:
    """A run that began at the end and committed nothing: what was written since then is not left out by the next."""
    log.write(5)
    with follow(log.path, state, start="end") as tail:
        nothing_comes(tail, 0.2)
    log.write(5)
    log.rotate()
    log.write(5)
    for commit, rows in ((False, [(6, 15)]), (True, [(6, 15)]), (True, [])):
        assert drain(log.path, state, start="end", commit=commit).rows == rows


def test_a_line_that_is_half_there_at_the_end_is_not_left_out(log: Rotator, state: Path) -> None:
    log.write(5)
    for _ in log.write_halves():
        with follow(log.path, state, start="end") as tail:
            nothing_comes(tail, 0.2)
    taken = drain(log.path, state, start="end")
    assert taken.rows == [(6, 6)]
    assert taken.rejected == []


def test_a_log_that_appears_later_is_read_from_its_beginning(log: Rotator, state: Path) -> None:
    with follow(log.path, state, start="end") as tail:
        nothing_comes(tail, 0.1)
        log.write(5)
        assert Taken().until(tail, 5).rows == [(1, 5)]


def test_a_state_that_is_lost_is_no_start_at_the_end(log: Rotator, state: Path) -> None:
    log.write(5)
    drain(log.path, state)
    for slot in state.glob("offsets.*"):
        slot.write_bytes(bytes(slot.stat().st_size))
    taken = drain(log.path, state, start="end")
    assert taken.rows == [(1, 5)]
    assert "state" in taken.kinds()


# --- the state -------------------------------------------------------------------------------------------------------


def empty(data: bytes) -> bytes:
    del data
    return b""


def nuls(data: bytes) -> bytes:
    return bytes(len(data))


def torn(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    return data[:-40] + bytes([data[-40] ^ 1]) + data[-39:]


def newer(data: bytes) -> bytes:
    name, version, rest = data.split(b" ", 2)
    return b" ".join([name, str(int(version) + 1).encode(), rest])


@pytest.mark.parametrize("damage", [empty, nuls, torn, flipped, newer])
def test_a_damaged_slot_is_an_alarm_and_the_save_before_is_used(log: Rotator, state: Path, damage: object) -> None:
    assert callable(damage)
    for _ in range(3):
        log.write(5)
        drain(log.path, state)
    newest = max(state.glob("offsets.*"), key=lambda slot: int(slot.read_bytes().split(b" ")[2]))
    newest.write_bytes(damage(newest.read_bytes()))
    taken = drain(log.path, state)
    assert taken.rows == [(11, 15)]
    (alarm,) = [event for event in taken.events if event.kind == "state"]
    assert str(newest) in alarm.file + alarm.message
    assert drain(log.path, state).rows == []


@pytest.mark.parametrize("damage", [empty, nuls, torn, flipped])
def test_a_state_that_is_damaged_altogether_is_an_alarm_and_all_is_read(
    log: Rotator, state: Path, damage: object
) -> None:
    assert callable(damage)
    log.write(5)
    drain(log.path, state)
    for slot in state.glob("offsets.*"):
        slot.write_bytes(damage(slot.read_bytes()))
    log.write(5)
    taken = drain(log.path, state)
    assert taken.rows == [(1, 10)]
    assert "state" in taken.kinds()
    again = drain(log.path, state)
    assert again.rows == []


def test_slots_that_were_deleted_are_an_alarm(log: Rotator, state: Path) -> None:
    log.write(5)
    drain(log.path, state)
    for slot in state.glob("offsets.*"):
        slot.unlink()
    taken = drain(log.path, state, start="end")
    assert taken.rows == [(1, 5)]
    assert "state" in taken.kinds()


def test_a_first_start_is_no_alarm(log: Rotator, state: Path) -> None:
    log.write(5)
    assert drain(log.path, state).kinds() == set()
    assert drain(log.path, state).kinds() == set()


def test_a_state_of_last_month_goes_on(log: Rotator, state: Path) -> None:
    log.write(5)
    log.compress_now(log.rotate())
    log.write(5)
    drain(log.path, state)
    log.write(5)
    log.compress_now(log.rotate())
    log.write(5)
    past = time.time() - MONTH
    for path in [*log.path.parent.iterdir(), *state.iterdir()]:
        os.utime(path, (past, past))
    taken = drain(log.path, state)
    assert taken.rows == [(11, 20)]
    assert taken.kinds() <= {"rotated"}


def test_a_log_is_known_again_without_a_name_that_the_user_gives(log: Rotator, state: Path) -> None:
    for count in (5, 0, 3, 0, 0, 2):
        log.write(count)
        taken = drain(log.path, state)
        assert taken.rows == ([(log.last - count + 1, log.last)] if count else [])
        assert taken.kinds() == set()


# --- follow=False ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
def test_what_is_there_is_what_read_gives(data: Path, state: Path, threads: int) -> None:
    """The rotated set of a real server, gzip, plain and live: the same rows in the same order, the same outcomes."""
    folder = data / "rotated"
    reader = aw.read(folder, bodies=False)
    expected = pa.table(reader)
    with aw.tail(folder, state=state, follow=False, bodies=False, threads=threads, batch_rows=1000) as tail:
        batches = []
        for batch in tail:
            batches.append(batch.to_pyarrow())
            batch.commit()
        (stream,) = tail.stats.streams
        assert stream.lag_bytes == stream.uncommitted_bytes == 0
        ours, theirs = stream.outcomes, reader.outcomes
        assert (ours.bytes, ours.events, ours.reasons) == (theirs.bytes, theirs.events, theirs.reasons)
        for name in ("ok", "repaired", "skipped", "rejected"):
            assert getattr(ours, name) == getattr(theirs, name)
    table = pa.Table.from_batches(batches)
    assert table.schema == expected.schema
    # Batches have dictionaries of their own: it is the values that are equal.
    assert all(table[name].to_pylist() == expected[name].to_pylist() for name in table.column_names)
    with aw.tail(folder, state=state, follow=False) as tail:
        assert list(tail) == []


def test_half_a_line_at_the_end_is_left_for_the_next_run(log: Rotator, tmp_path: Path) -> None:
    """In processes of their own: this is where one could wait for ever."""

    def read() -> list[tuple[int, int]]:
        with ReaderProcess(log.path, tmp_path / "reader", follow=False) as reader:
            assert reader.wait() == 0, reader.said()
            assert reader.record.rejected == 0
            return reader.record.rows

    log.write(3)
    for _ in log.write_halves():
        assert read() == [(1, 3)]
        assert read() == []
    assert read() == [(4, 4)]


def test_a_whole_event_without_its_newline_is_taken(log: Rotator, state: Path) -> None:
    log.write(3)
    log.append(line(4).rstrip(b"\n"))
    assert drain(log.path, state).rows == [(1, 4)]
    log.append(b"\n" + line(5))
    assert drain(log.path, state).rows == [(5, 5)]


def test_half_a_line_at_the_end_of_a_rotated_file_is_rejected(log: Rotator, state: Path) -> None:
    log.write(3)
    log.append(line(4)[:200])
    log.rotate()
    log.append(line(5))
    taken = drain(log.path, state)
    assert taken.numbers == [1, 2, 3, 5]
    assert [one.bytes for one in taken.rejected] == [line(4)[:200]]


def test_a_run_that_follows_goes_on_from_one_that_did_not(log: Rotator, state: Path) -> None:
    log.write(5)
    assert drain(log.path, state).rows == [(1, 5)]
    with follow(log.path, state) as tail:
        log.write(5)
        assert Taken().until(tail, 10).rows == [(6, 10)]
    log.write(5)
    assert drain(log.path, state).rows == [(11, 15)]


def test_it_ends_although_the_log_is_being_written(log: Rotator) -> None:
    log.write(50)
    with follow(log.path, None, follow=False, batch_rows=10) as tail:
        taken = Taken()
        for batch in tail:
            taken.add(batch)
            log.write(5 if log.last < 100 else 0)
        assert taken.rows[0][0] == 1
        assert tail.next() is None


@pytest.mark.parametrize("name", ["audit.log", "no/such/folder/audit.log", "*.log"])
def test_nothing_to_read_is_an_error(tmp_path: Path, state: Path, name: str) -> None:
    with pytest.raises(aw.errors.SourceNotFoundError, match=r"\.log"):
        aw.tail(tmp_path / name, state=state, follow=False)
    with aw.tail(tmp_path / name, state=state) as tail:
        nothing_comes(tail, 0.05)
