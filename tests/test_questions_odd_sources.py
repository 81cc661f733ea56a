"""Sources that are odd: pipes, files of different columns and types, ends that are not among what is asked of."""

import os
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import auditwake as aw
from auditwake._core import survey
from auditwake.errors import InputError
from auditwake.questions import Log, Scope
from auditwake.questions import stored as stored_module
from auditwake.questions.kept import interruptible
from tests.asked import event, write
from tests.test_questions_stored import plain

HOW_MANY = "select count(*) as n from requests"


def asked_in_every_way(log: Path, name: str) -> list[list[dict[str, object]]]:
    lake = log.with_suffix(".parquet")
    aw.convert(log, lake)
    sources = (log, lake, pa.table(aw.read(log)))
    return [aw.ask(name, source, limit=0).table.to_pylist() for source in sources]


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    lines = write(tmp_path / "audit.log", [event(), event(auditID="b")]).read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # Opening it waits for the other end, so that another thread has to write; twice everything, so that events repeat.
    writer = threading.Thread(target=pipe.write_bytes, args=(lines + lines,))
    writer.start()
    answer = aw.sql(HOW_MANY, pipe)
    writer.join()
    assert answer.table.to_pylist() == [{"n": 2}]
    assert (answer.coverage.events, answer.coverage.repeats) == (4, 2)


def test_a_log_that_is_rotated_between_two_readings_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = write(tmp_path / "audit.log", [event(), event()])
    marks = Log.__module__.replace("log", "kept")
    module = __import__(marks, fromlist=["Kept"])
    found = module.Kept.marks

    def rotated(self: object) -> list[int]:
        log.rename(tmp_path / "audit-1.log")
        write(log, [event()])
        given: list[int] = found(self)
        return given

    monkeypatch.setattr(module.Kept, "marks", rotated)
    with pytest.raises(InputError, match="rotated"):
        aw.sql(HOW_MANY, log)


def test_the_first_of_two_counts_that_is_asked_of(tmp_path: Path) -> None:
    write(tmp_path / "audit.log", [event(), event(auditID="b", objectRef={"resource": "nodes", "apiVersion": "v1"})])
    whole = pa.table(aw.read(tmp_path / "audit.log"))
    pq.write_table(whole.drop_columns(["namespace"]), tmp_path / "1.parquet")
    pq.write_table(whole, tmp_path / "2.parquet")
    for files in (["1", "2"], ["2", "1"]):
        lake = [tmp_path / f"{name}.parquet" for name in files]
        answer = aw.ask("top", lake, scope=Scope(namespace=("web",)))
        assert [row["requests"] for row in answer.table.to_pylist()] == [1]
        assert answer.coverage.repeats == 0


def test_of_equal_events_the_first_of_the_source_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [event(auditID=f"{at}", verb="delete") for at in range(200)]
    logs = [write(tmp_path / f"{name}.log", events) for name in ("b", "a", "c")]
    lake = [log.with_suffix(".parquet") for log in logs]
    for log, parquet in zip(logs, lake, strict=True):
        aw.convert(log, parquet, row_group_rows=70)
    table = pa.table(aw.read(logs, batch_rows=50))
    sql = "select audit_id, src_file, src_offset from requests"
    offsets = pa.table(aw.read(logs[0]))["src_offset"].to_pylist()
    for few, source in ((0, logs), (0, table), (0, lake), (1 << 40, lake)):
        monkeypatch.setattr(stored_module, "FEW", few)
        found = aw.sql(sql, source, scope=Scope(name=("shop",))).table
        assert set(found["src_file"].to_pylist()) == {str(logs[0])}
        assert sorted(found["src_offset"].to_pylist()) == offsets


def test_a_request_that_ended_in_another_way_than_is_asked_of_is_not_open(tmp_path: Path) -> None:
    begun = event(verb="watch", stage="ResponseStarted", responseStatus={"metadata": {}, "code": 500})
    other = event(auditID="b", verb="watch", stage="ResponseStarted", responseStatus={"metadata": {}, "code": 500})
    log = write(tmp_path / "audit.log", [begun, event(verb="watch"), other])
    ways = asked_in_every_way(log, "errors")
    assert [row["requests"] for row in ways[0]] == [1]
    assert ways[1:] == ways[:1] * 2


def test_a_request_of_which_nothing_says_whether_it_ended_is_open(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [event(verb="watch", stage="ResponseStarted")])
    table = pa.table(aw.read(log))
    place = table.column_names.index("is_terminal")
    table = table.set_column(place, "is_terminal", pa.nulls(1, pa.bool_()))
    pq.write_table(table, tmp_path / "log.parquet")
    sql = "select state from requests"
    for source in (table, tmp_path / "log.parquet"):
        assert aw.sql(sql, source).table.to_pylist() == [{"state": "open"}]


@pytest.mark.parametrize("kind", [("us", None), ("ns", None), ("ns", "UTC"), ("ms", "UTC"), ("us", "+02:00")])
def test_times_of_any_unit_and_zone(kind: tuple[str, str | None], metadata_log: Path, tmp_path: Path) -> None:
    table = pa.table(aw.read(metadata_log)).unify_dictionaries()
    # As some engines write them: of whole milliseconds, so that all units have the same.
    for name in ("ts_received", "ts_stage"):
        whole = table[name].cast(pa.timestamp("ms", "UTC"), safe=False)
        table = table.set_column(table.column_names.index(name), name, whole.cast(pa.timestamp("us", "UTC")))
    other = table
    for name in ("ts_received", "ts_stage"):
        cast = table[name].cast(pa.timestamp(*kind))
        other = other.set_column(other.column_names.index(name), name, cast)
    pq.write_table(other, tmp_path / "other.parquet", version="2.6")
    begin = table["ts_received"].to_pylist()[100]
    scope = Scope(since=int(begin.timestamp() * 1e6))
    expected = aw.ask("who", table, scope=scope, limit=0)
    for source in (other, tmp_path / "other.parquet"):
        found = aw.ask("who", source, scope=scope, limit=0)
        assert found.table.to_pylist() == expected.table.to_pylist()
        assert found.coverage.first == expected.coverage.first
    counted = survey([str(tmp_path / "other.parquet")], suspects=True, received=True, open_ones=True, threads=1)
    assert counted["events"] == table.num_rows


def test_one_column_of_a_codec_that_the_core_lacks(metadata_log: Path, tmp_path: Path) -> None:
    table = plain(pa.table(aw.read(metadata_log)).unify_dictionaries())
    twice = pa.concat_tables([table, table])
    pq.write_table(twice, tmp_path / "some.parquet", row_group_size=700)
    leaves = pq.ParquetFile(tmp_path / "some.parquet").schema
    codecs = {leaves.column(at).path: "snappy" for at in range(len(leaves))}
    pq.write_table(twice, tmp_path / "some.parquet", compression={**codecs, "agent_name": "brotli"})
    answer = aw.ask("top", tmp_path / "some.parquet", limit=0)
    assert answer.table.to_pylist() == aw.ask("top", table, limit=0).table.to_pylist()
    assert answer.coverage.repeats > 2000


@pytest.mark.parametrize(("said", "raised"), [("Query interrupted", KeyboardInterrupt), ("another", RuntimeError)])
def test_an_interrupted_query_is_an_interrupt(said: str, raised: type[BaseException]) -> None:
    with pytest.raises(raised), interruptible():
        raise RuntimeError(said)
