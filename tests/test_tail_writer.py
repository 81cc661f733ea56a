"""`aw.tail` behind lumberjack, the library with which kube-apiserver writes and rotates its audit log.

`AUDITWAKE_ROTATIONS` is how many times the log is rotated (30; `make soak`: 1,000).
"""

import os
import sys
from pathlib import Path

import pytest

from tests.tailing.processes import ReaderProcess, writing

ROTATIONS = int(os.environ.get("AUDITWAKE_ROTATIONS", "30"))
LINES = 1024  # lines of 1 KiB in a file of 1 MiB
BACKUPS = 10

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="lumberjack renames an open file")


@pytest.mark.parametrize("compress", [True, False], ids=["compressed", "plain"])
def test_every_line_comes_once_and_in_order(audit_writer: Path, tmp_path: Path, *, compress: bool) -> None:
    log, pace = tmp_path / "logs" / "audit.log", tmp_path / "pace"
    # The reader is slower than the writer, which has to wait before lumberjack deletes what is not read.
    reader = ReaderProcess(log, tmp_path / "reader", batch_rows=500, sleep=0.002, pace=str(pace))
    flags = {"maxbackups": BACKUPS, "compress": compress, "pad": 1024, "lines": ROTATIONS * LINES + 1}
    with reader.opened(), writing(audit_writer, log, pace_file=pace, ahead=(BACKUPS - 3) * LINES, **flags) as writer:
        last = writer.finish(60 + ROTATIONS)
        reader.until(lambda record: record.committed == last)
        record = reader.terminate()
    assert record.rows == [(1, ROTATIONS * LINES + 1)]
    assert record.rejected == 0
    assert record.report is not None
    assert record.report["gaps"] == record.report["errors"] == []
    # Those of the first moment, before the log was seen at all, are none that it can count.
    assert ROTATIONS - BACKUPS <= record.report["rotations"] <= ROTATIONS
    assert record.report["lines"] == last
    assert record.report["bytes"] == last * 1024
    assert record.report["lost_bytes"] == record.report["uncommitted_bytes"] == record.report["lag_bytes"] == 0


def test_what_was_deleted_unread_is_a_gap(audit_writer: Path, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "audit.log"
    with writing(audit_writer, log, pad=1024, lines=100) as writer:
        writer.finish()
    with ReaderProcess(log, tmp_path / "reader", follow=False) as reader:
        assert reader.wait() == 0
        assert reader.record.rows == [(1, 100)]
    with writing(audit_writer, log, pad=1024, lines=10 * LINES, first=101, maxbackups=3) as writer:
        last = writer.finish()
    kept = [path.read_bytes() for path in sorted(log.parent.glob("audit*.log"))]
    lost = last * 1024 - 100 * 1024 - sum(map(len, kept))
    assert lost > 0
    with ReaderProcess(log, tmp_path / "reader", follow=False) as reader:
        assert reader.wait() == 0
        record = reader.record
    assert record.rows == [(last - sum(map(len, kept)) // 1024 + 1, last)]
    assert record.report is not None
    assert len(record.report["gaps"]) == 1
    assert record.report["lost_bytes"] <= lost
    assert "gap" in record.kinds()
