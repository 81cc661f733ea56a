"""`Policy.apply`: where it writes, and that the output is there whole or not at all; and its command."""

import base64
import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import auditwake as aw
from auditwake.cli import main

DATA = Path(__file__).parent / "data"
HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"
METADATA = HEAD + "rules: [{level: Metadata}]\n"
ALL = HEAD + "rules: [{level: RequestResponse}]\n"
APPLY = "import sys, auditwake as aw; aw.Policy.load(sys.argv[1]).apply([sys.argv[2]] * int(sys.argv[4]), sys.argv[3])"

CUT = b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"a","requestObject":{"secret":"xyz'
"""An event whose body has no end."""


def applied(policy: str | aw.Policy, source: Path, out: Path) -> tuple[aw.policy.Applied, bytes]:
    policy = policy if isinstance(policy, aw.Policy) else aw.Policy.load(policy)
    return policy.apply(source, out), out.read_bytes()


# --- where it goes ---------------------------------------------------------------------------------------------------


def test_the_name_says_how_it_is_compressed(metadata_log: Path, tmp_path: Path) -> None:
    for name in ("out.log", "out.log.gz", "out.log.zst"):
        done, written = applied(ALL, metadata_log, tmp_path / name)
        packed = {".log": written, ".gz": b"", ".zst": b""}[Path(name).suffix]
        if name.endswith(".gz"):
            packed = gzip.decompress(written)
        if name.endswith(".zst"):
            packed = b"".join(line + b"\n" for line in aw.lines(aw.read(done.out, raw=True)))
            assert written[:4] == b"\x28\xb5\x2f\xfd"
        assert packed == metadata_log.read_bytes()
        assert done.bytes_written == metadata_log.stat().st_size
        assert (len(written) < done.bytes_written // 4) == (name != "out.log")


def test_rejected_lines_are_written_beside_the_output(hurt_log: Path, metadata_log: Path, tmp_path: Path) -> None:
    hurt_log.write_bytes(hurt_log.read_bytes() + CUT + b"\n")
    out = tmp_path / "out.log"
    done, text = applied(METADATA, hurt_log, out)
    assert text.splitlines() == metadata_log.read_bytes().splitlines()[:3]
    assert done.rejects_file == f"{out}.rejected.ndjson"
    said = [json.loads(line) for line in Path(done.rejects_file).read_text().splitlines()]
    assert [base64.b64decode(one["bytes"]).rstrip(b"\n") for one in said] == [b"no event at all", CUT]
    assert {one["file"] for one in said} == {str(hurt_log)}
    assert done.rejected == []
    # Those of an earlier run go.
    again, _ = applied(METADATA, metadata_log, out)
    assert again.rejects_file is None
    assert not Path(done.rejects_file).exists()


def test_the_output_is_no_input(metadata_log: Path, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(metadata_log.read_bytes())
    (tmp_path / "soft.log").symlink_to(log)
    (tmp_path / "hard.log").hardlink_to(log)
    (tmp_path / "dir").mkdir()
    names = [log, tmp_path / "dir" / ".." / "audit.log", tmp_path / "soft.log", tmp_path / "hard.log"]
    policy = aw.Policy.load(METADATA)
    for out in names:
        for source in (log, tmp_path / "*.log"):
            with pytest.raises(aw.errors.OutputError, match="is read"):
                policy.apply(str(source), out)
    rejects, unfinished = tmp_path / "x.rejected.ndjson", tmp_path / ".x.unfinished"
    for source in (rejects, unfinished):
        log.rename(source)
        with pytest.raises(aw.errors.OutputError, match="is read"):
            policy.apply(source, tmp_path / "x")
        source.rename(log)
    assert log.read_bytes() == metadata_log.read_bytes()


def test_a_link_is_followed(metadata_log: Path, tmp_path: Path) -> None:
    (tmp_path / "real.log").write_bytes(b"old")
    (tmp_path / "link.log").symlink_to("real.log")
    applied(ALL, metadata_log, tmp_path / "link.log")
    assert (tmp_path / "link.log").is_symlink()
    assert (tmp_path / "real.log").read_bytes() == metadata_log.read_bytes()


def test_outputs_that_cannot_be_written(metadata_log: Path, tmp_path: Path) -> None:
    policy = aw.Policy.load(METADATA)
    (tmp_path / "dir").mkdir()
    bad: list[str | Path] = [tmp_path / "dir", metadata_log / "out.log", "s3://bucket/out.log"]
    if Path("/dev/full").exists():
        bad.append("/dev/full")
    for out in bad:
        with pytest.raises(aw.errors.OutputError):
            policy.apply(metadata_log, out)
    assert list(tmp_path.rglob("*")) == [tmp_path / "dir"]
    with pytest.raises(aw.errors.SourceNotFoundError):
        policy.apply(tmp_path / "no-such.log", tmp_path / "out.log")
    assert list(tmp_path.rglob("*")) == [tmp_path / "dir"]


def test_parquet_has_no_lines(metadata_log: Path, tmp_path: Path) -> None:
    aw.convert(metadata_log, tmp_path / "audit.parquet", columns="core")
    with pytest.raises(aw.errors.SourceError, match="is Parquet"):
        aw.Policy.load(METADATA).apply(tmp_path / "audit.parquet", tmp_path / "out.log")


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="there is no such device")
def test_a_device_is_a_stream(hurt_log: Path) -> None:
    done = aw.Policy.load(METADATA).apply(hurt_log, "/dev/null")
    assert (done.written, done.rejects_file) == (3, None)
    assert [(line.file, line.length, line.bytes) for line in done.rejected] == [(str(hurt_log), 16, None)]
    assert Path("/dev/null").is_char_device()


def test_nothing_is_left_when_the_disk_is_full(metadata_log: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="there are no limits here")
    out = tmp_path / "out" / "out.log"
    command: list[str | Path] = [
        sys.executable,
        "-c",
        APPLY,
        DATA / "policy/logs/metadata.yaml",
        metadata_log,
        out,
        "1",
    ]
    limit = (1 << 20, 1 << 20)
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),  # no threads here
    )
    assert b"OutputError: cannot write" in done.stderr
    assert list(out.parent.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_killed_run_leaves_no_output(data: Path, tmp_path: Path) -> None:
    out, unfinished = tmp_path / "out.log", tmp_path / ".out.log.unfinished"
    policy = data / "policy" / "logs" / "rotated.yaml"
    with subprocess.Popen([sys.executable, "-c", APPLY, policy, data / "rotated", out, "200"]) as child:
        deadline = time.monotonic() + 60
        while not (unfinished.exists() and unfinished.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.005)
        child.kill()
    assert os.listdir(tmp_path) == [unfinished.name]  # noqa: PTH208  # the names alone
    applied(aw.Policy.load(policy), data / "rotated", out)
    assert os.listdir(tmp_path) == [out.name]  # noqa: PTH208  # the names alone


def test_progress_and_its_errors(data: Path, tmp_path: Path) -> None:
    policy, seen = aw.Policy.load(METADATA), list[aw.Progress]()
    done = policy.apply([data / "rotated"] * 3, tmp_path / "out.log", progress=seen.append)
    assert [step.rows for step in seen] == sorted(step.rows for step in seen)
    assert seen[-1].rows == done.events
    assert seen[-1].bytes_done == seen[-1].bytes_total

    def stop(_: aw.Progress) -> None:
        message = "enough"
        raise RuntimeError(message)

    (tmp_path / "out.log").unlink()
    with pytest.raises(RuntimeError, match="enough"):
        policy.apply([data / "rotated"] * 40, tmp_path / "out.log", progress=stop)
    assert list(tmp_path.iterdir()) == []


# --- the command line ------------------------------------------------------------------------------------------------


def run(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "auditwake", "policy", "apply", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=60)


def apply(*arguments: object) -> int:
    """The command in this process."""
    try:
        return main(["policy", "apply", *map(str, arguments)])
    except SystemExit as left:
        return int(left.code or 0)


def test_the_command_says_what_it_wrote(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = (data / "policy" / "logs" / "metadata.yaml", data / "integration-example", "-o", tmp_path / "out.log")
    assert apply(*arguments) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "what was not recorded is not brought back" in err
    assert apply(*arguments, "--quiet", "--threads", 1) == 0
    assert capsys.readouterr() == ("", "")
    assert apply(*arguments, "--output", "json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["written"] == len((tmp_path / "out.log").read_bytes().splitlines()) == said["events"]
    assert said["bodies"] > 0
    assert said["outcomes"]["ok"]["lines"] == said["events"]


def test_the_command_streams(hurt_log: Path, metadata_log: Path) -> None:
    log = hurt_log.read_bytes() + CUT + b"\n"
    done = run(DATA / "policy/logs/metadata.yaml", "-", "-o", "-", stdin=log)
    assert done.returncode == 3
    assert done.stdout.splitlines() == metadata_log.read_bytes().splitlines()[:3]
    assert b"standard input: byte " in done.stderr
    assert b"no event at all" not in done.stderr


def test_the_command_and_what_it_cannot_do(data: Path, metadata_log: Path, tmp_path: Path) -> None:
    good, bad = data / "policy" / "logs" / "metadata.yaml", data / "policy" / "policies" / "loader-no-rules.yaml"
    out = tmp_path / "out.log"
    assert apply(bad, metadata_log, "-o", out) == 78
    assert apply(good, tmp_path / "no-such.log", "-o", out) == 1
    assert apply(tmp_path / "no-such.yaml", metadata_log, "-o", out) == 1
    assert apply(good, metadata_log) == 2
    assert apply(good, metadata_log, "-o", "-", "--output", "json") == 2
    assert apply("-", "-", "-o", out) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="there is no shell")
def test_the_command_reads_no_output_of_its_own(metadata_log: Path, tmp_path: Path) -> None:
    log, policy = tmp_path / "audit.log", DATA / "policy" / "logs" / "metadata.yaml"
    log.write_bytes(metadata_log.read_bytes())
    for script in ('"$1" "$2" -o - >> "$2"', '"$1" - -o "$2" < "$2"'):
        command = f'"$0" -m auditwake policy apply {script}'
        done = subprocess.run(["sh", "-c", command, sys.executable, policy, log], check=False, capture_output=True)  # noqa: S607  # found on the path
        assert (done.returncode, log.read_bytes()) == (1, metadata_log.read_bytes())
        assert b"is read" in done.stderr
