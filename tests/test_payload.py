"""The core's encoder: what each format is for those who decode it, and what it refuses."""

import gzip
import io
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import pyarrow as pa
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

import auditwake as aw
from auditwake import _core
from auditwake.forwarder.config.model import ProcessingRule
from auditwake.forwarder.encoding import Encoding, Format

MADE = 1_789_898_400_123
ATTRIBUTES: Mapping[str, str] = MappingProxyType(
    {"hostname": "node-1", "service": "audit", "ddsource": "kubernetes.audit", "host": "node-1", "index": "audit"}
)
EVENT = (
    b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a","stage":"Panic",'
    b'"verb":"get","responseStatus":{"code":%d},"user":{"username":"u"}}'
)


def encoding(kind: str, **changes: object) -> Encoding:
    given = Encoding(format="ndjson", attributes=ATTRIBUTES)
    return replace(given, **{"format": kind, **changes})  # type: ignore[arg-type]  # of the fields


def prepare(log: str | bytes, encoder: _core.Encoder) -> _core.Prepared:
    source = log if isinstance(log, str) else io.BytesIO(log)
    return encoder.prepare(aw.read(source, columns=encoder.columns, raw=True, bodies=False), MADE)


def policy_of(text: str) -> _core.Evaluator:
    return aw.policy.Policy(aw.policy.loads(text))._core  # noqa: SLF001  # one package


def lines_of(log: object) -> list[bytes]:
    table = pa.table(aw.read(str(log), columns=["raw"], raw=True))
    return [row.as_py() for row in table["raw"]]


def datadog(body: bytes) -> list[bytes]:
    logs = json.loads(body)
    assert all(list(log) == ["message", "status", "timestamp", "hostname", "service", "ddsource"] for log in logs)
    assert {(log["status"], log["timestamp"], log["ddsource"]) for log in logs} == {("info", MADE, "kubernetes.audit")}
    return [log["message"].encode() for log in logs]


def otlp(body: bytes) -> list[bytes]:
    request = ExportLogsServiceRequest.FromString(body)
    (resource,) = request.resource_logs
    assert {pair.key: pair.value.string_value for pair in resource.resource.attributes} == dict(ATTRIBUTES)
    (scope,) = resource.scope_logs
    assert scope.scope.name == "auditwake"
    for record in scope.log_records:
        event = json.loads(record.body.string_value)
        values = {pair.key: pair.value for pair in record.attributes}
        assert record.observed_time_unix_nano == MADE * 1_000_000
        assert record.time_unix_nano > 0
        assert values["k8s.audit.event.stage"].string_value == event["stage"]
        assert values["k8s.user.username"].string_value == event["user"]["username"]
        code = event.get("responseStatus", {}).get("code")
        assert values["k8s.audit.event.response.code"].int_value == code if code else True
        assert record.severity_number == (17 if (code or 0) >= 500 else 13 if (code or 0) >= 400 else 9)
        for key, value in event.get("annotations", {}).items():
            assert values[f"k8s.audit.event.annotation.{key}"].string_value == value
        assert ("k8s.audit.event.object_ref.resource" in values) == ("resource" in event.get("objectRef", {}))
    return [record.body.string_value.encode() for record in scope.log_records]


def elasticsearch(body: bytes) -> list[bytes]:
    lines = body.splitlines()
    actions = [json.loads(line)["create"]["_id"] for line in lines[::2]]
    assert len({*actions}) == len({*lines[1::2]})
    events = [json.loads(line) for line in lines[1::2]]
    assert all(next(iter(event)) == "@timestamp" for event in events)
    assert all(event["@timestamp"] == event["stageTimestamp"] for event in events)
    return [b"{" + line.split(b",", 1)[1] for line in lines[1::2]]


def splunk(body: bytes) -> list[bytes]:
    events = [json.loads(line) for line in body.splitlines()]
    assert all((event["host"], event["index"], event["time"] > 1e9) == ("node-1", "audit", True) for event in events)
    return [line.split(b'"event":', 1)[1][:-1] for line in body.splitlines()]


