"""Killed at any moment, a table has every event of the log, and each of them once."""

import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

import deltalake
import pytest
from pyarrow import parquet as pq

from tests.intake.tablewriter import run
from tests.tailing.lines import line, number_of, runs
from tests.tailing.processes import SOON, wait_until
from tests.tailing.rotator import Rotator

KILLS = int(os.environ.get("AUDITWAKE_KILLS", "20"))
LINES = 400  # that are written for each life

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

FORKS = multiprocessing.get_context("forkserver") if sys.platform != "win32" else multiprocessing.get_context()
FORKS.set_forkserver_preload(["tests.intake.tablewriter"])


def names(kind: str, lake: Path) -> list[str]:
    """Read the table back as everyone does."""
    if kind == "delta":
        return [str(name) for name in deltalake.DeltaTable(lake).to_pyarrow_table(columns=["name"])["name"].to_pylist()]
    files = lake.glob("*.parquet")
    return [str(name) for file in files for name in pq.read_table(file, columns=["name"])["name"].to_pylist()]


def commits(kind: str, lake: Path) -> int:
    """Count the flushes that were completed."""
    where = lake / "_delta_log" if kind == "delta" else lake
    return len(list(where.glob("*.json" if kind == "delta" else "*.parquet")))


def live(kind: str, log: Path, folder: Path, life: int, dice: random.Random) -> bool:
    """Start a writer and kill it at some moment; say whether it was killed before it came to the end."""
    writer = FORKS.Process(target=run, args=(kind, log, folder, life))
    writer.start()
    record, flushes = folder / f"life.{life}", dice.randint(0, 3)
    wait_until(lambda: not writer.is_alive() or (record.exists() and record.stat().st_size >= flushes), lambda: flushes)
    time.sleep(dice.uniform(0, 0.03))
    writer.kill()
    writer.join(SOON)
    assert writer.exitcode in (0, -9)
    killed = writer.exitcode == -9
    writer.close()
    return killed


@pytest.mark.parametrize("kind", ["delta", "parquet"])
def test_every_event_once_over_any_number_of_kills(kind: str, tmp_path: Path) -> None:
    dice = random.Random(KILLS)  # noqa: S311  # no secrets
    log, folder = Rotator(tmp_path / "logs" / "audit.log"), tmp_path / "agent"
    folder.mkdir()
    last = killed = life = 0
    while killed < KILLS:
        log.append(b"".join(line(number) for number in range(last + 1, last + LINES + 1)))
        last += LINES
        if dice.random() < 0.3:
            log.rotate()
        killed += live(kind, log.path, folder, life, dice)
        life += 1
        assert life < 5 * KILLS, "the writers come to the end before they are killed"
    done = commits(kind, folder / "lake")
    run(kind, log.path, folder, life)
    found = Counter(map(number_of, names(kind, folder / "lake")))
    assert runs(sorted(found)) == [(1, last)]
    assert set(found.values()) == {1}
    # A kill that meets no flush would show little.
    assert done > KILLS / 2
