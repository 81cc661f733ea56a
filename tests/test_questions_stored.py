"""Parquet answers as the log does that it was made of, whoever wrote it, whichever way it is read."""

import datetime as dt
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import auditwake as aw
from auditwake import questions
from auditwake._core import stored_rows, survey
from auditwake.errors import AuditwakeError, InputError
from auditwake.questions import Log
from auditwake.questions import stored as stored_module
from tests.asked import Event, event, write
from tests.drawn import at_least
from tests.test_questions_views import EVENTS

ROWS = "select audit_id, stage, verb, state, code, eff_user, ts_received, is_terminal, uri from requests"
ALL = "select audit_id, stage, verb, code, eff_user, ts_received, is_terminal from events"


def asked(source: Any, sql: str, of: str, *, once: bool) -> tuple[Counter[tuple[object, ...]], int, Counter[str]]:  # noqa: ANN401  # any source
    with Log(source, sql, of, is_asked_once=once) as log:
        rows = log.query(f"select * from ({sql}) where {of}").to_pylist()  # noqa: S608  # of this file alone
        found = Counter(tuple(row.values()) for row in rows)
        return found, log.coverage.repeats, log.coverage.stages


@pytest.mark.parametrize("of", ["true", "is_terminal", "is_terminal and code = 403", "verb = 'watch' or code = 500"])
@settings(max_examples=at_least(6))
@given(
    logs=st.lists(st.lists(EVENTS, min_size=1, max_size=8), min_size=1, max_size=3),
    again=st.booleans(),
    group=st.integers(1, 5),
)
def test_a_lake_answers_as_its_logs(of: str, logs: list[list[Event]], group: int, *, again: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = [write(Path(folder) / f"{at}.log", events) for at, events in enumerate(logs)]
        lake = []
        for at, file in enumerate([*files, *files[: int(again)]]):
            lake.append(Path(folder) / f"{at}.parquet")
            aw.convert(file, lake[-1], row_group_rows=group)
        for sql in (ROWS, ALL):
            expected = asked([*files, *files[: int(again)]], sql, of, once=False)
            # Fetched; asked where it lies, and fetched all the same if that is little.
            assert asked(lake, sql, of, once=False) == expected
            assert asked(lake, sql, of, once=True) == expected


def test_what_is_few_is_fetched_and_of_more_the_files_are_asked(
    metadata_log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aw.convert(metadata_log, tmp_path / "log.parquet")
    for name in questions.names():
        expected = aw.ask(name, metadata_log, limit=0)
        for few in (1, 1 << 40):
            monkeypatch.setattr(stored_module, "FEW", few)
            found = aw.ask(name, tmp_path / "log.parquet", limit=0)
            assert found.table.to_pylist() == expected.table.to_pylist(), (few, name)


# --- whoever wrote it ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table(metadata_log: Path) -> pa.Table:
    return pa.table(aw.read(metadata_log)).unify_dictionaries()


def plain(table: pa.Table) -> pa.Table:
    """The table as engines write it that have no dictionaries, with other units of time and lengths of texts."""
    fields = []
    for field in table.schema:
        kind = field.type
        if pa.types.is_dictionary(kind) or pa.types.is_string(kind):
            kind = pa.large_string()
        elif pa.types.is_timestamp(kind):
            kind = pa.timestamp("ns", "UTC")
        elif pa.types.is_int32(kind) or pa.types.is_int16(kind):
            kind = pa.int64()
        fields.append(pa.field(field.name, kind))
    return table.cast(pa.schema(fields))


@pytest.mark.parametrize("codec", ["none", "gzip", "brotli"])
def test_parquet_of_pyarrow(codec: str, metadata_log: Path, table: pa.Table, tmp_path: Path) -> None:
    pq.write_table(plain(table), tmp_path / "plain.parquet", compression=codec, row_group_size=1000)
    pq.write_table(table, tmp_path / "coded.parquet", compression=codec, write_statistics=False)
    for name in ("denied", "top_busy"):
        expected = aw.ask(name, metadata_log, limit=0)
        for file in ("plain.parquet", "coded.parquet"):
            found = aw.ask(name, tmp_path / file, limit=0)
            assert found.table.to_pylist() == expected.table.to_pylist(), (name, file)
            assert found.coverage.stages == expected.coverage.stages
            assert found.coverage.levels == expected.coverage.levels
            said = (found.coverage.decisions, found.coverage.latencies, found.coverage.first, found.coverage.last)
            coverage = expected.coverage
            assert said == (coverage.decisions, coverage.latencies, coverage.first, coverage.last)


def test_parquet_of_duckdb(metadata_log: Path, table: pa.Table, tmp_path: Path) -> None:
    with duckdb.connect() as database:
        database.register("log", table)
        database.execute(f"copy log to '{tmp_path / 'log.parquet'}' (format parquet)")
    for name in ("who", "slow_requests"):
        expected = aw.ask(name, metadata_log, limit=0).table.to_pylist()
        assert aw.ask(name, tmp_path / "log.parquet", limit=0).table.to_pylist() == expected, name


def test_files_of_different_columns_are_one_log(table: pa.Table, tmp_path: Path) -> None:
    half = table.num_rows // 2
    empty = pa.chunked_array([pa.nulls(half, table.schema.field("imp_user").type)])
    place = table.column_names.index("imp_user")
    pq.write_table(table.slice(0, half).drop_columns(["imp_user"]), tmp_path / "1.parquet")
    pq.write_table(table.slice(half), tmp_path / "2.parquet")
    whole = pa.concat_tables([table.slice(0, half).set_column(place, "imp_user", empty), table.slice(half)])
    for name in ("denied", "who_impersonated"):
        found = aw.ask(name, tmp_path, limit=0).table.to_pylist()
        assert found == aw.ask(name, whole, limit=0).table.to_pylist(), name


def test_a_file_that_is_cut_is_named(metadata_log: Path, tmp_path: Path) -> None:
    aw.convert(metadata_log, tmp_path / "log.parquet")
    whole = (tmp_path / "log.parquet").read_bytes()
    (tmp_path / "log.parquet").write_bytes(whole[: len(whole) // 2])
    for name in ("denied", "top"):
        with pytest.raises(AuditwakeError, match=r"log\.parquet"):
            aw.ask(name, tmp_path / "log.parquet")


def damaged(file: Path, column: str) -> None:
    """Make the pages of a column of the first row group what nothing can read."""
    group = pq.read_metadata(file).row_group(0)
    chunk = next(one for one in map(group.column, range(group.num_columns)) if one.path_in_schema == column)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    whole = bytearray(file.read_bytes())
    # The header of the first page is left.
    for at in range(start + 40, start + chunk.total_compressed_size):
        whole[at] ^= 0x5A
    file.write_bytes(whole)


@pytest.mark.parametrize(("name", "column"), [("denied", "ts_received"), ("top", "ts_stage"), ("top", "agent_name")])
def test_a_file_with_a_damaged_page_is_named(name: str, column: str, tmp_path: Path) -> None:
    aw.convert(aw.demo.LOG, tmp_path / "log.parquet")
    damaged(tmp_path / "log.parquet", column)
    with pytest.raises(InputError, match=r"log\.parquet"):
        aw.ask(name, tmp_path / "log.parquet")


def test_a_file_that_is_gone_between_two_looks_is_named(tmp_path: Path) -> None:
    aw.convert(aw.demo.LOG, tmp_path / "log.parquet")
    sql = "select count(distinct verb) from events"
    with Log(tmp_path / "log.parquet", sql, is_asked_once=True) as log:
        (tmp_path / "log.parquet").unlink()
        with pytest.raises(InputError, match=r"log\.parquet.*removed"):
            log.query(sql)


# --- the core, at the edges of its batches ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two files of more rows than a batch has, in groups that batches do not divide."""
    files = []
    for at in range(2):
        count = 40_000
        numbers = pa.array(range(count))
        columns = {
            "ts_received": pa.array(range(count), pa.timestamp("us", "UTC")),
            "ts_stage": pa.array(range(count), pa.timestamp("us", "UTC")),
            "line_bytes": pa.array([1000 + at] * count, pa.int32()),
            "stage": pa.array(["RequestReceived", "ResponseComplete"] * (count // 2)).dictionary_encode(),
            "audit_id": numbers.cast(pa.string()),
        }
        files.append(tmp_path_factory.mktemp("many") / f"{at}.parquet")
        pq.write_table(pa.table(columns), files[-1], row_group_size=17_000)
    return files


def places(positions: list[tuple[int, int]]) -> pa.Table:
    return pa.table({"position": pa.array([file << 40 | row for file, row in positions], pa.uint64())})


@pytest.mark.parametrize("threads", [1, 3])
def test_rows_are_those_of_their_positions(many: list[Path], threads: int) -> None:
    edges = {0, 1, 16_383, 16_384, 16_385, 16_999, 17_000, 17_001, 33_383, 33_384, 34_000, 39_999}
    drawn = random.Random(7)  # noqa: S311  # rows, not secrets
    for step in (1, 3, 100, 9_999):
        wanted = sorted(edges | {drawn.randrange(40_000) for _ in range(300)} | set(range(5, 39_000, step * 50)))
        positions = [(file, row) for file in (0, 1) for row in wanted]
        shuffled = drawn.sample(positions, len(positions))
        fetched = stored_rows([str(file) for file in many], ["audit_id"], places(shuffled), threads=threads)
        found = pa.table(fetched)
        assert found["position"].to_pylist() == [file << 40 | row for file, row in positions]
        assert found["audit_id"].to_pylist() == [str(row) for _, row in positions]


def test_suspects_are_rows_that_have_a_twin(many: list[Path]) -> None:
    asked_of = [str(many[0]), str(many[1]), str(many[0])]
    found = survey(asked_of, suspects=True, received=False, open_ones=False, threads=2)
    odd = range(1, 40_000, 2)
    assert pa.table(found["suspects"])["position"].to_pylist() == [at << 40 | row for at in (0, 2) for row in odd]
    assert found["events"] == 120_000
    assert found["stages"] == {"RequestReceived": 60_000, "ResponseComplete": 60_000}
    assert (found["first"], found["last"]) == (0, 39_999)
    alone = survey(asked_of[:2], suspects=True, received=True, open_ones=False, threads=2)
    assert pa.table(alone["suspects"]).num_rows == 0


# --- how many are at work --------------------------------------------------------------------------------------------

MOMENTS = st.sampled_from([0, 1, 2, 59_999_999, 60_000_000, 60_000_001, 119_999_999, 120_000_000, 130_000_000])


@settings(max_examples=at_least(40))
@given(st.lists(st.tuples(MOMENTS, MOMENTS).map(sorted), min_size=1, max_size=8))
def test_requests_at_work_as_counted_moment_by_moment(spans: list[list[int]]) -> None:
    begin = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)

    def moment(micros: int) -> str:
        return (begin + dt.timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    events = [
        event(auditID=str(at), requestReceivedTimestamp=moment(start), stageTimestamp=moment(end))
        for at, (start, end) in enumerate(spans)
    ]
    with tempfile.TemporaryDirectory() as folder:
        found = aw.ask("top_busy", write(Path(folder) / "audit.log", events), limit=0).table.to_pylist()
    # One that took no whole microsecond was at work for one.
    spans = [[start, max(end, start + 1)] for start, end in spans]
    minutes = {point // 60_000_000 for span in spans for point in span}
    expected = {}
    for minute in minutes:
        first, after = minute * 60_000_000, (minute + 1) * 60_000_000
        points = sorted({first} | {start for start, _ in spans if first <= start < after})
        peak = max(sum(start <= point < end for start, end in spans) for point in points)
        expected[minute] = (peak, sum(first <= start < after for start, _ in spans))
    assert {
        int((row["minute"] - begin).total_seconds() // 60): (row["peak"], row["requests"]) for row in found
    } == expected
