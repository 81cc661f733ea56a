"""Rules on bodies, in logs with more of them than memory holds: they are looked at in slices."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import auditwake as aw
from auditwake import detections
from auditwake.detections import running
from auditwake.errors import QuestionError
from auditwake.questions import Log
from tests.detecting.events import event, line

RULES = [rule for rule in detections.rules() if rule.id == "AWD019"]


def patches(many: int, filling: int, first: int = 0) -> bytes:
    spec: dict[str, Any] = {"hostPID": True, "filled": [{"b": "x" * 100, "c": [1, 2, 3]}] * filling}
    said = {"verb": "patch", "resource": "deployments", "group": "apps", "namespace": "a"}
    body = {"spec": {"template": {"spec": spec}}}
    return b"".join(line(event("x", at, said | {"name": f"w{at}", "body": body})) for at in range(first, first + many))


def test_bodies_that_do_not_fit_into_memory_all_at_once_are_looked_into() -> None:
    found = aw.detect(io.BytesIO(patches(4, 4000)), rules=RULES)
    assert [(one.rule.id, one.hits) for one in found.fired] == [("AWD019", 4)]


def test_a_body_that_is_too_large_for_a_rule_is_said_and_the_other_rules_run(monkeypatch: pytest.MonkeyPatch) -> None:
    execute = Log.execute

    def hungry(self: Log, sql: str) -> None:
        if "name <> 'hungry'" in sql and sql.startswith("insert"):
            message = "Out of Memory Error: failed to allocate data"
            raise QuestionError(message)
        execute(self, sql)

    monkeypatch.setattr(Log, "execute", hungry)
    monkeypatch.setattr(running, "SLICE", 100)
    large = replace(RULES[0], id="ACME001", where="name <> 'hungry'", detail="request_object::varchar")
    found = aw.detect(io.BytesIO(patches(2, 8)), rules=[large, *RULES])
    assert [(one.rule.id, one.hits) for one in found.fired] == [("AWD019", 2)]
    assert found.notes == ("ACME001 leaves out 2 of the requests: too large a body for the memory",)
    assert [(one.rule.id, one.notes) for one in found.cannot_fire] == [
        ("ACME001", ("2 bodies were too large to look into",))
    ]


def test_of_a_slice_only_the_body_that_does_not_fit_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    execute = Log.execute

    def small(self: Log, sql: str) -> None:
        """Run what looks into no body of more than 4,000 bytes."""
        _, bodied, where = sql.rpartition("from bodied ")
        if sql.startswith("execute together") or (sql.startswith("insert") and bodied):
            rows = where.rstrip(")") if bodied else "where true"
            largest = self.query(f"select max(body_bytes) as bytes from bodied {rows}")  # noqa: S608  # of the test
            if largest["bytes"][0].as_py() > 4000:
                message = "Out of Memory Error: failed to allocate data"
                raise QuestionError(message)
        execute(self, sql)

    monkeypatch.setattr(Log, "execute", small)
    found = aw.detect(io.BytesIO(patches(5, 1) + patches(1, 100, 5) + patches(6, 1, 6)), rules=RULES)
    assert [(one.hits, one.notes) for one in found.fired] == [(11, ("1 body was too large to look into",))]
    assert found.notes == ("AWD019 leaves out 1 of the requests: too large a body for the memory",)


def test_the_size_of_a_slice_changes_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = data / "rotated"
    rules = [rule for rule in detections.rules() if rule.id in {"AWD002", "AWD008"}]
    whole = aw.detect(log, rules=rules)
    monkeypatch.setattr(running, "SLICE", 20_000)
    assert aw.detect(log, rules=rules).table.equals(whole.table)
    assert whole.table.num_rows == 2


@pytest.mark.parametrize("size", [1 << 10, 1 << 16])
def test_bodies_of_any_size_are_found_in_slices_of_any_size(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    log = b"".join(patches(1, filling, filling) for filling in (0, 1, 4, 5, 60, 600))
    monkeypatch.setattr(running, "SLICE", size)
    found = aw.detect(io.BytesIO(log), rules=RULES)
    assert [(one.hits, one.notes) for one in found.fired] == [(6, ())]
