"""Parquet files and Delta tables: rows and the place that they end at, at once or not at all."""

import json
import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

import auditwake as aw
from auditwake.errors import SinkError
from auditwake.forwarder.config.model import DeltaSink, ParquetSink
from auditwake.forwarder.config.secret import Secret
from auditwake.forwarder.sinks.delta import DeltaRows
from auditwake.forwarder.sinks.deltalog import failure
from auditwake.forwarder.sinks.make import make
from auditwake.forwarder.sinks.parquet import CHECKPOINT, ParquetFiles
from auditwake.forwarder.sinks.sink import TableSink

CANARY = "canary-0123456789abcdef0123456789"
Make = Callable[..., TableSink]


def rows(first: int, last: int, extra: dict[str, Any] | None = None) -> pa.RecordBatch:
    """Make rows with a number in them, of the kinds of types that a tail has."""
    numbers = range(first, last)
    given = {
        "n": pa.array(numbers, pa.int64()),
        "verb": pa.array([f"verb-{number % 3}" for number in numbers]).dictionary_encode(),
        **(extra or {}),
    }
    return pa.record_batch(given)


def parquet(folder: Path, route: str = "node-1/audit.log") -> ParquetFiles:
    return ParquetFiles(ParquetSink(directory=folder / "lake"), route)


def delta(folder: Path, route: str = "node-1/audit.log") -> DeltaRows:
    return DeltaRows(DeltaSink(table=str(folder / "lake")), route)


@pytest.fixture(params=[parquet, delta])
def kind(request: pytest.FixtureRequest) -> Make:
    made: Make = request.param
    return made


def numbers(folder: Path) -> list[int]:
    """Read the numbers back, by the readers that people use."""
    lake = folder / "lake"
    if (lake / "_delta_log").is_dir():
        table = deltalake.DeltaTable(lake)
        files = [str(lake / uri) if "://" not in uri else uri for uri in table.file_uris()]
    else:
        files = [str(file) for file in lake.glob("*.parquet")]
    if not files:
        return []
    found = duckdb.connect().read_parquet([file.removeprefix("file://") for file in files]).order("n").fetchall()
    return [row[0] for row in found]


def written(sink: TableSink) -> None:
    """Write a row."""
    sink.resume()
    sink.write(rows(0, 1))
    sink.flush("place")


# --- both ------------------------------------------------------------------------------------------------------------


def test_rows_come_with_the_place_that_they_end_at(kind: Make, tmp_path: Path) -> None:
    sink = kind(tmp_path)
    assert sink.resume() is None
    for at in range(3):
        sink.write(rows(at * 20, at * 20 + 10))
        sink.write(rows(at * 20 + 10, at * 20 + 20))
        sink.flush(f"place {at}")
        assert kind(tmp_path).resume() == f"place {at}"
        assert numbers(tmp_path) == list(range(at * 20 + 20))
    sink.close()


def test_what_was_not_flushed_is_not_there(kind: Make, tmp_path: Path) -> None:
    sink = kind(tmp_path)
    sink.resume()
    sink.write(rows(0, 10))
    sink.flush("first")
    sink.write(rows(10, 20))
    sink.close()
    assert kind(tmp_path).resume() == "first"
    assert numbers(tmp_path) == list(range(10))


def test_resuming_forgets_what_was_written_since(kind: Make, tmp_path: Path) -> None:
    sink = kind(tmp_path)
    sink.resume()
    sink.write(rows(0, 10))
    assert sink.resume() is None
    sink.write(rows(0, 10))
    sink.flush("first")
    assert numbers(tmp_path) == list(range(10))


def test_lines_that_became_no_rows_have_their_place_too(kind: Make, tmp_path: Path) -> None:
    sink = kind(tmp_path)
    sink.resume()
    sink.write(rows(0, 10))
    sink.flush("first")
    sink.write(rows(0, 0))
    sink.flush("second")
    assert kind(tmp_path).resume() == "second"
    sink.write(rows(10, 20))
    sink.flush("third")
    assert kind(tmp_path).resume() == "third"
    assert numbers(tmp_path) == list(range(20))


