"""`where`: leaving rows out before they are built gives what leaving them out after gives."""

import gzip
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial, reduce
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import auditwake as aw
from auditwake.cli import main

COLUMNS = {"user": "eff_user", "authenticated": "user"}
WORDS = ("verb", "stage", "level", "user", "authenticated", "actor", "namespace")
MIDDLE = 0.4

Log: TypeAlias = Path | list[Path]

# What is asked for of the log whose times lie between the two that are given.
ASKED: Sequence[Callable[[int, int], aw.Where]] = (
    lambda first, last: aw.Where(since=first + int(MIDDLE * (last - first))),
    lambda first, last: aw.Where(since=first, until=last),
    lambda _first, _last: aw.Where(verb=("get", "create")),
    lambda _first, _last: aw.Where(verb=("-get", "-w*"), stage=("ResponseComplete",)),
    lambda _first, _last: aw.Where(code=(404, "200-299"), level=("Metadata", "Request*")),
    lambda _first, _last: aw.Where(user=("system:*",), actor=("-control-plane",)),
    lambda _first, _last: aw.Where(authenticated=("*admin*",), namespace=("", "kube-system")),
    lambda _first, last: aw.Where(resource=("pods", "*.coordination.k8s.io", "nodes/status"), until=last),
    lambda _first, _last: aw.Where(resource=("-leases", "-*/status"), code=("100-999",)),
)
SETTINGS: Sequence[dict[str, Any]] = (
    {"threads": 1, "batch_rows": 1000},
    {"threads": 2, "batch_rows": 100},
    {"threads": 1, "batch_rows": 3},
    {"threads": 2, "batch_rows": 1000, "buffer_bytes": 100},
)


def like(column: pa.ChunkedArray, word: str) -> pa.ChunkedArray:
    escaped = word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return pc.match_like(column, escaped.replace("*", "%"))


def either(masks: Sequence[pa.ChunkedArray], rows: int) -> pa.ChunkedArray:
    return reduce(pc.or_, masks, pa.chunked_array([pa.array([False] * rows)]))


def mask(table: pa.Table, where: aw.Where) -> pa.ChunkedArray:
    """Say which of the rows that were built are asked for."""
    rows = table.num_rows

    def text(name: str) -> pa.ChunkedArray:
        return pc.fill_null(table[name].cast(pa.string()), "")

    def chosen(words: Sequence[str], match: Callable[[str], pa.ChunkedArray]) -> pa.ChunkedArray:
        wanted = [match(word) for word in words if not word.startswith("-")]
        left_out = [match(word[1:]) for word in words if word.startswith("-")]
        kept = either(wanted, rows) if wanted else pc.invert(either([], rows))
        return pc.and_not(kept, either(left_out, rows))

    def resource(word: str) -> pa.ChunkedArray:
        named, slash, subresource = word.partition("/")
        name, dot, group = named.partition(".")
        parts = [like(text("resource"), name)]
        parts += [like(text("api_group"), group)] if dot else []
        parts += [like(text("subresource"), subresource)] if slash else []
        return reduce(pc.and_, parts)

    kept = [pc.invert(either([], rows))]
    received = table["ts_received"].cast(pa.int64())
    if where.since is not None:
        kept.append(pc.greater_equal(received, where.since))
    if where.until is not None:
        kept.append(pc.less(received, where.until))
    if where.code is not None:
        ranges = [
            pc.and_(pc.greater_equal(table["code"], first), pc.less_equal(table["code"], last))
            for first, last in where.codes
        ]
        kept.append(either([pc.fill_null(one, fill_value=False) for one in ranges], rows))
    for name in WORDS:
        words = getattr(where, name)
        if words is not None:
            column = text(COLUMNS.get(name, name))
            kept.append(chosen(words, partial(like, column)))
    if where.resource is not None:
        kept.append(chosen(where.resource, resource))
    return reduce(pc.and_, [pc.fill_null(one, fill_value=False) for one in kept])


def plain(table: pa.Table) -> pa.Table:
    """Rows alone: codes of a dictionary depend on what a batch saw first."""
    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields)).combine_chunks()


def same(found: pa.Table, wanted: pa.Table) -> bool:
    """Say whether the rows are the same: codes inside lists and maps depend on what a batch saw first."""
    pairs = zip(found.columns, wanted.columns, strict=True)
    return all(one.equals(other) or one.to_pylist() == other.to_pylist() for one, other in pairs)


def wrapped(line: bytes) -> bytes:
    return b"2026-11-24T00:10:19.5Z stdout F " + line + b"\n"


