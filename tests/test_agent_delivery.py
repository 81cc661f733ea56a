"""The way of one payload, with payloads of the core."""

import gzip
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pytest

from auditwake import _core
from auditwake.forwarder.answers import Ack, Counted, Partial, Reject, Split
from auditwake.forwarder.config.model import Backoff
from auditwake.forwarder.encoding import Encoding, Format
from auditwake.forwarder.engine.delivery import MOST_REFUSED, Delivery, Doubt

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


NAMES = dict.fromkeys(("hostname", "service", "index", "host", "log.file.path"), "x" * 300)


def delivery(
    event: dict[str, Any],
    form: Format = "ndjson",
    attributes: Mapping[str, str] = MappingProxyType({}),
    doubt: Doubt | None = None,
) -> Delivery:
    raw = json.dumps(event).encode()
    table = pa.table({"raw": pa.array([raw], pa.binary())})
    encoding = Encoding(format=form, compression="gzip", attributes=attributes)
    prepared = _core.Encoder(encoding).prepare(table, 0)
    (payload,) = prepared.payloads()
    return Delivery(prepared, payload, Backoff(), lambda: 0.5, doubt or Doubt())


@pytest.mark.parametrize("form", ["ndjson", "json", "datadog", "elasticsearch", "splunk", "otlp"])
@pytest.mark.parametrize("most", [20_000, 5_000, 2_000, 100])
def test_a_receiver_that_takes_less_gets_the_event_without_a_body(form: Format, most: int) -> None:
    """413 says nothing of how much: the event loses its response, then its request, and only then it is refused."""
    way = delivery(EVENT, form)
    sizes, shrunk, rejected = [], 0, 0
    while not way.over:
        payload = way.payload
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


@pytest.mark.parametrize("form", ["ndjson", "json", "datadog", "elasticsearch", "splunk", "otlp"])
def test_a_receiver_that_finds_everything_too_large_comes_to_an_end(form: Format) -> None:
    way = delivery({name: value for name, value in EVENT.items() if not name.endswith("Object")}, form, NAMES)
    assert way.answered(Split("413: too large")).rejected == ((0, "413: too large"),)
    assert way.over


def test_a_receiver_that_refuses_every_item_holds_after_a_while() -> None:
    """As Elasticsearch does that lacks the pipeline of an index: no event is to blame."""
    doubt, rejected, held = Doubt(), 0, 0
    for _ in range(200):
        step = delivery(EVENT, doubt=doubt).answered(Partial(rejected=((0, "400: pipeline is missing"),)))
        rejected += len(step.rejected)
        held += step.wait is not None and step.wait.state == "holding"
    assert rejected <= MOST_REFUSED
    assert rejected + held == 200


def test_an_event_without_a_body_is_refused_at_once() -> None:
    way = delivery({name: value for name, value in EVENT.items() if not name.endswith("Object")})
    assert way.answered(Split("413: too large")).rejected == ((0, "413: too large"),)


def test_a_refused_event_is_not_shrunk() -> None:
    assert delivery(EVENT).answered(Reject("400: bad")).rejected == ((0, "400: bad"),)


def test_what_a_receiver_only_counts_is_counted_and_over() -> None:
    way = delivery(EVENT)
    step = way.answered(Counted(1))
    assert (step.taken, step.lost, step.whole, step.wait) == (0, 1, False, None)
    assert way.over
