"""The generator must write what the API server writes: a benchmark on odd lines would measure the wrong path."""

import hashlib
import json
import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import generate
import pytest
from synth import lines
from synth.hostile import TRAITS
from synth.text import go_duration, go_json, words

# The order of the fields in Kubernetes' Go type; encoding/json writes them in this order.
TOP = words("""kind apiVersion level auditID stage requestURI verb user impersonatedUser sourceIPs userAgent objectRef
    responseStatus requestObject responseObject requestReceivedTimestamp stageTimestamp annotations""")
REFERENCE = words("resource namespace name uid apiGroup apiVersion resourceVersion subresource")
STATUS = words("metadata status message reason details code")
USER = words("username uid groups extra")
MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
SHAPES = ("metadata", "mixed", "bodies")


def sample(shape: str, count: int = 3000, seed: int = 7) -> list[bytes]:
    """Return the first lines of a log."""
    return list(islice(lines(shape, seed), count))


def in_order(keys: list[str], order: list[str]) -> bool:
    """Say whether the keys are known and stand in this order."""
    places = [order.index(key) for key in keys]
    return places == sorted(places)


@pytest.mark.parametrize("shape", SHAPES)
def test_lines_are_canonical(shape: str) -> None:
    """Every line parses, and encoding it again by Go's rules gives the same bytes."""
    for line in sample(shape):
        event = json.loads(line)
        assert go_json(event).encode() + b"\n" == line
        assert in_order(list(event), TOP)
        assert in_order(list(event["user"]), USER)
        assert in_order(list(event.get("objectRef", {})), REFERENCE)
        assert in_order(list(event.get("responseStatus", {})), STATUS)
        for keys in (event.get("annotations", {}), event["user"].get("extra", {})):
            assert list(keys) == sorted(keys)
        for key in ("requestReceivedTimestamp", "stageTimestamp"):
            assert MICRO_TIME.fullmatch(event[key])


@pytest.mark.parametrize("shape", [*SHAPES, "hostile"])
def test_same_seed_same_bytes(shape: str, tmp_path: Path) -> None:
    """A log is named by shape, seed and size: anybody must be able to make it again."""
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        generate.write_log(path, shape, 400_000, seed)
    first, again, other = (hashlib.sha256(path.read_bytes()).digest() for path in paths)
    assert first == again
    assert first != other


def requests(shape: str) -> dict[str, list[dict[str, Any]]]:
    """Return the events of each request."""
    by_id: dict[str, list[dict[str, Any]]] = {}
    for event in map(json.loads, sample(shape, 6000)):
        by_id.setdefault(event["auditID"], []).append(event)
    return by_id


def test_stages_of_a_request() -> None:
    """A request starts with RequestReceived; only watches and streams have ResponseStarted; times never go back."""
    for events in requests("metadata").values():
        stages = [event["stage"] for event in events]
        assert stages[0] == "RequestReceived"
        assert len(set(stages)) == len(stages)
        if "ResponseStarted" in stages:
            reference = events[0]["objectRef"]
            assert events[0]["verb"] == "watch" or reference.get("subresource") in {"exec", "log"}
        stamps = [event["stageTimestamp"] for event in events]
        assert stamps == sorted(stamps)
    order = [event["stageTimestamp"] for event in map(json.loads, sample("metadata"))]
    assert order == sorted(order)


def test_metadata_line_is_about_a_kilobyte() -> None:
    """The cost of a line depends on its length: real Metadata lines have 870 to 1,130 bytes."""
    log = sample("metadata", 20_000)
    assert 900 < sum(map(len, log)) / len(log) < 1130
    assert not any(b"requestObject" in line or b"responseObject" in line for line in log)


def test_mixed_has_bodies_on_a_fifth_of_the_requests() -> None:
    """The share is what the tables of the results call "mixed"."""
    by_id = requests("mixed")
    with_body = [events for events in by_id.values() if events[0]["level"] == "RequestResponse"]
    assert 0.17 < len(with_body) / len(by_id) < 0.23
    sizes = sorted(len(go_json(e["responseObject"])) for events in with_body for e in events if "responseObject" in e)
    assert 2_000 < sizes[len(sizes) // 2] < 20_000
    assert sizes[-1] <= 200_000 + 1_000


def test_the_things_that_make_lines_hard_are_there() -> None:
    """Escapes, denials, conflicts, slow requests, impersonation, rotating tokens: each must occur."""
    log = sample("metadata", 60_000)
    events = [json.loads(line) for line in log]
    codes = Counter(event["responseStatus"]["code"] for event in events if "responseStatus" in event)
    assert {101, 200, 201, 403, 404, 409} <= set(codes)
    notes = [event["annotations"] for event in events if "annotations" in event]
    assert any(note["authorization.k8s.io/decision"] == "forbid" for note in notes)
    assert any("apiserver.latency.k8s.io/total" in note for note in notes)
    assert any("impersonatedUser" in event for event in events)
    assert 0.4 < sum(b"\\" in line for line in log) / len(log) < 0.6
    ids = [event["user"].get("extra", {}).get("authentication.kubernetes.io/credential-id") for event in events]
    tokens = {entry[0] for entry in ids if entry and entry[0].startswith("JTI=")}
    # A pool that rotates: more tokens than accounts, and far fewer than lines.
    assert 60 < len(tokens) < 300


def test_hostile_has_every_trait() -> None:
    """Most lines stay good; each way of spoiling occurs."""
    log = sample("hostile", 4000)
    joined = b"".join(log)
    for sign in (
        b"caf\xe9",
        b"1e400",
        b'"a":1,"a":',
        b'"a":{"a":{"a":',
        b'"futureField":',
        b'": "',
        b'"\\u0076erb"',
        b"\0\0",
    ):
        assert sign in joined
    assert b'{"annotations":{' in joined
    assert len(TRAITS) * 3 < len(log)
    good = 0
    for line in log:
        try:
            good += isinstance(json.loads(line), dict)
        except (ValueError, RecursionError):
            continue
    assert 0.7 < good / len(log) < 0.95


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (731, "731ns"),
        (92_928, "92.928µs"),
        (707_658_010, "707.65801ms"),
        (1_509_499_347, "1.509499347s"),
        (2 * 10**9, "2s"),
    ],
)
def test_durations_look_like_go(nanos: int, text: str) -> None:
    """These four forms stand in real latency annotations."""
    assert go_duration(nanos) == text


@pytest.mark.parametrize(
    ("text", "size"), [("300MB", 300_000_000), ("1.5g", 1_500_000_000), ("4096", 4096), ("20 kb", 20_000)]
)
def test_sizes(text: str, size: int) -> None:
    """Sizes are powers of ten, in any case."""
    assert generate.parse_size(text) == size
