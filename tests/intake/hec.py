"""A fake HTTP event collector, with the codes of Splunk's documentation and acknowledgement by an indexer."""

import json
import threading
from collections.abc import Iterator
from typing import Any

from tests.intake.messages import Reply, Request

ANSWERS = {
    0: (200, "Success"),
    2: (401, "Token is required"),
    3: (401, "Invalid authorization"),
    4: (403, "Invalid token"),
    5: (400, "No data"),
    6: (400, "Invalid data format"),
    7: (400, "Incorrect index"),
    8: (500, "Internal server error"),
    9: (503, "Server is busy"),
    10: (400, "Data channel is missing"),
    12: (400, "Event field is required"),
    13: (400, "Event field cannot be blank"),
    14: (400, "ACK is disabled"),
    17: (200, "HEC is healthy"),
    99: (400, "Something new"),
}


class Hec:
    """Takes events; with `ack` it confirms a payload when it was asked for it `patience` times before, or never (None).

    Attributes:
        events: What was taken.
        code: An answer that it gives to every payload, in place of looking at it.
    """

    def __init__(
        self,
        token: str,
        *,
        ack: bool = False,
        patience: int | None = 0,
        indexes: frozenset[str] = frozenset({"main", "audit"}),
    ) -> None:
        self.events: list[dict[str, Any]] = []
        self.code: int | None = None
        self.asked = 0
        self._token, self._ack, self._patience, self._indexes = token, ack, patience, indexes
        self._numbers: dict[str, dict[int, int]] = {}
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Reply:
        """Answer a request."""
        if request.method == "GET" and request.path == "/services/collector/health":
            return _reply(17)
        authorization = request.headers.get("authorization", "")
        if not authorization:
            return _reply(2)
        if not authorization.startswith("Splunk "):
            return _reply(3)
        if authorization != f"Splunk {self._token}":
            return _reply(4)
        channel = request.headers.get("x-splunk-request-channel", "")
        with self._lock:
            if request.path == "/services/collector/ack":
                return self._confirm(channel, request) if self._ack else _reply(14)
            assert request.path == "/services/collector/event", request.path
            return self._take(channel, request)

    def _take(self, channel: str, request: Request) -> Reply:
        if self._ack and not channel:
            return _reply(10)
        if not request.body:
            return _reply(5)
        if self.code is not None:
            return _reply(self.code)
        taken: list[dict[str, Any]] = []
        for number, event in enumerate(_objects(request.body)):
            code = 6 if event is None else self._fault(event)
            if event is None or code:
                return _reply(code, {"invalid-event-number": number})
            taken.append(event)
        self.events += taken
        if not self._ack:
            return _reply(0)
        numbers = self._numbers.setdefault(channel, {})
        numbers[len(numbers)] = 0
        return _reply(0, {"ackId": len(numbers) - 1})

    def _fault(self, event: dict[str, Any]) -> int:
        if "event" not in event:
            return 12
        if event["event"] == "":
            return 13
        return 0 if event.get("index", "main") in self._indexes else 7

    def _confirm(self, channel: str, request: Request) -> Reply:
        asked = json.loads(request.body)["acks"]
        numbers = self._numbers.get(channel, {})
        said = {}
        for number in asked:
            times = numbers.get(number)
            self.asked += 1
            said[str(number)] = times is not None and self._patience is not None and times >= self._patience
            if times is not None:
                numbers[number] = times + 1
        return Reply(200, {}, json.dumps({"acks": said}).encode())


def _objects(body: bytes) -> Iterator[dict[str, Any] | None]:
    """Give the JSON objects that stand one behind the other; None for what is none, and then no more."""
    text, at, decoder = body.decode(), 0, json.JSONDecoder()
    while at < len(text):
        try:
            event, at = decoder.raw_decode(text, at)
        except ValueError:
            yield None
            return
        yield event
        at += len(text[at:]) - len(text[at:].lstrip())


def _reply(code: int, more: dict[str, Any] | None = None) -> Reply:
    status, text = ANSWERS[code]
    return Reply(status, {}, json.dumps({"text": text, "code": code, **(more or {})}).encode())
