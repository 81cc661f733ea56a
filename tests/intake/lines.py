"""A fake receiver of lines: NDJSON, or a JSON array."""

import json
from typing import Any

from tests.intake.messages import Reply, Request


class Lines:
    """Keeps events; refuses what it cannot read, and all that comes without the right key.

    Attributes:
        events: What was taken.
    """

    def __init__(self, authorization: str | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self._authorization = authorization

    def __call__(self, request: Request) -> Reply:
        """Answer a request."""
        if self._authorization is not None and request.headers.get("authorization") != self._authorization:
            return Reply(401)
        try:
            if request.headers.get("content-type") == "application/json":
                events = json.loads(request.body)
            else:
                assert request.headers.get("content-type") == "application/x-ndjson"
                events = [json.loads(line) for line in request.body.splitlines()]
        except ValueError:
            return Reply(422)
        self.events += events
        return Reply(200)
