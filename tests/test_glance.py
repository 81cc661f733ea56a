"""The line an event that `auditwake tail` shows on a terminal."""

import io
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import auditwake as aw
from auditwake.cli.glance import COLUMNS, Glance, human_span
from auditwake.cli.style import Style
from tests.drawn import at_least

SCHEMA = aw.schema(COLUMNS)
NOON = datetime(2026, 11, 25, 12, 0, 0, 7_999, UTC)
EVENT: dict[str, Any] = {
    "ts_stage": NOON,
    "stage": "ResponseComplete",
    "code": 200,
    "decision": "allow",
    "duration_us": 3_100,
    "verb": "create",
    "user": "alice",
    "resource": "pods",
    "subresource": "exec",
    "namespace": "web",
    "name": "nginx-0",
    "path": "/api/v1/namespaces/web/pods/nginx-0/exec",
}
COLOUR = re.compile(r"\x1b\[\d*m")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def colours(monkeypatch: pytest.MonkeyPatch) -> Style:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return Style(Terminal())


def batch(*events: dict[str, Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{name: event.get(name) for name in COLUMNS} for event in events], schema=SCHEMA)


def shown(*events: dict[str, Any], width: int | None = 120, style: Style | None = None) -> list[str]:
    return list(Glance(style or Style(io.StringIO()), utc=True).lines(batch(*events), width))


def test_a_line_has_who_did_what_and_how_it_ended() -> None:
    day, line = shown(EVENT, width=None)
    assert day == "── 2026-11-25 UTC ──"
    assert line.split() == ["12:00:00.007", "200", "3.1ms", "create", "alice", "pods/exec", "web/nginx-0"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "pods/exec web/nginx-0"),
        ({"subresource": None, "name": None}, "pods web/"),
        ({"subresource": None, "name": None, "namespace": None}, "pods"),
        ({"resource": "nodes", "subresource": None, "namespace": None, "name": "node-1"}, "nodes node-1"),
        ({"resource": None, "path": "/readyz"}, "/readyz"),
        ({"resource": None, "path": None}, "-"),
    ],
)
def test_the_object(change: dict[str, Any], said: str) -> None:
    assert shown(EVENT | change, width=None)[1].partition("alice")[2].strip() == said


def test_what_is_absent_is_a_dash() -> None:
    assert shown({}, width=None) == ["-".ljust(12) + "    -         -  " + "-".ljust(16) + "  " + "-".ljust(44) + "  -"]


def test_whom_somebody_acts_as_is_said() -> None:
    line = shown(EVENT | {"imp_user": "admin"})[1]
    assert " alice as admin  " in line


def test_a_name_of_the_system_keeps_its_end_and_another_its_beginning() -> None:
    account = "system:serviceaccount:kube-system:replicaset-controller"
    lines = shown(EVENT | {"user": account}, EVENT | {"user": "a-very-long-name@a-very-long-domain.example"}, width=80)
    assert "  …aset-controller  pods" in lines[1]
    assert "  a-very-long-nam…  pods" in lines[2]
    assert account not in shown(EVENT | {"user": account}, width=120)[1]
    assert f"  …{account[-43:]}  pods" in shown(EVENT | {"user": account}, width=200)[1]


@pytest.mark.parametrize("width", [80, 100, 120, 160, 200])
def test_lines_are_aligned_and_fit(width: int) -> None:
    log = pa.table(aw.read(aw.demo.LOG, columns=COLUMNS)).combine_chunks().to_batches()[0]
    lines = list(Glance(Style(io.StringIO()), utc=True).lines(log, width))
    assert len(lines) == log.num_rows + 1
    assert max(map(len, lines)) <= width
    assert sum(len(line) == width for line in lines) > 10 or width > 120
    starts = {re.sub(r"\S+", lambda word: "x" * len(word[0]), line)[:12] for line in lines[1:]}
    assert starts == {"x" * 12}
    code = [line[14:17].strip() for line in lines[1:]]
    assert all(re.fullmatch(r"\d{3}|-", one) for one in code)
    assert {line[17] for line in lines[1:]} == {" "}


@pytest.mark.parametrize("width", [1, 10, 40, 60])
def test_a_narrow_terminal_breaks_nothing(width: int) -> None:
    assert len(shown(EVENT, EVENT, width=width)) == 3


def test_control_characters_are_escapes() -> None:
    evil = "\x1b[2J\u202e\x07\r\n\x9b"
    names = ("verb", "user", "imp_user", "resource", "subresource", "namespace", "name")
    for line in (shown(EVENT | dict.fromkeys(names, evil))[1], shown({"path": evil, "ts_stage": NOON})[1]):
        assert line.isprintable()
        assert "\\x1b[2J" in line


@settings(max_examples=at_least(60))
@given(st.text(max_size=60), st.integers(80, 200))
def test_no_text_leaves_its_cell(text: str, width: int) -> None:
    text = text.encode(errors="replace").decode()
    names = ("verb", "user", "resource", "namespace", "name")
    line = shown(EVENT | dict.fromkeys(names, text), width=width)[1]
    assert line.isprintable()
    assert len(line) <= width
    assert line.startswith("12:00:00.007  200     3.1ms  ")


