"""`auditwake.lines`: the events come back from their rows, byte for byte."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import auditwake as aw


@pytest.mark.parametrize(
    "name",
    ["metadata/audit.log.gz", "integration-example/audit.log.gz", "rotated"],
    ids=["metadata", "mixed", "bodies"],
)
def test_every_line_comes_back(data: Path, name: str, rotated_log: bytes) -> None:
    raw = pa.table(aw.read(data / name, columns=["raw", "repairs"], raw=True))
    back = list(aw.lines(aw.read(data / name)))
    whole = pc.is_null(raw["repairs"]).to_pylist()
    pairs = [(line, original) for line, original, fine in zip(back, raw["raw"].to_pylist(), whole, strict=True) if fine]
    assert len(pairs) > 2500
    for line, original in pairs:
        assert line == original
    if name == "rotated":
        assert b"".join(original + b"\n" for original in raw["raw"].to_pylist()) == rotated_log


def test_a_repaired_line_comes_back_too(data: Path) -> None:
    table = pa.table(aw.read(data / "rotated"))
    repaired = table.filter(pc.is_valid(table["repairs"]))
    assert repaired.num_rows == 4
    assert list(aw.lines(repaired)) == repaired["raw"].to_pylist()


def test_rows_come_in_many_forms(metadata_log: Path) -> None:
    reader = aw.read(metadata_log, batch_rows=1000)
    expected = metadata_log.read_bytes().splitlines()
    table = pa.table(reader)
    assert list(aw.lines(reader)) == expected
    assert list(aw.lines(table)) == expected
    assert list(aw.lines(reader.to_reader())) == expected
    assert list(aw.lines(table.to_batches())) == expected
    assert list(aw.lines(iter(reader))) == expected
    assert list(aw.lines(table.to_batches()[0])) == expected[:1000]
    assert list(aw.lines([])) == []


def test_lines_come_back_from_parquet(metadata_log: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit.parquet"
    aw.convert(metadata_log, out)
    assert list(aw.lines(pq.read_table(out))) == metadata_log.read_bytes().splitlines()


def test_a_column_that_is_needed_is_named(metadata_log: Path) -> None:
    with pytest.raises(aw.errors.ColumnError):
        list(aw.lines(aw.read(metadata_log, columns=["verb"])))


def test_what_is_no_arrow_data_is_refused() -> None:
    with pytest.raises(TypeError, match="not int"):
        aw.lines(7)
