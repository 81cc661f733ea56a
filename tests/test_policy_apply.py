"""`Policy.apply`: what a log would have been under a policy, beside a plain twin that cuts the original text."""

import base64
import gzip
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

import auditwake as aw

DATA = Path(__file__).parent / "data"
HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"
METADATA = HEAD + "rules: [{level: Metadata}]\n"
ALL = HEAD + "rules: [{level: RequestResponse}]\n"
LOGS = ("metadata", "integration-example", "rotated")
HOSTILE = 4
DECODER = json.JSONDecoder()

APPLY = "import sys, auditwake as aw; aw.Policy.load(sys.argv[1]).apply([sys.argv[2]] * int(sys.argv[4]), sys.argv[3])"


def log_of(name: str) -> bytes:
    """All lines of one of the real logs, oldest first."""
    packed, plain = sorted((DATA / name).glob("*.gz")), sorted((DATA / name).glob("*.log"))
    return b"".join([*(gzip.decompress(path.read_bytes()) for path in packed), *(path.read_bytes() for path in plain)])


def policy_of(name: str) -> aw.Policy:
    return aw.Policy.load(DATA / "policy" / "logs" / f"{name}.yaml")


def applied(policy: str | aw.Policy, source: object, out: Path) -> tuple[aw.policy.Applied, bytes]:
    """What is written, with the counts checked."""
    policy = policy if isinstance(policy, aw.Policy) else aw.Policy.load(policy)
    done = policy.apply(source, out)  # type: ignore[arg-type]  # whatever a test reads
    text = out.read_bytes()
    assert done.out == str(out)
    assert done.written + done.dropped_by_level + done.dropped_by_stage + done.unreduced == done.events
    assert done.events == done.outcomes.events
    return done, text


# --- the twin --------------------------------------------------------------------------------------------------------


def members(text: str, at: int = 0) -> Iterator[tuple[str, str, int, int]]:
    """Key, value, start and end of each member of a compact object."""
    at += 1
    while text[at] != "}":
        start = at
        key, at = DECODER.raw_decode(text, at)
        value = at + 1
        _, at = DECODER.raw_decode(text, value)
        yield key, text[value:at], start, at
        at += text[at] == ","


def at_metadata(line: bytes) -> bytes:
    """The line as a Metadata policy writes it: members are kept or not, and joined anew."""
    text = line.decode("utf-8", "surrogateescape")
    kept = []
    for key, value, start, end in members(text):
        if key in {"requestObject", "responseObject"}:
            continue
        if key == "level":
            kept.append('"level":"Metadata"')
        elif key == "annotations":
            notes = [value[a:b] for name, _, a, b in members(value) if not name.startswith("patch.webhook.")]
            kept.append(f'"annotations":{{{",".join(notes)}}}')
        else:
            kept.append(text[start:end])
    return f"{{{','.join(kept)}}}".encode("utf-8", "surrogateescape")


def cut_by_hand(line: bytes) -> bytes:
    """The same for a line that Python cannot read: its bodies stand together, before the line's fixed end."""
    body = min(at for at in (line.find(b',"requestObject":'), line.find(b',"responseObject":')) if at > 0)
    kept = line[:body] + line[line.rindex(b',"requestReceivedTimestamp":') :]
    return kept.replace(b'"level":"RequestResponse"', b'"level":"Metadata"', 1)


def is_hostile(line: bytes) -> bool:
    try:
        json.loads(line)
    except (RecursionError, UnicodeDecodeError):
        return True
    return False


# --- whole logs ------------------------------------------------------------------------------------------------------


def test_the_metadata_policy_gives_the_lines_that_a_metadata_policy_writes(
    data: Path, rotated_log: bytes, tmp_path: Path
) -> None:
    policy = policy_of("metadata")
    done, text = applied(policy, data / "rotated", tmp_path / "out.log")
    lines = rotated_log.splitlines()
    hostile = [at for at, line in enumerate(lines) if is_hostile(line)]
    assert len(hostile) == HOSTILE
    expected = [cut_by_hand(line) if at in hostile else at_metadata(line) for at, line in enumerate(lines)]
    assert text.splitlines() == expected
    assert b'"requestObject"' not in text
    assert b'"responseObject"' not in text
    verdicts = pl.DataFrame(policy.evaluate(data / "rotated"))
    assert verdicts["emitted"].sum() == done.written == done.events == len(lines)
    assert done.bodies == rotated_log.count(b'"requestObject":') + rotated_log.count(b'"responseObject":')
    assert done.bytes_written == len(text)
    assert done.event_bytes == len(rotated_log) - len(lines)
    assert done.rejects_file is None


