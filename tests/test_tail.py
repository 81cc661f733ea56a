"""`aw.tail`: its batches, their offsets, and what it is asked."""

import itertools
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import auditwake as aw
from tests.tailing.lines import line
from tests.tailing.rotator import Rotator
from tests.tailing.taken import Taken, drain, follow, nothing_comes

# --- batches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_offsets_and_outcomes_add_up(log: Rotator, rows: int) -> None:
    """Of each batch and of all: rows, a line that is no event, one that is none of ours, and one that is torn."""
    log.write(20)
    log.append(b"no event at all\n" + b'{"kind":"Pod","apiVersion":"v1"}\n' + line(21)[:300] + line(22))
    size = log.path.stat().st_size
    log.rotate()
    log.write(5)
    taken = drain(log.path, None, batch_rows=rows)
    assert max(batch.num_rows for batch in taken.batches) <= rows
    assert len(taken.batches) >= 26 / rows
    for name, end in ((log.backups()[0], size), (log.path, log.path.stat().st_size)):
        places = [place for place in taken.places if place.file == str(name)]
        assert places[0].start == 0
        assert places[-1].end == end
        assert all(one.end == two.start for one, two in itertools.pairwise(places))
    assert {place.stream for place in taken.places} == {str(log.path)}
    (stream,) = taken.stats.streams
    outcomes = stream.outcomes
    assert (outcomes.events, outcomes.skipped.lines, outcomes.rejected.lines) == (26, 1, 2)
    assert outcomes.bytes == stream.bytes == size + log.path.stat().st_size
    assert [one.bytes for one in taken.rejected] == [b"no event at all", line(21)[:300]]


def test_a_batch_without_rows_is_committed_as_any_other(log: Rotator, state: Path) -> None:
    log.append(b"no event\n" * 3)
    taken = drain(log.path, state)
    assert sum(batch.num_rows for batch in taken.batches) == 0
    assert len(taken.rejected) == 3
    assert drain(log.path, state).batches == []


def test_a_batch_closes_when_its_first_line_is_old_enough(log: Rotator) -> None:
    with follow(log.path, None, batch_age=0.6, batch_rows=10) as tail:
        log.write(3)
        began = time.monotonic()
        nothing_comes(tail, 0.25)
        batch = tail.next(timeout=20)
        assert batch is not None
        assert batch.num_rows == 3
        assert time.monotonic() - began >= 0.55


def test_a_batch_closes_when_it_is_full(log: Rotator) -> None:
    with follow(log.path, None, batch_age=600, batch_rows=10) as tail:
        log.write(9)
        nothing_comes(tail)
        log.write(2)
        taken = Taken().until(tail, 10)
        assert [batch.num_rows for batch in taken.batches] == [10]
        nothing_comes(tail, 0)


def test_a_batch_closes_when_it_was_made_of_enough_bytes(log: Rotator) -> None:
    log.write(40)
    size = len(line(1))
    taken = drain(log.path, None, batch_bytes=4 * size)
    assert taken.rows == [(1, 40)]
    assert {place.end - place.start for place in taken.places} <= {3 * size, 4 * size, 5 * size}


def test_a_new_line_is_handed_out_at_once(log: Rotator) -> None:
    log.write(1)
    with follow(log.path, None, batch_age=0.0) as tail:
        taken = Taken().until(tail, 1)
        waits = []
        for number in range(2, 22):
            began = time.monotonic()
            log.write(1)
            taken.until(tail, number)
            waits.append(time.monotonic() - began)
    assert sorted(waits)[len(waits) // 2] < 0.2


def test_lag_is_what_stands_behind_the_batch(log: Rotator) -> None:
    log.write(10)
    taken = drain(log.path, None, batch_rows=2)
    size = len(line(1))
    assert [batch.lag_bytes for batch in taken.batches] == [8 * size, 6 * size, 4 * size, 2 * size, 0]


def test_a_batch_is_taken_by_what_takes_arrow(log: Rotator) -> None:
    log.write(2)
    (batch,) = drain(log.path, None, columns=["verb", "name"]).batches
    assert pa.record_batch(batch) == batch.to_pyarrow()
    assert pa.table(batch)["name"].to_pylist() == ["n-000000001", "n-000000002"]
    assert pa.schema(batch) == batch.schema == pa.record_batch(batch).schema
    assert repr(batch) == f"<auditwake.TailBatch: 2 events, {log.path} from 0 to {log.path.stat().st_size:,}>"


# --- what is asked ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [None, ["verb"], ["name", "code", "cluster"], "core"])
def test_only_the_columns_asked_for_come(log: Rotator, columns: Any) -> None:  # noqa: ANN401  # as `read` takes them
    log.write(1)
    with aw.tail(log.path, state=None, follow=False, columns=columns, bodies=False) as tail:
        schema = tail.schema
        (batch,) = tail
    assert schema == batch.schema == pa.schema(aw.read(log.path, columns=columns, bodies=False))


def test_labels_and_raw_are_columns(log: Rotator) -> None:
    log.write(2)
    with aw.tail(log.path, state=None, follow=False, raw=True, cluster="c-1", apiserver="a-1") as tail:
        (batch,) = tail
    rows = batch.to_pyarrow().select(["cluster", "apiserver", "raw"]).to_pylist()
    assert [(row["cluster"], row["apiserver"]) for row in rows] == [("c-1", "a-1")] * 2
    assert [row["raw"].strip() for row in rows] == [line(number).strip() for number in (1, 2)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"start": "middle"}, "'beginning' or 'end', not 'middle'"),
        ({"batch_rows": 0}, "batch_rows"),
        ({"batch_bytes": 0}, "batch_bytes"),
        ({"batch_age": -1.0}, "batch_age"),
        ({"batch_age": float("nan")}, "batch_age"),
        ({"threads": 0}, "threads"),
        ({"backups": "[a"}, "backups: not a valid pattern"),
    ],
)
def test_an_option_that_means_nothing_is_refused(log: Rotator, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        aw.tail(log.path, state=None, **options)


def test_a_column_that_is_none_is_refused_before_the_state_is_made(log: Rotator, state: Path) -> None:
    with pytest.raises(aw.errors.ColumnError, match="verb"):
        aw.tail(log.path, state=state, columns=["verbs"])
    assert not state.exists()


@pytest.mark.parametrize("timeout", [-1.0, float("nan")])
def test_a_timeout_that_is_none_is_refused(log: Rotator, timeout: float) -> None:
    with follow(log.path, None) as tail, pytest.raises(ValueError, match="timeout"):
        tail.next(timeout)


def test_next_gives_none_when_nothing_came_in_time(log: Rotator) -> None:
    with follow(log.path, None) as tail:
        began = time.monotonic()
        assert tail.next(timeout=0.2) is None
        assert 0.2 <= time.monotonic() - began < 5
        assert tail.next(timeout=0) is None
        log.write(1)
        assert Taken().until(tail, 1).rows == [(1, 1)]


def test_the_repr_says_how_far_it_is(log: Rotator) -> None:
    log.write(3)
    with follow(log.path, None, follow=False) as tail:
        assert repr(tail) == "<auditwake.Tail: 0 lines of 1 logs so far>"
        list(tail)
        assert repr(tail) == "<auditwake.Tail: 3 lines of 1 logs so far>"