def test_the_class_of_a_code_has_a_colour(colours: Style) -> None:
    codes = {200: "32", 201: "32", 101: "32", 404: "33", 429: "33", 500: "31", 504: "31"}
    for code, colour in codes.items():
        assert f"\x1b[{colour}m{code}  \x1b[0m" in shown(EVENT | {"code": code}, style=colours)[1]
    assert not COLOUR.search(shown(EVENT | {"code": 302}, style=colours)[1])
    assert not COLOUR.search(shown(EVENT | {"code": None}, style=colours)[1])


def test_what_was_forbidden_is_marked(colours: Style) -> None:
    """Forbidden is what the authorizer said: a 403 from elsewhere is none."""
    assert "\x1b[31m403 ✗\x1b[0m" in shown(EVENT | {"code": 403, "decision": "forbid"}, style=colours)[1]
    assert "\x1b[33m403  \x1b[0m" in shown(EVENT | {"code": 403}, style=colours)[1]
    assert "  403 ✗  " in shown(EVENT | {"code": 403, "decision": "forbid"})[1]
    assert "  500 !  " in shown(EVENT | {"code": 500, "stage": "Panic"})[1]


def test_a_request_that_only_came_in_is_dim_and_has_no_duration(colours: Style) -> None:
    line = shown(EVENT | {"stage": "RequestReceived", "code": None, "duration_us": None}, style=colours)[1]
    assert line.startswith("\x1b[2m12:00:00.007    -  ")
    assert len(COLOUR.findall(line)) == 2


def test_colours_take_no_room(colours: Style) -> None:
    events = [
        EVENT | {"code": code, "stage": stage} for code in (200, 403, 500) for stage in ("RequestReceived", "Panic")
    ]
    assert [COLOUR.sub("", line) for line in shown(*events, style=colours)] == shown(*events)


def test_no_color_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert not COLOUR.search("".join(shown(EVENT | {"code": 500}, style=Style(Terminal()))))


# --- times -----------------------------------------------------------------------------------------------------------


def test_the_date_is_said_when_it_changes() -> None:
    glance = Glance(Style(io.StringIO()), utc=True)
    late = NOON.replace(hour=23, minute=59, second=59, microsecond=999_999)
    first = list(glance.lines(batch(EVENT | {"ts_stage": late}), 80))
    then = list(
        glance.lines(batch(EVENT | {"ts_stage": late + timedelta(microseconds=1)}, EVENT | {"ts_stage": None}), 80)
    )
    assert [first[0], then[0]] == ["── 2026-11-25 UTC ──", "── 2026-11-26 UTC ──"]
    assert [first[1][:12], then[1][:12], then[2][:12].strip()] == ["23:59:59.999", "00:00:00.000", "-"]


@pytest.fixture
def half_hours_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("the zone of the process cannot be set here")
    monkeypatch.setenv("TZ", "XYZ-05:30")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("half_hours_east")
def test_times_are_local_unless_utc_is_asked_for() -> None:
    # A second that no other test asks for: minutes are remembered.
    event = EVENT | {"ts_stage": NOON.replace(year=2031)}
    lines = list(Glance(Style(io.StringIO())).lines(batch(event), 80))
    assert lines[0] == "── 2031-11-25 XYZ ──"
    assert lines[1].startswith("17:30:00.007  ")


def test_times_of_any_year_are_said() -> None:
    years = [EVENT | {"ts_stage": datetime(year, 1, 1, tzinfo=UTC)} for year in (1, 1969, 9999)]
    assert len(shown(*years)) == 6


@pytest.mark.parametrize(
    ("micros", "said"),
    [
        (None, "-"), (-1, "-"), (0, "0µs"), (999, "999µs"), (1_000, "1.0ms"), (9_999, "9.9ms"), (10_000, "10ms"),
        (999_999, "999ms"), (1_000_000, "1.0s"), (59_999_999, "59s"), (60_000_000, "1m00s"), (3_599_000_000, "59m59s"),
        (3_600_000_000, "1h00m"), (360_000_000_000, "100h"),
    ],
)  # fmt: skip
def test_durations(micros: int | None, said: str) -> None:
    assert human_span(micros) == said


@given(st.integers(0, 10**14))
def test_a_duration_fits_its_column(micros: int) -> None:
    assert len(human_span(micros)) <= 6


def test_a_large_batch_takes_no_seconds() -> None:
    several = pa.Table.from_batches(
        [batch(*[EVENT | {"name": f"web-{at}", "code": 200 + at % 300} for at in range(10_000)])]
    )
    begin = time.perf_counter()
    lines = list(Glance(Style(io.StringIO())).lines(several.to_batches()[0], 120))
    assert len(lines) == 10_001
    assert time.perf_counter() - begin < 2
