"""Several threads, and Ctrl-C."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

import auditwake as aw

TOO_LONG = 30  # seconds: an interrupt that is seen takes a tenth of one

ENDLESS_FILES = """
import sys, auditwake as aw
reader = aw.read([sys.argv[1]] * 100_000)
for number, batch in enumerate(reader):
    if number == 0:
        print("reading", flush=True)
"""

SILENT_PIPE = """
import auditwake as aw
print("reading", flush=True)
for batch in aw.read("-"):
    pass
"""

ENDLESS_CONVERT = """
import sys, auditwake as aw
print("reading", flush=True)
aw.convert([sys.argv[1]] * 100_000, sys.argv[2])
"""


def test_readers_in_several_threads(metadata_log: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        tables = list(pool.map(lambda _: pa.table(aw.read(metadata_log, columns="core", threads=1)), range(8)))
    assert {table.num_rows for table in tables} == {5292}


def test_one_reader_in_several_threads(metadata_log: Path) -> None:
    reader = aw.read(metadata_log, columns="core")
    with ThreadPoolExecutor(4) as pool:
        tables = list(pool.map(lambda _: pa.table(reader), range(8)))
    assert {table.num_rows for table in tables} == {5292}
    assert reader.outcomes.bytes == metadata_log.stat().st_size


def test_outcomes_can_be_watched_while_reading(metadata_log: Path) -> None:
    reader = aw.read([metadata_log] * 4, batch_rows=1000)
    seen = [reader.outcomes.events for _ in reader]
    assert seen == sorted(seen)
    assert seen[-1] == 4 * 5292


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to send to a child")
@pytest.mark.parametrize("program", [ENDLESS_FILES, SILENT_PIPE, ENDLESS_CONVERT], ids=["files", "pipe", "convert"])
def test_ctrl_c_stops(program: str, metadata_log: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", program, str(metadata_log), str(tmp_path / "out.parquet")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            assert child.stderr is not None
            assert child.stdout.readline() == b"reading\n"
            child.send_signal(signal.SIGINT)
            child.wait(TOO_LONG)
            assert b"KeyboardInterrupt" in child.stderr.read()
        finally:
            child.kill()
    assert not list(tmp_path.rglob("*.parquet"))
