"""Rules that cannot be run, since a column is not there or their SQL fails: they say so, and the others run."""

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import auditwake as aw
from auditwake import detections
from auditwake.errors import QuestionError
from auditwake.types import ArrowStreamExportable
from tests.detecting.cases import cases
from tests.detecting.events import event, line

RULES = {rule.id: rule for rule in detections.rules()}
OF_BODIES = {rule.id for rule in RULES.values() if rule.level != "Metadata"}
SECRETS = line(event("x", 0, {"verb": "list", "resource": "secrets"}))
PRIVILEGED = line(event("y", 1, {"verb": "create", "resource": "pods", "body": {"spec": {"hostPID": True}}}))


def why(found: detections.Detections) -> dict[str, tuple[str, ...]]:
    return {one.rule.id: one.notes for one in found.cannot_fire}


@pytest.mark.parametrize("form", [lambda table: table, lambda table: table.to_reader()], ids=["table", "reader"])
def test_without_bodies_the_other_rules_run(form: Callable[[pa.Table], ArrowStreamExportable]) -> None:
    table = pa.table(aw.read(io.BytesIO(SECRETS + PRIVILEGED), bodies=False))
    found = aw.detect(form(table))
    assert [one.rule.id for one in found.fired] == ["AWD014"]
    said = why(found)
    assert set(said) == OF_BODIES
    assert said["AWD019"] == ("the source has no column request_object",)
    assert said["AWD002"] == ("the source has no column request_object, response_object",)


def test_parquet_without_bodies_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "audit.log").write_bytes(SECRETS)
    aw.convert(tmp_path / "audit.log", tmp_path / "audit.parquet", bodies=False)
    found = aw.detect(tmp_path / "audit.parquet")
    assert ([one.rule.id for one in found.fired], len(found.cannot_fire)) == (["AWD014"], len(OF_BODIES))


def test_without_any_other_column_only_its_rules_are_left_out() -> None:
    table = pa.table(aw.read(io.BytesIO(SECRETS))).drop_columns(["credential_id", "failed_open"])
    found = aw.detect(table, rules=[RULES[name] for name in ("AWD014", "AWD035", "AWD042")])
    assert [one.rule.id for one in found.fired] == ["AWD014"]
    assert why(found) == {
        "AWD035": ("the source has no column credential_id",),
        "AWD042": ("the source has no column failed_open",),
    }


@pytest.mark.parametrize(("rule", "column"), [("AWD014", "user_agent"), ("AWD019", "request_object")])
def test_what_no_rule_can_do_without_is_asked_for(rule: str, column: str) -> None:
    table = pa.table(aw.read(io.BytesIO(SECRETS))).drop_columns([column])
    with pytest.raises(QuestionError, match=f"the source has no column {column}"):
        aw.detect(table, rules=[RULES[rule]])


FAILS = "(user_agent || resource)::integer > 3"
FAILING: Mapping[str, Mapping[str, Any]] = {
    "where": {"where": FAILS},
    "detail": {"where": "true", "detail": f"({FAILS})::varchar"},
    "body": {"where": f"request_object is not null and {FAILS}", "level": "Request"},
    "count": {"count": detections.Count(distinct=FAILS, at_least=1, seconds=None, by="eff_user")},
}


@pytest.mark.parametrize("part", FAILING)
def test_a_rule_that_fails_is_said_without_what_the_log_holds(part: str) -> None:
    failing = replace(RULES["AWD014"], id="ACME001", of="true", **FAILING[part])
    found = aw.detect(io.BytesIO(SECRETS + PRIVILEGED), rules=[failing, RULES["AWD014"], RULES["AWD019"]])
    assert {one.rule.id for one in found.fired} == {"AWD014", "AWD019"}
    assert why(found) == {"ACME001": ("its SQL fails on what the log holds: Conversion Error",)}


# --- words of bodies -------------------------------------------------------------------------------------------------


def escaped(text: bytes, words: tuple[str, ...]) -> bytes:
    """A client may write any letter of a key as an escape, and the server takes it."""
    for word in words:
        text = text.replace(word.encode(), f"\\u{ord(word[0]):04x}{word[1:]}".encode())
    return text


@pytest.mark.parametrize("rule", [rule for rule in RULES.values() if rule.words], ids=lambda rule: rule.id)
def test_words_keep_nothing_from_being_found(rule: detections.Rule) -> None:
    lines = [one for case in cases() if case.rule == rule.id for one in case.lines]
    said = b"".join(lines)
    hidden = escaped(said, rule.words)
    assert not any(word.encode() in hidden for word in rule.words)
    found = aw.detect(io.BytesIO(hidden), rules=[rule]).table["audit_id"].to_pylist()
    assert found
    assert found == aw.detect(io.BytesIO(said), rules=[replace(rule, words=())]).table["audit_id"].to_pylist()


def test_every_rule_that_looks_at_workloads_has_words() -> None:
    assert {name for name, rule in RULES.items() if rule.words} >= {"AWD019", "AWD020", "AWD021"}
