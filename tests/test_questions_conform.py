"""Parquet and Arrow of other engines: names in upper case, bytes for text, other numbers, nulls without a type."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import auditwake as aw
from auditwake.errors import QuestionError
from auditwake.questions import stored as stored_module
from tests.asked import event, write

ASKED = ("denied", "errors", "history", "top_lists", "who_impersonated")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """Events of all kinds, of which some columns are null throughout."""
    denied = {"authorization.k8s.io/decision": "forbid"}
    log = write(
        tmp_path_factory.mktemp("log") / "audit.log",
        [
            event(auditID="1"),
            event(auditID="1"),
            event(auditID="2", verb="delete"),
            event(auditID="3", verb="list", responseStatus={"code": 403}, annotations=denied),
            event(auditID="4", impersonatedUser={"username": "bob", "groups": ["ops"]}),
            event(auditID="5", verb="watch", stage="ResponseStarted"),
        ],
    )
    return pa.table(aw.read(log))


def in_bytes(table: pa.Table) -> pa.Table:
    """As engines write texts without saying that they are; numbers as pandas does where some are null; nulls alone."""
    columns = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        kind = field.type
        if column.null_count == table.num_rows:
            columns[field.name] = pa.nulls(table.num_rows)
        elif pa.types.is_dictionary(kind) or pa.types.is_string(kind):
            columns[field.name] = column.cast(pa.string()).cast(pa.binary())
        elif pa.types.is_list(kind):
            columns[field.name] = column.cast(pa.list_(pa.string())).cast(pa.list_(pa.binary()))
        else:
            columns[field.name] = column.cast(pa.float64()) if field.name == "code" else column
    return pa.table(columns)


def in_upper_case(table: pa.Table) -> pa.Table:
    return table.rename_columns([name.upper() for name in table.column_names])


@pytest.mark.parametrize("few", [1, 1 << 40])
@pytest.mark.parametrize("change", [in_bytes, in_upper_case])
def test_columns_of_other_engines(
    change: object, few: int, table: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_module, "FEW", few)
    assert callable(change)
    written = change(table)
    pq.write_table(written, tmp_path / "log.parquet")
    for name in ASKED:
        expected = aw.ask(name, table, limit=0)
        for source in (tmp_path / "log.parquet", written):
            found = aw.ask(name, source, limit=0)
            assert found.table.to_pylist() == expected.table.to_pylist(), name
            assert found.coverage.as_json() == expected.coverage.as_json(), name


@pytest.mark.parametrize("change", [in_bytes, in_upper_case])
def test_policies_take_them_too(change: object, table: pa.Table, tmp_path: Path) -> None:
    assert callable(change)
    pq.write_table(change(table), tmp_path / "log.parquet")
    policy = aw.Policy.load("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata, verbs: [get]}]\n")
    assert pa.table(policy.evaluate(tmp_path / "log.parquet")) == pa.table(policy.evaluate(table))


def test_all_columns_have_the_names_of_the_schema(table: pa.Table, tmp_path: Path) -> None:
    pq.write_table(in_upper_case(table), tmp_path / "log.parquet")
    found = aw.sql("select * from events", tmp_path / "log.parquet").table
    assert found.column_names == [name for name in table.column_names if not name.endswith("_object")]


def test_a_column_of_another_kind_is_named_with_its_file(table: pa.Table, tmp_path: Path) -> None:
    pq.write_table(table, tmp_path / "1.parquet")
    times = pa.array([{"us": 403}] * table.num_rows)
    place = table.column_names.index("duration_us")
    pq.write_table(table.set_column(place, "duration_us", times), tmp_path / "2.parquet")
    with pytest.raises(QuestionError, match=r"2\.parquet: the column duration_us is STRUCT.* has int64: write it"):
        aw.ask("slow", tmp_path)
    # Whoever does not look at it has an answer.
    assert aw.sql("select count(*) as n from events", tmp_path).table.to_pylist() == [{"n": 5}]
    today = pa.array(["today"] * table.num_rows)
    with pytest.raises(QuestionError, match="the source: the column ts_received is VARCHAR"):
        aw.ask("top", table.set_column(table.column_names.index("ts_received"), "ts_received", today))