def test_writers_have_a_place_each(kind: Make, tmp_path: Path) -> None:
    one, two = kind(tmp_path, "node-1"), kind(tmp_path, "node-2")
    assert (one.resume(), two.resume()) == (None, None)
    for at in range(0, 40, 20):
        one.write(rows(at, at + 10))
        two.write(rows(at + 10, at + 20))
        two.flush(f"two {at}")
        one.flush(f"one {at}")
    assert (kind(tmp_path, "node-1").resume(), kind(tmp_path, "node-2").resume()) == ("one 20", "two 20")
    assert numbers(tmp_path) == list(range(40))


def test_whoever_begins_elsewhere_does_not_ask_where_the_rows_end(kind: Make, tmp_path: Path) -> None:
    for at in range(2):
        sink = kind(tmp_path)
        sink.write(rows(at, at + 1))
        sink.flush(f"place {at}")
    assert kind(tmp_path).resume() == "place 1"
    assert numbers(tmp_path) == [0, 1]


def test_nothing_is_written_behind_a_failure(kind: Make, tmp_path: Path) -> None:
    sink = kind(tmp_path)
    sink.resume()
    sink.write(rows(0, 1))
    sink.close()
    for _ in range(2):
        with pytest.raises(SinkError, match="resume"):
            sink.write(rows(1, 2))
        with pytest.raises(SinkError, match="resume"):
            sink.flush("place")
    assert sink.resume() is None


def test_a_directory_that_cannot_be_made_is_for_a_person(kind: Make, tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file")
    with pytest.raises(SinkError, match="lake") as caught:
        written(kind(tmp_path))
    assert caught.value.needs_a_person


def test_every_column_of_a_tail_arrives(kind: Make, tmp_path: Path) -> None:
    sink = kind(tmp_path)
    sink.resume()
    with aw.tail(aw.demo.LOG, state=None, follow=False, raw=True, batch_rows=500) as log:
        batches = [batch.to_pyarrow() for batch in log]
        schema = log.schema
    for batch in batches:
        sink.write(batch)
    sink.flush("place")
    expected = pa.Table.from_batches(batches).sort_by("src_offset")
    if isinstance(sink, DeltaRows):
        found = pa.table(deltalake.DeltaTable(tmp_path / "lake").to_pyarrow_table()).sort_by("src_offset")
    else:
        (file,) = (tmp_path / "lake").glob("*.parquet")
        found = pq.read_table(file).sort_by("src_offset")
        assert found.schema.equals(schema)
    assert found.column_names == schema.names
    for name in schema.names:
        assert found[name].to_pylist() == expected[name].to_pylist(), name


@pytest.mark.skipif(sys.platform == "win32", reason="modes")
def test_nobody_else_can_read_the_rows(kind: Make, tmp_path: Path) -> None:
    sink = kind(tmp_path)
    sink.resume()
    sink.write(rows(0, 1))
    sink.flush("place")
    assert stat.S_IMODE((tmp_path / "lake").stat().st_mode) == 0o700
    if isinstance(sink, ParquetFiles):
        assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "lake").iterdir()} == {0o600}


def test_sinks_are_made_of_their_configuration(tmp_path: Path) -> None:
    for config in (ParquetSink(directory=tmp_path / "p"), DeltaSink(table=str(tmp_path / "d"))):
        for cluster, route, number in (("c1", "audit.log", 1), ("c2", "audit.log", 2), ("c1", "other.log", 3)):
            made = make(config, "node-1", cluster, route=route)
            assert isinstance(made, ParquetFiles | DeltaRows)
            assert made.resume() is None
            made.write(rows(0, 1))
            made.flush(str(number))
            assert made.resume() == str(number)


def test_without_deltalake_the_way_to_it_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(aw.errors.AuditwakeError, match=r"auditwake\[delta\]"):
        make(DeltaSink(table=str(tmp_path)), "node-1")


# --- Parquet ---------------------------------------------------------------------------------------------------------


def lake(folder: Path) -> list[Path]:
    return sorted((folder / "lake").glob("*.parquet"))


def test_a_file_has_the_checkpoint_in_its_footer(tmp_path: Path) -> None:
    sink = parquet(tmp_path)
    sink.resume()
    sink.write(rows(0, 10))
    sink.flush("place")
    (file,) = lake(tmp_path)
    metadata = pq.read_metadata(file)
    assert metadata.metadata[CHECKPOINT.encode()] == b"place"
    assert metadata.row_group(0).column(0).compression == "ZSTD"


