"""Each rule of `auditwake.detections` on its cases: what it finds, what it leaves, and that every rule has both."""

import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import auditwake as aw
from auditwake import detections
from auditwake.detections.binding import bind
from auditwake.policy import Policy
from tests.detecting.cases import Case, cases
from tests.detecting.events import event, line

Found = Mapping[Case, set[str]]
BY_KIND = {"AWD032", "AWD042"}
"""Rules that find nearly all that they look at."""
NOT_OF_CLUSTERS = ("T1134", "T1530", "T1562", "T1565.002")
"""Of Windows alone, of cloud storage, revoked by ATT&CK 19 (T1685 now), of networks."""
ALL = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: {level}\n"


def run(path: Path, rules: Iterable[detections.Rule]) -> Found:
    """Run rules over all cases in one log, a day apart from each other: case -> rules that found something in it."""
    of: dict[int, Case] = {}
    with path.open("wb") as file:
        for case in cases():
            for line in case.lines:
                of[file.tell()] = case
                file.write(line)
    found: dict[Case, set[str]] = defaultdict(set)
    for row in aw.detect(path, rules=rules, limit=0).table.to_pylist():
        found[of[row["src_offset"]]].add(row["rule"])
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return run(tmp_path_factory.mktemp("cases") / "audit.log", detections.rules())


@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_case_is_found_by_the_rules_that_it_names(case: Case, found: Found) -> None:
    assert found.get(case, set()) == case.finds


@pytest.mark.parametrize("rule", detections.rules(), ids=lambda rule: rule.id)
def test_every_rule_has_a_case_that_it_finds_and_one_that_it_leaves(rule: detections.Rule) -> None:
    own = [case for case in cases() if case.rule == rule.id]
    assert any(case.positive and rule.id in case.finds for case in own)
    assert any(not case.positive and rule.id not in case.finds for case in own)


def test_what_is_left_is_near_to_what_is_found(tmp_path: Path) -> None:
    """Of each rule, one case that it leaves is of the kind that it looks at: its condition tells it apart."""
    looking = [replace(rule, where="true", words=(), count=None) for rule in detections.rules()]
    found = run(tmp_path / "audit.log", looking)
    near = {case.rule for case in cases() if not case.positive and case.rule in found.get(case, set())}
    assert {rule.id for rule in detections.rules()} - near == BY_KIND


def test_every_case_is_of_a_rule() -> None:
    assert {case.rule for case in cases()} == {rule.id for rule in detections.rules()}


@pytest.mark.parametrize("rule", detections.rules(), ids=lambda rule: rule.id)
def test_a_rule_is_whole(rule: detections.Rule) -> None:
    assert rule.file == f"{rule.id}.yaml"
    assert rule.examples
    assert rule.references
    assert rule.meaning.endswith(".")
    assert all(harmless.endswith((".", "'-…'.")) for harmless in rule.false_positives)
    assert not rule.title.endswith(".")
    assert all(one[0] == "T" and one[1:5].isdigit() for one in rule.attack)
    assert not [one for one in rule.attack if one.startswith(NOT_OF_CLUSTERS)]


def test_the_sql_of_every_rule_runs_over_the_columns() -> None:
    assert list(bind((rule, {}) for rule in detections.rules())) == []


def test_ids_and_names_are_told_apart() -> None:
    rules = detections.rules()
    assert len({rule.id for rule in rules}) == len({rule.name for rule in rules}) == len(rules) > 40
    assert [rule.id for rule in rules] == [f"AWD{number:03}" for number in range(1, len(rules) + 1)]
    assert {rule.severity for rule in rules} == set(detections.SEVERITIES)


def test_the_question_of_the_page_finds_a_label_that_an_apply_left_out() -> None:
    """AWD043 does not: nothing in that event says that the label was there."""
    label = {"labels": {"pod-security.kubernetes.io/enforce": "restricted", "a": "b"}}
    applied = [
        {
            "verb": "patch",
            "resource": "namespaces",
            "name": name,
            "body": {"metadata": meta},
            "response": {"metadata": meta},
        }
        for name, meta in (("web", label), ("db", label), ("new", {}), ("web", {"labels": {"a": "b"}}), ("db", label))
    ]
    log = b"".join(line(event("x", at, said)) for at, said in enumerate(applied))
    page = (Path(__file__).parents[1] / "docs" / "detections.md").read_text()
    (question,) = re.findall(r'`auditwake sql "(select name, ts_received.*?)" audit.log`', page)
    answer = aw.sql(question.replace('\\"', '"'), io.BytesIO(log))
    assert [(row["name"], row["lost"]) for row in answer.table.to_pylist()] == [("web", "restricted")]
    assert "AWD043" not in {one.rule.id for one in aw.detect(io.BytesIO(log)).fired}


@pytest.mark.parametrize("level", ["Metadata", "Request", "RequestResponse"])
def test_a_rule_can_fire_from_its_level_on(level: str) -> None:
    levels = ["Metadata", "Request", "RequestResponse"]
    for one in detections.coverage(Policy.load(ALL.format(level=level))):
        can = levels.index(one.rule.level) <= levels.index(level)
        assert (one.outcome, len(one.notes)) == (("can fire", 0) if can else ("cannot fire", one.asked))