@pytest.mark.parametrize("name", LOGS)
def test_a_log_under_its_own_policy_is_the_same(name: str, tmp_path: Path) -> None:
    done, text = applied(policy_of(name), DATA / name, tmp_path / "out.log")
    assert text == log_of(name)
    assert (done.written, done.bodies) == (done.events, 0)
    assert os.listdir(tmp_path) == ["out.log"]  # noqa: PTH208  # the names alone


@pytest.mark.parametrize("name", [*LOGS, "eventlist"])
def test_twice_is_once(name: str, tmp_path: Path) -> None:
    policy = aw.Policy.load(DATA / "policy" / "policies" / "controlplane-quiet.yaml")
    done, once = applied(policy, DATA / name, tmp_path / "once.log")
    again, twice = applied(policy, tmp_path / "once.log", tmp_path / "twice.log")
    assert once == twice != b""
    assert again.written == again.events == done.written <= done.events


def test_the_rows_are_the_emitted_ones_at_the_lower_level(data: Path, tmp_path: Path) -> None:
    policy = aw.Policy.load(DATA / "policy" / "policies" / "controlplane-quiet.yaml")
    read = pl.DataFrame(aw.read(data / "integration-example", columns=["audit_id", "stage", "level"]))
    verdicts = pl.DataFrame(policy.evaluate(data / "integration-example"))
    levels = ["None", "Metadata", "Request", "RequestResponse"]
    emitted = [
        {**row, "level": min(row["level"], verdict["level"], key=levels.index)}
        for row, verdict in zip(read.to_dicts(), verdicts.to_dicts(), strict=True)
        if verdict["emitted"]
    ]
    applied(policy, data / "integration-example", tmp_path / "out.log")
    assert pl.DataFrame(aw.read(tmp_path / "out.log", columns=["audit_id", "stage", "level"])).to_dicts() == emitted


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_change_nothing(data: Path, tmp_path: Path, threads: int) -> None:
    aw.Policy.load(METADATA).apply([data / "rotated"] * 2, tmp_path / "out.log", threads=threads)
    aw.Policy.load(METADATA).apply(data / "rotated", tmp_path / "once.log", threads=1)
    assert (tmp_path / "out.log").read_bytes() == (tmp_path / "once.log").read_bytes() * 2


# --- what a policy does ----------------------------------------------------------------------------------------------


def test_managed_fields_go_but_not_from_a_patch(rotated_log: bytes, tmp_path: Path) -> None:
    source = io.BytesIO(rotated_log)
    done, text = applied(
        HEAD + "omitManagedFields: true\nrules: [{level: RequestResponse}]\n", source, tmp_path / "out"
    )
    assert (done.written, done.bodies) == (done.events, 0)
    assert rotated_log.count(b'"managedFields":') > 100
    patches = 0
    for line in text.splitlines():
        if is_hostile(line):
            continue
        event = json.loads(line)
        for body in ("requestObject", "responseObject"):
            if (body, event["verb"]) == ("requestObject", "patch"):
                patches += 1
            else:
                assert '"managedFields"' not in json.dumps(event.get(body)).replace('\\"', "")
    assert patches > 10


def event(**more: object) -> dict[str, object]:
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": "a",
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/x/pods",
        "verb": "create",
        "user": {"username": "alice"},
        "objectRef": {"resource": "pods", "namespace": "x", "apiVersion": "v1"},
        **more,
    }


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


PATCH = {"patch.webhook.admission.k8s.io/round_0_index_1": "{}"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (event(annotations=PATCH), event(level="Metadata")),
        (event(annotations={**PATCH, "b": "c"}), event(level="Metadata", annotations={"b": "c"})),
        (event(annotations={"b": "c", **PATCH}), event(level="Metadata", annotations={"b": "c"})),
        (event(requestObject={"a": 1}, zone="b"), event(level="Metadata", zone="b")),
        (event(level="Metadata", user={}), event(level="Metadata", user={})),
    ],
)
def test_one_event_at_metadata(given: object, expected: object, tmp_path: Path) -> None:
    assert applied(METADATA, io.BytesIO(compact(given)), tmp_path / "out")[1] == compact(expected) + b"\n"


