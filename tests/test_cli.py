"""The command line, as a shell and as a person see it."""

import contextlib
import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import auditwake as aw
from auditwake.cli import main
from auditwake.cli.exits import Exit
from auditwake.cli.progress import describe

COMMANDS = (
    "demo",
    "convert",
    "cat",
    "tail",
    "schema",
    "policy",
    "policy check",
    "policy explain",
    "policy cost",
    "policy diff",
    "policy apply",
    "doctor",
)
TOO_LONG = 60


def run(
    *arguments: object, stdin: bytes = b"", cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "auditwake", *map(str, arguments)]
    environment = {**os.environ, **(env or {})}
    return subprocess.run(
        command, input=stdin, capture_output=True, check=False, cwd=cwd, env=environment, timeout=TOO_LONG
    )


def feed(child: subprocess.Popen[bytes], log: bytes) -> None:
    """Write to a child that may stop reading."""
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(log)
        child.stdin.flush()


def first_event(log: Path) -> dict[str, Any]:
    with log.open() as lines:
        event: dict[str, Any] = json.loads(lines.readline())
        return event


def on_a_terminal(command: Sequence[str], columns: int) -> str:
    """Run a command with a terminal for its output, and give what it showed."""
    pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, env=environment) as child:
        os.close(theirs)
        shown = bytearray()
        while chunk := read_terminal(ours):
            shown += chunk
        assert child.wait(TOO_LONG) == 0
    os.close(ours)
    return shown.decode()


def read_terminal(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # the other end of a terminal is closed
        return b""


# --- for everyone ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--help"], *([*command.split(), "--help"] for command in COMMANDS)])
def test_help_is_there_and_imports_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys, auditwake.cli\n"
        f"try: auditwake.cli.main({arguments!r})\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'pyarrow', 'polars', 'fsspec', 'numpy', 'pandas', 'duckdb'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=TOO_LONG)
    assert done.returncode == 0, done.stderr.decode()
    assert b"exit codes: 0 fine" in done.stdout


def test_the_version_names_all_parts() -> None:
    done = run("--version")
    assert done.returncode == 0
    text = done.stdout.decode()
    assert text.startswith(f"auditwake {aw.__version__} ")
    assert f"core {aw.__version__}" in text
    assert f"pyarrow {pa.__version__}" in text
    assert "SIMD" in text


def test_the_simd_level_can_be_forced() -> None:
    assert b"SIMD portable," in run("--version", env={"AUDITWAKE_SIMD": "portable"}).stdout


def test_a_simd_level_that_this_machine_lacks_is_named() -> None:
    best = run("--version", env={"AUDITWAKE_SIMD": ""}).stdout
    assert b"AUDITWAKE_SIMD" not in best
    said = run("--version", env={"AUDITWAKE_SIMD": "sse9"}).stdout
    level = re.search(rb"SIMD (\w+),", best)
    assert level is not None
    assert said == best.replace(level[0], level[0][:-1] + b" (AUDITWAKE_SIMD='sse9' is none of this machine's),")


def test_a_simd_level_of_any_bytes_breaks_no_version() -> None:
    done = run("--version", env={"AUDITWAKE_SIMD": "\udcff\n"})
    assert done.returncode == 0
    assert done.stdout.count(b"\n") == 1
    assert rb"(AUDITWAKE_SIMD='\udcff\n' is" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [[], ["nothing"], ["cat"], ["cat", "x", "--output", "xml"], ["cat", "x", "-n", "0"], ["convert", "x"]],
)
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == Exit.USAGE
    assert done.stdout == b""
    assert b"usage:" in done.stderr


def test_an_unknown_column_is_2() -> None:
    done = run("cat", aw.demo.LOG, "--columns", "verbs")
    assert done.returncode == Exit.USAGE
    assert done.stderr.startswith(b"auditwake: ")
    assert b"verb" in done.stderr


def test_failure_is_1_with_one_line(tmp_path: Path) -> None:
    for arguments in (["cat", tmp_path / "nowhere.log"], ["convert", tmp_path / "nowhere.log", tmp_path / "out"]):
        done = run(*arguments)
        assert done.returncode == Exit.FAILURE
        assert done.stdout == b""
        assert done.stderr.startswith(b"auditwake: ")
        assert b"nowhere.log" in done.stderr
        assert done.stderr.count(b"\n") == 1


def test_rejected_lines_are_3(hurt_log: Path, tmp_path: Path) -> None:
    for arguments in (["cat", hurt_log], ["cat", hurt_log, "--output", "csv"], ["convert", hurt_log, tmp_path / "out"]):
        done = run(*arguments)
        assert done.returncode == Exit.REJECTED
        assert b"1 line rejected" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT to send to a child")