def test_files_that_were_moved_elsewhere_leave_the_place_behind(tmp_path: Path) -> None:
    sink = parquet(tmp_path)
    sink.resume()
    for at in range(2):
        sink.write(rows(at, at + 1))
        sink.flush(f"place {at}")
    for file in lake(tmp_path):
        file.rename(tmp_path / file.name)
    again = parquet(tmp_path)
    assert again.resume() == "place 1"
    again.write(rows(2, 3))
    again.flush("place 2")
    names = {file.name.rpartition("-")[2] for file in [*tmp_path.glob("*.parquet"), *lake(tmp_path)]}
    assert len(names) == 3


@pytest.mark.parametrize("note", ["absent", "older"])
def test_a_crash_before_the_note_is_no_crash_behind_the_rows(tmp_path: Path, note: str) -> None:
    sink = parquet(tmp_path)
    sink.resume()
    sink.write(rows(0, 1))
    sink.flush("first")
    (beside,) = (tmp_path / "lake").glob(".auditwake-*.json")
    old = beside.read_bytes()
    sink.write(rows(1, 2))
    sink.flush("second")
    if note == "absent":
        beside.unlink()
    else:
        beside.write_bytes(old)
    assert parquet(tmp_path).resume() == "second"


def test_what_a_crash_left_unfinished_is_removed(tmp_path: Path) -> None:
    sink, other = parquet(tmp_path), parquet(tmp_path, "node-2")
    sink.resume()
    other.resume()
    sink.write(rows(0, 10))
    other.write(rows(10, 20))
    assert len(list((tmp_path / "lake").glob(".*.unfinished"))) == 2
    assert parquet(tmp_path).resume() is None
    # Another writer's are its own.
    assert len(list((tmp_path / "lake").glob(".*.unfinished"))) == 1
    other.flush("place")
    assert numbers(tmp_path) == list(range(10, 20))
    sink.close()


def test_memory_is_bounded_by_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditwake.forwarder.sinks.parquet.GROUP_BYTES", 10_000)
    sink = parquet(tmp_path)
    sink.resume()
    for at in range(0, 10_000, 100):
        sink.write(rows(at, at + 100))
    sink.flush("place")
    (file,) = lake(tmp_path)
    assert 5 < pq.read_metadata(file).num_row_groups < 50
    assert numbers(tmp_path) == list(range(10_000))


@pytest.mark.parametrize("damage", [b"", b"{}", b"PAR1"])
def test_a_newest_file_that_cannot_be_read_is_for_a_person(tmp_path: Path, damage: bytes) -> None:
    sink = parquet(tmp_path)
    sink.resume()
    sink.write(rows(0, 1))
    sink.flush("first")
    (beside,) = (tmp_path / "lake").glob(".auditwake-*.json")
    beside.unlink()
    lake(tmp_path)[0].write_bytes(damage)
    with pytest.raises(SinkError, match="damaged") as caught:
        parquet(tmp_path).resume()
    assert caught.value.needs_a_person


@pytest.mark.parametrize("call", ["fsync", "rename", "replace"])
def test_a_flush_that_fails_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    sink = parquet(tmp_path)
    sink.resume()
    sink.write(rows(0, 10))

    def fail(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os if call == "fsync" else Path, call, fail)
        with pytest.raises(SinkError, match="No space left") as caught:
            sink.flush("first")
    assert not caught.value.needs_a_person
    # The rename of the rows came before that of the note.
    there = sink.resume()
    assert there == ("first" if call == "replace" else None)
    if there is None:
        sink.write(rows(0, 10))
        sink.flush("first")
    assert numbers(tmp_path) == list(range(10))
    assert list((tmp_path / "lake").glob(".*.unfinished")) == []


def test_other_columns_in_the_midst_of_a_file_are_for_a_person(tmp_path: Path) -> None:
    sink = parquet(tmp_path)
    sink.resume()
    sink.write(rows(0, 1))
    sink.write(rows(1, 2, {"more": pa.array([1])}))
    with pytest.raises(SinkError) as caught:
        sink.flush("place")
    assert caught.value.needs_a_person


# --- Delta -----------------------------------------------------------------------------------------------------------