def test_stages_and_events_are_dropped(tmp_path: Path) -> None:
    policy = (
        HEAD
        + "omitStages: [RequestReceived]\nrules: [{level: None, verbs: [get]}, {level: Request, verbs: [create]}]\n"
    )
    received, complete = event(stage="RequestReceived"), event(requestObject=1, responseObject=2)
    log = [received, complete, event(verb="get", stage="RequestReceived"), event(verb="get"), event(verb="delete")]
    done, text = applied(policy, io.BytesIO(b"\n".join(map(compact, log))), tmp_path / "out")
    assert text == compact(event(level="Request", requestObject=1)) + b"\n"
    # No rule matches the last one: that is level None.
    assert (done.dropped_by_stage, done.dropped_by_level, done.bodies) == (1, 3, 1)


@pytest.mark.parametrize("indent", [None, 1])
def test_other_forms_become_lines(indent: int | None, tmp_path: Path) -> None:
    items = [event(requestObject={"a": [1, {}]}), event(stage="RequestReceived")]
    log = json.dumps(
        {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": items}, indent=indent
    )
    done, text = applied(METADATA, io.BytesIO(log.encode()), tmp_path / "list")
    assert [json.loads(line) for line in text.splitlines()] == [
        event(level="Metadata"),
        event(level="Metadata", stage="RequestReceived"),
    ]
    pretty = "\n".join(json.dumps(item, indent=indent) for item in items)
    done, again = applied(METADATA, io.BytesIO(pretty.encode()), tmp_path / "pretty")
    assert [json.loads(line) for line in again.splitlines()] == [json.loads(line) for line in text.splitlines()]
    assert (done.written, done.outcomes.rejected.lines) == (2, 0)


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
    cut = compact(event(requestObject={"secret": "x" * 100}))[:-40]
    hurt_log.write_bytes(hurt_log.read_bytes() + cut + b"\n")
    out = tmp_path / "out.log"
    done, text = applied(METADATA, hurt_log, out)
    assert text.splitlines() == metadata_log.read_bytes().splitlines()[:3]
    assert done.rejects_file == f"{out}.rejected.ndjson"
    said = [json.loads(line) for line in Path(done.rejects_file).read_text().splitlines()]
    assert [base64.b64decode(one["bytes"]).rstrip(b"\n") for one in said] == [b"no event at all", cut]
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
    applied(policy_of("rotated"), data / "rotated", out)
    assert os.listdir(tmp_path) == [out.name]  # noqa: PTH208  # the names alone


def test_progress_and_its_errors(data: Path, tmp_path: Path) -> None:
    policy, seen = policy_of("metadata"), list[aw.Progress]()
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


def test_the_command_says_what_it_wrote(data: Path, tmp_path: Path) -> None:
    policy, out = data / "policy" / "logs" / "metadata.yaml", tmp_path / "out.log"
    done = run(policy, data / "integration-example", "-o", out)
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"what was not recorded is not brought back" in done.stderr
    quiet = run(policy, data / "integration-example", "--out", out, "--quiet", "--threads", 1)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, b"", b"")
    said = json.loads(run(policy, data / "integration-example", "-o", out, "--output", "json").stdout)
    assert said["written"] == len(out.read_bytes().splitlines()) == said["events"]
    assert said["bodies"] > 0


def test_the_command_streams(hurt_log: Path, metadata_log: Path) -> None:
    log = hurt_log.read_bytes() + compact(event(requestObject={}))[:-2] + b"\n"
    done = run(DATA / "policy/logs/metadata.yaml", "-", "-o", "-", stdin=log)
    assert done.returncode == 3
    assert done.stdout.splitlines() == metadata_log.read_bytes().splitlines()[:3]
    assert b"standard input: byte " in done.stderr
    assert b"no event at all" not in done.stderr


def test_the_command_and_what_it_cannot_do(data: Path, metadata_log: Path, tmp_path: Path) -> None:
    good, bad = data / "policy" / "logs" / "metadata.yaml", data / "policy" / "policies" / "loader-no-rules.yaml"
    out = tmp_path / "out.log"
    assert run(bad, metadata_log, "-o", out).returncode == 78
    assert run(good, tmp_path / "no-such.log", "-o", out).returncode == 1
    assert run(tmp_path / "no-such.yaml", metadata_log, "-o", out).returncode == 1
    assert run(good, metadata_log).returncode == 2
    assert run(good, metadata_log, "-o", "-", "--output", "json").returncode == 2
    assert run("-", "-", "-o", out).returncode == 2
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
