"""What policies cost, against lines that are really rewritten."""

import gzip
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import auditwake as aw
from auditwake.policy.cost import Cost, Part
from auditwake.policy.model import LEVELS
from auditwake.policy.pricing import price

LOGS = {"metadata": 4_894_405, "integration-example": 5_471_730, "rotated": 18_315_188}
HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"
STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete")

POLICIES = {
    "none": "rules:\n- level: None\n",
    "metadata": "rules:\n- level: Metadata\n",
    "request": "rules:\n- level: Request\n",
    "everything": "rules:\n- level: RequestResponse\n",
    "mixed": """
omitStages: [ResponseStarted]
rules:
- {level: None, users: ["system:apiserver"]}
- {level: None, nonResourceURLs: ["/healthz*", "/api*"]}
- {level: Request, verbs: [create, delete], resources: [{group: ""}]}
- {level: RequestResponse, resources: [{group: "", resources: [pods]}]}
- {level: Metadata, userGroups: ["system:nodes"], omitStages: [RequestReceived]}
- {level: Metadata, namespaces: [kube-system]}
- {level: Request, resources: [{group: apps}]}
""",
}


@pytest.fixture(scope="module")
def lines(data: Path) -> dict[str, list[bytes]]:
    """The lines of each log, in the order in which the reader gives them."""
    found = {}
    for name, size in LOGS.items():
        rotated = sorted((data / name).glob("audit-*.gz"))
        files = [*rotated, *(data / name).glob("audit.log*")]
        log = b"".join(gzip.decompress(one) if one[:2] == b"\x1f\x8b" else one for one in map(Path.read_bytes, files))
        assert len(log) == size
        found[name] = log.splitlines(keepends=True)
    return found


@pytest.fixture(scope="module")
def keys(data: Path) -> dict[str, aw.Keys]:
    return {name: aw.Keys(data / name, rows=True) for name in LOGS}


def own(data: Path, log: str) -> aw.Policy:
    """The policy under which a log was written."""
    return aw.Policy.load(data / "policy" / "logs" / f"{log}.yaml")


# --- every byte ------------------------------------------------------------------------------------------------------


def at_each_level(line: bytes) -> list[bytes]:
    """The line that a server writes at each level, up to the recorded one; patches in annotations are kept."""
    parts = dict(members(line))
    recorded = LEVELS.index(json.loads(parts[b"level"]))
    return [line if at >= recorded else rewritten(parts, level) for at, level in enumerate(LEVELS)]


def rewritten(parts: dict[bytes, bytes], level: str) -> bytes:
    parts = dict(parts)
    if LEVELS.index(level) < LEVELS.index("Request"):
        parts.pop(b"requestObject", None)
    if LEVELS.index(level) < LEVELS.index("RequestResponse"):
        parts.pop(b"responseObject", None)
    parts[b"level"] = json.dumps(level).encode()
    return b"{" + b",".join(b'"%b":%b' % part for part in parts.items()) + b"}\n"


