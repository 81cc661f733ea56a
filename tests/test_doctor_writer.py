"""The doctor beside lumberjack, the library with which kube-apiserver writes and rotates its audit log."""

import os
import sys
from pathlib import Path

import pytest

from auditwake.forwarder.doctor import Asked, Finding, gather, judge
from tests.doctoring.node import fine
from tests.tailing.processes import wait_until, writing

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="lumberjack renames an open file")

FLAGS = "--audit-log-path=/audit.log --audit-log-maxsize=1 --audit-log-maxbackup=5 --audit-log-compress"


def look(log: Path) -> list[Finding]:
    flags = log.parent.with_name("flags")
    flags.write_text(FLAGS)
    root, none = log.parents[1] / "root", log.parents[1] / "none"
    return judge(gather(Asked(root=root, flags_file=flags, log=log, config=(none,), observe=0.2)))


def test_its_rotation_is_known(audit_writer: Path, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "audit.log"
    with writing(audit_writer, log, pad=1024, rate=4000, maxbackups=5, compress=True) as writer:
        wait_until(lambda: len(list(log.parent.glob("*.gz"))) >= 5, lambda: list(log.parent.iterdir()))
        found = look(log)
        assert writer.running()
    seen = {"log-readable", "directory-listable", "log-grows", "lines", "rotation-works", "names", "no-other-rotation"}
    assert seen <= fine(found)
    said = next(one.message for one in found if one.check == "rotation-works")
    assert said.partition(" ")[0] in {"5", "6", "7"}, "the ones that are kept, and those that are being compressed"
    # A MiB every quarter of a second: five of them are gone before anybody has noticed.
    assert "AWD403" in {one.code for one in found}


def test_copytruncate_under_it_is_seen(audit_writer: Path, tmp_path: Path) -> None:
    """The file that lumberjack makes when it rotates is not opened for appending: cut, it gets a hole."""
    log = tmp_path / "logs" / "audit.log"
    with writing(audit_writer, log, pad=1024, rate=400) as writer:
        wait_until(lambda: len(list(log.parent.iterdir())) > 1 and log.stat().st_size > 4096, lambda: "no rotation")
        os.truncate(log, 0)
        wait_until(lambda: log.exists() and log.stat().st_size > 0, lambda: "nothing is written")
        found = look(log)
        assert writer.running()
    assert {"AWD411"} == {one.code for one in found if one.check == "no-other-rotation"}