DECODERS: Mapping[Format, Callable[[bytes], list[bytes]]] = {
    "ndjson": bytes.splitlines,
    "json": lambda body: [json.dumps(event).encode() for event in json.loads(body)],
    "datadog": datadog,
    "otlp": otlp,
    "elasticsearch": elasticsearch,
    "splunk": splunk,
}


@pytest.mark.parametrize("format", DECODERS)
def test_a_format_is_what_others_read(format: Format) -> None:  # noqa: A002
    encoder = _core.Encoder(encoding(format, max_events=700, max_bytes=300_000))
    prepared = prepare(str(aw.demo.LOG), encoder)
    payloads = prepared.payloads()
    events = [event for payload in payloads for event in DECODERS[format](payload.body)]
    wanted = lines_of(aw.demo.LOG)
    if format == "json":
        wanted = [json.dumps(json.loads(line)).encode() for line in wanted]
    assert events == wanted
    assert len(payloads) > 1
    assert all(payload.events <= 700 and len(payload.body) == payload.bytes <= 300_000 for payload in payloads)
    assert [index for payload in payloads for index in payload.indexes] == [*range(prepared.events)]
    assert prepared.lines().splitlines() == lines_of(aw.demo.LOG)
    assert prepared.bytes == sum(map(len, lines_of(aw.demo.LOG)))
    assert prepared.last_event is not None
    file, offset = prepared.place(1)
    assert (file, offset) == (str(aw.demo.LOG), len(prepared.event(0)) + 1)


def test_compressed_payloads_are_the_same_each_time() -> None:
    plain = prepare(str(aw.demo.LOG), _core.Encoder(encoding("ndjson"))).payloads()
    for compression in ("gzip", "zstd"):
        encoder = _core.Encoder(encoding("ndjson", compression=compression, compression_level=3))
        one, other = (prepare(str(aw.demo.LOG), encoder).payloads() for _ in range(2))
        assert [payload.body for payload in one] == [payload.body for payload in other]
        unpacked = [
            gzip.decompress(payload.body)
            if compression == "gzip"
            else pa.CompressedInputStream(pa.BufferReader(payload.body), "zstd").read()
            for payload in one
        ]
        assert unpacked == [payload.body for payload in plain]


def test_policy_then_rules() -> None:
    policy = policy_of(
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n  verbs: [watch]\n- level: Metadata\n"
    )
    rules = [
        ProcessingRule(name="no lists", type="exclude_at_match", pattern='"verb":"list"'),
        ProcessingRule(
            name="mask", type="mask_sequences", pattern='"auditID":"[^"]*"', replace_placeholder='"auditID":"*"'
        ),
    ]
    encoder = _core.Encoder(encoding("ndjson"), rules, policy)
    prepared = prepare(str(aw.demo.LOG), encoder)
    events = [json.loads(line) for line in prepared.lines().splitlines()]
    before = [json.loads(line) for line in lines_of(aw.demo.LOG)]
    assert prepared.read == len(before) == prepared.events + prepared.policy_dropped + prepared.excluded
    assert prepared.policy_dropped == sum(event["verb"] == "watch" for event in before)
    assert prepared.excluded == sum(event["verb"] == "list" for event in before)
    assert prepared.masked == prepared.events == len(events)
    assert {event["auditID"] for event in events} == {"*"}
    assert {event["level"] for event in events} == {"Metadata"}


def test_what_a_mask_hides_is_in_no_attribute() -> None:
    rule = ProcessingRule(
        name="mask", type="mask_sequences", pattern=r'"username":"[^"]*"', replace_placeholder='"username":"-"'
    )
    event = EVENT % 200 + b"\n"
    for format in DECODERS:  # noqa: A001
        encoder = _core.Encoder(encoding(format), [rule])
        (payload,) = prepare(event.replace(b'"u"', b'"secret-canary"'), encoder).payloads()
        assert b"canary" not in payload.body


