"""All columns beside an independent way to them: the SQL by which DuckDB gives the same columns in `benches/peers`.

The twin of the lanes shares the functions that take a user name, a URI or an annotation apart. This one shares no code;
the list of the control plane's accounts is the same.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("duckdb")
BENCHES = Path(__file__).parent.parent / "benches"


def agree(*arguments: object) -> str:
    search = os.pathsep.join(filter(None, [str(BENCHES), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "peers.agree", *map(str, arguments)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": search}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def differences(log: Path, columns: str, scratch: Path) -> tuple[int, dict[str, str]]:
    files = [scratch / "duckdb", scratch / "auditwake"]
    for file in files:
        job = {"engine": file.name, "task": "arrow", "path": str(log), "columns": columns}
        agree("dump", json.dumps(job), file)
    report = json.loads(agree("compare", *files))
    return report["rows"], report["differences"]


def test_a_real_log(metadata_log: Path, tmp_path: Path) -> None:
    assert differences(metadata_log, "wide", tmp_path) == (5292, {})


def test_a_real_log_with_bodies(rotated_log: bytes, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    # The others are four hostile lines, which no two engines read alike.
    lines = [line for line in rotated_log.splitlines(keepends=True) if is_read_by_all(line)]
    log.write_bytes(b"".join(lines))
    assert differences(log, "wide-bodies", tmp_path) == (4712, {})


def is_read_by_all(line: bytes) -> bool:
    return b"[" * 100 not in line and b"1e400" not in line and line.decode(errors="replace").encode() == line
