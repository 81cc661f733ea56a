"""`auditwake.read`: what comes out, by every consumer, at every setting."""

import gzip
import io
import os
import threading
import zlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import auditwake as aw

Event = dict[str, Any]

ROTATED_EVENTS = 4716


@pytest.fixture
def reader(metadata_log: Path) -> aw.Reader:
    return aw.read(metadata_log)


@pytest.fixture(scope="module")
def verbs(metadata_events: list[Event]) -> dict[str, int]:
    return dict(Counter(event["verb"] for event in metadata_events))


def plain(table: pa.Table) -> pa.Table:
    """Rows alone: codes of a dictionary depend on what a batch saw first."""
    fields = [
        pa.field(field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
        for field in table.schema
    ]
    return table.cast(pa.schema(fields)).combine_chunks()


def is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def read_until_it_breaks(reader: aw.Reader) -> BaseException | None:
    try:
        for _ in reader:
            pass
    except aw.errors.InputError as error:
        return error
    return None


# --- every consumer takes the reader as it is ------------------------------------------------------------------------


def test_pyarrow_takes_a_reader(reader: aw.Reader, verbs: dict[str, int]) -> None:
    table = pa.table(reader)
    assert table.schema == reader.schema
    counted = {entry["values"]: entry["counts"] for entry in table["verb"].value_counts().to_pylist()}
    assert counted == verbs


def test_polars_takes_a_reader(reader: aw.Reader, verbs: dict[str, int]) -> None:
    frame = pl.DataFrame(reader)
    assert frame.columns == reader.schema.names
    assert dict(frame["verb"].value_counts().iter_rows()) == verbs


def test_duckdb_takes_a_reader(reader: aw.Reader, verbs: dict[str, int]) -> None:
    with duckdb.connect() as connection:
        connection.register("log", reader)
        assert dict(connection.sql("select verb, count(*) from log group by verb").fetchall()) == verbs
        assert connection.sql("select count(*) from log where code = 403").fetchall() == [(32,)]


def test_duckdb_finds_a_reader_by_its_name(reader: aw.Reader) -> None:
    counted = duckdb.sql("select count(*) from reader")
    assert counted is not None
    assert counted.fetchall() == [(len(reader.to_reader().read_all()),)]


def test_pandas_takes_a_reader(reader: aw.Reader, verbs: dict[str, int]) -> None:
    frame = pd.DataFrame.from_arrow(reader)  # type: ignore[attr-defined]  # new in pandas 3; the stubs lag behind
    assert frame["verb"].value_counts().to_dict() == verbs


def test_delta_takes_a_reader(reader: aw.Reader, verbs: dict[str, int], tmp_path: Path) -> None:
    deltalake.write_deltalake(tmp_path / "table", reader)
    frame = pl.DataFrame(
        deltalake.QueryBuilder()
        .register("log", deltalake.DeltaTable(tmp_path / "table"))
        .execute("select verb, count(*) from log group by verb")
    )
    assert dict(frame.iter_rows()) == verbs


def test_consumers_read_texts_in_maps_and_lists(metadata_log: Path, metadata_events: list[Event]) -> None:
    names = ["user_extra", "source_ips", "annotations"]
    log = aw.read(metadata_log, columns=names)
    expected = [
        (event["user"].get("extra"), event.get("sourceIPs"), event.get("annotations")) for event in metadata_events
    ]
    assert any(extra for extra, _, _ in expected)

    def rows(columns: Iterable[Iterable[Any]]) -> list[tuple[Any, ...]]:
        return [
            (
                None if extra is None else {key: list(values) for key, values in dict(extra).items()},
                None if ips is None else list(ips),
                None if annotations is None else dict(annotations),
            )
            for extra, ips, annotations in columns
        ]

    assert rows(zip(*(pa.table(log)[name].to_pylist() for name in names), strict=True)) == expected
    assert rows(pd.DataFrame.from_arrow(log).itertuples(index=False)) == expected  # type: ignore[attr-defined]  # as above
    assert rows(pl.DataFrame(log).iter_rows()) == expected
    with duckdb.connect() as connection:
        connection.register("log", log)
        assert rows(connection.sql("from log").fetchall()) == expected


def test_polars_scans_lazily(metadata_log: Path, metadata_events: list[Event]) -> None:
    denied = aw.scan(metadata_log).filter(pl.col("decision") == "forbid").select("audit_id", "code").collect()
    expected = {
        event["auditID"]
        for event in metadata_events
        if event.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid"
    }
    assert len(expected) == 30
    assert set(denied["audit_id"]) == expected
    assert denied.columns == ["audit_id", "code"]


def test_a_scan_counts_limits_and_runs_twice(metadata_log: Path) -> None:
    frame = aw.scan(metadata_log)
    assert frame.select(pl.len()).collect().item() == 5292
    assert frame.head(7).collect().shape == (7, len(aw.schema()))
    assert frame.select("verb").collect().columns == ["verb"]
    assert frame.group_by("verb").len().collect(engine="streaming")["len"].sum() == 5292


# --- what the rows say -----------------------------------------------------------------------------------------------


def test_rows_say_what_the_events_say(reader: aw.Reader, metadata_events: list[Event]) -> None:
    """Python's own parser and the columns agree on every event of a real log."""
    rows = pa.table(reader)

    def column(name: str) -> list[Any]:
        values: list[Any] = rows[name].to_pylist()
        return values

    assert column("audit_id") == [event["auditID"] for event in metadata_events]
    assert column("stage") == [event["stage"] for event in metadata_events]
    assert column("verb") == [event["verb"] for event in metadata_events]
    assert column("uri") == [event["requestURI"] for event in metadata_events]
    assert column("user") == [event["user"].get("username") for event in metadata_events]
    assert column("user_groups") == [event["user"].get("groups") for event in metadata_events]
    assert column("source_ips") == [event.get("sourceIPs") for event in metadata_events]
    assert column("user_agent") == [event.get("userAgent") for event in metadata_events]
    assert column("resource") == [event.get("objectRef", {}).get("resource") for event in metadata_events]
    assert column("name") == [event.get("objectRef", {}).get("name") for event in metadata_events]
    assert column("code") == [event.get("responseStatus", {}).get("code") for event in metadata_events]
    times = rows["ts_stage"].cast(pa.timestamp("us")).to_pylist()
    assert [f"{time.isoformat(timespec='microseconds')}Z" for time in times] == [
        event["stageTimestamp"] for event in metadata_events
    ]
    annotations = [None if pairs is None else dict(pairs) for pairs in column("annotations")]
    assert annotations == [event.get("annotations") for event in metadata_events]


def test_the_rotated_set_is_read_to_the_byte(data: Path, rotated_log: bytes) -> None:
    """Two lines hold bytes that are no UTF-8, two are nested 2,000 deep; all four are there, and marked."""
    reader = aw.read(data / "rotated")
    rows = aw.read(data / "rotated", columns=["repairs", "raw", "src_file", "src_offset"]).to_reader().read_all()
    table = pa.table(reader)
    seen = reader.outcomes
    broken = [line for line in rotated_log.splitlines() if not is_utf8(line)]
    assert len(broken) == 2
    assert table.num_rows == rows.num_rows == seen.events == ROTATED_EVENTS == rotated_log.count(b"\n")
    assert (seen.ok.lines, seen.repaired.lines, seen.skipped.lines, seen.rejected.lines) == (
        ROTATED_EVENTS - 4,
        4,
        0,
        0,
    )
    assert seen.bytes == seen.ok.bytes + seen.repaired.bytes == len(rotated_log)
    marked = [row for row in rows.to_pylist() if row["repairs"]]
    assert sorted(repair for row in marked for repair in row["repairs"]) == ["deep_nesting"] * 2 + ["invalid_utf8"] * 2
    assert [row["raw"] for row in marked if row["repairs"] == ["invalid_utf8"]] == broken
    assert all(b"[" * 1000 in row["raw"] for row in marked if row["repairs"] == ["deep_nesting"])


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("eventlist/00003.json.gz", None),
        ("eventlist/00005.json.gz", None),
        ("eventlist/00008.json.gz", None),
        ("integration-example/audit.log.gz", 2588),
        ("metadata/audit.log.gz", 5292),
    ],
)
def test_outcomes_add_up(data: Path, name: str, events: int | None) -> None:
    log = gzip.decompress((data / name).read_bytes())
    reader = aw.read(data / name, columns=["verb"])
    rows = sum(batch.num_rows for batch in reader)
    seen = reader.outcomes
    expected = events or log.count(b'"auditID":')
    assert rows == seen.events == expected > 0
    assert seen.ok.bytes == seen.bytes == len(log)


