"""A lake whose folders are named after columns answers as a flat one does, for every column that can name folders."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest

import auditwake as aw
from auditwake import questions
from auditwake.errors import InputError
from auditwake.parquet import folder_values, parquet_files
from auditwake.questions import stored as stored_module
from auditwake.questions.files import Files
from auditwake.questions.needed import Need
from tests.asked import RECEIVED, Event, event, write

PLAIN = ("dictionary<int32, utf8>", "utf8", "bool", "int16", "int32", "int64", "timestamp[us, UTC]")
NAMING = [column.name for column in aw.columns() if column.type in PLAIN]
POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
  - {level: None, verbs: [get]}
  - {level: Metadata, omitStages: [RequestReceived]}
"""
ODD = "a b%41+c/d=e:f*é\\'\"?.zip"
EVENTS: list[Event] = [
    event(auditID="1"),
    event(auditID="2", verb="delete", objectRef={"resource": "pods", "name": ODD}, userAgent=ODD),
    event(auditID="3", verb="watch", stage="ResponseStarted", user={"username": ODD, "uid": "%"}),
    event(
        auditID="4", verb="get", user={}, responseStatus={"code": 401, "message": "Unauthorized", "status": "Failure"}
    ),
    event(auditID="5", annotations={"authorization.k8s.io/decision": "forbid"}, level="Request", responseStatus=None),
]


def rows(source: Any, sql: str = "select * from events", *, named: Iterable[str] = ()) -> list[dict[str, Any]]:  # noqa: ANN401  # any source
    """What is asked, in an order of its own; in columns that folders are named after, empty is null, as for Hive."""
    found = [dict(sorted(row.items())) for row in aw.sql(sql, source).table.to_pylist()]
    for row in found:
        row.update({name: None for name in named if row[name] == ""})
    return sorted(found, key=repr)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("log") / "audit.log", EVENTS)


@pytest.mark.parametrize("first", range(0, len(NAMING), 12))
def test_every_column_can_name_folders(first: int, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    named = NAMING[first : first + 12]
    aw.convert(log, "lake", partition_by=named)
    assert len(rows("lake")) == len(EVENTS)
    # All of them are asked where they lie; a part is fetched by the core.
    for sql in ("select * from events", "select * from requests where user is not null"):
        assert rows("lake", sql) == rows(log, sql, named=named)


@pytest.fixture(scope="module")
def real(metadata_log: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real log, less what Hive cannot tell from null: the empty verb."""
    lines = metadata_log.read_bytes().splitlines(keepends=True)
    log = tmp_path_factory.mktemp("real") / "audit.log"
    log.write_bytes(b"".join(line for line in lines if b'"verb":""' not in line))
    return log


@pytest.fixture(scope="module")
def lake(real: Path) -> Path:
    aw.convert(real, real.parent / "lake", partition_by=["stage", "verb", "code"])
    return real.parent / "lake"


@pytest.mark.parametrize("few", [1, 1 << 40])
def test_questions_ask_of_folders(few: int, real: Path, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_module, "FEW", few)
    for name in questions.names():
        expected = aw.ask(name, real, limit=0)
        found = aw.ask(name, lake, limit=0)
        assert sorted(map(repr, found.table.to_pylist())) == sorted(map(repr, expected.table.to_pylist())), name
        assert found.coverage.stages == expected.coverage.stages, name
        assert found.coverage.repeats == expected.coverage.repeats, name


def test_policies_read_folders(lake: Path, real: Path) -> None:
    policy = aw.Policy.load(POLICY)
    assert policy.cost(lake) == policy.cost(real)


def test_parts_of_a_lake_know_their_folders(lake: Path, real: Path) -> None:
    part = lake / "stage=ResponseComplete" / "verb=get"
    sql = "select count(*) as n, min(verb) as verb, sum(code)::bigint as codes from requests"
    expected = rows(real, f"{sql} where verb = 'get' and stage = 'ResponseComplete'")
    assert rows(part, sql) == expected
    assert rows([str(file) for file in part.rglob("*.parquet")], sql) == expected
    assert rows(str(part / "*" / "*.parquet"), sql) == expected


def test_a_file_that_has_the_column_keeps_its_own(log: Path, tmp_path: Path) -> None:
    """As where somebody names a folder after something else, and where a lake and a flat file are asked together."""
    folder = tmp_path / "level=raw"
    aw.convert(log, folder / "one.parquet")
    assert rows(folder / "one.parquet") == rows(log)
    aw.convert(write(tmp_path / "two.log", [event(auditID="6", verb="patch")]), tmp_path / "two", partition_by=["verb"])
    files = [folder / "one.parquet", *(tmp_path / "two").rglob("*.parquet")]
    expected = sorted(["get", "delete", "watch", "get", "get", "patch"])
    assert sorted(row["verb"] for row in rows(files, "select verb from events")) == expected


def test_a_folder_that_says_what_its_column_cannot_hold(log: Path, tmp_path: Path) -> None:
    aw.convert(log, tmp_path / "lake", partition_by=["code"])
    (tmp_path / "lake" / "code=200").rename(tmp_path / "lake" / "code=fine")
    with pytest.raises(InputError, match=re.escape("the folder 'code=fine' names a column of type int16")):
        aw.ask("denied", tmp_path / "lake")
    assert folder_values(["/lake/is_terminal=true/ts_stage=2026-11-24T00%3A08%3A18.5Z/x.parquet"]).keys() == {
        "is_terminal",
        "ts_stage",
    }


def test_folders_are_passed_over_by_what_they_are_named_after(lake: Path) -> None:
    """Files whose folder says that nothing in them is asked of are not read."""
    paths = parquet_files(lake)
    of_delete = [path for path in paths if "verb=delete" in path.split("/")]
    with duckdb.connect() as database:
        files = Files.of(paths, database, Need.of("select uri from events", "true", "true"))
        sql = f"explain analyze select count(uri) from {files.rows} where verb = 'delete'"  # noqa: S608  # of this file alone
        plan = database.sql(sql).fetchall()
    assert 0 < len(of_delete) < len(paths)
    assert f"Row Groups Scanned: {len(of_delete)} / {len(of_delete)}" in plan[0][1]


def test_times_are_of_utc(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [event()])
    aw.convert(log, tmp_path / "lake", partition_by=["ts_received"])
    (row,) = rows(tmp_path / "lake", "select strftime(ts_received, '%Y-%m-%dT%H:%M:%S.%fZ') as at from events")
    assert row["at"] == RECEIVED
