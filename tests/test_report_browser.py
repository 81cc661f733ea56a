"""The page in a real browser: what it draws, what it asks for, and whether anything overlaps or is cut."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import auditwake as aw
from tests.asked import write
from tests.browsing.chromium import chromium
from tests.browsing.pipe import Pipe
from tests.browsing.tab import Tab
from tests.reporting import charts, event
from tests.test_report_page import HOSTILE, hostile_events

PICTURES = Path(__file__).parents[1] / "target" / "report"
SCRIPT = (Path(__file__).parent / "browsing" / "look.js").read_text()
SCHEMES = ("light", "dark")
WIDTHS = (400, 1400)
POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: ["system:kube-scheduler"]}
- {level: None, verbs: [watch]}
- {level: Metadata, resources: [{group: "", resources: [secrets, configmaps]}]}
- {level: RequestResponse, verbs: [create, update, patch, delete]}
- {level: Metadata}
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipe]:
    with chromium(tmp_path_factory.mktemp("chromium")) as pipe:
        yield pipe


@pytest.fixture
def tab(browser: Pipe) -> Iterator[Tab]:
    one = Tab(browser)
    yield one
    one.close()


@pytest.fixture(scope="module")
def usual(metadata_log: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    policy = aw.Policy.load(POLICY)
    cost, found = policy.cost(metadata_log), aw.detect(metadata_log, policy=policy)
    return aw.report.make(metadata_log, cost=cost, detections=found).write(
        tmp_path_factory.mktemp("usual") / "report.html"
    )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    log = write(folder / "audit.log", hostile_events())
    cost, found = aw.Policy.load(POLICY).cost(log), aw.detect(log)
    return aw.report.make(log, cost=cost, detections=found, title=HOSTILE[0]).write(folder / "report.html")


def expected_marks(page: Path) -> dict[str, dict[str, int]]:
    """How many marks each chart has to have, from the data that stand in the page."""
    rows = {name: chart["rows"] for name, chart in charts(page.read_text(encoding="utf-8")).items()}
    marks: dict[str, dict[str, int]] = {
        "requests": {"rect": len(rows["requests"])},
        "errors": {"symbol": len(rows["errors"]), "line": 2},
        "actors": {"rect": len(rows["actors"]), "text": len(rows["actors"])},
        "denials": {
            "rect": len(rows["denials"]),
            "text": len(rows["denials"]) + len({row["user"] for row in rows["denials"]}),
        },
        "latency": {"symbol": len(rows["latency"]), "rule": len({row["verb"] for row in rows["latency"]})},
        "slowest": {"rect": len(rows["slowest"]), "text": len({row["label"] for row in rows["slowest"]})},
        "rules": {"rect": len(rows["rules"]), "text": len({row["label"] for row in rows["rules"]})},
    }
    if "sensitive" in rows:
        marks["sensitive"] = {"symbol": len(rows["sensitive"])}
    return marks


def show(tab: Tab, page: Path, scheme: str, width: int) -> None:
    tab.size(width)
    tab.scheme(scheme)
    tab.open(page)
    tab.value(SCRIPT)


def look(tab: Tab, what: str) -> Any:  # noqa: ANN401  # JSON
    return tab.value(f"window.look.{what}")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["usual", "hostile"])
def test_the_page(tab: Tab, name: str, scheme: str, width: int, request: pytest.FixtureRequest) -> None:
    page: Path = request.getfixturevalue(name)
    show(tab, page, scheme, width)
    tab.screenshot(PICTURES / f"{name}-{scheme}-{width}.png")
    assert tab.complaints() == []
    assert tab.requests() == [page.as_uri()]
    assert look(tab, "marks()") == expected_marks(page)
    assert look(tab, "tooWide()") == []
    assert look(tab, "overlapping()") == []
    assert look(tab, "cut()") == []
    if name == "usual":
        assert look(tab, "lines('Most frequent errors')") < 6.5
    assert look(tab, "background()") == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(15, 20, 25)")


def test_every_label_is_whole_where_there_is_room(tab: Tab, usual: Path) -> None:
    show(tab, usual, "light", 1400)
    assert [text for text in look(tab, "texts()") if "…" in text] == []


def test_nothing_of_a_hostile_log_runs(tab: Tab, hostile: Path) -> None:
    show(tab, hostile, "light", 1400)
    assert tab.value("window.hacked") is None
    assert tab.value("document.images.length") == 0
    assert tab.value("document.title") == HOSTILE[0]
    shown = tab.value("document.body.textContent")
    assert all(text in shown for text in (HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[4], HOSTILE[5]))


def test_what_a_mark_says_is_text(tab: Tab, hostile: Path) -> None:
    show(tab, hostile, "light", 1400)
    tab.value("document.getElementById('chart-actors').scrollIntoView({block: 'center', behavior: 'instant'})")
    box = look(tab, "firstMark('actors')")
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=box["x"], y=box["y"])
    tab.wait("!document.getElementById('tip').hidden")
    said = tab.value("document.getElementById('tip').textContent")
    first = charts(hostile.read_text(encoding="utf-8"))["actors"]["rows"][0]
    assert said.startswith(f"user: {first['label']}\n")
    assert tab.value("document.getElementById('tip').childElementCount") == 0
    assert tab.complaints() == []


def test_the_button_turns_light_into_dark_and_back(tab: Tab, usual: Path) -> None:
    show(tab, usual, "dark", 1400)
    light, dark = "rgb(255, 255, 255)", "rgb(15, 20, 25)"
    for expected in (light, dark):
        # By keyboard: the button is the first thing that can be reached.
        if expected == light:
            tab.key("Tab")
        tab.key("Enter")
        assert look(tab, "background()") == expected
    assert tab.complaints() == []


def test_all_that_can_be_used_is_reached_by_keyboard(tab: Tab, usual: Path) -> None:
    show(tab, usual, "light", 1400)
    wanted = look(tab, "reachable()")
    assert wanted > 10
    seen = set()
    for _ in range(wanted):
        tab.key("Tab")
        seen.add(look(tab, "focused()"))
    assert len(seen) == wanted


def test_the_charts_follow_the_width(tab: Tab, usual: Path) -> None:
    show(tab, usual, "light", 1400)
    tab.size(500)
    tab.wait("document.querySelector('#chart-requests svg').clientWidth <= 500")
    tab.wait("document.documentElement.dataset.drawn !== undefined")
    assert look(tab, "tooWide()") == []
    assert look(tab, "marks()") == expected_marks(usual)


def test_it_is_light_on_paper(tab: Tab, usual: Path) -> None:
    show(tab, usual, "dark", 1400)
    tab.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert look(tab, "background()") == "rgb(255, 255, 255)"
    assert tab.value("getComputedStyle(document.getElementById('theme')).display") == "none"
    tab.screenshot(PICTURES / "usual-print.png")


def test_a_page_with_nothing_to_draw(tab: Tab, tmp_path: Path) -> None:
    log = write(tmp_path / "audit.log", [event(stage="RequestReceived", responseStatus=None)])
    page = aw.report.make(log).write(tmp_path / "report.html")
    show(tab, page, "light", 400)
    assert tab.complaints() == []
    assert look(tab, "tooWide()") == []
    assert "The log cannot say" in tab.value("document.body.innerText")


def test_what_another_page_would_need_is_refused(tab: Tab, usual: Path) -> None:
    """The content security policy is in force: no text becomes code, and nothing is loaded or sent."""
    show(tab, usual, "light", 1400)
    assert tab.value("(() => { try { return eval('1') } catch (error) { return error.name } })()") == "EvalError"
    assert tab.value("fetch('data:,x').then(() => 'sent', (error) => error.name)") == "TypeError"
