"""Payloads made by hand, one of each format: what a sink does with bytes does not depend on who made them."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

if TYPE_CHECKING:
    from auditwake._core import Payload


@dataclass(frozen=True)
class HandMade:
    """As much of a payload as a sink may look at."""

    body: bytes
    events: int
    bytes: int = 0
    indexes: list[int] = field(default_factory=list)


def payload(body: bytes, events: int, *, compressed: bool = False) -> "Payload":
    """Make a payload of bytes."""
    made = gzip.compress(body, mtime=0) if compressed else body
    return cast("Payload", HandMade(made, events, len(body), list(range(events))))


def ndjson(lines: Sequence[bytes], *, compressed: bool = False) -> "Payload":
    """Make lines of lines."""
    return payload(b"".join(lines), len(lines), compressed=compressed)


def array(lines: Sequence[bytes]) -> "Payload":
    """Make a JSON array."""
    return payload(b"[" + b",".join(line.rstrip(b"\n") for line in lines) + b"]", len(lines))


def bulk(lines: Sequence[bytes], *, compressed: bool = True) -> "Payload":
    """Make actions and documents, each under its audit ID."""
    parts = []
    for line in lines:
        action = {"create": {"_id": json.loads(line).get("auditID", "none")}}
        parts += [json.dumps(action).encode() + b"\n", line]
    return payload(b"".join(parts), len(lines), compressed=compressed)


def hec(lines: Sequence[bytes], index: str | None = None, *, compressed: bool = True) -> "Payload":
    """Make events of HEC, one behind the other."""
    where = {"index": index} if index else {}
    events = [json.dumps({"time": 1.5, "host": "node-1", **where, "event": json.loads(line)}) for line in lines]
    return payload("\n".join(events).encode(), len(lines), compressed=compressed)


def otlp(lines: Sequence[bytes]) -> "Payload":
    """Make a request of OTLP."""
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for line in lines:
        records.add().body.string_value = line.decode().rstrip("\n")
    return payload(request.SerializeToString(), len(lines), compressed=True)
