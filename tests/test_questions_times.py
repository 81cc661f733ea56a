"""What questions make of many times, against plain twins: steps, gaps between lists, requests at work."""

import datetime as dt
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import auditwake as aw
from auditwake import questions
from auditwake.questions import Log
from tests.asked import Event, event, write
from tests.drawn import at_least

MINUTE = 60_000_000
FIRST = dt.datetime(2026, 11, 24, 0, 8, tzinfo=dt.UTC)


def moment(microseconds: int) -> str:
    return (FIRST + dt.timedelta(microseconds=microseconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ask(name: str, events: list[Event], **asked: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # as `ask` takes them
    with tempfile.TemporaryDirectory() as folder:
        log = write(Path(folder) / "audit.log", events)
        found: list[dict[str, Any]] = questions.ask(name, log, limit=0, **asked).table.to_pylist()
        return found


@pytest.fixture(scope="module")
def macros() -> Any:  # noqa: ANN401  # a log that is open
    with Log(aw.demo.LOG, "select 1 from events") as log:
        yield log


@settings(max_examples=at_least(20))
@given(st.integers(-(10**15), 4 * 10**15), st.sampled_from([1, 7, 60, 61, 3600, 86_400, 604_800, 1_000_003]))
def test_a_step_begins_where_duckdb_has_it(macros: Log, us: int, seconds: int) -> None:
    text = "select time_bucket(to_seconds($s), make_timestamptz($us)), make_timestamptz(start_of_step($us, $s))"
    (row,) = macros.query(text, us=us, s=seconds).to_pylist()
    assert len(set(row.values())) == 1, row


# Few values: lists of one kind meet in the same microsecond, and one kind has rows of several subresources.
LISTS = st.tuples(st.sampled_from(["alice", "bob"]), st.sampled_from(["", "status"]), st.integers(0, 9))


@settings(max_examples=at_least(8))
@given(st.lists(LISTS, max_size=12, unique=True))
def test_the_time_between_lists_is_that_of_their_kind(lists: list[tuple[str, str, int]]) -> None:
    found = ask("top_lists", [
        event(auditID=str(at), verb="list", user={"username": user}, requestReceivedTimestamp=moment(at_us * 100_000),
              objectRef={"resource": "pods", "namespace": "web", "subresource": sub, "apiVersion": "v1"})
        for at, (user, sub, at_us) in enumerate(lists)
    ])  # fmt: skip
    times, rows = defaultdict(list), defaultdict(list)
    for user, sub, at_us in lists:
        times[user].append(at_us)
        rows[user, f"pods/{sub}".rstrip("/")].append(at_us)
    assert {(row["user"], row["what"]): row["lists"] for row in found} == {key: len(row) for key, row in rows.items()}
    for row in found:
        user, what = row["user"], row["what"]
        # Which of two lists of one moment comes first, nobody knows.
        if len(set(times[user])) < len(times[user]):
            continue
        before = dict(zip(sorted(times[user])[1:], sorted(times[user]), strict=False))
        gaps = [at - before[at] for at in rows[user, what] if at in before]
        assert row["every_s"] == (pytest.approx(statistics.median(gaps) / 10, abs=0.051) if gaps else None)


SPANS = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda span: (span[0] * 15_000_000, span[1] * 15_000_000))


@settings(max_examples=at_least(8))
@given(st.lists(SPANS, max_size=10))
def test_the_peak_of_a_minute(spans: list[tuple[int, int]]) -> None:
    found = ask("top_busy", [
        event(auditID=str(at), requestReceivedTimestamp=moment(began), stageTimestamp=moment(began + took))
        for at, (began, took) in enumerate(spans)
    ])  # fmt: skip
    taken = [(began, max(began + took, began + 1)) for began, took in spans]

    def at_work(now: int) -> int:
        return sum(began <= now < ended for began, ended in taken)

    expected = {}
    for minute in {time // MINUTE for span in taken for time in span}:
        first = minute * MINUTE
        begins = [began for began, _ in taken if began // MINUTE == minute]
        # At its first moment, what begins then has not begun: it counts where it begins.
        before = sum(began < first < ended for began, ended in taken)
        peak = max([before, *map(at_work, begins)])
        peak_at = first if before >= peak else min(began for began in begins if at_work(began) == peak)
        expected[FIRST + dt.timedelta(microseconds=first)] = (
            peak, FIRST + dt.timedelta(microseconds=peak_at), len(begins)
        )  # fmt: skip
    assert {row["minute"]: (row["peak"], row["peak_at"], row["requests"]) for row in found} == expected