def test_interrupted_is_130() -> None:
    command = [sys.executable, "-m", "auditwake", "cat", "-"]
    # More than a batch: a line of it is out before the input has ended.
    log = 20 * b"".join(line + b"\n" for line in aw.lines(aw.read(aw.demo.LOG)))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        feeder = threading.Thread(target=feed, args=(child, log))
        feeder.start()
        assert child.stdout.readline() == log.splitlines(keepends=True)[0]
        child.send_signal(signal.SIGINT)
        try:
            code = child.wait(TOO_LONG)
        finally:
            child.kill()
            feeder.join()
    assert code == Exit.INTERRUPTED


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt, Exit.INTERRUPTED), (BrokenPipeError, Exit.BROKEN_PIPE)]
)
def test_who_calls_it_as_a_function_keeps_its_standard_output(
    error: type[BaseException], code: Exit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("auditwake.cli.schema.run", fail)
    before = os.fstat(sys.stdout.fileno())
    assert main(["schema"]) == code
    assert os.path.samestat(os.fstat(sys.stdout.fileno()), before)


@pytest.mark.skipif(os.name == "nt", reason="pipes break in another way")
@pytest.mark.parametrize("output", ["ndjson", "csv", "json", "table", "arrow"])
def test_a_reader_that_leaves_is_no_error(output: str) -> None:
    command = [sys.executable, "-m", "auditwake", "cat", str(aw.demo.LOG), "--output", output]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.read(10)
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(TOO_LONG) == Exit.BROKEN_PIPE


# --- cat -------------------------------------------------------------------------------------------------------------


def test_cat_in_a_pipe_gives_the_events_themselves(metadata_log: Path) -> None:
    assert run("cat", metadata_log).stdout == metadata_log.read_bytes()


def test_cat_reads_standard_input(metadata_log: Path) -> None:
    log = metadata_log.read_bytes()
    assert run("cat", "-", stdin=log).stdout == log


def test_cat_stops_at_its_limit(metadata_log: Path) -> None:
    assert run("cat", metadata_log, "-n", "3").stdout.count(b"\n") == 3
    assert len(json.loads(run("cat", metadata_log, "-n", "3", "--output", "json").stdout)) == 3


def test_cat_gives_rows(metadata_log: Path) -> None:
    arguments = ("cat", metadata_log, "--columns", "code,verb,ts_stage,annotations,user_groups", "--output")
    table = pa.table(aw.read(metadata_log, columns=["code", "verb", "ts_stage", "annotations", "user_groups"]))
    as_json = json.loads(run(*arguments, "json").stdout)
    as_ndjson = [json.loads(line) for line in run(*arguments, "ndjson").stdout.splitlines()]
    as_csv = list(csv.DictReader(io.StringIO(run(*arguments, "csv").stdout.decode())))
    as_arrow = pa.ipc.open_stream(run(*arguments, "arrow").stdout).read_all()
    assert list(as_json[0]) == list(as_csv[0]) == as_arrow.schema.names
    assert as_arrow.schema.names == ["code", "verb", "ts_stage", "annotations", "user_groups"]
    assert as_json == as_ndjson
    assert len(as_json) == len(as_csv) == len(as_arrow) == 5292
    assert [row["code"] for row in as_json] == table["code"].to_pylist() == as_arrow["code"].to_pylist()
    assert [row["user_groups"] for row in as_json] == table["user_groups"].to_pylist()
    assert [row["verb"] for row in as_csv] == table["verb"].to_pylist()
    assert [json.loads(row["annotations"] or "null") for row in as_csv] == [row["annotations"] for row in as_json]
    assert as_json[0]["ts_stage"] == first_event(metadata_log)["stageTimestamp"]


def test_cat_gives_every_column_of_the_hostile_log(data: Path) -> None:
    """Bytes that are no UTF-8 stand in `raw`; no form of output fails on them."""
    for output in ("json", "csv", "arrow", "table"):
        done = run("cat", data / "rotated" / "audit.log", "--columns", "all", "--output", output)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout) > 100_000


def test_cat_on_a_terminal_is_a_table_that_fits(metadata_log: Path) -> None:
    for columns in (60, 120, 200):
        shown = on_a_terminal([sys.executable, "-m", "auditwake", "cat", str(metadata_log), "-n", "50"], columns)
        lines = shown.splitlines()
        assert len(lines) == 51
        assert "ts_stage" in lines[0]
        assert "\033[1m" in lines[0]
        assert max(map(len, lines[1:])) <= columns
    assert "eff_user" in lines[0]


