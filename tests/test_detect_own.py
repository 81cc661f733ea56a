"""Detection rules of one's own: they run, and what is wrong in one is said with its place."""

import io
import re
from pathlib import Path

import pytest

import auditwake as aw
from auditwake import detections
from auditwake.errors import RuleError, SourceNotFoundError
from tests.detecting.events import event, line

OWN = """id: ACME001
name: night-shift
title: At night
severity: low
attack: [T1609]
level: Metadata
of: resource = 'pods'
where: served(decision, code)
meaning: So.
false_positives: [None.]
"""


def test_own_rules_run(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    rules = detections.load_rules(tmp_path)
    said = event("x", 0, {"verb": "get", "resource": "pods", "namespace": "a", "name": "x"})
    found = aw.detect(io.BytesIO(line(said)), rules=rules)
    assert [one.rule.id for one in found.fired] == ["ACME001"]


@pytest.mark.parametrize("where", ["list_sum([code, 1]) > 3", "list_max(source_ips) is not null"])
def test_what_looks_through_a_list_adds_up_no_requests(tmp_path: Path, where: str) -> None:
    (tmp_path / "own.yaml").write_text(OWN.replace("served(decision, code)", where))
    (rule,) = detections.load_rules(tmp_path)
    said = event("x", 0, {"verb": "get", "resource": "pods", "namespace": "a", "name": "x"})
    assert aw.detect(io.BytesIO(line(said)), rules=[rule]).fired


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("severity: low", "severity: dire"), "own.yaml:4:11: severity: there is no 'dire'"),
        (("level: Metadata", "level: All"), "own.yaml:6:8: level: there is no 'All'"),
        (("meaning: So.", "meaning: So.\nwords: [a.b]"), "own.yaml:10:8: words: 'a.b' is no word"),
        (("meaning: So.\n", ""), "own.yaml:1:1: 'meaning' is missing"),
        (("id: ACME001", "id: 1"), "own.yaml:1:5: id: '1' has another form"),
        (("id: ACME001", "id: AWD001"), "'AWD001' is taken by AWD001.yaml"),
        (("name: night-shift", "name: exec"), "'exec' is taken by AWD008.yaml"),
        (("attack: [T1609]", "attack: T1609"), "own.yaml:5:9: attack: is no list"),
        (("meaning:", "meening: x\nmeaning:"), "own.yaml:9:1: there is no key 'meening'"),
        (("meaning:", "level: Request\nmeaning:"), "own.yaml:9:1: 'level' stands there twice"),
        (("where: served(decision, code)", "where: nocolumn = 1"), "own.yaml:8:8: where: Binder Error"),
        (("where: served(decision, code)", "where: 'code ='"), "own.yaml:8:8: where: Parser Error"),
        (("where: served(decision, code)", "where: 'true) or (true'"), "where: "),
        (("of: resource = 'pods'", "of: served(decision, code)"), "own.yaml:7:5: of: Catalog Error"),
        (("of: resource = 'pods'", "of: count(*) > 3"), "own.yaml:7:5: of: adds up many requests"),
        (("where: served(decision, code)", "where: count(*) > 3"), "own.yaml:8:8: where: adds up many requests"),
        (("where: served(decision, code)", "where: code = 200 and sum(code) > 3"), "where: adds up many requests"),
        (("meaning:", "detail: max(name)\nmeaning:"), "own.yaml:9:9: detail: adds up many requests"),
        (
            ("where: served(decision, code)", "where: lag(name) over () = 'a'"),
            "where: looks at requests beside its own",
        ),
        (("where: served(decision, code)", "where: unnest(source_ips) = 'a'"), "where: makes several rows"),
        (
            ("meaning:", "count: {distinct: count(*), at_least: 2, by: user}\nmeaning:"),
            "own.yaml:9:19: count.distinct: adds up many requests",
        ),
        (
            ("meaning:", "count: {distinct: name, at_least: 2, by: min(user)}\nmeaning:"),
            "count.by: adds up many requests",
        ),
        (("meaning:", "needs: [luck]\nmeaning:"), "own.yaml:9:8: needs: there is no 'luck'"),
        (("meaning:", "count: {distinct: name, at_least: 0, by: user}\nmeaning:"), "count.at_least: is no number"),
        (
            ("meaning:", "count: {distinct: name, at_least: 2, by: user, within: soon}\nmeaning:"),
            "count.within: is no time",
        ),
        (
            ("meaning:", "count: {distinct: nocolumn, at_least: 2, by: user}\nmeaning:"),
            "own.yaml:9:19: count.distinct: ",
        ),
        (
            ("meaning:", "examples: [{verb: get}]\nmeaning:"),
            "own.yaml:9:12: examples[0]: is for a resource or for a path",
        ),
        (("meaning:", "since: soon\nmeaning:"), "own.yaml:9:8: since: 'soon' has another form"),
        (("title: At night", "title: [At, night]"), "own.yaml:3:8: title: is no text"),
        (("title: At night", "title: 'At night"), "is no YAML"),
        (("title: At night", "title: At\x07night"), "is no YAML"),
        ((OWN, "- a list"), "holds no rule"),
        ((OWN, ""), "holds no rule"),
    ],
)
def test_what_is_wrong_in_a_rule_is_said_with_its_place(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    assert change[0] in OWN
    path = tmp_path / "own.yaml"
    path.write_text(OWN.replace(*change))
    with pytest.raises(RuleError, match=re.escape(said)) as caught:
        detections.load_rules(tmp_path)
    assert all(problem.file == str(path) and problem.remedy for problem in caught.value.problems)


def test_all_rules_that_are_wrong_are_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(OWN.replace("severity: low", "severity: x"))
    (tmp_path / "b.yaml").write_bytes(b"id: \xff")
    with pytest.raises(RuleError) as caught:
        detections.load_rules(tmp_path)
    assert [Path(problem.file).name for problem in caught.value.problems] == ["a.yaml", "b.yaml"]


def test_a_directory_without_rules(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(SourceNotFoundError, match="no rules there"):
            detections.load_rules(path)