def table(folder: Path) -> deltalake.DeltaTable:
    return deltalake.DeltaTable(folder / "lake")


def test_a_commit_that_we_do_not_know_of_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = delta(tmp_path)
    sink.resume()
    real = deltalake.write_deltalake

    def lost(*given: Any, **options: Any) -> None:  # noqa: ANN401
        real(*given, **options)
        message = "Generic error: the connection was lost"
        raise deltalake.exceptions.DeltaError(message)

    sink.write(rows(0, 10))
    with monkeypatch.context() as patch:
        patch.setattr(deltalake, "write_deltalake", lost)
        with pytest.raises(SinkError) as caught:
            sink.flush("first")
    assert not caught.value.needs_a_person
    assert sink.resume() == "first"
    assert numbers(tmp_path) == list(range(10))


def test_of_two_with_one_name_the_second_is_refused(tmp_path: Path) -> None:
    one = delta(tmp_path)
    one.resume()
    one.write(rows(0, 10))
    one.flush("first")
    two = delta(tmp_path)
    assert two.resume() == "first"
    for sink in (one, two):
        sink.write(rows(10, 20))
    two.flush("second")
    with pytest.raises(SinkError, match="another process"):
        one.flush("second")
    assert one.resume() == "second"
    assert numbers(tmp_path) == list(range(20))


def test_of_two_that_commit_at_once_delta_refuses_the_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = delta(tmp_path), delta(tmp_path)
    one.resume()
    one.write(rows(0, 10))
    one.flush("first")
    two.resume()
    one.write(rows(10, 20))
    two.write(rows(10, 20))
    two.flush("second")
    # It has looked before the other one committed.
    monkeypatch.setattr(deltalake.DeltaTable, "update_incremental", lambda _table: None)
    with pytest.raises(SinkError, match="Concurrent transaction"):
        one.flush("second")
    assert numbers(tmp_path) == list(range(20))


def clean(folder: Path) -> None:
    """Compact, and delete all that is not needed to read the table: as a maintenance job does it after 30 days."""
    there = table(folder)
    there.optimize.compact()
    there.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    there.create_checkpoint()
    newest = there.version()
    for entry in (folder / "lake" / "_delta_log").glob("*.json"):
        if int(entry.stem) < newest:
            entry.unlink()


def test_the_place_of_one_who_was_away_is_carried_by_the_others(tmp_path: Path) -> None:
    one, two = delta(tmp_path, "node-1"), delta(tmp_path, "node-2")
    one.resume()
    one.write(rows(0, 10))
    one.flush("away")
    two.resume()
    for at in range(10, 40, 10):
        two.write(rows(at, at + 10))
        two.flush(f"two {at}")
    there = table(tmp_path)
    there.create_checkpoint()
    for entry in (tmp_path / "lake" / "_delta_log").glob("*.json"):
        if int(entry.stem) < there.version():
            entry.unlink()
    assert len(table(tmp_path).history()) == 1
    assert delta(tmp_path, "node-1").resume() == "away"
    assert delta(tmp_path, "node-2").resume() == "two 30"


def test_a_place_that_is_gone_is_for_a_person(tmp_path: Path) -> None:
    sink = delta(tmp_path)
    sink.resume()
    for at in range(3):
        sink.write(rows(at, at + 1))
        sink.flush(f"place {at}")
    clean(tmp_path)
    with pytest.raises(SinkError, match="logRetentionDuration") as caught:
        delta(tmp_path).resume()
    assert caught.value.needs_a_person


def test_maintenance_does_not_hide_the_place(tmp_path: Path) -> None:
    sink = delta(tmp_path)
    sink.resume()
    for at in range(20):
        sink.write(rows(at, at + 1))
        sink.flush(f"place {at}")
    for _ in range(20):
        table(tmp_path).alter.set_table_properties({"delta.logRetentionDuration": "interval 30 days"})
    table(tmp_path).optimize.compact()
    table(tmp_path).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    table(tmp_path).create_checkpoint()
    assert delta(tmp_path).resume() == "place 19"
    sink.write(rows(20, 21))
    sink.flush("place 20")
    assert numbers(tmp_path) == list(range(21))


