"""The receivers of lines and of OTLP: what arrives, and what each answer means."""

import gzip
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from auditwake.forwarder.answers import Ack, Answer, Counted, Hold, Reject, Retry, Split
from auditwake.forwarder.config.model import HttpOptions, HttpSink, LogSource, OtlpSink
from auditwake.forwarder.config.secret import Secret
from auditwake.forwarder.sinks.lines import HttpLines
from auditwake.forwarder.sinks.otlp import OtlpLogs, partial_success
from auditwake.forwarder.sinks.outcome import Response
from auditwake.forwarder.sinks.protobuf import fields
from tests.intake import Reply, always
from tests.intake.handmade import array, ndjson, otlp
from tests.intake.lines import Lines
from tests.intake.otlp import OtlpReceiver
from tests.intake.peer import Peer
from tests.tailing.lines import line

CANARY = "canary-0123456789abcdef0123456789"
LINES = [line(number) for number in range(1, 4)]
EVENTS = [json.loads(one) for one in LINES]
SOURCE = LogSource(integration="kubernetes_audit", file=Path("conf.yaml"), path="audit.log", service="audit")


@pytest.fixture
def intake() -> Iterator[Peer]:
    with Peer() as one:
        yield one


def http_lines(intake: Peer, form: str = "ndjson", **options: object) -> HttpLines:
    http = HttpOptions(url=f"{intake.url}/in?key={CANARY}", **options)  # type: ignore[arg-type]
    return intake.using(HttpLines(HttpSink(http=http, body=form)))  # type: ignore[arg-type]


def otlp_logs(intake: Peer, **options: object) -> OtlpLogs:
    http = HttpOptions(url=f"{intake.url}/v1/logs", **options)  # type: ignore[arg-type]
    config = OtlpSink(http=http, resource_attributes={"deployment.environment.name": "test"})
    return intake.using(OtlpLogs(config, "node-1", "c1"))


# --- lines -----------------------------------------------------------------------------------------------------------


def test_lines_arrive_as_they_are(intake: Peer) -> None:
    intake.answer = receiver = Lines()
    sink = http_lines(intake)
    assert sink.send(ndjson(LINES, compressed=True)) == Ack()
    assert receiver.events == EVENTS
    assert intake.requests[0].body == b"".join(LINES)
    assert intake.requests[0].headers["user-agent"].startswith("auditwake/")


def test_an_array_arrives(intake: Peer) -> None:
    intake.answer = receiver = Lines()
    assert http_lines(intake, "json", compression="none").send(array(LINES)) == Ack()
    assert receiver.events == EVENTS


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply(204), Ack()),
        (Reply(400), Reject("400")),
        (Reply(422), Reject("422")),
        (Reply(413), Split("413")),
        *((Reply(status), Retry(str(status))) for status in (408, 425, 429, 500, 502, 503, 504, 599)),
        (Reply(429, {"Retry-After": "3"}), Retry("429", 3.0)),
        (Reply(fault="reset"), Retry("connection")),
    ],
)
def test_what_lines_are_answered(intake: Peer, reply: Reply, answer: Answer) -> None:
    intake.answer = always(reply)
    assert http_lines(intake).send(ndjson(LINES, compressed=True)) == answer


@pytest.mark.parametrize("status", [301, 307, 401, 403, 404, 405, 410])
def test_a_person_is_asked_for(intake: Peer, status: int) -> None:
    intake.answer = always(Reply(status))
    for sink in (http_lines(intake), otlp_logs(intake)):
        answer = sink.send(ndjson(LINES, compressed=True))
        assert isinstance(answer, Hold)
        assert answer.reason.startswith(str(status))


@pytest.mark.parametrize("form", ["ndjson", "json"])
def test_a_check_brings_no_event_and_proves_the_key(intake: Peer, form: str) -> None:
    intake.answer = receiver = Lines(authorization=f"Bearer {CANARY}")
    assert http_lines(intake, form, token=Secret(CANARY)).check() == Ack()
    assert isinstance(http_lines(intake, form).check(), Hold)
    assert receiver.events == []
    # A receiver that finds fault with nothing at all is one that looked at it.
    intake.answer = always(Reply(400))
    assert http_lines(intake, form).check() == Ack()


def test_no_key_is_shown(intake: Peer) -> None:
    intake.answer = always(Reply(403, body=b"no"))
    sink = http_lines(intake, token=Secret(CANARY), headers={"X-Key": Secret(CANARY)})
    shown = f"{sink.describe()} {sink!r} {sink.send(ndjson(LINES, compressed=True))}"
    assert CANARY not in shown


