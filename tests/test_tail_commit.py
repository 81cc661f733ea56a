"""Commits of a tail: only an acknowledgement moves the offset, and it moves to the end of the acknowledged prefix."""

import itertools
import shutil
import threading
from pathlib import Path

import pytest

import auditwake as aw
from tests.tailing.rotator import Rotator
from tests.tailing.taken import Taken, drain, follow


def rest(log: Rotator, state: Path) -> list[tuple[int, int]]:
    """See where a run would go on, were this one killed now: a copy of the state is not locked."""
    copy = state.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(state, copy)
    return drain(log.path, copy, commit=False).rows


@pytest.mark.parametrize("rows", [1, 2, 5, 7, 100])
def test_each_commit_is_kept_when_it_returns(log: Rotator, state: Path, rows: int) -> None:
    log.write(10)
    taken = Taken()
    with follow(log.path, state, follow=False, batch_rows=rows) as tail:
        for batch in tail:
            taken.add(batch)
            batch.commit()
            done = taken.numbers[-1]
            assert rest(log, state) == ([] if done == 10 else [(done + 1, 10)])
    assert drain(log.path, state).rows == []


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_only_the_acknowledged_prefix_moves(log: Rotator, state: Path, order: tuple[int, ...]) -> None:
    log.write(4)
    log.rotate()
    log.write(4)
    with follow(log.path, state, follow=False, batch_rows=2) as tail:
        batches = list(tail)
        assert len(batches) == 4
        done: set[int] = set()
        for place in order:
            batches[place].commit()
            done.add(place)
            prefix = next((number for number in range(4) if number not in done), 4)
            assert rest(log, state) == ([] if prefix == 4 else [(2 * prefix + 1, 8)])
            assert tail.stats.uncommitted_bytes == sum(batch.outcomes.bytes for batch in batches[prefix:])


def test_a_batch_can_be_committed_twice(log: Rotator, state: Path) -> None:
    log.write(4)
    with follow(log.path, state, follow=False, batch_rows=1) as tail:
        batches = list(tail)
        for place in (0, 0, 2, 2, 0):
            batches[place].commit()
        assert rest(log, state) == [(2, 4)]
        batches[1].commit()
        assert rest(log, state) == [(4, 4)]


def test_the_tail_commits_what_was_handed_out_and_no_more(log: Rotator, state: Path) -> None:
    log.write(6)
    with follow(log.path, state, follow=False, batch_rows=2) as tail:
        tail.commit()
        first, second = tail.next(), tail.next()
        assert first is not None
        assert second is not None
        tail.commit()
        assert tail.stats.uncommitted_bytes == 0
    assert drain(log.path, state).rows == [(5, 6)]


def test_what_was_not_committed_comes_again(log: Rotator, state: Path) -> None:
    log.write(6)
    for _ in range(3):
        assert drain(log.path, state, commit=False).rows == [(1, 6)]
    assert drain(log.path, state).rows == [(1, 6)]
    assert drain(log.path, state).rows == []


def test_what_was_handed_out_can_be_committed_after_close(log: Rotator, state: Path) -> None:
    log.write(6)
    with follow(log.path, state, batch_rows=2) as tail:
        first, second = tail.next(), tail.next()
        assert first is not None
        assert second is not None
        tail.close()
        assert list(tail) == []
        first.commit()
        assert rest(log, state) == [(3, 6)]
        tail.commit()
    assert drain(log.path, state).rows == [(5, 6)]


def test_a_commit_behind_the_block_is_refused(log: Rotator, state: Path) -> None:
    log.write(6)
    with follow(log.path, state, batch_rows=2) as tail:
        first, second = tail.next(), tail.next()
        assert first is not None
        assert second is not None
        first.commit()
    first.commit()  # nothing is left to be done for it
    with pytest.raises(aw.errors.StateError, match="closed"):
        second.commit()
    assert drain(log.path, state).rows == [(3, 6)]


def test_commits_come_from_any_thread(log: Rotator, state: Path) -> None:
    log.write(60)
    with follow(log.path, state, follow=False, batch_rows=1) as tail:
        batches = list(tail)
        threads = [
            threading.Thread(target=lambda part: [batch.commit() for batch in part], args=(batches[start::4],))
            for start in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert tail.stats.uncommitted_bytes == 0
    assert drain(log.path, state).rows == []


def test_without_a_state_nothing_is_remembered(log: Rotator) -> None:
    log.write(3)
    assert drain(log.path, None).rows == drain(log.path, None).rows == [(1, 3)]


def test_the_offset_is_never_behind_the_end_and_only_grows(log: Rotator, state: Path) -> None:
    log.write(20)
    ends: list[int] = []
    with follow(log.path, state, batch_rows=3) as tail:
        taken = Taken()
        for last in (20, 25, 40):
            log.write(last - log.last)
            taken.until(tail, last)
            (stream,) = tail.stats.streams
            assert stream.offset == log.path.stat().st_size
            ends.append(stream.offset)
    assert ends == sorted(ends)
    assert all(place.start < place.end <= ends[-1] for place in taken.places)