def members(line: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The members of the object on a line, each value as the bytes that stand there."""
    # What is no UTF-8 stays as it is.
    text = line.decode("utf-8", "surrogateescape")
    decode = json.JSONDecoder().raw_decode
    at = 0
    while text[at] != "}":
        key, start = decode(text, at + 1)
        end = end_of_value(text, start + 1)
        yield key.encode(), text[start + 1 : end].encode("utf-8", "surrogateescape")
        at = end


def end_of_value(text: str, start: int) -> int:
    try:
        return int(json.JSONDecoder().raw_decode(text, start)[1])
    except RecursionError:
        # A patch that is nested 2,000 deep: what follows it is known.
        return min(at for key in (',"responseObject":', ',"requestReceivedTimestamp":') if (at := text.find(key)) > 0)


@pytest.fixture(scope="module")
def lengths(lines: dict[str, list[bytes]]) -> dict[str, list[list[int]]]:
    """For each line of each log its length at each level."""
    return {log: [[len(one) for one in at_each_level(line)] for line in lines[log]] for log in LOGS}


def is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("name", POLICIES)
def test_each_key_costs_what_its_rewritten_lines_are_long(
    name: str,
    log: str,
    lines: dict[str, list[bytes]],
    lengths: dict[str, list[list[int]]],
    keys: dict[str, aw.Keys],
) -> None:
    policy = aw.Policy.load(HEAD + POLICIES[name])
    table = price(policy, keys[log])
    row_keys = keys[log].row_keys.to_pylist()
    levels = table["level"].to_pylist()
    emitted = [events > 0 for events in table["new_events"].to_pylist()]
    wanted: Counter[int] = Counter()
    for key, length in zip(row_keys, lengths[log], strict=True):
        if emitted[key]:
            wanted[key] += length[levels[key]]
    # The sizes of bodies are those of their text, in which what is no UTF-8 is replaced by three bytes.
    inexact = {key for key, line in zip(row_keys, lines[log], strict=True) if not is_utf8(line)}
    assert len(inexact) <= 2
    exact = [key for key in range(len(keys[log])) if key not in inexact]
    found = table["new_bytes"].to_pylist()
    assert [found[key] for key in exact] == [wanted[key] for key in exact]
    assert all(abs(found[key] - wanted[key]) <= 6 for key in inexact)


def test_lines_are_rewritten_as_json_says(lines: dict[str, list[bytes]]) -> None:
    """The lines that costs are compared with are events without their bodies, and else the same."""
    changed = 0
    for line in lines["integration-example"]:
        event: dict[str, Any] = json.loads(line)
        new = json.loads(at_each_level(line)[LEVELS.index("Metadata")])
        assert new.pop("level") == "Metadata"
        changed += event.pop("level") != "Metadata"
        assert new == {key: value for key, value in event.items() if key not in ("requestObject", "responseObject")}
    assert changed == 598


@pytest.mark.parametrize("log", LOGS)
def test_a_log_costs_its_size_under_its_own_policy(data: Path, log: str, keys: dict[str, aw.Keys]) -> None:
    cost = own(data, log).cost(keys[log])
    assert cost.total.bytes == cost.total.new_bytes == LOGS[log]
    assert cost.total.events == cost.total.new_events == keys[log].events
    assert cost.total.unpriced_events == 0
    assert cost.rules[-1].rule is None
    assert cost.rules[-1].events == 0
    assert len(cost.notes) == 1


def test_a_lower_level_can_have_the_longer_name() -> None:
    event = b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"a","stage":"RequestReceived",'
    event += b'"requestURI":"/healthz","verb":"get","user":{"username":"u"},'
    event += (
        b'"requestReceivedTimestamp":"2026-11-24T00:08:18.751638Z","stageTimestamp":"2026-11-24T00:08:18.751638Z"}\n'
    )
    total = aw.Policy.load(HEAD + POLICIES["metadata"]).cost(io.BytesIO(event)).total
    assert (total.bytes, total.new_bytes) == (len(event), len(event) + 1)


# --- sums ------------------------------------------------------------------------------------------------------------


def sums(parts: tuple[Part, ...]) -> list[int]:
    return [sum(column) for column in zip(*map(figures, parts), strict=True)]


def figures(part: Part) -> list[int]:
    return [part.events, part.bytes, part.new_events, part.new_bytes, part.unpriced_events]


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("name", POLICIES)
def test_the_parts_add_up(name: str, log: str, keys: dict[str, aw.Keys]) -> None:
    policy = aw.Policy.load(HEAD + POLICIES[name])
    cost = policy.cost(keys[log], top=100_000)
    whole = figures(cost.total)
    assert len(cost.rules) == len(policy.rules) + 1
    assert sums(cost.rules) == sums(cost.stages) == whole
    for rule in cost.rules:
        if rule.events:
            assert sums(rule.stages) == sums(rule.users) == sums(rule.resources) == figures(rule)
    assert sum(rule.recorded_share for rule in cost.rules) == pytest.approx(1)
    assert sum(rule.share for rule in cost.rules) == pytest.approx(1 if cost.total.new_bytes else 0)
    assert [stage.name for stage in cost.stages] == [
        stage for stage in STAGES if stage != "RequestReceived" or log == "metadata"
    ]


def test_rules_users_and_resources_are_those_of_the_events(lines: dict[str, list[bytes]], data: Path) -> None:
    events = [json.loads(line) for line in lines["metadata"]]
    policy = aw.Policy.load(HEAD + "rules:\n- {level: None, verbs: [watch, list]}\n- level: Metadata\n")
    cost = policy.cost(data / "metadata", top=3)
    dropped = [event["verb"] in ("watch", "list") for event in events]
    assert [rule.events for rule in cost.rules] == [sum(dropped), len(events) - sum(dropped), 0]
    assert [rule.new_events for rule in cost.rules] == [0, len(events) - sum(dropped), 0]
    users: Counter[str] = Counter()
    pods: Counter[str] = Counter()
    for event, line, gone in zip(events, lines["metadata"], dropped, strict=True):
        if not gone:
            users[event["user"].get("username", "(authentication failed)")] += len(line)
            pods[event.get("objectRef", {}).get("subresource", "")] += (
                event.get("objectRef", {}).get("resource") == "pods"
            )
    assert [(part.name, part.new_bytes) for part in cost.rules[1].users] == users.most_common(3)
    every = {part.name: part.events for part in policy.cost(data / "metadata", top=9999).rules[1].resources}
    assert {name: every[f"pods/{name}" if name else "pods"] for name in pods if pods[name]} == +pods
    assert every["/healthz"] > 0


def test_bytes_a_day_are_those_of_the_span(data: Path, keys: dict[str, aw.Keys]) -> None:
    cost = own(data, "metadata").cost(keys["metadata"])
    assert cost.span is not None
    days = (cost.span[1] - cost.span[0]).total_seconds() / 86_400
    assert cost.bytes_per_day == round(4_894_405 / days)
    assert cost.rules[0].new_bytes_per_day == cost.new_bytes_per_day == cost.bytes_per_day


# --- what cannot be known --------------------------------------------------------------------------------------------


def note(cost: Cost, *words: str) -> bool:
    return any(all(word in text for word in words) for text in cost.notes)


def test_what_was_never_recorded_is_not_priced(keys: dict[str, aw.Keys]) -> None:
    cost = aw.Policy.load(HEAD + POLICIES["everything"]).cost(keys["integration-example"])
    assert cost.total.new_bytes == cost.total.bytes
    assert cost.total.unpriced_events == cost.rules[0].unpriced_events == 1990
    assert note(cost, "asks for more", "1,990 events")


def test_stages_that_the_log_lacks_are_named(keys: dict[str, aw.Keys]) -> None:
    policy = aw.Policy.load(HEAD + POLICIES["metadata"])
    assert note(policy.cost(keys["rotated"]), "no RequestReceived", "4,545 requests (rules[0])")
    assert not note(policy.cost(keys["metadata"]), "no RequestReceived")
    omitting = aw.Policy.load(HEAD + "omitStages: [RequestReceived]\n" + POLICIES["metadata"])
    assert not note(omitting.cost(keys["rotated"]), "no RequestReceived")


def test_managed_fields_are_named_where_they_matter(keys: dict[str, aw.Keys]) -> None:
    policies = (
        (POLICIES["request"], False),
        ("omitManagedFields: true\n" + POLICIES["request"], True),
        ("omitManagedFields: true\n" + POLICIES["metadata"], False),
        ("rules:\n- {level: Request, omitManagedFields: true}\n", True),
        ("omitManagedFields: true\nrules:\n- {level: Request, omitManagedFields: false}\n", False),
    )
    for text, expected in policies:
        cost = aw.Policy.load(HEAD + text).cost(keys["rotated"])
        assert note(cost, "managed fields") is expected, text


def test_patches_of_webhooks_are_named_where_a_level_falls(keys: dict[str, aw.Keys]) -> None:
    assert note(aw.Policy.load(HEAD + POLICIES["metadata"]).cost(keys["rotated"]), "patches that webhooks left")
    for name in ("request", "everything", "none"):
        assert not note(aw.Policy.load(HEAD + POLICIES[name]).cost(keys["rotated"]), "patches"), name


# --- sources ---------------------------------------------------------------------------------------------------------


def test_any_source_gives_the_same(data: Path, keys: dict[str, aw.Keys], tmp_path: Path) -> None:
    policy = aw.Policy.load(HEAD + POLICIES["mixed"])
    expected = policy.cost(keys["rotated"])
    table = pa.table(aw.read(data / "rotated", bodies=True))
    pq.write_table(table, tmp_path / "rotated.parquet")
    for source in (data / "rotated", aw.read(data / "rotated"), table, tmp_path / "rotated.parquet"):
        assert policy.cost(source) == expected


def test_events_of_a_list_have_their_own_sizes(data: Path) -> None:
    cost = aw.Policy.load(HEAD + POLICIES["everything"]).cost(data / "eventlist")
    files = [json.loads(gzip.decompress(path.read_bytes())) for path in sorted((data / "eventlist").iterdir())]
    assert cost.total.events == sum(len(file["items"]) for file in files)


def test_an_empty_log_costs_nothing() -> None:
    cost = aw.Policy.load(HEAD + POLICIES["mixed"]).cost(io.BytesIO(b""))
    assert figures(cost.total) == [0, 0, 0, 0, 0]
    assert cost.span is None
    assert cost.bytes_per_day is None
    assert [rule.share for rule in cost.rules] == [0.0] * 8


@pytest.mark.parametrize("missing", ["line_bytes", "req_bytes", "resp_bytes", "level"])
def test_a_source_without_sizes_is_refused(data: Path, missing: str) -> None:
    table = pa.table(aw.read(data / "metadata")).drop_columns([missing])
    with pytest.raises(aw.errors.ColumnError, match=f"lacks {missing}:"):
        aw.Policy.load(HEAD + POLICIES["metadata"]).cost(table)


def test_keys_count_bodies(keys: dict[str, aw.Keys], data: Path) -> None:
    table = pa.table(aw.read(data / "rotated", columns=["req_bytes", "resp_bytes"]))
    for bodies, sizes in (("req_bodies", "req_bytes"), ("resp_bodies", "resp_bytes")):
        counted = sum(keys["rotated"].table[bodies].to_pylist())
        assert counted == len(table) - table[sizes].null_count
        assert counted > 1000


def test_a_negative_top_is_refused(keys: dict[str, aw.Keys]) -> None:
    with pytest.raises(ValueError, match="top=-1"):
        aw.Policy.load(HEAD + POLICIES["metadata"]).cost(keys["metadata"], top=-1)


def test_a_file_object_is_read(data: Path) -> None:
    policy = aw.Policy.load(HEAD + POLICIES["metadata"])
    with gzip.open(data / "metadata" / "audit.log.gz") as log:
        assert policy.cost(log).total.bytes == LOGS["metadata"]
    with (data / "metadata" / "audit.log.gz").open("rb") as log:
        assert policy.cost(log).total.bytes == LOGS["metadata"]


def test_paths_can_come_from_a_generator(data: Path) -> None:
    policy = aw.Policy.load(HEAD + POLICIES["metadata"])
    paths = (data / name for name in LOGS)
    assert policy.cost(paths).total.bytes == sum(LOGS.values())
