"""Times of policy evaluation, for ``make bench``: events a second over batches in memory, and a second policy."""

from pathlib import Path
from typing import Any

import generate
import pytest

auditwake = pytest.importorskip("auditwake")
pa = pytest.importorskip("pyarrow")
pytest.importorskip("pytest_benchmark")

SIZE = 100_000_000
EVENTS = 10_000_000
POLICY = Path(__file__).with_name("forty_rules.yaml")


@pytest.fixture(scope="module")
def policy() -> Any:  # noqa: ANN401
    """Forty rules."""
    return auditwake.Policy.load(POLICY)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401
    """A log in memory."""
    path = tmp_path_factory.mktemp("policy") / "audit.log"
    generate.write_log(path, "metadata", SIZE)
    return pa.table(auditwake.read(str(path)))


def evaluate(policy: Any, source: Any) -> int:  # noqa: ANN401
    """Evaluate, and keep nothing."""
    return sum(batch.num_rows for batch in policy.evaluate(source))


def test_evaluate(benchmark: Any, policy: Any, events: Any) -> None:  # noqa: ANN401
    """Every event of a log in memory, on one core."""
    benchmark.extra_info["events"] = events.num_rows
    assert benchmark(evaluate, policy, events) == events.num_rows


def test_second_policy(benchmark: Any, policy: Any, events: Any) -> None:  # noqa: ANN401
    """Ten million events that were read before, under another policy."""
    keys = auditwake.Keys(events)
    for _ in range(EVENTS // events.num_rows):
        keys.add(events)
    assert keys.events >= EVENTS
    assert len(keys.table) == len(keys)
    benchmark.extra_info["events"] = keys.events
    benchmark.extra_info["keys"] = len(keys)
    assert benchmark(evaluate, policy, keys) == len(keys)
