"""Every sink that is configured is made, sends what the core encodes, and shows no key."""

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest

import auditwake as aw
from auditwake import _core
from auditwake.forwarder.answers import Ack
from auditwake.forwarder.config import model
from auditwake.forwarder.config.secret import Secret
from auditwake.forwarder.sinks.make import make
from auditwake.forwarder.sinks.sink import PayloadSink, TableSink
from tests.intake.bulk import Bulk
from tests.intake.hec import Hec
from tests.intake.lines import Lines
from tests.intake.otlp import OtlpReceiver
from tests.intake.peer import Peer
from tests.tailing.lines import line

CANARY = "canary-0123456789abcdef0123456789"
LINES = [line(number) for number in range(1, 51)]
EVENTS = [json.loads(one) for one in LINES]
SOURCE = model.LogSource(integration="kubernetes_audit", file=Path("conf.yaml"), path="audit.log", service="audit")

Receiver = tuple[Any, Callable[[Any], list[Any]]]


@pytest.fixture
def intake() -> Iterator[Peer]:
    with Peer() as one:
        yield one


def configurations(url: str, folder: Path) -> list[model.SinkConfig]:
    """Give one of each type, keys in every place that can have one."""
    secret = Secret(CANARY)
    http = model.HttpOptions(url=f"{url}/in?key={CANARY}", token=secret, headers={"X-Key": secret})
    return [
        model.DatadogSink(http=http, api_key=secret),
        model.HttpSink(http=http),
        model.OtlpSink(http=http),
        model.ElasticsearchSink(http=http),
        model.SplunkSink(http=http, hec_token=secret),
        model.FileSink(path=folder / "file"),
        model.StdoutSink(),
        model.ParquetSink(directory=folder / "parquet"),
        model.DeltaSink(table=str(folder / "delta"), storage_options={"key": secret}),
    ]


def methods(protocol: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(protocol, inspect.isfunction) if not name.startswith("_")}


def test_each_type_is_made_and_shows_no_key(intake: Peer, tmp_path: Path) -> None:
    made = [intake.using(make(config, "node-1", "c1")) for config in configurations(intake.url, tmp_path)]
    assert len({type(sink) for sink in made}) == 9
    for sink, config in zip(made, configurations(intake.url, tmp_path), strict=True):
        table = isinstance(config, model.ParquetSink | model.DeltaSink)
        assert methods(TableSink if table else PayloadSink) <= {name for name in dir(sink) if name[0] != "_"}
        assert sink.name == config.name
        assert CANARY not in f"{sink.describe()} {sink!r}"
        assert "\n" not in sink.describe()


def encoded(sink: PayloadSink) -> "list[_core.Payload]":
    """Read the lines as an agent does, and encode them for a sink."""
    encoder = _core.Encoder(sink.encoding(SOURCE, "/var/log/audit.log"))
    rows = pa.table(aw.read(_log(), columns=encoder.columns, raw=True, bodies=False)).combine_chunks()
    prepared = encoder.prepare(rows.to_batches()[0], 1_764_000_000_000)
    assert prepared.events == len(LINES)
    return prepared.payloads()


def _log() -> Any:  # noqa: ANN401  # a file object
    import io

    return io.BytesIO(b"".join(LINES))


def of_bulk(cluster: Bulk) -> list[Any]:
    """Documents are the events, with a time in front."""
    documents: list[Any] = list(cluster.documents.values())
    assert all(document.pop("@timestamp") for document in documents)
    return documents


RECEIVERS: dict[str, Callable[[], Receiver]] = {
    "ndjson": lambda: (Lines(), lambda lines: lines.events),
    "json": lambda: (Lines(), lambda lines: lines.events),
    "otlp": lambda: (
        OtlpReceiver(),
        lambda receiver: [json.loads(record.body.string_value) for record in receiver.records],
    ),
    "elasticsearch": lambda: (Bulk(), of_bulk),
    "splunk": lambda: (Hec(CANARY), lambda collector: [event["event"] for event in collector.events]),
}


@pytest.mark.parametrize("most", [7, 10_000])
@pytest.mark.parametrize("form", RECEIVERS)
def test_what_the_core_encodes_arrives(intake: Peer, form: str, most: int) -> None:
    receiver, events = RECEIVERS[form]()
    intake.answer = receiver
    batching = model.Batching(max_events=most)
    http = model.HttpOptions(url=intake.url)
    configs: dict[str, model.SinkConfig] = {
        "ndjson": model.HttpSink(http=http, batching=batching),
        "json": model.HttpSink(http=http, body="json", batching=batching),
        "otlp": model.OtlpSink(http=model.HttpOptions(url=f"{intake.url}/v1/logs"), batching=batching),
        "elasticsearch": model.ElasticsearchSink(http=http, batching=batching),
        "splunk": model.SplunkSink(
            http=model.HttpOptions(url=f"{intake.url}/services/collector/event"),
            hec_token=Secret(CANARY),
            batching=batching,
        ),
    }
    sink = cast("PayloadSink", intake.using(make(configs[form], "node-1", "c1")))
    payloads = encoded(sink)
    assert len(payloads) == -(-len(LINES) // most)
    assert {sink.send(payload) for payload in payloads} == {Ack()}
    assert events(receiver) == EVENTS


def test_what_the_core_encodes_is_appended(tmp_path: Path) -> None:
    sink = cast("PayloadSink", make(model.FileSink(path=tmp_path / "out"), "node-1"))
    assert {sink.send(payload) for payload in encoded(sink)} == {Ack()}
    sink.close()
    assert (tmp_path / "out").read_bytes() == b"".join(LINES)
