"""Rows of events that a policy or rules have changed: none is lost, and each knows its place in the log."""

import base64
import json
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import auditwake as aw
from auditwake import _core
from auditwake.errors import SinkError
from auditwake.forwarder.config.model import ParquetSink, ProcessingRule
from auditwake.forwarder.encoding import Encoding
from auditwake.forwarder.engine.rows import rows_of
from auditwake.forwarder.sinks.parquet import ParquetFiles
from tests.engine.agents import SOON, config, routes, running, source, until
from tests.tailing.lines import line
from tests.tailing.rotator import Rotator

COLUMNS = ("name", "src_file", "src_offset")


def mask(pattern: str, becomes: str) -> ProcessingRule:
    return ProcessingRule(name="m", type="mask_sequences", pattern=pattern, replace_placeholder=becomes)


def exclude(pattern: str) -> ProcessingRule:
    return ProcessingRule(name="x", type="exclude_at_match", pattern=pattern)


def whole(number: int) -> str:
    return rf"(?s)^.*n-{number:09}.*$"


def prepared(count: int, *rules: ProcessingRule) -> _core.Prepared:
    """Give events 0, 1, 2... of `a.log`, whose offsets are 100, 200, 300..."""
    table = pa.table(
        {
            "raw": pa.array([line(number).strip() for number in range(count)], pa.binary()),
            "src_file": pa.array(["a.log"] * count).dictionary_encode(),
            "src_offset": pa.array([100 * (number + 1) for number in range(count)], pa.int64()),
        }
    )
    return _core.Encoder(Encoding(format="ndjson"), rules).prepare(table, 0)


@pytest.mark.parametrize("becomes", ["", "  ", "***", '"}\n{'])
def test_what_a_rule_leaves_of_an_event_is_a_row_or_is_lost_and_told(becomes: str) -> None:
    rows = rows_of(prepared(5, mask(whole(2), becomes)), columns=["name", "src_offset"], bodies=False)
    assert rows.table.to_pydict() == {
        "name": [f"n-{number:09}" for number in (0, 1, 3, 4)],
        "src_offset": [100, 200, 400, 500],
    }
    assert rows.lost == [2]


def test_an_event_that_becomes_two_keeps_its_place() -> None:
    rows = rows_of(
        prepared(3, mask("n-000000001", '"}}\n{"objectRef":{"name":"x')), columns=["src_offset"], bodies=False
    )
    assert rows.table.column("src_offset").to_pylist()[0] == 100
    assert rows.table.column("src_offset").to_pylist()[-1] == 300
    assert set(rows.table.column("src_offset").to_pylist()) <= {100, 200, 300}


@pytest.mark.parametrize("columns", [None, ["core"], ["name"], ["src_file"], ["name", "src_offset", "src_file"]])
def test_the_columns_are_those_that_were_asked_for(columns: list[str] | None) -> None:
    rows = rows_of(prepared(2), columns=columns, bodies=True)
    assert rows.table.schema.equals(aw.schema(columns, bodies=True), check_metadata=True)


@given(st.lists(st.sampled_from(["keep", "drop", "empty", "break"]), max_size=20))
def test_any_mixture_of_fates(fates: list[str]) -> None:
    rules = [
        exclude(f"n-{number:09}") if fate == "drop" else mask(whole(number), "" if fate == "empty" else "{")
        for number, fate in enumerate(fates)
        if fate != "keep"
    ]
    left = prepared(len(fates), *rules)
    rows = rows_of(left, columns=["name", "src_file", "src_offset"], bodies=False)
    kept = [number for number, fate in enumerate(fates) if fate == "keep"]
    assert rows.table.column("name").to_pylist() == [f"n-{number:09}" for number in kept]
    assert rows.table.column("src_offset").to_pylist() == [100 * (number + 1) for number in kept]
    assert rows.table.column("src_file").to_pylist() == ["a.log"] * len(kept)
    assert len(rows.lost) + len(kept) == left.events