def test_the_legacy_text_format_is_skipped_by_its_name(data: Path) -> None:
    log = data / "legacy" / "audit.log"
    reader = aw.read(log)
    assert pa.table(reader).num_rows == 0
    assert reader.outcomes.skipped.lines == 100
    assert reader.outcomes.skipped.bytes == reader.outcomes.bytes == log.stat().st_size
    (reason,) = reader.outcomes.reasons["skipped"]
    assert "legacy" in reason


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batch_rows", "buffer_bytes", "threads"),
    [(1, 4096, 1), (3, 1, 2), (100, 3, 4), (65536, 1, 4), (65536, 4096, 2), (65536, 1 << 20, 1)],
)
def test_batches_buffers_and_threads_change_no_row(
    data: Path, batch_rows: int, buffer_bytes: int, threads: int
) -> None:
    sources = [data / "metadata" / "audit.log.gz", data / "integration-example" / "audit.log.gz", aw.demo.LOG]
    columns = [
        "audit_id",
        "stage",
        "verb",
        "user",
        "ts_stage",
        "annotations",
        "request_object",
        "src_file",
        "src_offset",
    ]
    usual = pa.table(aw.read(sources, columns=columns))
    reader = aw.read(sources, columns=columns, batch_rows=batch_rows, buffer_bytes=buffer_bytes, threads=threads)
    batches = list(reader)
    assert usual.num_rows == reader.outcomes.events == 10_044
    assert max(batch.num_rows for batch in batches) <= batch_rows
    assert plain(pa.Table.from_batches(batches)).equals(plain(usual))


