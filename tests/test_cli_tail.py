"""`auditwake tail`: the forms of its output, and what it refuses."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

import auditwake as aw
from auditwake.cli import main
from auditwake.cli.exits import Exit
from auditwake.cli.happened import Happened
from auditwake.tail import TailEvent

TOO_LONG = 60
COMMAND = [sys.executable, "-m", "auditwake", "tail"]

Printed = pytest.CaptureFixture[str]


def run(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, check=False, timeout=TOO_LONG)


# --- forms -----------------------------------------------------------------------------------------------------------


def test_once_in_a_pipe_gives_the_events_themselves(metadata_log: Path) -> None:
    done = run(metadata_log, "--once")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == metadata_log.read_bytes()


def test_rows_are_those_of_cat(metadata_log: Path) -> None:
    for options in (["--columns", "code,verb,ts_stage,user_groups"], ["--columns", "core,bodies", "--no-bodies"]):
        by_cat = subprocess.run(
            [sys.executable, "-m", "auditwake", "cat", metadata_log, *options], capture_output=True, check=True
        )
        assert run(metadata_log, "--once", *options).stdout == by_cat.stdout
    assert b'"request_object"' not in run(metadata_log, "--once", "--no-bodies", "-n", "1").stdout


def test_arrow_is_a_stream_of_the_columns_that_were_named(metadata_log: Path) -> None:
    done = run(metadata_log, "--once", "--output", "arrow", "--columns", "code,verb", "--where", "user_kind = node")
    table = pa.ipc.open_stream(done.stdout).read_all()
    whole = pa.table(aw.read(metadata_log, columns=["code", "verb", "user_kind"])).to_pylist()
    assert table.schema.names == ["code", "verb"]
    assert table.to_pylist() == [
        {"code": row["code"], "verb": row["verb"]} for row in whole if row["user_kind"] == "node"
    ]


def test_arrow_of_nothing_is_a_stream(metadata_log: Path) -> None:
    done = run(metadata_log, "--once", "--output", "arrow", "--where", "verb = nothing")
    assert pa.ipc.open_stream(done.stdout).read_all().num_rows == 0


def test_where_keeps_events_whole(metadata_log: Path) -> None:
    lines = metadata_log.read_bytes().splitlines(keepends=True)
    failed = [line for line in lines if json.loads(line).get("responseStatus", {}).get("code", 0) >= 400]
    assert 0 < len(failed) < len(lines)
    assert run(metadata_log, "--once", "--where", "code >= 400").stdout == b"".join(failed)
    limited = run(metadata_log, "--once", "--where", "code >= 400", "-n", "3")
    assert (limited.returncode, limited.stdout) == (0, b"".join(failed[:3]))


def test_since_leaves_out_what_is_older(metadata_log: Path) -> None:
    lines = metadata_log.read_bytes().splitlines(keepends=True)
    when = json.loads(lines[2000])["stageTimestamp"]
    newer = [line for line in lines if json.loads(line)["stageTimestamp"] >= when]
    assert 0 < len(newer) < len(lines)
    assert run(metadata_log, "--once", "--since", when).stdout == b"".join(newer)
    assert run(metadata_log, "--once", "--since", "1m").stdout == b""


def test_a_rotated_set_is_one_log(data: Path, rotated_log: bytes, tmp_path: Path) -> None:
    for path in (data / "rotated").iterdir():
        shutil.copy(path, tmp_path)
    done = run(tmp_path / "audit.log", "--once", "--columns", "audit_id")
    rows = pa.table(aw.read(data / "rotated", columns=["audit_id"])).to_pylist()
    assert [json.loads(line) for line in done.stdout.splitlines()] == rows
    assert len(rows) > 4000
    assert rotated_log


def test_pretty_lines_in_a_pipe_have_no_colour_and_are_not_cut(metadata_log: Path) -> None:
    done = run(metadata_log, "--once", "--output", "pretty", "--utc", "--where", "code = 403", "-n", "5")
    day, *lines = done.stdout.decode().splitlines()
    assert re.fullmatch(r"── \d{4}-\d\d-\d\d UTC ──", day)
    assert len(lines) == 5
    assert all(re.match(r"\d\d:\d\d:\d\d\.\d{3}  403 ✗ ", line) for line in lines)
    assert b"\x1b" not in done.stdout
    assert "…" not in done.stdout.decode()


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals there")
@pytest.mark.parametrize("width", [80, 200])
def test_a_terminal_gets_pretty_lines_that_fit(metadata_log: Path, width: int) -> None:
    pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(width), "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    command = [*COMMAND, str(metadata_log), "--once", "-n", "200", "--where", "code >= 200"]
    shown = bytearray()
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment) as child:
        os.close(theirs)
        with contextlib.suppress(OSError):  # the other end of a terminal is closed
            while chunk := os.read(ours, 1 << 16):
                shown += chunk
        assert child.wait(TOO_LONG) == 0
    os.close(ours)
    lines = shown.decode().splitlines()
    assert len(lines) == 201
    assert any("\x1b[32m" in line for line in lines)
    assert any("\x1b[33m404" in line for line in lines)
    assert max(len(re.sub(r"\x1b\[\d*m", "", line)) for line in lines) <= width


# --- how it ends -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--where", "cod > 1"], "did you mean 'code'?\n  | cod > 1\n  | ^\n"),
        (["--where", "code >= 1", "--where", "verb >"], "a value is missing"),
        (["--columns", "verbs"], "did you mean 'verb'?"),
        (["--output", "pretty", "--columns", "verb"], "--columns goes with ndjson or arrow"),
        (["--since", "1h", "--start", "end"], "give one of them"),
    ],
)
def test_wrong_usage_is_2(options: list[str], said: str, metadata_log: Path, capsys: Printed) -> None:
    assert main(["tail", str(metadata_log), "--once", *options]) == Exit.USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("auditwake: ")
    assert said in printed.err


@pytest.mark.parametrize("options", [["--since", "soon"], ["--limit", "0"], ["--output", "csv"], ["--start", "here"]])
def test_wrong_options_are_2(options: list[str], capsys: Printed) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["tail", "audit.log", *options])
    assert options[0] in capsys.readouterr().err


def test_rejected_lines_are_3_once(hurt_log: Path) -> None:
    done = run(hurt_log, "--once")
    assert done.returncode == Exit.REJECTED
    assert b"auditwake: 1 line rejected: " in done.stderr
    assert done.stdout.count(b"\n") == 3


# --- what happens meanwhile ------------------------------------------------------------------------------------------


def test_what_happens_is_said_once(capsys: Printed) -> None:
    kinds = ["gap", "rotated", "replay", "gap"]
    events = [TailEvent(at, kind, "a.log", "a.log", 7, f"at {at}\x1b") for at, kind in enumerate(kinds)]
    happened = Happened()
    for now in ([], events[:2], events[:2], events[:3], events[1:]):
        happened.say(now)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "auditwake: gap: a.log: at 0\\x1b",
        "auditwake: replay: a.log: at 2\\x1b",
        "auditwake: gap: a.log: at 3\\x1b",
    ]
