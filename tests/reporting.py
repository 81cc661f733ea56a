"""Events for the tests of the page, and what stands in a page."""

import html
import json
import re
from typing import Any

from tests import asked
from tests.asked import Event

DATA = re.compile(r'<script type="application/json" data-chart="([\w-]+)">(.*?)</script>', re.DOTALL)
CELL = re.compile(r"<t[dh][^>]*>(.*?)</t[dh]>", re.DOTALL)


def event(number: int = 0, **changed: Any) -> Event:  # noqa: ANN401  # fields of an event
    """An event of a second of its own."""
    time = f"2026-11-26T10:{number // 60 % 60:02}:{number % 60:02}"
    times = {"requestReceivedTimestamp": f"{time}.000000Z", "stageTimestamp": f"{time}.005000Z"}
    return asked.event(**{"auditID": f"id-{number}", **times, **changed})


def charts(page: str) -> dict[str, dict[str, Any]]:
    """The data that stands in a page, by chart."""
    return {name: json.loads(text) for name, text in DATA.findall(page)}


def tables(page: str) -> dict[str, list[list[str]]]:
    """The tables of a page by their captions: rows of texts, the head first."""
    found = {}
    for caption, body in re.findall(r"<table><caption>(.*?)</caption>(.*?)</table>", page, re.DOTALL):
        rows = [CELL.findall(row) for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)]
        found[html.unescape(caption)] = [[text(cell) for cell in row] for row in rows]
    return found


def text(markup: str) -> str:
    """The text of a piece of HTML; what is in a list has spaces between."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup.replace("</li><li>", " ")))
