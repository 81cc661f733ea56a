"""`auditwake.convert`: what is written, and what is not."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import auditwake as aw

ROTATED_EVENTS = 4716

CONVERT = "import sys, auditwake as aw; aw.convert(sys.argv[1], sys.argv[2])"


def rows(folder: Path) -> list[tuple[str, str, str, int]]:
    """What identifies the rows of a converted folder, sorted, as a reader of many files finds them."""
    if not any(not path.name.startswith((".", "_")) for path in folder.rglob("*.parquet")):
        return []
    names = ["audit_id", "stage", "src_file", "src_offset"]
    table = ds.dataset(folder, partitioning="hive").to_table(columns=names)
    return sorted(zip(*(table[name].to_pylist() for name in names), strict=True))


def test_one_file_holds_all_rows(metadata_log: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit.parquet"
    done = aw.convert(metadata_log, out)
    table = pq.read_table(out)
    assert table.num_rows == done.rows == done.outcomes.events == 5292
    assert done.files == [str(out)] == [done.out]
    assert done.bytes_written == out.stat().st_size
    assert done.outcomes.ok.bytes == metadata_log.stat().st_size
    assert done.rejects_file is None
    assert os.listdir(tmp_path) == ["audit.parquet"]  # noqa: PTH208  # the names alone


def test_the_rows_are_those_that_are_read(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit.parquet"
    aw.convert(data / "rotated", out)
    written = pq.read_table(out)
    read = pa.table(aw.read(data / "rotated"))
    assert written.schema.names == read.schema.names
    for name in read.schema.names:
        assert written[name].to_pylist() == read[name].to_pylist(), name


def test_engines_read_the_file(metadata_log: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit.parquet"
    aw.convert(metadata_log, out)
    with duckdb.connect() as connection:
        counted = connection.read_parquet(str(out)).filter("decision = 'forbid'").aggregate("count(*)").fetchall()
    assert counted == [(30,)]
    assert pl.read_parquet(out).height == 5292
    assert len(pd.read_parquet(out)) == 5292


def test_the_file_says_what_it_is(metadata_log: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit.parquet"
    aw.convert(metadata_log, out)
    metadata = pq.read_metadata(out)
    assert metadata.metadata[b"auditwake.schema_version"] == aw.schema().metadata[b"auditwake.schema_version"]
    assert any(str(metadata_log).encode() in value for value in metadata.metadata.values())
    group = metadata.row_group(0)
    columns = {group.column(at).path_in_schema: group.column(at) for at in range(group.num_columns)}
    assert columns["ts_received"].statistics.has_min_max
    assert columns["verb"].compression == "ZSTD"
    assert columns["ts_received"].has_column_index


def test_a_folder_is_partitioned_by_date(data: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    done = aw.convert(data / "rotated", lake)
    assert done.rows == ROTATED_EVENTS
    assert {path.name for path in lake.glob("*=*")} == {"date=2026-11-24"}
    assert sorted(map(str, lake.rglob("*.parquet"))) == sorted(done.files)
    assert len(rows(lake)) == ROTATED_EVENTS


def test_a_folder_is_partitioned_as_asked(metadata_log: Path, tmp_path: Path) -> None:
    aw.convert(metadata_log, tmp_path / "lake", partition_by=["date", "stage"])
    stages = {path.name for path in (tmp_path / "lake" / "date=2026-11-24").iterdir()}
    assert stages == {"stage=RequestReceived", "stage=ResponseStarted", "stage=ResponseComplete"}
    aw.convert(metadata_log, tmp_path / "flat", partition_by=())
    assert pq.read_metadata(tmp_path / "flat").num_rows == 5292


def test_twice_adds_nothing(data: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    aw.convert(data / "rotated", lake)
    once = rows(lake)
    again = aw.convert(data / "rotated", lake)
    assert rows(lake) == once
    assert len(set(once)) == ROTATED_EVENTS
    assert (again.rows, again.files) == (0, []) or again.rows == ROTATED_EVENTS


def test_new_inputs_are_added(data: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    aw.convert(str(data / "rotated" / "audit-*.log.gz"), lake)
    aw.convert(data / "rotated", lake)
    assert len(set(rows(lake))) == len(rows(lake)) == ROTATED_EVENTS


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_killed_run_is_completed_by_the_next(data: Path, tmp_path: Path) -> None:
    """Killed at moments all over its run: no row is there twice, and a second run completes to the same rows."""
    source = data / "rotated"
    aw.convert(source, tmp_path / "expected")
    expected = rows(tmp_path / "expected")
    killed = 0
    for moment in range(20):
        lake = tmp_path / f"lake-{moment}"
        with subprocess.Popen([sys.executable, "-c", CONVERT, str(source), str(lake)]) as child:
            try:
                child.wait(0.06 + moment * 0.01)
            except subprocess.TimeoutExpired:
                child.kill()
                killed += 1
        left = rows(lake)
        assert len(set(left)) == len(left)
        aw.convert(source, lake)
        assert rows(lake) == expected
    assert killed > 0, "every run was over before it could be killed"


def test_nothing_appears_when_it_fails(hurt_log: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "audit.parquet"
    out.parent.mkdir()
    with pytest.raises(aw.errors.RejectedError):
        aw.convert(hurt_log, out, on_error="raise")
    assert list(out.parent.iterdir()) == []


def test_rejected_lines_are_written_beside_the_output(hurt_log: Path, tmp_path: Path) -> None:
    done = aw.convert(hurt_log, tmp_path / "audit.parquet")
    assert done.rows == 3
    assert done.outcomes.rejected.lines == 1
    assert done.rejects_file is not None
    rejects = Path(done.rejects_file)
    assert rejects.parent == tmp_path
    (line,) = rejects.read_text().splitlines()
    said = json.loads(line)
    assert base64.b64decode(said["bytes"]).rstrip(b"\n") == b"no event at all"
    assert said["file"] == str(hurt_log)


def test_progress_grows(data: Path, tmp_path: Path) -> None:
    seen: list[aw.Progress] = []
    done = aw.convert([data / "rotated"] * 20, tmp_path / "audit.parquet", progress=seen.append)
    assert seen, "no progress was told"
    assert [step.rows for step in seen] == sorted(step.rows for step in seen)
    assert seen[-1].rows <= done.rows == 20 * ROTATED_EVENTS
    total = 20 * sum(path.stat().st_size for path in (data / "rotated").iterdir())
    assert {step.bytes_total for step in seen} == {total}
    assert all(step.bytes_done <= total for step in seen)


def test_an_error_in_the_progress_is_not_lost(data: Path, tmp_path: Path) -> None:
    def stop(_: aw.Progress) -> None:
        message = "enough"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="enough"):
        aw.convert([data / "rotated"] * 20, tmp_path / "audit.parquet", progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("compression", ["zstd", "snappy", "lz4", "none"])
def test_compression(metadata_log: Path, tmp_path: Path, compression: str) -> None:
    out = tmp_path / "audit.parquet"
    aw.convert(metadata_log, out, compression=compression)  # type: ignore[arg-type]  # a literal, in a parameter
    found = pq.read_metadata(out).row_group(0).column(0).compression
    assert found in {compression.upper(), f"{compression.upper()}_RAW", "UNCOMPRESSED" if compression == "none" else ""}


def test_row_groups_and_columns(metadata_log: Path, tmp_path: Path) -> None:
    out = tmp_path / "audit.parquet"
    aw.convert(metadata_log, out, columns=["core"], row_group_rows=1000)
    metadata = pq.read_metadata(out)
    assert max(metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)) <= 1000
    assert pq.read_schema(out).names == aw.schema("core").names


def test_outputs_that_make_no_sense(metadata_log: Path, tmp_path: Path) -> None:
    with pytest.raises(aw.errors.OutputError, match="one file"):
        aw.convert(metadata_log, tmp_path / "audit.parquet", partition_by=["date"])
    with pytest.raises(aw.errors.OutputError, match="local disk"):
        aw.convert(metadata_log, "s3://bucket/lake")
    with pytest.raises(aw.errors.ColumnError):
        aw.convert(metadata_log, tmp_path / "lake", partition_by=["dat"])
    with pytest.raises(aw.errors.OutputError):
        aw.convert(metadata_log, metadata_log / "lake")
    assert list(tmp_path.iterdir()) == []