def test_lines_are_encoded_as_configured(intake: Peer) -> None:
    encoding = http_lines(intake, "json", compression="zstd", compression_level=3).encoding(SOURCE, "audit.log")
    assert (encoding.format, encoding.compression, encoding.compression_level) == ("json", "zstd", 3)


# --- OTLP ------------------------------------------------------------------------------------------------------------


def test_records_arrive(intake: Peer) -> None:
    intake.answer = receiver = OtlpReceiver()
    assert otlp_logs(intake).send(otlp(LINES)) == Ack()
    assert [json.loads(record.body.string_value) for record in receiver.records] == EVENTS


def test_records_that_are_rejected_are_counted_and_not_sent_again(
    intake: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    intake.answer = receiver = OtlpReceiver(rejected=2, message="too\x1b[31m old")
    sink = otlp_logs(intake)
    with caplog.at_level(logging.WARNING):
        assert sink.send(otlp(LINES)) == Counted(2)
    assert (len(receiver.records), len(intake.requests)) == (1, 1)
    assert "rejected 2 of 3 records" in caplog.text
    assert "\x1b" not in caplog.text


def test_a_payload_of_which_no_record_is_taken_is_refused(intake: Peer) -> None:
    """Which records it are is known then; they are looked at one by one, and set aside with their places."""
    intake.answer = OtlpReceiver(rejected=3, message="too old")
    assert isinstance(otlp_logs(intake).send(otlp(LINES)), Reject)


def test_a_receiver_that_only_warns_has_taken_all(intake: Peer, caplog: pytest.LogCaptureFixture) -> None:
    intake.answer = OtlpReceiver(message="slow down")
    sink = otlp_logs(intake)
    with caplog.at_level(logging.WARNING):
        assert sink.send(otlp(LINES)) == Ack()
    assert "slow down" in caplog.text


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply(400), Reject("400")),
        (Reply(413), Split("413")),
        *((Reply(status), Retry(str(status))) for status in (429, 502, 503, 504)),
        (Reply(503, {"Retry-After": "3"}), Retry("503", 3.0)),
        (Reply(fault="reset"), Retry("connection")),
    ],
)
def test_what_records_are_answered(intake: Peer, reply: Reply, answer: Answer) -> None:
    intake.answer = always(reply)
    assert otlp_logs(intake).send(otlp(LINES)) == answer


@pytest.mark.parametrize("status", [408, 425, 500, 501, 505])
def test_what_the_specification_would_drop_is_held(intake: Peer, status: int) -> None:
    intake.answer = always(Reply(status))
    assert isinstance(otlp_logs(intake).send(otlp(LINES)), Hold)


def test_a_check_of_otlp_sends_no_record(intake: Peer) -> None:
    intake.answer = receiver = OtlpReceiver()
    assert otlp_logs(intake).check() == Ack()
    assert (len(receiver.requests), receiver.records) == (1, [])


def test_otlp_knows_gzip_only_and_says_whose_log_it_is(intake: Peer) -> None:
    encoding = otlp_logs(intake, compression="zstd", compression_level=19).encoding(SOURCE, "/var/log/audit.log")
    assert (encoding.format, encoding.compression, encoding.compression_level) == ("otlp", "gzip", 9)
    assert encoding.attributes == {
        "host.name": "node-1",
        "k8s.cluster.name": "c1",
        "service.name": "audit",
        "log.file.path": "/var/log/audit.log",
        "deployment.environment.name": "test",
    }


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"\xff" * 30, b"\x0a\x7f", gzip.compress(b"x", mtime=0), b"\x0a\x02\x0a\x00"]
)
def test_an_answer_that_is_none_of_otlp_counts_by_its_status(body: bytes) -> None:
    assert partial_success(Response(200, {}, body)) == (0, "")


@pytest.mark.parametrize(("rejected", "message"), [(0, ""), (1, ""), (2**40, "why"), (3, "ä" * 500)])
def test_answers_are_read_as_opentelemetry_reads_them(rejected: int, message: str) -> None:
    answer = ExportLogsServiceResponse()
    answer.partial_success.rejected_log_records = rejected
    answer.partial_success.error_message = message
    number, text = partial_success(Response(200, {}, answer.SerializeToString()))
    assert number == rejected
    assert bool(text) == bool(message)
    assert text.isascii()


@pytest.mark.parametrize("message", [b"\x08", b"\x12\x05ab", b"\x0b", b"\x09\x00", b"\x08" + b"\xff" * 20])
def test_what_is_no_message_is_an_error(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"breaks off|wire type"):
        list(fields(message))
