"""The DevTools protocol over two pipes: one JSON message after the other, each ended by a NUL."""

import itertools
import json
import os
import select
from collections import deque
from typing import Any

__all__ = ["Message", "Pipe"]

Message = dict[str, Any]
DEADLINE = 60.0


class Pipe:
    """Commands go out, answers and events come in."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._numbers = itertools.count(1)
        self._rest = b""
        self._read: deque[Message] = deque()
        self.events: list[Message] = []

    def call(self, method: str, session: str | None = None, **params: object) -> Message:
        """Run a command and give its result; events that come meanwhile are kept."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        self._write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: Message = answer["result"]
                return result
            self.events.append(answer)

    def close(self) -> None:
        os.close(self._outgoing)
        os.close(self._incoming)

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._outgoing, data) :]

    def _next(self) -> Message:
        while not self._read:
            ready, _, _ = select.select([self._incoming], [], [], DEADLINE)
            assert ready, "the browser does not answer"
            data = os.read(self._incoming, 1 << 20)
            assert data, "the browser has ended"
            *whole, self._rest = (self._rest + data).split(b"\0")
            self._read.extend(map(json.loads, whole))
        return self._read.popleft()