def test_a_reader_is_read_again_and_again(reader: aw.Reader) -> None:
    first = pa.table(reader)
    assert first.equals(pa.table(reader))
    assert reader.outcomes.events == first.num_rows


def test_a_pass_can_be_left_early(reader: aw.Reader) -> None:
    assert next(iter(reader)).num_rows > 0
    assert pa.table(reader).num_rows == 5292


def test_only_the_columns_asked_for_come(metadata_log: Path) -> None:
    reader = aw.read(metadata_log, columns=["verb", "ts_stage", "verb"])
    assert reader.schema.names == ["ts_stage", "verb"]
    assert pa.table(reader).schema.names == ["ts_stage", "verb"]
    assert aw.read(metadata_log, columns="verb").schema.names == ["verb"]
    assert set(aw.read(metadata_log, columns=["core", "uri"]).schema.names) == {*aw.schema("core").names, "uri"}


def test_bodies_are_left_out(data: Path) -> None:
    log = data / "integration-example" / "audit.log.gz"
    assert pa.table(aw.read(log))["request_object"].null_count < 2588
    assert not {"request_object", "response_object"} & set(aw.read(log, bodies=False).schema.names)


def test_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(aw.errors.ColumnError, match="verb") as caught:
        aw.read(aw.demo.LOG, columns=["verbs"])
    assert isinstance(caught.value, ValueError)


