"""Delta tables: rows and the place that they end at are one commit, whatever else is done to the table."""

import json
import shutil
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pytest

import auditwake as aw
from auditwake.errors import SinkError
from auditwake.forwarder.config.model import DeltaSink
from auditwake.forwarder.config.secret import Secret
from auditwake.forwarder.sinks.delta import DeltaRows
from auditwake.forwarder.sinks.deltalog import failure
from tests.tables import delta, numbers, rows, written

CANARY = "canary-0123456789abcdef0123456789"


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
