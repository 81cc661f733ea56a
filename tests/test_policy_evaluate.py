"""Policies decide as kube-apiserver's own evaluator does, asked about requests and asked about their events."""

import gzip
import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import auditwake as aw
from auditwake._core import requests
from auditwake.policy.http import from_http
from auditwake.policy.request import Request

LETTERS = {"None": "N", "Metadata": "M", "Request": "Q", "RequestResponse": "R"}
STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")

Answer = dict[str, Any]


def lines(data: Path, name: str) -> list[Any]:
    return [json.loads(line) for line in gzip.decompress((data / "policy" / name).read_bytes()).splitlines()]


@pytest.fixture(scope="module")
def decisions(data: Path) -> list[Answer]:
    found = lines(data, "decisions.jsonl.gz")
    assert len(found) == 90
    return found


@pytest.fixture(scope="module")
def events(data: Path) -> pa.Table:
    log = gzip.decompress((data / "policy" / "events.jsonl.gz").read_bytes())
    table = pa.table(aw.read(io.BytesIO(log)))
    assert table.num_rows == 2980
    return table


@pytest.fixture(scope="module")
def asked(data: Path) -> list[Request]:
    return [http_request(one) for one in lines(data, "requests.jsonl.gz")]


def http_request(one: dict[str, Any]) -> Request:
    user = one["user"]
    who = None if user is None else user.get("username", "")
    return from_http(one["method"], one["uri"], user=who, groups=(user or {}).get("groups", ()))


def policy_of(data: Path, answer: Answer) -> aw.Policy:
    return aw.Policy.load(data / "policy" / "policies" / answer["policy"])


def found_by(verdicts: pa.Table) -> Answer:
    """Verdicts in the form of the answers."""
    omitted = [sum(1 << STAGES.index(stage) for stage in row) for row in verdicts["omit_stages"].to_pylist()]
    return {
        "level": "".join(LETTERS[level] for level in verdicts["level"].to_pylist()),
        "rule": [-1 if rule is None else rule for rule in verdicts["rule"].to_pylist()],
        "omitStages": omitted,
        "omitManagedFields": [int(omit) for omit in verdicts["omit_managed_fields"].to_pylist()],
    }


def expected(answer: Answer) -> Answer:
    return {**answer, "policy": None, "omitManagedFields": [int(one) for one in answer["omitManagedFields"]]}


def test_from_events_alone_every_decision_is_the_servers(data: Path, decisions: list[Answer], events: pa.Table) -> None:
    looked_at = 0
    for answer in decisions:
        verdicts = pa.table(policy_of(data, answer).evaluate(events))
        assert found_by(verdicts) | {"policy": None} == expected(answer), answer["policy"]
        looked_at += verdicts.num_rows
    assert looked_at == 268_200


def test_from_requests_every_decision_is_the_servers(data: Path, decisions: list[Answer], asked: list[Request]) -> None:
    batch = request_table(asked)
    for answer in decisions:
        verdicts = pa.table(policy_of(data, answer).evaluate(batch))
        assert found_by(verdicts) | {"policy": None} == expected(answer), answer["policy"]


def request_table(asked: list[Request]) -> pa.Table:
    """Requests as a batch of events has them, without a URI where a resource is asked for."""
    is_path = [one.path is not None for one in asked]

    def texts(values: list[str | None]) -> pa.Array:
        return pa.array(values, pa.string())

    def of_resource(name: str) -> pa.Array:
        return texts([None if path else getattr(one, name) for one, path in zip(asked, is_path, strict=True)])

    return pa.table(
        {
            "stage": texts(["ResponseComplete"] * len(asked)),
            "uri": texts([None if one.path is None else quote(one.path) for one in asked]),
            "verb": texts([one.verb for one in asked]),
            "user": texts([one.user for one in asked]),
            "user_groups": pa.array([list(one.groups) or None for one in asked], pa.list_(pa.string())),
            **{name: of_resource(name) for name in ("api_group", "resource", "subresource", "namespace", "name")},
        }
    )


def test_one_request_at_a_time_decides_as_a_batch(data: Path, decisions: list[Answer], asked: list[Request]) -> None:
    for answer in decisions[::9]:
        policy = policy_of(data, answer)
        for at in range(0, len(asked), 97):
            decision = policy.decide_request(asked[at])
            assert (decision.rule if decision.rule is not None else -1) == answer["rule"][at]
            assert LETTERS[decision.level] == answer["level"][at]
            assert sum(1 << STAGES.index(stage) for stage in decision.omit_stages) == answer["omitStages"][at]
            assert int(decision.omit_managed_fields) == int(answer["omitManagedFields"][at])
            assert [step.rule for step in decision.why] == list(range(len(policy.rules)))[: decision.rule]


def test_an_event_tells_the_request(events: pa.Table, asked: list[Request]) -> None:
    """What a policy was asked is read off the event alone, the name in the path and not the one in the body."""
    told = requests(events)
    assert len(told) == len(asked)
    for one, request in zip(told, asked, strict=True):
        assert {name: getattr(request, name) for name in one} | {"groups": list(request.groups)} == one


def test_every_event_of_a_log_was_written_at_the_level_of_its_policy(data: Path) -> None:
    for name, rows in (("metadata", 5292), ("integration-example", 2588), ("rotated", 4716)):
        policy = aw.Policy.load(data / "policy" / "logs" / f"{name}.yaml")
        levels = pa.table(aw.read(data / name, columns=["level"]))["level"]
        verdicts = pa.table(policy.evaluate(data / name))
        assert verdicts.num_rows == rows
        assert verdicts["level"].to_pylist() == levels.to_pylist()
        assert pc.all(verdicts["emitted"]).as_py()


