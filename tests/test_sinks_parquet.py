"""Parquet files: rows and the place that they end at come by one rename, and what a crash leaves is told apart."""

import os
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from auditwake.errors import SinkError
from auditwake.forwarder.sinks.parquet import CHECKPOINT
from tests.tables import numbers, parquet, rows


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
