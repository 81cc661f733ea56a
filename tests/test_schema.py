"""The columns: one table, and everything that is said about it elsewhere."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

import auditwake as aw
from auditwake.cli import main
from auditwake.cli.rows import GLANCE
from auditwake.demo.questions import LATENCIES

ROOT = Path(__file__).parents[1]
GROUPS = {"core", "derived", "bodies", "all"}


def arrow_type(text: str) -> pa.DataType:
    """Read the type as the table of columns says it."""
    dictionary = pa.dictionary(pa.int32(), pa.string())
    named: dict[str, pa.DataType] = {
        "timestamp[us, UTC]": pa.timestamp("us", "UTC"),
        "utf8": pa.string(),
        "utf8 (arrow.json)": pa.json_(),
        "binary": pa.binary(),
        "bool": pa.bool_(),
        "int16": pa.int16(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "dictionary<int32, utf8>": dictionary,
        "list<dictionary<int32, utf8>>": pa.list_(dictionary),
        "map<dictionary<int32, utf8>, dictionary<int32, utf8>>": pa.map_(dictionary, dictionary),
        "map<dictionary<int32, utf8>, list<dictionary<int32, utf8>>>": pa.map_(dictionary, pa.list_(dictionary)),
    }
    return named[text]


def test_the_schema_is_the_table_of_columns() -> None:
    schema = aw.schema()
    columns = aw.columns()
    assert len(columns) > 90
    assert schema.names == [column.name for column in columns]
    for column in columns:
        assert schema.field(column.name).type.equals(arrow_type(column.type)), column.name
        assert column.meaning.endswith((".", ";")), column.name
        assert column.source, column.name


def test_the_schema_has_a_version() -> None:
    assert aw.schema().metadata[b"auditwake.schema_version"].decode().isdigit()
    assert aw.read(aw.demo.LOG).schema.metadata == aw.schema().metadata


def test_groups_select_their_columns() -> None:
    columns = aw.columns()
    assert {group for column in columns for group in column.groups} == GROUPS
    for group in GROUPS:
        assert aw.schema(group).names == [column.name for column in columns if group in column.groups]
    assert 20 <= len(aw.schema("core")) <= 32
    assert aw.schema("all") == aw.schema()


def test_a_selection_keeps_the_order_of_the_table() -> None:
    assert aw.schema(["verb", "ts_stage"]).names == ["ts_stage", "verb"]


def test_bodies_leave_the_groups_but_not_their_names() -> None:
    assert "request_object" not in aw.schema(bodies=False).names
    assert aw.schema(["request_object"], bodies=False).names == ["request_object"]


def test_what_the_command_line_shows_are_columns() -> None:
    assert set(GLANCE) <= set(aw.schema("core").names)
    assert set(LATENCIES) <= set(aw.schema("derived").names)
    latencies = {name for name in aw.schema().names if name.startswith("lat_")}
    assert latencies == {*LATENCIES, "lat_total_us"}


def test_the_page_of_columns_is_not_stale(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--output", "markdown"]) == 0
    page = capsys.readouterr().out
    assert page.count("\n| `") == len(aw.columns())
    assert (ROOT / "docs" / "schema.md").read_text() == page, "docs/schema.md is stale: make docs"


def test_the_command_line_gives_the_table_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--output", "json", "--columns", "core"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [column["name"] for column in printed] == aw.schema("core").names
    assert all(set(column) == {"name", "type", "source", "meaning", "groups"} for column in printed)
