"""What Parquet files and Delta tables have in common: rows and the place that they end at, at once or not at all."""

import stat
import sys
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

import auditwake as aw
from auditwake.errors import SinkError
from auditwake.forwarder.config.model import DeltaSink, ParquetSink
from auditwake.forwarder.sinks.delta import DeltaRows
from auditwake.forwarder.sinks.make import make
from auditwake.forwarder.sinks.parquet import ParquetFiles
from tests.tables import Make, delta, numbers, parquet, rows, written


@pytest.fixture(params=[parquet, delta])
def kind(request: pytest.FixtureRequest) -> Make:
    made: Make = request.param
    return made


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
