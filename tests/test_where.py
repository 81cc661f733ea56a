"""`--where`: what an expression means, against a plain twin, row by row; and what is said of one that means nothing."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import auditwake as aw
from auditwake.cli.exits import UsageError
from auditwake.cli.when import back_from_now, duration, instant
from auditwake.cli.where import Filter, WhereError
from tests.drawn import at_least

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXTS = ["", "a", "ab", "web-1", "système", "system:node:n1", "it's", 'a "b"', "null", "and", "(", "z=1"]
GROUPS = ["a", "system:masters", "ops", "it's"]
NUMBERS = [-(2**63), -1, 0, 1, 200, 404, 500, 1_000_000, 2**63 - 1]
SMALL = [-1, 0, 1, 200, 404, 500]
TIMES = [
    EPOCH,
    EPOCH + timedelta(microseconds=1),
    datetime(2026, 11, 25, 10, 0, 0, 5, UTC),
    datetime(2026, 11, 26, tzinfo=UTC),
]
PATTERNS = ["a", "^a", "a$", "^$", "", "^(ab?|web)", "[0-9]+", "(?i)SYSTEM", "è", r"\(", ".", "s:", r"\bnode\b"]
COLUMNS: Final[dict[str, tuple[str, list[Any]]]] = {
    "code": ("number", SMALL),
    "duration_us": ("number", NUMBERS),
    "verb": ("text", TEXTS),
    "name": ("text", TEXTS),
    "request_object": ("text", TEXTS),
    "is_terminal": ("bool", [True, False]),
    "ts_stage": ("time", TIMES),
    "user_groups": ("texts", GROUPS),
    "source_ips": ("texts", TEXTS),
}
SCHEMA = aw.schema(list(COLUMNS))
ORDER = ("=", "!=", "<", "<=", ">", ">=")
OPERATORS = {
    "number": ORDER,
    "time": ORDER,
    "text": (*ORDER, "~", "!~"),
    "texts": ("=", "!=", "~", "!~"),
    "bool": ("=", "!="),
}

Row = dict[str, Any]


# --- the twin --------------------------------------------------------------------------------------------------------


ASKS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": lambda value, asked: bool(value == asked),
    "<": lambda value, asked: bool(value < asked),
    "<=": lambda value, asked: bool(value <= asked),
    ">": lambda value, asked: bool(value > asked),
    ">=": lambda value, asked: bool(value >= asked),
    "~": lambda value, asked: re.search(asked, value) is not None,
}


def matches(tree: tuple[Any, ...], row: Row) -> bool:
    """Say what an expression says of a row."""
    head, *rest = tree
    if head == "compare":
        return compared(row[rest[0]], rest[1], rest[2])
    if head == "not":
        return not matches(rest[0], row)
    if head in {"in", "not in"}:
        each = (compared(row[rest[0]], "=" if head == "in" else "!=", asked) for asked in rest[1])
        return any(each) if head == "in" else all(each)
    parts = (matches(part, row) for part in rest)
    return all(parts) if head == "and" else any(parts)


def compared(value: object, operator: str, asked: object) -> bool:
    if asked is None:
        return (value is None) == (operator == "=")
    if value is None:
        return False
    if operator in {"!=", "!~"}:
        return not compared(value, {"!=": "=", "!~": "~"}[operator], asked)
    items = value if isinstance(value, list) else [value]
    return any(item is not None and ASKS[operator](item, asked) for item in items)


def written(value: object, quote: str) -> str:
    """Write a value, without quotes where it can do without."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    text = str(value)
    if re.fullmatch(r"[^\s()=!<>~,'\"]+", text) and text not in {"and", "null", "&&"}:
        return text
    return quote + text.replace(quote, quote * 2) + quote


def as_text(tree: tuple[Any, ...], quote: str, gap: str) -> str:
    """Write an expression, with parentheses around whatever may need them."""
    head, *rest = tree
    if head == "not":
        return f"not ({as_text(rest[0], quote, gap)})"
    if head in {"and", "or"}:
        return f" {head.upper() if gap else head} ".join(f"({as_text(part, quote, gap)})" for part in rest)
    if head in {"in", "not in"}:
        return f"{rest[0]} {head} ({gap}{f',{gap}'.join(written(asked, quote) for asked in rest[1])}{gap})"
    return f"{rest[0]}{gap}{rest[1]}{gap}{written(rest[2], quote)}"


def compares(name: str) -> st.SearchStrategy[tuple[Any, ...]]:
    kind, values = COLUMNS[name]
    asked = st.none() | st.sampled_from(values)
    plain = st.tuples(st.just("compare"), st.just(name), st.sampled_from(OPERATORS[kind]), st.sampled_from(values))
    several = st.tuples(st.sampled_from(["in", "not in"]), st.just(name), st.lists(asked, min_size=1, max_size=3))
    absent = st.tuples(st.just("compare"), st.just(name), st.sampled_from(["=", "!="]), st.none())
    patterns = st.tuples(st.just("compare"), st.just(name), st.sampled_from(["~", "!~"]), st.sampled_from(PATTERNS))
    ordered = plain.filter(lambda one: one[2] not in {"~", "!~"})
    return (
        st.one_of(ordered, several, absent, patterns) if "~" in OPERATORS[kind] else st.one_of(plain, several, absent)
    )


