"""The dashboard and the alert rules stand on metrics that exist, and promtool agrees with the rules."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from auditwake.forwarder.metrics import render
from auditwake.forwarder.metrics.families import FAMILIES
from auditwake.forwarder.metrics.page import page
from auditwake.forwarder.metrics.render import STATES
from tests.promtool import promtool
from tests.standing import agent, healthy_route, source, troubled

ROOT = Path(__file__).parents[1]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
RULE_TESTS = ROOT / "deploy" / "prometheus" / "alerts.test.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "auditwake.json"

METRIC = re.compile(r"\b(?:auditwake|process)_\w+")
SELECTOR = re.compile(r"\b((?:auditwake|process)_\w+)\{([^}]*)\}")
GROUPED = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")
BY = re.compile(r"\bby\s*\(([^)]*)\)")
SHOWN = re.compile(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")
OF_THE_SCRAPE = {"instance", "job"}
STATE = re.compile(r'\bstate=~?"([^"$]*)"')


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [one for one in json.loads(DASHBOARD.read_text())["panels"] if one["type"] != "row"]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    for panel in panels():
        yield from (target["expr"] for target in panel["targets"])
    for variable in json.loads(DASHBOARD.read_text())["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def given() -> dict[str, set[str]]:
    """Each sample that a page has, with the names of its labels."""
    found: dict[str, set[str]] = {}
    for line in render(agent(source(healthy_route()), *troubled().sources)).splitlines():
        if not line.startswith("#"):
            name, _, labels = line.rpartition(" ")[0].partition("{")
            found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


def test_every_metric_that_is_named_is_given() -> None:
    named = {name for expression in expressions() for name in METRIC.findall(expression)}
    assert len(named) > 25
    assert named - given().keys() == set()


def test_every_label_that_is_selected_is_given() -> None:
    """A selector with a label that no sample has selects nothing, and says nothing."""
    looked = 0
    for expression in expressions():
        for name, selector in SELECTOR.findall(expression):
            labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
            assert labels - OF_THE_SCRAPE <= given()[name], expression
            looked += 1
    assert looked > 20


def test_every_label_that_is_shown_or_grouped_by_is_given() -> None:
    """Of a label that no sample has, a sum is one series more than was meant, and a text has a hole."""
    looked = 0
    texts = [(rule["expr"], *rule["annotations"].values()) for rule in rules()]
    texts += [(target["expr"], target.get("legendFormat") or "") for panel in panels() for target in panel["targets"]]
    for expression, *shown in texts:
        metrics = [given()[name] for name in METRIC.findall(expression)]
        known = set.union(OF_THE_SCRAPE, *metrics)
        groups = [set(re.split(r"\W+", found)) - {""} for found in GROUPED.findall(expression)]
        named = {label for text in shown for label in SHOWN.findall(text)}
        # What is grouped away is not there to be shown.
        summed = [set(re.split(r"\W+", found)) - {""} for found in BY.findall(expression)]
        left = set.intersection(*(summed or [one | OF_THE_SCRAPE for one in metrics] or [OF_THE_SCRAPE]))
        assert set().union(*groups) <= known, expression
        assert named <= left, (expression, named - left)
        looked += len(groups) + len(named)
    assert looked > 60


def test_every_series_of_a_panel_has_a_name_of_its_own() -> None:
    """Two lines of one name cannot be told apart: a legend has each label that the series differ in."""
    for panel in panels():
        for target in panel["targets"]:
            (metric,) = set(METRIC.findall(target["expr"])) - {"auditwake_build_info"} or {"auditwake_build_info"}
            groups = [set(re.split(r"\W+", found)) - {"", "le"} for found in BY.findall(target["expr"])]
            summed = target["expr"].startswith(("sum(", "min("))
            labels = set() if summed else groups[0] if groups else given()[metric] | {"instance"}
            if panel["type"] == "timeseries":
                assert labels <= set(SHOWN.findall(target["legendFormat"])), target["expr"]


def test_every_state_that_is_named_is_one() -> None:
    named = {state for expression in expressions() for found in STATE.findall(expression) for state in found.split("|")}
    assert named
    assert named <= set(STATES)


def test_every_family_of_ours_is_shown_somewhere() -> None:
    """What nobody looks at need not be measured."""
    named = {name for expression in expressions() for name in METRIC.findall(expression)}
    seen = {re.sub(r"_(bucket|sum|count)$", "", name) for name in named}
    beside = {
        "auditwake_enabled",
        "auditwake_config_reloads_total",
        "auditwake_offset_bytes",
        "auditwake_in_flight_payloads",
        "auditwake_quarantined_lines_total",
        "auditwake_sink_read_events_total",
        "auditwake_sink_payloads_total",
        "auditwake_sink_replayed_payloads_total",
    }
    assert {name for name in FAMILIES if name.startswith("auditwake_")} - seen == beside


def test_panels_have_their_own_places_and_names() -> None:
    everything = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything) > 20
    assert len({panel["title"] for panel in everything}) == len(everything)
    cells = [
        (x, y)
        for panel in everything
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_every_alert_says_what_to_do_and_is_tested() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names) > 8
    tested = RULE_TESTS.read_text()
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert {"summary", "description"} == rule["annotations"].keys()
        assert re.search(rf"\b{rule['alert']}\b", tested), rule["alert"]


def test_promtool_agrees_with_the_rules() -> None:
    done = promtool("check", "rules", RULES.name, folder=RULES.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{len(rules())} rules found" in done.stdout


def test_the_alerts_fire_when_they_should() -> None:
    done = promtool("test", "rules", RULE_TESTS.name, folder=RULES.parent)
    assert (done.returncode, done.stdout.count("FAILED")) == (0, 0), done.stdout
    assert "SUCCESS" in done.stdout


def test_the_tests_of_the_alerts_can_fail(tmp_path: Path) -> None:
    (tmp_path / RULES.name).write_text(RULES.read_text().replace("> 300", "> 3000000"))
    (tmp_path / RULE_TESTS.name).write_text(RULE_TESTS.read_text())
    assert promtool("test", "rules", RULE_TESTS.name, folder=tmp_path).returncode != 0


def test_promtool_reads_every_query_of_the_dashboard(tmp_path: Path) -> None:
    queries = [target["expr"] for panel in panels() for target in panel["targets"]]
    assert len(queries) > 25
    groups = [{"name": "q", "rules": [{"record": f"q:{n}", "expr": _plain(one)} for n, one in enumerate(queries)]}]
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump({"groups": groups}))
    done = promtool("check", "rules", "queries.yaml", folder=tmp_path)
    assert done.returncode == 0, done.stderr


def _plain(query: str) -> str:
    return query.replace("$__rate_interval", "5m").replace("$instance", "a").replace("$sink", "s")


def test_the_page_is_the_one_of_the_table() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == page(), "make docs"
