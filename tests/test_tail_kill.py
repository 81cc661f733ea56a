"""A reader that is killed at any moment, while its log is written, rotated and compressed: nothing is lost.

`AUDITWAKE_KILLS` is how many readers are killed (200; `make soak`: 1,000).
"""

import os
import random
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.tailing.lines import joined
from tests.tailing.processes import ReaderForks, wait_until, writing
from tests.tailing.record import Ledger

KILLS = int(os.environ.get("AUDITWAKE_KILLS", "200"))
LANES = 2  # logs at a time
ROUNDS = 20
LINES = 1024  # lines of 1 KiB in a file of 1 MiB
WRITER = {"pad": 1024, "maxbackups": 10, "compress": True, "ahead": 6 * LINES}
READER: dict[str, Any] = {"batch_rows": 200, "batch_age": 0.02}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")


def wait_for_the_moment(readers: ReaderForks, dice: random.Random) -> None:
    """Wait until a reader is to die: half of them while they find their place, the others in the midst of reading."""
    if dice.random() < 0.5:
        time.sleep(dice.uniform(0, 0.04))
        return
    wait_until(lambda: readers.record.committed > 0, lambda: readers.record)
    time.sleep(dice.uniform(0, 0.15))


def kill_many(program: Path, folder: Path, kills: int, seed: int) -> int:
    """Kill one reader after the other, all of one log; return how many times that was rotated."""
    dice = random.Random(seed)  # noqa: S311  # no secrets
    log, pace = folder / "logs" / "audit.log", folder / "pace"
    ledger = Ledger()
    readers = ReaderForks(log, folder / "reader", pace=str(pace), **READER)
    with readers, writing(program, log, pace_file=pace, **WRITER) as writer:
        for _ in range(kills):
            readers.start()
            wait_for_the_moment(readers, dice)
            ledger.add(readers.end(signal.SIGKILL))
            assert writer.running()
        last = writer.stop()
        readers.start(follow=False)
        record = readers.end()
    ledger.add(record)
    assert ledger.delivered == ledger.committed == last
    assert record.report is not None
    assert record.report["gaps"] == []
    return last // LINES


def test_kill_loses_nothing_and_repeats_only_what_was_not_committed(audit_writer: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(LANES) as pool:
        lanes = [
            pool.submit(kill_many, audit_writer, tmp_path / f"lane{lane}", KILLS // LANES, lane)
            for lane in range(LANES)
        ]
        rotations = [lane.result() for lane in lanes]
    # A kill that meets no rotation would show little.
    assert sum(rotations) >= KILLS / 4


def test_sigterm_loses_nothing_and_repeats_nothing(audit_writer: Path, tmp_path: Path) -> None:
    dice = random.Random(ROUNDS)  # noqa: S311  # no secrets
    log, pace = tmp_path / "logs" / "audit.log", tmp_path / "pace"
    rows: list[tuple[int, int]] = []
    readers = ReaderForks(log, tmp_path / "reader", pace=str(pace), **READER)
    with readers, writing(audit_writer, log, pace_file=pace, **WRITER) as writer:
        for _ in range(ROUNDS):
            readers.start()
            wait_until(lambda: readers.record.opened, lambda: readers.record)
            wait_for_the_moment(readers, dice)
            record = readers.end(signal.SIGTERM)
            assert record.report is not None
            assert record.report["uncommitted_bytes"] == 0
            rows += record.rows
        last = writer.stop()
        readers.start(follow=False)
        rows += readers.end().rows
    assert joined(rows) == [(1, last)]
    assert last > LINES