def test_labels_are_columns(metadata_log: Path) -> None:
    table = pa.table(aw.read(metadata_log, columns=["cluster", "apiserver"], cluster="prod", apiserver="cp-1"))
    assert table["cluster"].unique().to_pylist() == ["prod"]
    assert table["apiserver"].unique().to_pylist() == ["cp-1"]


def test_raw_is_the_line(metadata_log: Path) -> None:
    table = pa.table(aw.read(metadata_log, columns=["raw"], raw=True))
    assert table["raw"].to_pylist() == metadata_log.read_bytes().splitlines()


def test_the_repr_says_how_far_it_is(reader: aw.Reader) -> None:
    assert "0 events so far" in repr(reader)
    pa.table(reader)
    assert "5,292 events so far; lines: 5,292 ok" in repr(reader)


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_what_holds_no_event_is_kept_apart(hurt_log: Path) -> None:
    reader = aw.read(hurt_log)
    assert pa.table(reader).num_rows == 3
    seen = reader.outcomes
    assert (seen.ok.lines, seen.skipped.lines, seen.rejected.lines) == (3, 1, 1)
    assert seen.bytes == hurt_log.stat().st_size
    (rejected,) = reader.rejected
    log = hurt_log.read_bytes()
    assert rejected.file == str(hurt_log)
    assert log[rejected.offset : rejected.offset + rejected.length] == b"no event at all\n"
    assert rejected.bytes is not None
    assert rejected.bytes.rstrip(b"\n") == b"no event at all"
    assert rejected.reason in seen.reasons["rejected"]
    assert rejected.detail


def test_a_rejected_line_can_end_the_reading(hurt_log: Path) -> None:
    with pytest.raises(aw.errors.RejectedError, match=r"hurt\.log"):
        list(aw.read(hurt_log, on_error="raise"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere") as caught:
        pa.table(aw.read(tmp_path / "nowhere.log"))
    assert isinstance(caught.value, aw.errors.SourceError)


def test_a_gzip_cut_anywhere_loses_no_whole_line(metadata_log: Path) -> None:
    """What zlib can unpack of the rest is read to its last byte, and that more is missing is told."""
    packed = gzip.compress(b"".join(metadata_log.read_bytes().splitlines(keepends=True)[:20]), mtime=0)
    for size in range(0, len(packed), 31):
        left = zlib.decompressobj(wbits=31).decompress(packed[:size])
        reader = aw.read(io.BytesIO(packed[:size]), columns=["audit_id"])
        broke = read_until_it_breaks(reader)
        assert reader.failure is broke
        assert reader.outcomes.bytes == len(left)
        assert reader.outcomes.ok.lines == left.count(b"\n")
        assert broke is not None or reader.rejected or size == 0, f"cut at {size} and nothing said"


def test_a_file_object_is_read_again_if_it_can_go_back(metadata_log: Path) -> None:
    with metadata_log.open("rb") as file:
        reader = aw.read(file, columns=["verb"])
        assert pa.table(reader).num_rows == pa.table(reader).num_rows == 5292


def test_a_stream_is_read_once(metadata_log: Path) -> None:
    class Stream:
        def __init__(self) -> None:
            self._file = io.BytesIO(metadata_log.read_bytes())

        def read(self, size: int, /) -> bytes:
            return self._file.read(size)

    reader = aw.read(Stream(), columns=["verb"])
    assert pa.table(reader).num_rows == 5292
    with pytest.raises(aw.errors.SourceError):
        list(reader)


def test_a_named_pipe_is_read_whole(metadata_log: Path, tmp_path: Path) -> None:
    text = metadata_log.read_bytes()
    for at in range(10):
        pipe = tmp_path / f"pipe{at}"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_bytes, args=(text,), daemon=True)
        writer.start()
        rows = sum(batch.num_rows for batch in pa.RecordBatchReader.from_stream(aw.read(pipe, columns=["verb"])))
        assert rows == text.count(b"\n")
        writer.join()
