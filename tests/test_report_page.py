"""The page is one file that loads nothing, lets nothing of a log act, and is never too large."""

import base64
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import auditwake as aw
from auditwake.report import scripts
from auditwake.report.words import shown
from tests.asked import write
from tests.reporting import charts, event, tables

VENDOR = Path(scripts.__file__).parent / "vendor"
MOST = 2_000_000
HOSTILE = (
    "</script><script>window.hacked=1</script>",
    "\"><img src=x onerror='window.hacked=1'>",
    "<!--<script>",
    "\u202egnp.exe\u202c\u2028\u2029\u0000\u001b[2J",
    "&lt;b&gt; 'quoted' `${window.hacked=1}` {{window.hacked=1}}",
    "__proto__",
    "constructor",
    "toString",
)


class Elements(HTMLParser):
    """The elements of a page, as a browser would find them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.found.append((f"/{tag}", {}))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] in ("script", "style"):
            self.scripts.append((self.found[-1][1], data))


def hostile_events() -> list[dict[str, Any]]:
    long = "x<" * 750
    return [
        event(
            number,
            user={"username": text},
            userAgent=f"{text} {long}" if number % 2 else long,
            verb=text,
            requestURI=f"/{text}",
            objectRef={"resource": text, "namespace": text, "name": text} if number % 2 else None,
            responseStatus={"code": 403, "message": text + long, "reason": text},
            annotations={"authorization.k8s.io/decision": "forbid", "authorization.k8s.io/reason": text},
        )
        for number, text in enumerate([*HOSTILE, *HOSTILE])
    ]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    log = write(tmp_path_factory.mktemp("hostile") / "audit.log", hostile_events())
    return aw.report.make(log, title=HOSTILE[0], scope=aw.Scope(verb=("-" + HOSTILE[1] + "-none",))).html


@pytest.fixture(scope="module")
def usual(metadata_log: Path) -> str:
    return aw.report.make(metadata_log).html


def test_nothing_of_a_hostile_log_is_markup(hostile: str, usual: str) -> None:
    known = {tag for tag, _ in Elements(usual).found}
    found = Elements(hostile).found
    assert {tag for tag, _ in found} <= known
    assert sum(tag == "script" for tag, _ in found) == 4 + len(charts(hostile))
    assert not [(tag, name) for tag, attributes in found for name in attributes if name.startswith("on")]


@pytest.mark.parametrize("text", HOSTILE)
def test_all_of_a_hostile_text_is_shown_as_text(hostile: str, text: str) -> None:
    rows = [cell for row in tables(hostile)["Who was denied what"] for cell in row]
    assert any(shown(text) in cell for cell in rows)
    assert any(row["user"].rstrip() == shown(text) for row in charts(hostile)["denials"]["rows"])


def test_what_cannot_be_seen_or_turns_the_text_is_written_out(hostile: str) -> None:
    escaped = re.sub(r"<script>.*?</script>|<wbr>", "", hostile, flags=re.DOTALL)
    assert not re.search("[\u202a-\u202e\u2028\u2029\x00\x1b]", escaped)
    assert r"\u202egnp.exe\u202c\u2028\u2029\x00\x1b[2J" in escaped


def test_a_long_text_is_folded_and_whole(hostile: str) -> None:
    long = html.escape("x<" * 750)
    assert re.search(rf'<details class="long"><summary>.*?</summary><bdi>[^<]*{long}</bdi></details>', hostile)


def test_the_policy_names_every_script_and_nothing_else(usual: str) -> None:
    page = Elements(usual)
    policy = next(one["content"] for tag, one in page.found if one.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    run = [text for attributes, text in page.scripts if attributes.get("type") != "application/json"]
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in run]
    assert len(run) == 5, "four scripts and the style"
    assert all(one in policy for one in hashes)
    assert policy.count("sha256-") == 5


def test_the_policy_comes_before_all_that_it_is_about(usual: str) -> None:
    assert [tag for tag, _ in Elements(usual).found[:4]] == ["html", "head", "meta", "meta"]


def test_nothing_is_loaded(usual: str) -> None:
    named = [
        (tag, key) for tag, one in Elements(usual).found for key in one if key in ("src", "href", "style", "action")
    ]
    assert {*named} == {("a", "href")}
    assert all(one["href"] and one["href"].startswith("#") for tag, one in Elements(usual).found if tag == "a")


def test_the_page_of_the_largest_texts_is_small_enough(tmp_path: Path) -> None:
    """Every text is as long as it can be, of characters that grow when they are escaped, and all rows differ."""
    grown = "<\u0001&"
    events = []
    for number in range(1_500):
        text = f"{number % 301}" + grown * 1_000
        events.append(
            event(
                number,
                user={"username": text},
                userAgent=f"{number}" + grown * 300,
                verb=f"v{number % 40}" + grown * 200 if number % 3 else "get",
                objectRef={"resource": f"{number % 97}" + grown * 300, "namespace": text, "name": text}
                if number % 2
                else {"resource": "secrets", "apiVersion": "v1", "namespace": text, "name": text},
                responseStatus={"code": 403, "message": text},
                annotations={
                    "authorization.k8s.io/decision": "forbid",
                    "authorization.k8s.io/reason": text,
                    "apiserver.latency.k8s.io/total": "700ms",
                    "apiserver.latency.k8s.io/etcd": "100ms",
                },
            )
        )
    found = aw.report.make(write(tmp_path / "audit.log", events))
    assert len(found.html.encode()) < MOST
    assert "left out" in found.html


def test_the_usual_page_is_less_than_half_of_that(usual: str) -> None:
    assert len(usual.encode()) < MOST / 2


def test_the_scripts_of_others_are_those_that_are_named() -> None:
    rows = re.findall(
        r"^\| `([\w.-]+)` \| [\w-]+ \| ([\d.]+) \| (\d+) \| `(\w{64})` \| (.+) \|$",
        (VENDOR / "README.md").read_text(),
        re.MULTILINE,
    )
    assert {row[0] for row in rows} == {path.name for path in VENDOR.glob("*.js")}
    for name, version, size, digest, licences in rows:
        script = (VENDOR / name).read_bytes()
        assert (len(script), hashlib.sha256(script).hexdigest()) == (int(size), digest)
        assert version
        assert all((VENDOR / licence).is_file() for licence in re.findall(r"\(([\w.-]+)\)", licences))


def test_no_text_of_a_log_is_in_a_specification(hostile: str) -> None:
    """What a specification says is code to Vega: the data stand beside it."""
    for name, chart in charts(hostile).items():
        spec = json.loads((VENDOR.parent / "charts" / f"{name}.json").read_text())
        assert chart["spec"] == spec


def test_a_long_name_is_broken_where_its_parts_meet(tmp_path: Path) -> None:
    who = "system:serviceaccount:team-a:builder"
    page = aw.report.make(write(tmp_path / "audit.log", [event(user={"username": who})])).html
    assert "<bdi>system:<wbr>serviceaccount:<wbr>team-a:<wbr>builder</bdi>" in page
    assert who in {cell for rows in tables(page).values() for row in rows for cell in row}
