"""Counters of `/metrics` never fall while a process lives, whatever is reloaded."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from auditwake.forwarder.agent import Agent
from auditwake.forwarder.config.model import Batching, FileSink, ParquetSink, SinkConfig
from auditwake.forwarder.metrics import render
from auditwake.forwarder.metrics.families import FAMILIES
from tests.engine.agents import SOON, config, routes, running, source
from tests.tailing.processes import wait_until
from tests.tailing.rotator import Rotator
from tests.test_metrics import Samples, read

RELOADS = 6


class Watch:
    """The highest that each counter was seen at."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._seen: Samples = {}
        self._over = threading.Event()
        self.falls: list[tuple[object, float, float]] = []
        self.looks = 0

    def look(self) -> Samples:
        now = {key: one for key, one in read(render(self._agent.snapshot())).items() if _counts(key[0])}
        for key, one in now.items():
            before = self._seen.get(key, 0.0)
            if one < before:
                self.falls.append((key, before, one))
            self._seen[key] = max(one, before)
        self.looks += 1
        return now

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Look also while a reload is under way."""
        self._over.clear()

        def look() -> None:
            while not self._over.wait(0.002):
                self.look()

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()


def _counts(name: str) -> bool:
    family = FAMILIES.get(name)
    return name.startswith("auditwake_") and (family.kind == "counter" if family else True)


@pytest.mark.parametrize("seed", range(2))
def test_no_counter_falls_over_any_sequence_of_reloads(tmp_path: Path, seed: int) -> None:
    """Logs and sinks come, go, change and come back; the sums of what was sent are those of what was written."""
    choose = random.Random(seed)  # noqa: S311  # no secret
    logs = [Rotator(tmp_path / name / "audit.log") for name in "abc"]
    sinks: list[SinkConfig] = [
        FileSink(name="file", path=tmp_path / "out.ndjson", batching=Batching(wait=0.02), backoff=SOON),
        ParquetSink(name="rows", directory=tmp_path / "rows", roll_seconds=0.05, backoff=SOON),
    ]
    with running(config(tmp_path, [source(logs[0].path)], sinks[0])) as agent:
        watch = Watch(agent)
        for step in range(RELOADS):
            chosen = choose.sample(logs, choose.randint(0, 3))
            tags = (f"step:{step}",) if choose.random() < 0.5 else ()
            settings = config(
                tmp_path,
                [source(one.path, tags=tags) for one in chosen],
                *choose.sample(sinks, choose.randint(1, 2)),
            )
            with watch.going_on():
                agent.reload(settings)
            for one in chosen:
                one.write(5)
            wait_until(lambda: all(_has_all(agent, one) for one in logs), lambda: routes(agent))
            watch.look()
        assert (watch.looks > RELOADS, watch.falls) == (True, [])
        agent.reload(config(tmp_path, [source(one.path) for one in logs], *sinks))
        wait_until(lambda: all(_has_all(agent, one) for one in logs), lambda: routes(agent))
        last = watch.look()
    assert watch.falls == []
    written = sum(one.last for one in logs)
    sent = {dict(labels)["sink"]: one for (name, labels), one in last.items() if ("result", "acknowledged") in labels}
    assert sent == {"file": written, "rows": written}
    lines = [one for (name, labels), one in last.items() if name == "auditwake_events_total"]
    assert sum(lines) == 2 * written


def _has_all(agent: Agent, log: Rotator) -> bool:
    """Whether all routes of a log have sent what is in it; one that is not followed at present has none."""
    own = [one for one in agent.snapshot().sources if one.path == str(log.path)]
    return all(route.events_sent == log.last for one in own for route in one.routes)