def test_an_event_that_is_no_json_is_text() -> None:
    cut = b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a","stage":"ResponseComplete"'
    log = cut + b',"verb":"get","requestObject":{"a":"b\n'
    for format in ("ndjson", "datadog", "splunk", "elasticsearch"):  # noqa: A001
        prepared = prepare(log, _core.Encoder(encoding(format)))
        assert prepared.events == 1
        (payload,) = prepared.payloads()
        assert all(json.loads(line) for line in payload.body.splitlines())
        assert b"requestObject" in payload.body


def test_a_policy_ships_nothing_that_it_cannot_reduce() -> None:
    cut = b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"a","stage":"ResponseComplete"'
    policy = policy_of("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n")
    encoder = _core.Encoder(encoding("datadog"), (), policy)
    prepared = prepare(cut + b',"verb":"get","requestObject":{"a":"b\n', encoder)
    assert (prepared.read, prepared.events, len(prepared.rejected)) == (1, 0, 1)
    assert prepared.payloads() == []


def test_an_event_that_is_too_large() -> None:
    large = EVENT[:-1] % 200 + b',"requestObject":{"a":1},"responseObject":{"a":"%s"}}' % (b"x" * 2000)
    hopeless = EVENT[:-1] % 200 + b',"unknown":"%s"}' % (b"x" * 2000)
    log = b"\n".join([EVENT % 200, large, hopeless, EVENT % 201, b""])
    prepared = prepare(log, _core.Encoder(encoding("datadog", max_event_bytes=1000)))
    (payload,) = prepared.payloads()
    assert (payload.indexes, payload.shrunk, payload.oversized) == ([0, 1, 3], [1], [2])
    message = json.loads(json.loads(payload.body)[1]["message"])
    assert message["annotations"] == {"audit.k8s.io/truncated": "true"}
    assert message["requestObject"] == {"a": 1}
    assert "responseObject" not in message
    (alone,) = prepared.payloads(2, 3)
    assert (alone.body, alone.events, alone.oversized, alone.start, alone.stop) == (b"", 0, [2], 2, 3)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"pattern": "a(b"}, "processing rule 'mine': the pattern 'a\\(b' is no regular expression: unclosed group"),
        ({"pattern": "(?=a)"}, "look-around"),
        ({"type": "multi_line"}, "no type 'multi_line'"),
    ],
)
def test_a_rule_that_is_none(rule: dict[str, str], message: str) -> None:
    given = replace(ProcessingRule(name="mine", type="exclude_at_match", pattern="a"), **rule)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        _core.Encoder(encoding("ndjson"), [given])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "xml"}, "no format 'xml'"),
        ({"compression": "brotli"}, "no compression 'brotli'"),
        ({"compression": "zstd", "compression_level": 23}, "levels from 1 to 22"),
        ({"max_events": 0}, "max_events"),
    ],
)
def test_an_encoding_that_is_none(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _core.Encoder(encoding("ndjson", **changes))


def test_batches_without_what_it_needs() -> None:
    encoder = _core.Encoder(encoding("ndjson"))
    with pytest.raises(ValueError, match="raw=True"):
        encoder.prepare(aw.read(aw.demo.LOG, columns=["verb"]), MADE)
    with pytest.raises(ValueError, match="null in"):
        encoder.prepare(aw.read(aw.demo.LOG, columns=["raw"]), MADE)
    prepared = prepare(EVENT % 200 + b"\n", encoder)
    with pytest.raises(IndexError, match="no event 1"):
        prepared.event(1)
    with pytest.raises(AttributeError):
        prepared.events = 2


def test_threads_share_one() -> None:
    policy = policy_of("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n")
    encoder = _core.Encoder(encoding("datadog", compression="zstd"), (), policy)
    wanted = [payload.body for payload in prepare(str(aw.demo.LOG), encoder).payloads()]
    found: list[list[bytes]] = []
    prepared = prepare(str(aw.demo.LOG), encoder)

    def work() -> None:
        found.append([payload.body for payload in prepare(str(aw.demo.LOG), encoder).payloads()])
        found.append([payload.body for payload in prepared.payloads()])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 8
