"""The commands that ask a log: each runs, says what it found where, and ends with the right code."""

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pytest

from auditwake.cli import main
from auditwake.cli.questions import COMMANDS
from tests.asked import event, write

NAMES = [command.__name__.rpartition(".")[2] for command in COMMANDS]
QUERY = {"sql": ["select verb, count(*) as n from requests group by all order by all"]}


def run(capfd: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(argv)
    out, err = capfd.readouterr()
    return code, out, err


def test_there_is_a_command_for_each_question_of_the_design() -> None:
    assert {
        "denied",
        "slow",
        "top",
        "errors",
        "admission",
        "history",
        "exec",
        "secrets",
        "deprecated",
        "who",
        "sql",
    } == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_form_says_the_same(capfd: pytest.CaptureFixture[str], metadata_log: Path, name: str) -> None:
    asked = [name, *QUERY.get(name, []), str(metadata_log)]
    code, out, err = run(capfd, *asked, "--output", "json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["answerable"]
    assert document["coverage"]["events"] == 5292
    rows = document["rows"]
    assert rows
    code, out, _ = run(capfd, *asked)
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == rows
    code, out, _ = run(capfd, *asked, "--output", "csv")
    assert len(list(csv.reader(io.StringIO(out)))) == len(rows) + 1
    code, out, _ = run(capfd, *asked, "--output", "table")
    assert len(out.splitlines()) == len(rows) + 1


def test_arrow_is_a_stream(capfdbinary: pytest.CaptureFixture[bytes], metadata_log: Path) -> None:
    assert main(["who", str(metadata_log), "--output", "arrow"]) == 0
    with pa.ipc.open_stream(capfdbinary.readouterr().out) as stream:
        assert stream.read_all().num_rows > 20


@pytest.mark.parametrize(
    "asked",
    [
        ["denied", "--why"], ["denied", "--all"], ["slow", "--explain"], ["slow", "--requests", "--min", "500ms"],
        ["slow", "--long-running"], ["slow", "--by", "verb,hour"], ["top", "--lists"], ["top", "--at-work"],
        ["top", "--by", "user,code", "--sum", "busy"], ["errors", "--timeline", "--step", "10s"],
        ["history", "--resource", "configmaps", "--diff"], ["history", "--reads", "-n", "3"],
        ["who", "--anonymous"], ["who", "--impersonated"], ["who", "--actor", "user", "--since", "2026-01-01"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_variants_answer(capfd: pytest.CaptureFixture[str], metadata_log: Path, asked: list[str]) -> None:
    code, out, _ = run(capfd, *asked, str(metadata_log))
    assert code == 0
    assert out.splitlines()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["denied", "--why", "--all"], "use one"),
        (["slow", "--requests", "--by", "verb"], "groups by nothing"),
        (["slow", "--explain", "--min", "1s"], "no --min"),
        (["top", "--lists", "--by", "verb"], "neither"),
        (["errors", "--step", "5m"], "without it"),
        (["errors", "--timeline", "--step", "1500ms"], "whole seconds"),
        (["who", "--actor", "root"], "no actor 'root'"),
        (["top", "--by", "colour"], "nothing to group by"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_is_a_usage_error(
    capfd: pytest.CaptureFixture[str], metadata_log: Path, asked: list[str], said: str
) -> None:
    code, out, err = run(capfd, *asked, str(metadata_log))
    assert (code, out) == (2, "")
    assert said in err


def test_a_wrong_query_says_what_is_wrong(
    capfd: pytest.CaptureFixture[str], metadata_log: Path, tmp_path: Path
) -> None:
    code, out, err = run(capfd, "sql", "select colour from requests", str(metadata_log))
    assert (code, out) == (2, "")
    assert "colour" in err
    file = tmp_path / "query.sql"
    file.write_text("select count(*) as n from events -- all of them\n")
    code, out, _ = run(capfd, "sql", f"@{file}", str(metadata_log))
    assert (code, out) == (0, '{"n":5292}\n')


def test_rejected_lines_change_the_exit_code(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [event()])
    log.write_text(log.read_text() + "no event\n")
    code, out, err = run(capfd, "who", str(log))
    assert code == 3
    assert "hold no event" in err
    assert json.loads(out)["user"] == "alice@example.com"


def test_nothing_is_said_where_there_is_none(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [])
    code, out, err = run(capfd, "denied", str(log), "--output", "table")
    assert (code, out) == (0, "")
    assert "the log cannot say: there is no event" in err


def test_what_a_log_says_does_not_reach_the_terminal(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    log = write(
        tmp_path / "audit.log",
        [event(user={"username": "\x1b[2Jroot"}, annotations={"authorization.k8s.io/decision": "forbid"})],
    )
    for asked in (["who"], ["denied", "--why"], ["denied"]):
        _, out, err = run(capfd, *asked, str(log), "--output", "table")
        assert "\x1b" not in out + err
        assert "x1b[2Jroot" in out


@pytest.mark.parametrize("output", ["json", "ndjson", "csv", "table"])
def test_any_type_and_any_names_can_be_shown(
    capfd: pytest.CaptureFixture[str], metadata_log: Path, output: str
) -> None:
    sql = (
        "select sum(code) as total, 1.5::decimal(9, 2) as part, list(ts_received)[:1] as times, verb, verb, "
        "date '2026-11-24' as day, interval '1 day' as span from requests group by verb order by verb limit 1"
    )
    code, out, err = run(capfd, "sql", sql, str(metadata_log), "--output", output)
    assert (code, err) == (0, "")
    assert "verb_2" in out
    assert "2026-11-24" in out