def test_a_table_behind_rules_has_the_places_of_the_log(tmp_path: Path, log: Rotator) -> None:
    log.write(9)
    rules = (exclude("n-000000002"), mask("n-000000003", "masked"), mask(whole(4), ""))
    sink = ParquetSink(directory=tmp_path / "lake", columns=COLUMNS, bodies=False, roll_seconds=0.2, backoff=SOON)
    with running(config(tmp_path, [source(log.path, rules=rules)], sink)) as agent:
        until(agent, lambda: routes(agent)[0].events_sent == 7)
        assert (routes(agent)[0].quarantined_events, routes(agent)[0].excluded) == (1, 1)
    tables = [pq.read_table(file) for file in sorted((tmp_path / "lake").glob("*.parquet"))]
    rows = pa.concat_tables(tables).to_pylist()
    text = log.path.read_bytes()
    for row in rows:
        event = json.loads(text[row["src_offset"] :].split(b"\n")[0])
        assert (row["src_file"], row["name"] in {event["objectRef"]["name"], "masked"}) == (str(log.path), True)
    assert len({row["src_offset"] for row in rows}) == 7
    (kept,) = [
        json.loads(one)
        for path in (tmp_path / "state" / "quarantine").iterdir()
        for one in path.read_text().splitlines()
    ]
    assert (base64.b64decode(kept["bytes"]), kept["file"]) == (b"", str(log.path))


RULES = (exclude("n-000000002"), mask("n-000000003", "masked"))


@pytest.mark.parametrize("case", [(step, rules) for step in ("resume", "flush") for rules in ((), RULES)])
def test_a_table_that_a_person_has_to_mend_is_held_until_it_was_written(
    tmp_path: Path,
    log: Rotator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    case: tuple[str, tuple[ProcessingRule, ...]],
) -> None:
    """The log is opened anew for each try: that is no success, and counts nothing twice."""
    step, rules = case
    log.write(5)
    mended, tries, seen = threading.Event(), [], []
    real = getattr(ParquetFiles, step)

    def tried(sink: ParquetFiles, *args: str) -> object:
        tries.append(args)
        if not mended.is_set():
            reason = "permission denied"
            raise SinkError(reason, needs_a_person=True)
        return real(sink, *args)

    monkeypatch.setattr(ParquetFiles, step, tried)
    sink = ParquetSink(directory=tmp_path / "lake", columns=COLUMNS, roll_seconds=0.05, backoff=SOON)
    settings = config(tmp_path, [source(log.path, rules=rules)], sink)
    with caplog.at_level("INFO", "auditwake.route"), running(settings) as agent:
        until(agent, lambda: routes(agent)[0].state == "holding")

        def has_tried() -> bool:
            seen.append(routes(agent)[0].state)
            return len(tries) >= 5

        until(agent, has_tried)
        assert set(seen) == {"holding"}
        mended.set()
        until(agent, lambda: routes(agent)[0].events_sent == (4 if rules else 5))
        until(agent, lambda: routes(agent)[0].state == "running")
        now = routes(agent)[0]
        assert (now.events_read, now.excluded, now.masked) == ((5, 1, 1) if rules else (5, 0, 0))
    assert [caplog.text.count(word) for word in ("holding, nothing is dropped", "goes on")] == [1, 1]


def test_a_file_that_cannot_be_written_is_named_in_plain_words(tmp_path: Path, log: Rotator) -> None:
    log.write(1)
    sink = ParquetSink(directory=tmp_path / "lake", columns=COLUMNS, roll_seconds=0.05, backoff=SOON)
    with running(config(tmp_path, [source(log.path)], sink)) as agent:
        until(agent, lambda: routes(agent)[0].events_sent == 1)
        place = tmp_path / "state" / "quarantine"
        place.rmdir()
        place.write_text("a file")
        with log.path.open("a") as file:
            file.write("no event\n")
        until(agent, lambda: routes(agent)[0].state == "holding")
        reason = routes(agent)[0].reason
        assert reason.startswith(f"{place}/parquet.")
        assert reason.endswith(": Not a directory")
        place.unlink()
        place.mkdir()
        until(agent, lambda: routes(agent)[0].quarantined_lines == 1)
