"""A checkpoint that the caller keeps beside the rows: both or neither, whatever the state directory says."""

import shutil
from pathlib import Path

import pytest

import auditwake as aw
from tests.tailing.rotator import Rotator
from tests.tailing.taken import Taken, drain, follow


def take(tail: aw.Tail, count: int) -> Taken:
    """Take batches until so many rows came, and commit none."""
    taken = Taken()
    while len(taken.numbers) < count:
        batch = tail.next(timeout=20)
        assert batch is not None
        taken.add(batch)
    return taken


def kept(log: Rotator, state: Path, count: int) -> str:
    with follow(log.path, state, batch_rows=2) as tail:
        take(tail, count)
        return tail.checkpoint()


def test_reading_goes_on_behind_what_was_handed_out_and_never_committed(log: Rotator, state: Path) -> None:
    log.write(6)
    log.rotate()
    log.write(4)
    text = kept(log, state, 8)
    log.rotate()
    log.write(5)
    assert drain(log.path, state, resume=text).rows == [(9, 15)]


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_any_number_of_batches_is_in_it(log: Rotator, state: Path, rows: int) -> None:
    log.write(9)
    with follow(log.path, state, batch_rows=rows, follow=False) as tail:
        batches = []
        for batch in tail:
            batches.append(batch)
            at = sum(one.num_rows for one in batches)
            shutil.rmtree(state.with_name("other"), ignore_errors=True)
            expected = [] if at == 9 else [(at + 1, 9)]
            assert drain(log.path, state.with_name("other"), resume=tail.checkpoint()).rows == expected
    assert sum(one.num_rows for one in batches) == 9


def test_a_checkpoint_counts_for_more_than_the_state(log: Rotator, state: Path) -> None:
    log.write(4)
    text = kept(log, state, 4)
    shutil.rmtree(state)
    assert drain(log.path, state, resume=text).rows == []
    # An older one takes the state back with it.
    log.write(3)
    assert drain(log.path, state).rows == [(5, 7)]
    assert drain(log.path, state, resume=text).rows == [(5, 7)]


def test_it_becomes_the_state(log: Rotator, state: Path) -> None:
    log.write(4)
    text = kept(log, state, 4)
    with follow(log.path, state, resume=text):
        pass
    assert drain(log.path, state).rows == []


def test_a_lost_state_is_no_alarm_beside_it(log: Rotator, state: Path) -> None:
    log.write(4)
    assert drain(log.path, state).rows == [(1, 4)]
    text = kept(log, state.with_name("other"), 4)
    for slot in state.glob("offsets.*"):
        slot.unlink()
    with follow(log.path, state, resume=text) as tail:
        assert [event for event in tail.events if event.kind == "state"] == []


def test_taking_a_checkpoint_commits_nothing(log: Rotator, state: Path) -> None:
    log.write(4)
    kept(log, state, 4)
    assert drain(log.path, state).rows == [(1, 4)]


def test_what_is_no_checkpoint_is_refused(log: Rotator, state: Path) -> None:
    log.write(4)
    text = kept(log, state, 4)
    for bad in ("", "x", text[:-1], text[:-9], text.replace("audit.log", "audit.lag"), "\0" * 9, text + text):
        with pytest.raises(aw.errors.StateError, match="checkpoint to resume from"):
            follow(log.path, state, resume=bad)
    assert drain(log.path, state).rows == [(1, 4)]


def test_the_committed_place_is_where_a_restart_goes_on(log: Rotator, state: Path) -> None:
    log.write(3)
    size = log.path.stat().st_size
    with follow(log.path, state, batch_rows=1) as tail:
        batches = [tail.next(timeout=20) for _ in range(3)]
        for number, batch in enumerate(batches):
            stats = tail.stats.streams[0]
            assert stats.committed_offset == size * number // 3
            assert stats.committed_file == (str(log.path) if number else None)
            assert batch is not None
            batch.commit()
    # Also before anything was read in this run.
    with follow(log.path, state) as tail:
        assert tail.stats.streams[0].committed_offset == size


def test_logs_are_left_out_by_pattern(tmp_path: Path) -> None:
    logs = [Rotator(tmp_path / name / "audit.log") for name in ("a", "b", "c")]
    for log in logs:
        log.write(1)
    exclude = [str(tmp_path / "b" / "*"), str(tmp_path / "c" / "audit.log")]
    with aw.tail(tmp_path / "*" / "audit.log", state=None, follow=False, exclude=exclude) as tail:
        assert {batch.offsets.stream for batch in tail} == {str(tmp_path / "a" / "audit.log")}
    with pytest.raises(ValueError, match=r"exclude: not a valid pattern"):
        aw.tail(tmp_path, state=None, exclude=["a[b"])