LEAVES = st.sampled_from(sorted(COLUMNS)).flatmap(compares)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or"]), inner, inner),
        st.tuples(st.sampled_from(["and", "or"]), inner, inner, inner),
    ),
    max_leaves=6,
)


def cells(name: str) -> st.SearchStrategy[Any]:
    kind, values = COLUMNS[name]
    one = st.none() | st.sampled_from(values)
    return st.none() | st.lists(one, max_size=3) if kind == "texts" else one


ROWS = st.lists(st.fixed_dictionaries({name: cells(name) for name in COLUMNS}), max_size=8)


def as_batch(rows: list[Row], before: int = 0) -> pa.RecordBatch:
    """Give rows as a batch that begins somewhere within its arrays."""
    padded = [dict.fromkeys(COLUMNS)] * before + rows
    columns = []
    for field in SCHEMA:
        values = [row[field.name] for row in padded]
        if isinstance(field.type, pa.BaseExtensionType):
            columns.append(pa.ExtensionArray.from_storage(field.type, pa.array(values, field.type.storage_type)))
        else:
            columns.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA).slice(before)


def kept(rows: list[Row], *expressions: str) -> list[int]:
    numbered = as_batch(rows).append_column("at", pa.array(range(len(rows)), pa.int64()))
    at: list[int] = Filter(expressions).keep(numbered).column("at").to_pylist()
    return at


@settings(max_examples=at_least(300), suppress_health_check=list(HealthCheck))
@given(
    tree=TREES, rows=ROWS, quote=st.sampled_from("'\""), gap=st.sampled_from(["", " ", "\t "]), before=st.integers(0, 2)
)
def test_a_filter_keeps_what_its_twin_keeps(
    tree: tuple[Any, ...], rows: list[Row], quote: str, gap: str, before: int
) -> None:
    wanted = Filter([as_text(tree, quote, gap)])
    numbered = as_batch(rows, before).append_column("at", pa.array(range(len(rows)), pa.int64()))
    expected = [at for at, row in enumerate(rows) if matches(tree, row)]
    assert wanted.keep(numbered).column("at").to_pylist() == expected
    assert set(wanted.columns) <= set(COLUMNS)


def test_a_real_log_agrees(metadata_log: Path) -> None:
    table = pa.table(aw.read(metadata_log))
    batches = table.to_batches()
    count = sum(
        Filter(["code >= 400", "not user ~ ^system: or decision = forbid"]).keep(batch).num_rows for batch in batches
    )
    rows = table.select(["code", "user", "decision"]).to_pylist()
    assert count == sum(
        (row["code"] or 0) >= 400 and (not (row["user"] or "").startswith("system:") or row["decision"] == "forbid")
        for row in rows
    )
    assert 0 < count < len(rows)


# --- what it means ---------------------------------------------------------------------------------------------------

BLANK: Row = dict.fromkeys(COLUMNS)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("code = 404", [1]),
        ("code==404", [1]),
        ("code != 404", [0]),
        ("not code = 404", [0, 2]),
        ("code = null", [2]),
        ("code != null", [0, 1]),
        ("code in (200, null)", [0, 2]),
        ("code not in (200, 500)", [1]),
        ("code = 200 or code = 404 and code = 1", [0]),
        ("(code = 200 or code = 404) and code != 200", [1]),
        ("NOT code = 404 AND code != Null", [0]),
        ("duration_us > 500ms", [1]),
        ("duration_us >= 1s", [1]),
        ("duration_us = 3", [0]),
        ("duration_us < 1h30m", [0, 1]),
        ("is_terminal", [1]),
        ("not is_terminal", [0, 2]),
        ("is_terminal = FALSE", [0]),
        ("is_terminal and code > 0", [1]),
        ("name = 'null'", [0]),
        ("name = ''", [1]),
        ("user_groups = ops", [0, 1]),
        ("user_groups != ops", []),
        ("user_groups !~ ^a", [1]),
        ("user_groups = null", [2]),
        ("ts_stage >= 2026-11-25T11:00:00+01:00", [1]),
        ("ts_stage < 2026-11-25", [0]),
        ("request_object ~ '\"x\": *1'", [1]),
    ],
)
def test_what_an_expression_means(expression: str, expected: list[int]) -> None:
    first = {"code": 200, "duration_us": 3, "is_terminal": False, "name": "null", "user_groups": ["a", "ops"]}
    second = {"code": 404, "duration_us": 1_000_000, "is_terminal": True, "name": "", "user_groups": ["ops", None]}
    times = {"ts_stage": TIMES[0]}, {"ts_stage": TIMES[2], "request_object": '{"x": 1}'}
    assert kept([BLANK | first | times[0], BLANK | second | times[1], BLANK], expression) == expected


def test_several_expressions_have_to_match_all() -> None:
    rows = [BLANK | {"code": code} for code in (200, 404, 500)]
    assert kept(rows, "code >= 400", "code < 500") == [1]
    assert kept(rows) == [0, 1, 2]