def test_a_stage_that_a_policy_omits_is_not_emitted(data: Path) -> None:
    policy = aw.Policy.load(data / "policy" / "logs" / "rotated.yaml")
    events = pa.table(aw.read(data / "metadata"))
    verdicts = pa.table(policy.evaluate(events))
    received = pc.equal(events["stage"].cast(pa.string()), "RequestReceived")
    assert pc.sum(received).as_py() > 1000
    assert not pc.any(pc.and_(verdicts["emitted"], received)).as_py()


@pytest.fixture(scope="module")
def quiet(data: Path) -> aw.Policy:
    return aw.Policy.load(data / "policy" / "policies" / "controlplane-quiet.yaml")


def test_every_kind_of_source_gives_the_same_verdicts(
    data: Path, quiet: aw.Policy, metadata_log: Path, tmp_path: Path
) -> None:
    wanted = pa.table(quiet.evaluate(metadata_log))
    assert len(set(wanted["rule"].to_pylist())) > 3
    events = pa.table(aw.read(metadata_log))
    aw.convert(metadata_log, tmp_path / "one.parquet")
    aw.convert(metadata_log, tmp_path / "lake")
    sources: dict[str, Any] = {
        "gzip": data / "metadata" / "audit.log.gz",
        "reader": aw.read(metadata_log),
        "small batches": aw.read(metadata_log, batch_rows=7),
        "table": events,
        "batch reader": events.to_reader(max_chunksize=100),
        "parquet": tmp_path / "one.parquet",
        "parquets": [tmp_path / "one.parquet"],
        "lake": tmp_path / "lake",
        "pattern": f"{tmp_path}/lake/*/*.parquet",
        "polars": pl.DataFrame(events),
        "duckdb": duckdb.sql("select * from events"),
    }
    for name, source in sources.items():
        assert pa.table(quiet.evaluate(source)).to_pylist() == wanted.to_pylist(), name


def test_a_directory_of_both_is_no_guess(quiet: aw.Policy, metadata_log: Path, tmp_path: Path) -> None:
    """Parquet beside a log: to take either would leave events out in silence."""
    aw.convert(metadata_log, tmp_path / "one.parquet")
    (tmp_path / "audit.log").write_bytes(metadata_log.read_bytes())
    with pytest.raises(aw.errors.SourceError, match=r"both Parquet and logs.*audit\.log"):
        quiet.evaluate(tmp_path)
    assert pa.table(quiet.evaluate(tmp_path / "audit.log")).num_rows == 5292


def test_verdicts_are_a_stream_for_every_engine(quiet: aw.Policy, metadata_log: Path) -> None:
    verdicts = quiet.evaluate(metadata_log)
    assert pa.table(verdicts).schema == verdicts.schema
    assert sum(batch.num_rows for batch in verdicts) == 5292
    assert pl.DataFrame(verdicts).height == 5292
    assert pa.table(duckdb.sql("select rule from verdicts")).num_rows == 5292


def test_a_missing_column_is_named(quiet: aw.Policy, metadata_log: Path) -> None:
    events = pa.table(aw.read(metadata_log, columns=["verb", "user"]))
    with pytest.raises(aw.errors.ColumnError, match="'stage' is missing"):
        pa.table(quiet.evaluate(events))
    with pytest.raises(aw.errors.ColumnError, match="'uri' is missing"):
        aw.Keys(pa.table({"stage": pa.array(["Panic"])}))


def test_a_column_of_another_type_is_named(quiet: aw.Policy, metadata_log: Path) -> None:
    events = pa.table(aw.read(metadata_log))
    events = events.set_column(events.schema.get_field_index("user_groups"), "user_groups", pa.array([1] * 5292))
    with pytest.raises(aw.errors.ColumnError, match="'user_groups' has the type Int64"):
        pa.table(quiet.evaluate(events))


def test_keys_stand_for_the_events_they_sum_up(data: Path, decisions: list[Answer], events: pa.Table) -> None:
    keys = aw.Keys(events, rows=True)
    assert keys.events == 2980
    assert 1000 < len(keys) < 2980
    assert pc.sum(keys.table["line_bytes"]) == pc.sum(events["line_bytes"])
    for answer in decisions[::7]:
        policy = policy_of(data, answer)
        of_keys = pa.table(policy.evaluate(keys)).take(keys.row_keys)
        assert of_keys.to_pylist() == pa.table(policy.evaluate(events)).to_pylist(), answer["policy"]


def test_keys_of_several_sources_are_added(metadata_log: Path) -> None:
    once = aw.Keys(metadata_log)
    twice = aw.Keys(metadata_log).add(metadata_log)
    assert (len(twice), twice.events, twice.span) == (len(once), 2 * once.events, once.span)
    with pytest.raises(ValueError, match="rows=True"):
        _ = once.row_keys


def test_a_decision_wants_a_resource_or_a_path(quiet: aw.Policy) -> None:
    with pytest.raises(ValueError, match="resource= or path="):
        quiet.decide(verb="get")
    with pytest.raises(ValueError, match="resource= or path="):
        quiet.decide(verb="get", resource="pods", path="/healthz")


def test_an_event_is_decided_from_its_line(quiet: aw.Policy, metadata_log: Path) -> None:
    line = metadata_log.read_bytes().splitlines()[0]
    decision = quiet.decide_event(line)
    assert decision == quiet.decide_event(line.decode()) == quiet.decide_event(json.loads(line))
    assert decision.level == pa.table(quiet.evaluate(metadata_log))["level"][0].as_py()
    with pytest.raises(aw.errors.AuditwakeError, match="one event was expected"):
        quiet.decide_event(b"no event")