def test_a_table_is_partitioned_by_day(tmp_path: Path) -> None:
    sink = DeltaRows(DeltaSink(table=str(tmp_path / "lake"), partition_by=("date",)), "node-1")
    sink.resume()
    events = pa.table(aw.read(aw.demo.LOG, columns=["ts_stage", "verb"]))
    sink.write(aw.read(aw.demo.LOG, columns=["ts_stage", "verb"]))
    sink.flush("place")
    assert table(tmp_path).metadata().partition_columns == ["date"]
    found = pa.table(table(tmp_path).to_pyarrow_table())
    assert sorted(map(str, found["date"].to_pylist())) == sorted(
        str(moment.date()) for moment in events["ts_stage"].to_pylist()
    )


@pytest.mark.parametrize(("partition_by", "why"), [(("date",), "ts_stage"), (("verb", "no"), "no")])
def test_a_partition_by_what_is_not_there_is_for_a_person(
    tmp_path: Path, partition_by: tuple[str, ...], why: str
) -> None:
    sink = DeltaRows(DeltaSink(table=str(tmp_path / "lake"), partition_by=partition_by), "node-1")
    with pytest.raises(SinkError, match=why) as caught:
        written(sink)
    assert caught.value.needs_a_person


def test_columns_may_come_and_go(tmp_path: Path) -> None:
    sink = delta(tmp_path)
    sink.resume()
    sink.write(rows(0, 10))
    sink.flush("first")
    sink.write(rows(10, 20, {"more": pa.array(range(10, 20), pa.int16())}))
    sink.flush("second")
    sink.write(rows(20, 30))
    sink.flush("third")
    sink.flush("fourth")
    found = pa.table(table(tmp_path).to_pyarrow_table()).sort_by("n")
    assert found["more"].to_pylist() == [None] * 10 + list(range(10, 20)) + [None] * 10
    assert found["n"].to_pylist() == list(range(30))
    assert delta(tmp_path).resume() == "fourth"


def test_a_column_of_another_type_is_for_a_person(tmp_path: Path) -> None:
    sink = delta(tmp_path)
    sink.resume()
    sink.write(rows(0, 10))
    sink.flush("first")
    sink.write(pa.record_batch({"n": pa.array(["text"])}))
    with pytest.raises(SinkError, match="'n'") as caught:
        sink.flush("second")
    assert caught.value.needs_a_person
    assert sink.resume() == "first"


def test_a_commit_says_who_and_where(tmp_path: Path) -> None:
    sink = delta(tmp_path)
    sink.resume()
    sink.write(rows(0, 10))
    sink.flush("place")
    (commit,) = table(tmp_path).history(1)
    assert commit["auditwake.app_id"] == "node-1/audit.log"
    assert commit["auditwake.checkpoint"] == "place"
    assert table(tmp_path).transaction_version("node-1/audit.log") == 1


def test_a_broken_log_is_told(tmp_path: Path) -> None:
    sink = delta(tmp_path)
    sink.resume()
    for at in range(3):
        sink.write(rows(at, at + 1))
        sink.flush(f"place {at}")
    (tmp_path / "lake" / "_delta_log" / f"{2:020}.json").unlink()
    with pytest.raises(SinkError, match="lake"):
        delta(tmp_path).resume()


def test_no_key_is_shown(tmp_path: Path) -> None:
    options = {"AWS_SECRET_ACCESS_KEY": Secret(CANARY)}
    sink = DeltaRows(DeltaSink(table=f"az://user:{CANARY}@lake/audit?sig={CANARY}", storage_options=options), "node-1")
    assert CANARY not in f"{sink.describe()} {sink!r}"
    error = failure(OSError(f"403 Forbidden: {CANARY}, https://a:{CANARY}@host/x?sig=%20{CANARY}"), "lake", [CANARY])
    assert CANARY not in str(error)
    assert error.needs_a_person
    shutil.rmtree(tmp_path)


def test_carried_places_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditwake.forwarder.sinks.deltalog.MOST_OTHERS", 3)
    for node in range(6):
        sink = delta(tmp_path, f"node-{node}")
        sink.resume()
        sink.write(rows(node, node + 1))
        sink.flush(f"place {node}")
    (commit,) = table(tmp_path).history(1)
    assert list(json.loads(commit["auditwake.others"])) == ["node-2", "node-3", "node-4"]
