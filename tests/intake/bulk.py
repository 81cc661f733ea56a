"""A fake Elasticsearch: `_bulk` for data streams, as its documentation has it."""

import json
import re
import threading
from collections.abc import Callable
from typing import Any

from tests.intake.messages import Reply, Request

Verdict = tuple[int, str, str] | None
"""Status, type and reason for a document that is not taken."""

TARGET = re.compile(r"^/([^/?]+)/_bulk(?:\?(.*))?$")


def take_all(_document: dict[str, Any], _attempt: int) -> Verdict:
    """Take every document."""
    return None


class Bulk:
    """Keeps documents by id. What it does not take, `verdict` says: for a document, and how often it came before."""

    def __init__(
        self, verdict: Callable[[dict[str, Any], int], Verdict] = take_all, authorization: str | None = None
    ) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.indexes: set[str] = set()
        self._verdict = verdict
        self._authorization = authorization
        self._attempts: dict[str, int] = {}
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Reply:
        """Answer a request."""
        if self._authorization is not None and request.headers.get("authorization") != self._authorization:
            return _json(401, {"error": {"type": "security_exception", "reason": "unable to authenticate"}})
        if request.method == "GET" and request.path == "/":
            return _json(200, {"cluster_name": "fake", "version": {"number": "9.0.0"}})
        target = TARGET.match(request.path)
        if request.method != "POST" or target is None:
            return _json(405, {"error": "Incorrect HTTP method"})
        if request.headers.get("content-type") != "application/x-ndjson":
            return _json(406, {"error": "Content-Type header is not supported"})
        if not request.body.endswith(b"\n"):
            why = "The bulk request must be terminated by a newline [\\n]"
            return _json(400, {"error": {"type": "illegal_argument_exception", "reason": why}})
        lines = request.body.splitlines()
        pairs = [
            (json.loads(action), json.loads(source)) for action, source in zip(lines[::2], lines[1::2], strict=True)
        ]
        self.indexes.add(target[1])
        with self._lock:
            items = [self._create(action, source) for action, source in pairs]
        answer = {"took": 1, "errors": any(item["create"]["status"] >= 300 for item in items), "items": items}
        return _json(200, _filtered(answer, target[2] or ""))

    def _create(self, action: dict[str, Any], source: dict[str, Any]) -> dict[str, Any]:
        (operation, meta), *more = action.items()
        assert not more
        assert operation == "create", "data streams take nothing else"
        name = meta["_id"]
        if name in self.documents:
            return _failed(name, (409, "version_conflict_engine_exception", f"[{name}]: document already exists"))
        attempt = self._attempts[name] = self._attempts.get(name, -1) + 1
        verdict = self._verdict(source, attempt)
        if verdict is not None:
            return _failed(name, verdict)
        self.documents[name] = source
        return {"create": {"_id": name, "status": 201, "result": "created", "_version": 1}}


def _failed(name: str, verdict: tuple[int, str, str]) -> dict[str, Any]:
    status, kind, reason = verdict
    return {"create": {"_id": name, "status": status, "error": {"type": kind, "reason": reason}}}


def _filtered(answer: dict[str, Any], query: str) -> dict[str, Any]:
    if query != "filter_path=errors,items.*.status,items.*.error":
        return answer
    kept = {"status", "error"}
    items = [
        {key: {name: item[name] for name in item.keys() & kept}} for one in answer["items"] for key, item in one.items()
    ]
    return {"errors": answer["errors"], "items": items}


def _json(status: int, content: object) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, json.dumps(content).encode())