@pytest.fixture(scope="module", params=["metadata", "gz", "rotated", "lists", "cri", "hostile"])
def log(
    request: pytest.FixtureRequest, data: Path, metadata_log: Path, tmp_path_factory: pytest.TempPathFactory
) -> Log:
    folder = tmp_path_factory.mktemp("where")
    lines = metadata_log.read_bytes().splitlines()
    if request.param == "metadata":
        return metadata_log
    if request.param == "rotated":
        return data / "rotated"
    if request.param == "lists":
        return [data / "eventlist" / "00003.json.gz", data / "eventlist" / "00005.json.gz"]
    path = folder / "audit.log"
    if request.param == "gz":
        path.write_bytes(gzip.compress(metadata_log.read_bytes()))
    elif request.param == "cri":
        path.write_bytes(b"".join(map(wrapped, lines[:1500])))
    else:
        path.write_bytes(b"".join(map(hostile, range(900), lines)))
    return path


def hostile(place: int, line: bytes) -> bytes:
    """Write a line as no server does, so that it takes the other lanes, or is no event at all."""
    event = json.loads(line)
    forms = (
        json.dumps(event).encode(),
        json.dumps(dict(reversed(event.items()))).encode(),
        line.replace(b'"verb":"g', b'"verb":"\\u0067'),
        line[: len(line) // 2],
        line + line,
        line.replace(b'"code":200', b'"code":"200"'),
        json.dumps({**event, "user": None, "requestReceivedTimestamp": "soon"}).encode(),
        b"I1124 00:10:19.000000 1 main.go:1] started",
        line[:200] + line,
    )
    return forms[place % len(forms)] + b"\n"


@pytest.fixture(scope="module")
def whole(log: Log) -> tuple[pa.Table, aw.Outcomes]:
    reader = aw.read(log, threads=1, raw=True)
    table = plain(reader.to_reader().read_all())
    assert table.num_rows > 100
    return table, reader.outcomes


@pytest.mark.parametrize("place", range(len(ASKED)))
def test_rows_are_left_out_as_if_they_had_been_built(log: Log, whole: tuple[pa.Table, aw.Outcomes], place: int) -> None:
    table, outcomes = whole
    span = pc.min_max(table["ts_received"].cast(pa.int64())).as_py()
    where = ASKED[place](span["min"], span["max"])
    reader = aw.read(log, raw=True, where=where, **SETTINGS[place % len(SETTINGS)])
    found = plain(reader.to_reader().read_all())
    assert same(found, table.filter(mask(table, where)))
    seen = reader.outcomes
    assert (seen.events, seen.events + seen.filtered) == (found.num_rows, outcomes.events)
    assert seen.bytes == outcomes.bytes
    assert (seen.skipped, seen.rejected) == (outcomes.skipped, outcomes.rejected)
    assert seen.ok.lines + seen.repaired.lines == outcomes.ok.lines + outcomes.repaired.lines
    assert seen.lanes == outcomes.lanes


def test_something_is_kept_and_something_left_out(metadata_log: Path) -> None:
    received = aw.read(metadata_log, columns=["ts_received"]).to_reader().read_all()["ts_received"]
    span = pc.min_max(received.cast(pa.int64())).as_py()
    for ask in ASKED:
        reader = aw.read(metadata_log, columns=["verb"], where=ask(span["min"], span["max"]))
        assert sum(batch.num_rows for batch in reader) == reader.outcomes.events > 0
        assert reader.outcomes.filtered > 0


def test_columns_and_rows_are_chosen_apart(metadata_log: Path) -> None:
    where = aw.Where(verb=("watch",), user=("system:*",))
    few = aw.read(metadata_log, columns=["uri"], where=where).to_reader().read_all()
    all_columns = aw.read(metadata_log, where=where).to_reader().read_all()
    assert few["uri"].to_pylist() == all_columns["uri"].to_pylist() != []
    assert set(all_columns["verb"].to_pylist()) == {"watch"}
    assert aw.scan(metadata_log, where=where).select(pl.len()).collect().item() == few.num_rows


def test_the_events_that_are_kept_are_written_back(metadata_log: Path) -> None:
    where = aw.Where(verb=("create",))
    kept = [line for line in metadata_log.read_bytes().splitlines() if b'"verb":"create"' in line]
    assert list(aw.lines(aw.read(metadata_log, where=where))) == kept != []


def test_times_are_given_as_such_or_in_microseconds(metadata_log: Path) -> None:
    middle = aw.read(metadata_log, columns=["ts_received"]).to_reader().read_all()["ts_received"][2000].as_py()
    micros = (middle - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert aw.Where(since=middle) == aw.Where(since=micros)


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"verb": "get"}, TypeError, r"verb takes several values: write \('get',\)"),
        ({"verb": ()}, ValueError, "verb is empty"),
        ({"verb": (1,)}, TypeError, "verb takes texts, not int"),
        ({"verb": {"get": 1}}, TypeError, "verb takes a tuple of values, not dict"),
        ({"code": 200}, TypeError, r"code takes several values: write \(200,\)"),
        ({"code": ("4xx",)}, ValueError, "'4xx' is no status code such as 403 and no range"),
        ({"code": ("499-400",)}, ValueError, "'499-400' is no status code"),
        ({"code": (True,)}, TypeError, "code takes codes, not bool"),
        (
            {"stage": ("ResponseCompleted",)},
            ValueError,
            "no stage 'ResponseCompleted'; did you mean 'ResponseComplete'",
        ),
        ({"level": ("x",)}, ValueError, "no level 'x'; there are None, Metadata"),
        ({"actor": ("-human",)}, ValueError, "no actor 'human'"),
        ({"since": 2, "until": 2}, ValueError, "since is not before until"),
        ({"since": "15m"}, TypeError, "since takes microseconds from 1970 or a datetime, not str"),
        ({"until": datetime(2026, 11, 24)}, ValueError, "until says no zone"),  # noqa: DTZ001  # it is what is refused
        ({"verbs": ("get",)}, TypeError, "verbs"),
    ],
)
def test_what_cannot_be_asked_for(asked: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        aw.Where(**asked)


def test_where_is_a_where(metadata_log: Path) -> None:
    asked: Any = {"verb": ["get"]}
    for call in (aw.read, lambda source, where: aw.convert(source, "out.parquet", where=where)):
        with pytest.raises(TypeError, match=r"where takes an auditwake\.Where .* not dict"):
            call(metadata_log, where=asked)


def test_another_filter_is_another_output(metadata_log: Path, tmp_path: Path) -> None:
    out = tmp_path / "lake"

    def convert(where: aw.Where | None) -> tuple[aw.Converted, int]:
        done = aw.convert(metadata_log, out, where=where, threads=1)
        return done, sum(pq.read_metadata(file).num_rows for file in out.rglob("*.parquet"))

    whole, rows = convert(None)
    assert whole.rows == rows
    for where in (aw.Where(verb=("get",)), aw.Where(verb=("-get",)), aw.Where(verb=("get",), code=(1,)), None):
        done, rows = convert(where)
        assert done.skipped_inputs == []
        assert done.rows == rows == done.outcomes.events == whole.rows - done.outcomes.filtered
        again, rows_again = convert(where)
        assert (again.skipped_inputs, rows_again) == ([str(metadata_log)], rows)


def test_one_file_holds_what_is_kept(metadata_log: Path, tmp_path: Path) -> None:
    done = aw.convert(metadata_log, tmp_path / "audit.parquet", where=aw.Where(stage=("Panic",)), threads=2)
    assert (done.rows, pq.read_metadata(done.out).num_rows) == (0, 0)
    assert done.outcomes.filtered == 5292


def test_commands_take_the_same_words(metadata_log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--verb=get,list", "--code", "200-299", "--user=-system:*", "--since", "2020-01-01"]
    where = aw.Where(verb=("get", "list"), code=("200-299",), user=("-system:*",), since=1_577_836_800_000_000)
    wanted = list(aw.lines(aw.read(metadata_log, where=where)))
    assert main(["cat", str(metadata_log), "--output", "csv", "--columns", "audit_id", *words]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(wanted) + 1 > 1
    out = tmp_path / "audit.parquet"
    assert main(["convert", str(metadata_log), str(out), "--output", "json", *words]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["rows"], said["filtered"]) == (len(wanted), 5292 - len(wanted))
    assert main(["convert", str(metadata_log), str(out), "--stage", "Done"]) == 2
    assert "there is no stage 'Done'" in capsys.readouterr().err


def test_nothing_is_kept_of_a_long_log() -> None:
    event = b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"1","stage":"Panic","verb":"get"}\n'
    reader = aw.read(io.BytesIO(event * 70_000), columns=["verb"], where=aw.Where(verb=("list",)))
    assert list(reader) == []
    assert (reader.outcomes.events, reader.outcomes.filtered) == (0, 70_000)
