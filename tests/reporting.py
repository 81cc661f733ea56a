"""Logs for the tests of the page, and what stands in a page."""

import html
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Event = dict[str, Any]

DATA = re.compile(r'<script type="application/json" data-chart="([\w-]+)">(.*?)</script>', re.DOTALL)
CELL = re.compile(r"<t[dh][^>]*>(.*?)</t[dh]>", re.DOTALL)


def event(number: int = 0, **fields: Any) -> Event:  # noqa: ANN401  # JSON
    """An event as kube-apiserver writes one; fields replace its own, None leaves one out."""
    time = f"2026-11-26T10:{number // 60 % 60:02}:{number % 60:02}"
    usual: Event = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": f"id-{number}",
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/a/pods/p",
        "verb": "get",
        "user": {"username": "alice", "groups": ["system:authenticated"]},
        "sourceIPs": ["10.0.0.1"],
        "userAgent": "kubectl/v1.37.2",
        "objectRef": {"resource": "pods", "namespace": "a", "name": "p", "apiVersion": "v1"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": f"{time}.000000Z",
        "stageTimestamp": f"{time}.005000Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
    }
    return {key: value for key, value in {**usual, **fields}.items() if value is not None}


def write_log(path: Path, events: Iterable[Event]) -> Path:
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in events), encoding="utf-8")
    return path


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