def test_since_keeps_what_has_no_time() -> None:
    rows = [BLANK, *(BLANK | {"ts_stage": when} for when in TIMES)]
    batch = as_batch(rows)
    assert Filter(since=1).columns == ("ts_stage",)
    assert Filter(since=1).keep(batch).num_rows == len(rows) - 1


def test_the_columns_are_named_once() -> None:
    assert Filter(["code > 1 and not (verb = get or code < 5)", "name = a"]).columns == ("code", "verb", "name")
    assert Filter().columns == ()


# --- what it refuses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "at", "said"),
    [
        ("", 0, "an expression is missing"),
        ("cod >= 400", 0, "no column 'cod'; did you mean 'code'?"),
        ("code > 1 or Verb = get", 12, "did you mean 'verb'?"),
        ("zzzzzz = 1", 0, "`auditwake schema` lists them"),
        ("core = 1", 0, "no column 'core'"),
        ("'code' = 1", 0, "the name of a column is missing"),
        ("code", 0, "code is a number: compare it, with one of"),
        ("code 400", 0, "code is a number: compare it, with one of"),
        ("code >", 6, "a value is missing"),
        ("code = and", 7, "a value is missing"),
        ("code = = 1", 7, "a value is missing"),
        ("code > 400 500", 11, "and, or, or the end is missing"),
        ("uri = /a?b=c", 10, "needs quotes"),
        ("code > 400 and", 14, "the name of a column is missing"),
        ("(code > 400", 11, ") is missing"),
        ("code > 400)", 10, "and, or, or the end is missing"),
        ("code in 400", 8, "( is missing"),
        ("code in ()", 9, "a value is missing"),
        ("code in (1 2)", 11, ") is missing"),
        ("code not 400", 9, "in is missing behind not"),
        ("code && 1", 5, "write and for &&"),
        ("!is_terminal", 0, "write not for !"),
        ("verb = 'get", 7, "this ' is not closed"),
        ("code = 4xx", 7, "code is a whole number, not '4xx'"),
        ("code = 4.5", 7, "code is a whole number, not '4.5'"),
        ("code > 500ms", 7, "code is a whole number, not '500ms'"),
        ("code = 99999999999999999999", 7, "larger than any value"),
        ("duration_us > soon", 14, "or a duration such as 500ms"),
        ("duration_us > 1.5us", 14, "no whole number of the units"),
        ("q_timeout_s > 10ms", 14, "no whole number of the units"),
        ("code ~ 4", 5, "compare it with = != < <= > >="),
        ("is_terminal < true", 12, "compare it with = !="),
        ("is_terminal = yes", 14, "is_terminal is true or false, not 'yes'"),
        ("user_groups < a", 12, "user_groups is a list: compare it with = != ~ !~"),
        ("annotations = x", 12, "compare it with = null and != null only"),
        ("code < null", 5, "null is compared with = or != only"),
        ("ts_stage > now", 11, "ts_stage is a time: 'now' is no time"),
        ("ts_stage > 2026-11-25T10:00:00", 11, "says no zone"),
        ("ts_stage > 2026-13-45", 11, "is no time"),
        ("verb ~ '('", 7, "this is no regular expression: missing )"),
        ("not " * 60 + "is_terminal", 200, "nested more than 50 deep"),
        ("(" * 3000, 50, "nested more than 50 deep"),
    ],
)
def test_what_is_no_filter_is_refused_with_its_place(expression: str, at: int, said: str) -> None:
    with pytest.raises(WhereError, match=re.escape(said)) as refused:
        Filter([expression])
    assert refused.value.at == at
    message, line, caret = str(refused.value).split("\n")
    assert said in message
    assert line.startswith("  | ")
    shown = caret.index("^")
    assert line[shown : shown + 1] == expression[at : at + 1]
    assert len(line) <= 104
    assert isinstance(refused.value, UsageError)


@settings(max_examples=at_least(300))
@given(st.text(st.sampled_from("code verb>=<~!()'\",1a nothadir\x1b\n\u202e"), max_size=20))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        Filter([text])
    except WhereError as error:
        assert str(error).count("\n") == 2  # noqa: PT017  # most texts are refused; none raises anything else
        assert 0 <= error.at <= len(text)  # noqa: PT017  # as above


# --- times -----------------------------------------------------------------------------------------------------------


def test_times_and_durations() -> None:
    assert instant("2026-11-25T10:00:00.000001Z") - instant("2026-11-25T10:00:00z") == 1
    assert instant("2026-11-25 10:00+02:00") == instant("2026-11-25T08:00:00Z")
    assert duration("1d2h3m4s5ms6us") == 93_784_005_006
    assert duration("1.5µs") == 1.5
    assert [duration(text) for text in ("", "5", "-5s", "5 s", "s", "1y")] == [None] * 6
    for text in ("tomorrow", "2026-02-30", "2026-11-25T10:00:00", "15"):
        with pytest.raises(ValueError, match=r"time|says no zone"):
            back_from_now(text)
    assert back_from_now("999999999999d") == instant("0001-01-01")
