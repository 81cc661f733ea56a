"""What `auditwake demo` says without DuckDB is what the questions say of the same log."""

from collections import Counter
from typing import Any

import pyarrow as pa
import pytest

import auditwake as aw
from auditwake.demo.questions import LATENCIES, denials, slowest, who_acted

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def log() -> pa.Table:
    return pa.table(aw.read(aw.demo.LOG))


def ask(name: str, **asked: Any) -> Rows:  # noqa: ANN401  # as `ask` takes them
    found: Rows = aw.ask(name, aw.demo.LOG, limit=0, **asked).table.to_pylist()
    return found


def test_who_acted(log: pa.Table) -> None:
    users = Counter(row["actor"] for row in ask("who"))
    assert {tuple(row.values()) for row in who_acted(log).to_pylist()} == {
        (row["actor"], row["requests"], users[row["actor"]], row["denied"]) for row in ask("top", by=("actor",))
    }


def test_who_was_denied_what(log: pa.Table) -> None:
    assert {tuple(row.values()) for row in denials(log).to_pylist()} == {
        (row["user"], row["verb"], row["what"], row["namespace"], row["requests"]) for row in ask("denied")
    }


def test_what_was_slow(log: pa.Table) -> None:
    found = slowest(log, 5).to_pylist()
    expected = ask("slow_requests")[:5]
    assert [(row["duration_us"] / 1000, row["verb"], row["eff_user"], row["code"]) for row in found] == [
        (row["took_ms"], row["verb"], row["user"], row["code"]) for row in expected
    ]
    assert set(LATENCIES) < set(log.column_names)
