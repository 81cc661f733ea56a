"""The way of one payload, with payloads of the core."""

import gzip
import json
from typing import Any

import pyarrow as pa
import pytest

from auditwake import _core
from auditwake.forwarder.answers import Ack, Reject, Split
from auditwake.forwarder.config.model import Backoff
from auditwake.forwarder.encoding import Encoding, Format
from auditwake.forwarder.engine.delivery import Delivery, Doubt

EVENT = {
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
    "level": "RequestResponse",
    "auditID": "1",
    "stage": "ResponseComplete",
    "annotations": {"a": "b"},
    "requestObject": {"kind": "ConfigMap", "data": "q" * 3000},
    "responseObject": {"kind": "ConfigMap", "data": "r" * 9000},
    "requestReceivedTimestamp": "2026-11-24T00:00:00.000000Z",
    "stageTimestamp": "2026-11-24T00:00:00.000000Z",
}


def delivery(event: dict[str, Any], form: Format = "ndjson") -> Delivery:
    raw = json.dumps(event).encode()
    table = pa.table({"raw": pa.array([raw], pa.binary())})
    prepared = _core.Encoder(Encoding(format=form, compression="gzip")).prepare(table, 0)
    (payload,) = prepared.payloads()
    return Delivery(prepared, payload, Backoff(), lambda: 0.5, Doubt())


@pytest.mark.parametrize("form", ["ndjson", "json", "datadog", "elasticsearch", "splunk", "otlp"])
@pytest.mark.parametrize("most", [20_000, 5_000, 2_000, 100])
def test_a_receiver_that_takes_less_gets_the_event_without_a_body(form: Format, most: int) -> None:
    """413 says nothing of how much: the event loses its response, then its request, and only then it is refused."""
    way = delivery(EVENT, form)
    sizes, shrunk, rejected = [], 0, 0
    while (payload := way.payload) is not None:
        sizes.append(payload.bytes)
        step = way.answered(Ack() if payload.bytes <= most else Split("413: too large"))
        shrunk += step.shrunk
        rejected += len(step.rejected)
        assert step.wait is None
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == {20_000: 1, 5_000: 2, 2_000: 3, 100: 3}[most]
    assert (shrunk, rejected) == (int(most < 20_000), int(most == 100))


def test_what_it_gets_says_so() -> None:
    way = delivery(EVENT)
    way.answered(Split("413: too large"))
    payload = way.payload
    assert payload is not None
    event = json.loads(gzip.decompress(payload.body))
    expected = {**EVENT, "annotations": {"a": "b", "audit.k8s.io/truncated": "true"}}
    del expected["responseObject"]
    assert event == expected


def test_an_event_without_a_body_is_refused_at_once() -> None:
    way = delivery({name: value for name, value in EVENT.items() if not name.endswith("Object")})
    assert way.answered(Split("413: too large")).rejected == ((0, "413: too large"),)


def test_a_refused_event_is_not_shrunk() -> None:
    assert delivery(EVENT).answered(Reject("400: bad")).rejected == ((0, "400: bad"),)
