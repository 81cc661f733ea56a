"""`Policy.apply`: what a log would have been under a policy, beside a plain twin that cuts the original text."""

import gzip
import io
import json
import os
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


@pytest.mark.parametrize("name", ["metadata", "integration-example"])
def test_a_policy_costs_what_it_writes(name: str, data: Path, tmp_path: Path) -> None:
    """What `cost` foretells from sizes alone is what `apply` writes, to the byte."""
    policy = aw.Policy.load(
        HEAD
        + """omitStages: [ResponseStarted]
rules:
- {level: None, verbs: [get, watch]}
- {level: Request, verbs: [create]}
- {level: RequestResponse, users: [kubernetes-admin]}
- {level: Metadata}
"""
    )
    done, _ = applied(policy, data / name, tmp_path / "out.log")
    total = policy.cost(data / name).total
    assert 0 < done.written < done.events
    assert (total.new_events, total.new_bytes) == (done.written, done.bytes_written)
