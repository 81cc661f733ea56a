"""Rows on the command line: nothing of a log acts on a terminal or in a program for tables, and JSON stays exact."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditwake.cli import main
from auditwake.cli.harmless import for_cells, in_json
from auditwake.cli.rows import WRITERS
from tests.asked import event, write
from tests.drawn import at_least

MAPS = "select {'inner': map {'a': [map {'b': 1}]}} as s, map {'k': 'v'} as m, null::map(int, int) as n from requests"
TEXT = st.text(st.characters(max_codepoint=0xA5) | st.sampled_from("\u2028\u202e\u2066é漢"), max_size=8)
SEEN_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def written(form: str, column: pa.Array) -> str:
    batch = pa.record_batch({"x": column})
    out = io.BytesIO()
    WRITERS[form]([batch], batch.schema, out)
    return out.getvalue().decode()


def controls(text: str) -> set[str]:
    return {one for one in text if not one.isprintable() and one not in " \n\t\xa0"}


@pytest.mark.parametrize("output", ["json", "ndjson"])
def test_a_map_is_an_object(capfd: pytest.CaptureFixture[str], tmp_path: Path, output: str) -> None:
    log = write(tmp_path / "audit.log", [event()])
    assert main(["sql", MAPS, str(log), "--output", output]) == 0
    document: Any = json.loads(capfd.readouterr().out)
    (row,) = document["rows"] if output == "json" else [document]
    assert row == {"s": {"inner": {"a": [{"b": 1}]}}, "m": {"k": "v"}, "n": None}


def test_maps_in_a_cell_are_objects(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [event()])
    assert main(["sql", MAPS, str(log), "--output", "csv"]) == 0
    _, cells = csv.reader(io.StringIO(capfd.readouterr().out))
    assert cells == ['{"inner":{"a":[{"b":1}]}}', '{"k":"v"}', ""]


@settings(max_examples=at_least(100))
@given(TEXT)
def test_json_is_exact_and_has_no_controls(text: str) -> None:
    for said in (in_json({"x": text}), in_json([text], indent=1), written("ndjson", pa.array([text]))):
        assert controls(said) == set()
    assert json.loads(written("ndjson", pa.array([text]))) == {"x": text}


@settings(max_examples=at_least(100))
@given(TEXT)
def test_csv_has_neither_formulas_nor_controls(text: str) -> None:
    said = written("csv", pa.array([text]))
    assert controls(said) == set()
    (cell,) = for_cells(pa.array([text])).to_pylist()
    assert not cell.startswith(SEEN_AS_FORMULA)
    if not controls(text) and not text.startswith(SEEN_AS_FORMULA):
        assert cell == text


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("is_terminal", [True, False])
def test_lines_of_a_log_are_escaped_for_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_terminal: bool
) -> None:
    line = json.dumps(event(user={"username": "a\x9b2J\x7f"}), ensure_ascii=False, separators=(",", ":"))
    log = tmp_path / "audit.log"
    log.write_text(f"{line}\n", encoding="utf-8")
    for asked in (["cat"], ["tail", "--once"]):
        out = Terminal() if is_terminal else io.BytesIO()
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(out, encoding="utf-8", write_through=True))
        assert main([*asked, str(log), "--output", "ndjson"]) == 0
        said = out.getvalue().decode()
        assert json.loads(said) == json.loads(line)
        assert (said == f"{line}\n") == (not is_terminal)
        assert bool(controls(said)) == (not is_terminal)


@pytest.mark.parametrize("output", ["json", "ndjson", "csv"])
def test_a_user_is_no_command_to_the_terminal(capfd: pytest.CaptureFixture[str], tmp_path: Path, output: str) -> None:
    log = write(tmp_path / "audit.log", [event(user={"username": "=cmd|' /C calc'!A0\x9b2J\x1b"})])
    assert main(["who", str(log), "--output", output]) == 0
    said = capfd.readouterr().out
    assert controls(said) == set()
    assert ("\"'=cmd" if output == "csv" else '"=cmd') in said