def test_a_table_shows_no_control_characters(metadata_log: Path, tmp_path: Path) -> None:
    """A user agent is chosen by the client: it must not be able to repaint the terminal."""
    event = first_event(metadata_log)
    event["userAgent"] = "\033[2J\033[H\aowned"
    path = tmp_path / "audit.log"
    path.write_text(json.dumps(event) + "\n")
    shown = run("cat", path, "--columns", "user_agent", "--output", "table").stdout
    assert b"owned" in shown
    assert b"\033" not in shown
    assert b"\a" not in shown


def test_arrow_is_not_sent_to_a_terminal(metadata_log: Path) -> None:
    with pytest.raises(AssertionError, match="2 == 0"):
        on_a_terminal([sys.executable, "-m", "auditwake", "cat", str(metadata_log), "--output", "arrow"], 80)


# --- convert ---------------------------------------------------------------------------------------------------------


def test_convert_says_what_it_wrote_on_standard_error(metadata_log: Path, tmp_path: Path) -> None:
    done = run("convert", metadata_log, tmp_path / "audit.parquet")
    assert done.returncode == 0
    assert done.stdout == b""
    text = done.stderr.decode()
    assert "5,292 rows in 1 file" in text
    assert f"{metadata_log.stat().st_size:,}" in text
    assert "\r" not in text
    assert pq.read_metadata(tmp_path / "audit.parquet").num_rows == 5292


def test_convert_says_it_as_json(data: Path, tmp_path: Path) -> None:
    done = run("convert", data / "rotated", tmp_path / "lake", "--output", "json", "--threads", "2")
    said = json.loads(done.stdout)
    assert said["rows"] == 4716
    assert sum(outcome["bytes"] for outcome in said["outcomes"].values()) == said["bytes_read"]
    assert said["outcomes"]["repaired"]["reasons"]["invalid_utf8"][0] == 2


def test_convert_takes_its_options(metadata_log: Path, tmp_path: Path) -> None:
    options = ["--partition-by", "stage", "--columns", "core", "--compression", "snappy", "--quiet"]
    done = run("convert", metadata_log, tmp_path / "lake", *options)
    assert (done.returncode, done.stderr) == (0, b"")
    assert {path.name for path in (tmp_path / "lake").glob("*=*")} == {
        "stage=RequestReceived",
        "stage=ResponseStarted",
        "stage=ResponseComplete",
    }


def test_convert_shows_its_progress_on_a_terminal(data: Path, tmp_path: Path) -> None:
    sources = [str(data / "rotated")] * 20
    shown = on_a_terminal([sys.executable, "-m", "auditwake", "convert", *sources, str(tmp_path / "all.parquet")], 200)
    assert "% ━" in shown
    assert " left  " in shown
    assert "94,320 rows in 1 file" in shown


def test_progress_in_words() -> None:
    class Step:
        bytes_done = 500_000_000
        bytes_total: int | None = 1_000_000_000
        rows = 1_234_567
        rejected = 2

    text = describe(Step(), 2.0)  # type: ignore[arg-type]  # has all that is looked at
    assert text.split() == [
        "50%", "━" * 12 + "╌" * 12, "500.0", "MB", "of", "1.0", "GB", "2", "s", "left",
        "250.0", "MB/s", "1,234,567", "rows", "2", "rejected",
    ]  # fmt: skip
    Step.bytes_total = None
    assert "left" not in describe(Step(), 2.0)  # type: ignore[arg-type]


# --- demo ------------------------------------------------------------------------------------------------------------


def test_demo_answers_and_writes(tmp_path: Path) -> None:
    done = run("demo", cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    text = done.stdout.decode()
    assert "2,164 events" in text
    assert "2,026,133" in text
    assert "system:serviceaccount:team-a11:builder  get     configmaps" in text
    assert "10.00 s" in text
    assert "validating webhooks" in text
    assert "control-plane" in text
    assert pq.read_metadata(tmp_path / "auditwake-demo.parquet").num_rows == 2164
    assert os.listdir(tmp_path) == ["auditwake-demo.parquet"]  # noqa: PTH208  # the names alone


def test_demo_can_be_run_again(tmp_path: Path) -> None:
    first, second = (run("demo", "--out", tmp_path / "demo.parquet") for _ in range(2))
    assert first.returncode == second.returncode == 0
    assert first.stdout == second.stdout
