"""The page says what the log says: its numbers are those of the JSON, counted here anew."""

import json
import math
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

import auditwake as aw
from auditwake.errors import QuestionError
from auditwake.report import Column, Section, Table, price
from tests.asked import Event, code, decision, effective, write
from tests.asked import requests as requests_of
from tests.reporting import charts, event, tables

LONG = ("watch", "proxy", "log", "exec", "attach", "portforward")
POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, verbs: [watch]}
- {level: Metadata}
"""


@pytest.fixture(scope="module")
def page(metadata_log: Path) -> aw.report.Report:
    return aw.report.make(metadata_log)


@pytest.fixture(scope="module")
def requests(metadata_events: list[Event]) -> list[Event]:
    return [one for one, _ in requests_of(metadata_events)]


def what(one: Event) -> str:
    ref = one.get("objectRef", {})
    if "resource" not in ref:
        return str(one["requestURI"].partition("?")[0])
    group, sub = ref.get("apiGroup", ""), ref.get("subresource", "")
    return f"{ref['resource']}{group and f'.{group}'}{sub and f'/{sub}'}"


def answered(one: Event) -> int:
    return code(one) or 0


def short(one: Event) -> bool:
    return one["verb"] not in LONG and one.get("objectRef", {}).get("subresource") not in LONG


def micros(one: Event) -> int:
    start, end = (datetime.fromisoformat(one[key]) for key in ("requestReceivedTimestamp", "stageTimestamp"))
    return (end - start) // timedelta(microseconds=1)


def test_the_bars_are_the_requests(page: aw.report.Report, requests: list[Event]) -> None:
    drawn = charts(page.html)["requests"]["rows"]
    counted: Counter[tuple[str, str]] = Counter()
    for row in drawn:
        assert row["high"] - row["low"] == row["requests"]
        counted[row["when"], row["verb"]] += row["requests"]
    common = [verb for verb, _ in Counter(one["verb"] for one in requests).most_common(6)]
    expected = Counter(
        (
            one["requestReceivedTimestamp"][:19].replace("T", " ") + ".000",
            one["verb"] if one["verb"] in common else "others",
        )
        for one in requests
    )
    assert counted == expected


def test_the_share_of_errors(page: aw.report.Report, requests: list[Event]) -> None:
    seconds = defaultdict(list)
    for one in requests:
        seconds[one["requestReceivedTimestamp"][:19].replace("T", " ") + ".000"].append(answered(one))
    expected = {
        (second, name): sum(low <= found < high for found in codes) / len(codes)
        for second, codes in seconds.items()
        for name, low, high in (("4xx", 400, 500), ("5xx and panics", 500, 600))
    }
    assert {(row["when"], row["class"]): row["share"] for row in charts(page.html)["errors"]["rows"]} == expected


def test_the_actors(page: aw.report.Report, requests: list[Event]) -> None:
    counts = Counter(map(effective, requests))
    head, *rows = tables(page.html)["Users"]
    assert head[:4] == ["user", "actor", "requests", "errors"]
    assert {row[0] or None: int(row[2].replace(",", "")) for row in rows} == dict(counts)
    failed = Counter(effective(one) for one in requests if answered(one) >= 400)
    assert {row[0] or None: int(row[3]) for row in rows if row[3] != "0"} == dict(failed)
    assert sorted(row["requests"] for row in charts(page.html)["actors"]["rows"]) == sorted(counts.values())[-15:]


def test_the_denials(page: aw.report.Report, requests: list[Event]) -> None:
    cells = Counter((effective(one), what(one)) for one in requests if decision(one) == "forbid")
    assert sum(cells.values()) == 30
    drawn = charts(page.html)["denials"]["rows"]
    assert {(row["user"], row["what"]): row["requests"] for row in drawn} == dict(cells)
    assert len([row for row in drawn if row["text"]]) == len({name for name, _ in cells})
    rows = tables(page.html)["Who was denied what"][1:]
    assert sum(int(row[4]) for row in rows) == 30
    assert not any("deny-me" in cell for row in rows for cell in row), "admission refused that, not the authorizer"


def test_the_latencies(page: aw.report.Report, requests: list[Event]) -> None:
    took = defaultdict(list)
    for one in requests:
        if short(one) and one["stage"] == "ResponseComplete":
            took[one["verb"] or "(no verb)"].append(micros(one))
    expected = {
        (verb, f"p{percent}"): sorted(all_of)[math.ceil(len(all_of) * percent / 100) - 1] / 1000
        for verb, all_of in took.items()
        for percent in (50, 90, 99)
    }
    drawn = {(row["verb"], row["quantile"]): row["ms"] for row in charts(page.html)["latency"]["rows"]}
    assert drawn == expected


def test_the_slowest(page: aw.report.Report, requests: list[Event]) -> None:
    slow = sorted((one for one in requests if short(one)), key=micros, reverse=True)[:20]
    drawn = charts(page.html)["slowest"]["rows"]
    lengths: dict[str, float] = defaultdict(float)
    for row in drawn:
        lengths[row["label"]] += row["high"] - row["low"]
    assert [round(1000 * length) for length in lengths.values()] == [micros(one) for one in slow]
    webhooks = [row for row in drawn if row["part"] == "validating webhooks"]
    assert [row["label"].split(" ")[-1] for row in webhooks[:3]] == [
        "team-a11/slow-130",
        "team-a11/slow-30",
        "team-a11/slow-15",
    ]
    assert webhooks[0]["high"] > 9_990, "the time-out of ten seconds"
    assert "failed open" in tables(page.html)["Slowest requests"][0]


def test_secrets_tokens_and_containers(page: aw.report.Report, requests: list[Event]) -> None:
    def kind(one: Event) -> str | None:
        ref = one.get("objectRef", {})
        match ref.get("resource"), ref.get("subresource"):
            case "secrets", _:
                return "secrets read" if one["verb"] in ("get", "list", "watch") else "secrets changed"
            case "serviceaccounts", "token":
                return "token issued"
            case "pods", "exec" | "attach" | "portforward" | "ephemeralcontainers":
                return "into a container"
        return None

    expected = Counter(
        (kind(one), "refused or failed" if answered(one) >= 400 else "answered") for one in requests if kind(one)
    )
    counted: Counter[tuple[str, str]] = Counter()
    for row in charts(page.html)["sensitive"]["rows"]:
        counted[row["kind"], row["result"]] += row["requests"]
    assert counted == expected
    rows = tables(page.html)["Who asked for them"][1:]
    assert sum(int(row[6]) for row in rows) == sum(expected.values())


def test_the_most_frequent_errors(page: aw.report.Report, requests: list[Event]) -> None:
    expected = Counter((str(answered(one)), one["verb"], what(one)) for one in requests if answered(one) >= 400)
    head, *rows = tables(page.html)["Most frequent errors"]
    assert head[:5] == ["code", "outcome", "verb", "resource or path", "requests"]
    counted: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        counted[row[0], row[2], row[3]] += int(row[4])
    assert all(expected[key] == count for key, count in counted.items())
    assert [count for _, count in counted.most_common()] == [count for _, count in expected.most_common(len(counted))]


def test_bytes_by_rule(metadata_log: Path) -> None:
    cost = aw.Policy.load(POLICY).cost(metadata_log)
    found = aw.report.make(metadata_log, cost=cost)
    drawn = charts(found.html)["rules"]["rows"]
    kept = [row["bytes"] for row in drawn if row["part"] == "kept under the policy"]
    assert kept == [rule.new_bytes for rule in cost.rules]
    assert sum(row["bytes"] for row in drawn) == cost.total.bytes
    assert len(tables(found.html)["Rules"]) == 1 + len(cost.rules)


def test_what_was_read_stands_at_the_top(page: aw.report.Report, metadata_log: Path, requests: list[Event]) -> None:
    assert str(metadata_log) in page.html
    for name, value in (("events", "5,292"), ("requests", f"{len(requests):,}"), ("rejected lines", "0")):
        assert f"<dt>{name}</dt><dd>{value}</dd>" in page.html


def test_a_log_parquet_and_arrow_give_the_same(page: aw.report.Report, metadata_log: Path, tmp_path: Path) -> None:
    aw.convert(metadata_log, tmp_path / "log.parquet")
    expected = charts(page.html)
    assert charts(aw.report.make(tmp_path / "log.parquet").html) == expected
    assert charts(aw.report.make(pa.table(aw.read(metadata_log))).html) == expected


def test_only_what_is_in_scope(metadata_log: Path) -> None:
    found = aw.report.make(metadata_log, scope=aw.Scope(user=("bob@example.com",)))
    assert {row["label"] for row in charts(found.html)["actors"]["rows"]} == {"bob@example.com"}
    assert "<dt>only user</dt><dd>bob@example.com</dd>" in found.html
    nobody = aw.report.make(metadata_log, scope=aw.Scope(user=("nobody",)))
    assert not charts(nobody.html)
    assert "No request is among those that were asked for" in nobody.html


@pytest.mark.parametrize("scope", [aw.Scope(user=("bob@*",)), aw.Scope(verb=("list",), namespace=("", "web"))], ids=str)
def test_a_policy_is_priced_for_the_scope_alone(metadata_log: Path, scope: aw.Scope) -> None:
    sums = "select count(*) as events, (sum(line_bytes) + count(*))::bigint as bytes from events"
    (expected,) = aw.sql(sums, metadata_log, scope=scope).table.to_pylist()
    for source in (metadata_log, aw.read(metadata_log)):
        total = price(aw.Policy.load(POLICY), source, scope=scope).total
        assert {"events": total.events, "bytes": total.bytes} == expected
    assert 0 < expected["events"] < 5292
    assert price(aw.Policy.load(POLICY), metadata_log).total.events == 5292


def test_a_scope_over_a_column_that_is_not_there(metadata_log: Path) -> None:
    table = pa.table(aw.read(metadata_log)).drop_columns(["actor"])
    with pytest.raises(QuestionError, match="actor"):
        price(aw.Policy.load(POLICY), table, scope=aw.Scope(actor=("user",)))


def test_detections_are_on_the_page(metadata_log: Path) -> None:
    detections = aw.detect(metadata_log)
    found = aw.report.make(metadata_log, detections=detections)
    shown = tables(found.html)
    fired = [(one.rule.severity, one.rule.id, f"{one.hits:,}") for one in detections.fired]
    head, *rows = shown["Rules that fired"]
    assert head[:4] == ["severity", "rule", "what it means", "findings"]
    assert [(row[0], row[1], row[3]) for row in rows] == fired
    assert len(fired) > 5
    order = [row[1] for row in shown["Findings"][1:]]
    assert order == sorted(order, key=["critical", "high", "medium", "low"].index)
    assert len(shown["Rules that cannot fire"]) == len(detections.cannot_fire) + 1
    assert detections.said in found.html
    assert 'href="#detections"' in found.html


def test_a_reader_is_called_by_what_it_reads(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [event()])
    assert f"Source: <bdi>{log}</bdi>" in aw.report.make(aw.read(log)).html


def test_an_empty_log(tmp_path: Path) -> None:
    found = aw.report.make(write(tmp_path / "audit.log", []))
    assert not charts(found.html)
    assert "The log cannot say: there is no event." in found.html


def test_a_log_with_only_request_received(tmp_path: Path) -> None:
    events = [event(number, stage="RequestReceived", responseStatus=None, annotations=None) for number in range(9)]
    found = aw.report.make(write(tmp_path / "audit.log", events))
    assert not charts(found.html)
    assert "<dt>events</dt><dd>9</dd>" in found.html
    assert "The log cannot say: no event says how a request ended" in found.html


def test_a_log_without_annotations_and_bodies(tmp_path: Path) -> None:
    found = aw.report.make(write(tmp_path / "audit.log", [event(number, annotations=None) for number in range(9)]))
    assert "denials" not in charts(found.html)
    for why in ("authorization.k8s.io/decision", "apiserver.latency.k8s.io/*", "no body was recorded"):
        assert why in found.html


def test_one_event_repeats_and_a_line_that_is_none(tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [event(), event()])
    log.write_text(log.read_text() + "{torn\n")
    found = aw.report.make(log)
    assert "<dt>requests</dt><dd>1</dd>" in found.html
    assert "1 repeat of another event in full" in found.html
    assert "1 line without a readable event" in found.html


def test_sections_of_ones_own(metadata_log: Path) -> None:
    rows = [{"rule": "x", "seen": 3}]
    table = Table(title="Found", columns=(Column("rule", "rule"), Column("seen", "seen", "number")), rows=rows)
    own = Section(key="found", title="What I found", about="By hand.", tables=(table,))
    found = aw.report.make(metadata_log, more=[own])
    assert tables(found.html)["Found"] == [["rule", "seen"], ["x", "3"]]
    assert 'href="#found"' in found.html


def test_times_far_apart_are_still_few_pieces(tmp_path: Path) -> None:
    far = event(1, requestReceivedTimestamp="1971-01-01T00:00:00Z", stageTimestamp="1971-01-01T00:00:00Z")
    later = event(2, requestReceivedTimestamp="2262-01-01T00:00:00Z", stageTimestamp="2262-01-01T00:00:00Z")
    found = aw.report.make(write(tmp_path / "audit.log", [far, event(3), later]))
    assert sum(row["requests"] for row in charts(found.html)["requests"]["rows"]) == 3


def test_the_file_appears_whole_or_not_at_all(page: aw.report.Report, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert page.write(out) == out
    assert out.read_text(encoding="utf-8") == page.html
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(FileNotFoundError):
        page.write(tmp_path / "no-such-folder" / "report.html")


def test_the_data_is_json_that_javascript_reads(page: aw.report.Report) -> None:
    for chart in charts(page.html).values():
        assert json.loads(json.dumps(chart, allow_nan=False)) == chart
