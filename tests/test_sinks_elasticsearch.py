"""`_bulk`: an answer for each document."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditwake.errors import SinkError
from auditwake.forwarder.answers import Ack, Answer, Hold, Partial, Reject, Retry, Split
from auditwake.forwarder.config.model import ElasticsearchSink, HttpOptions, LogSource
from auditwake.forwarder.config.secret import Secret
from auditwake.forwarder.sinks.elasticsearch import ElasticsearchBulk, check_index, read_items
from tests.intake import Reply, always
from tests.intake.bulk import Bulk, Verdict
from tests.intake.handmade import bulk, payload
from tests.intake.peer import Peer
from tests.tailing.lines import line, number_of

CANARY = "canary-0123456789abcdef0123456789"
LINES = [line(number) for number in range(10)]
SOURCE = LogSource(integration="kubernetes_audit", file=Path("conf.yaml"), path="audit.log")


@pytest.fixture
def intake() -> Iterator[Peer]:
    with Peer() as one:
        yield one


def sink(intake: Peer, index: str = "logs-kubernetes.audit-default", **options: Any) -> ElasticsearchBulk:  # noqa: ANN401
    return intake.using(
        ElasticsearchBulk(ElasticsearchSink(http=HttpOptions(url=f"{intake.url}/", **options), index=index))
    )


def number(document: dict[str, Any]) -> int:
    return number_of(document["objectRef"]["name"])


def test_documents_arrive_once_however_often_they_are_sent(intake: Peer) -> None:
    intake.answer = cluster = Bulk()
    sending = sink(intake)
    assert [sending.send(bulk(LINES)) for _ in range(2)] == [Ack(), Ack()]
    assert [number(document) for document in cluster.documents.values()] == list(range(10))
    assert cluster.indexes == {"logs-kubernetes.audit-default"}


def test_each_document_has_its_answer(intake: Peer) -> None:
    def verdict(document: dict[str, Any], attempt: int) -> Verdict:
        if number(document) == 3:
            return 400, "document_parsing_exception", "failed to parse\x1b[31m " + "x" * 1000
        if number(document) in (5, 6) and attempt == 0:
            return 429, "es_rejected_execution_exception", "queue is full"
        if number(document) == 8 and attempt == 0:
            return 503, "unavailable_shards_exception", "primary shard is not active"
        return None

    intake.answer = cluster = Bulk(verdict)
    sending = sink(intake)
    answer = sending.send(bulk(LINES))
    assert isinstance(answer, Partial)
    assert answer.retry == (5, 6, 8)
    assert "429, 503" in answer.reason
    ((at, why),) = answer.rejected
    assert at == 3
    assert why.startswith("400 document_parsing_exception: failed to parse\\x1b[31m")
    assert len(why) < 300
    assert sending.send(bulk([LINES[at] for at in answer.retry])) == Ack()
    assert sorted(map(number, cluster.documents.values())) == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_when_no_document_is_taken_now_the_same_payload_comes_again(intake: Peer) -> None:
    intake.answer = Bulk(lambda _document, attempt: (429, "busy", "queue is full") if attempt == 0 else None)
    sending = sink(intake)
    assert sending.send(bulk(LINES)) == Retry("all events: 429")
    assert sending.send(bulk(LINES)) == Ack()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_missing_right_is_no_fault_of_a_document(intake: Peer, status: int) -> None:
    intake.answer = Bulk(lambda document, _attempt: (status, "error", "no") if number(document) == 1 else None)
    assert isinstance(sink(intake).send(bulk(LINES)), Hold)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply(400), Reject("400")),
        (Reply(413), Split("413")),
        (Reply(429, {"Retry-After": "2"}), Retry("429", 2.0)),
        (Reply(503), Retry("503")),
        (Reply(fault="reset", taken=True), Retry("connection")),
    ],
)
def test_what_a_request_is_answered(intake: Peer, reply: Reply, answer: Answer) -> None:
    intake.answer = always(reply)
    assert sink(intake).send(bulk(LINES)) == answer


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"errors":false,"items":[]}',
        b'{"errors":true,"items":[{}]}',
        b'{"errors":true,"items":[{"create":{}}]}',
        b'{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":201}}]}',
        b"[" * 100_000,
    ],
)
def test_an_answer_that_says_nothing_of_the_documents_is_no_acknowledgement(body: bytes) -> None:
    assert isinstance(read_items(body, 1), Retry | Hold)


def test_a_body_without_its_last_newline_is_refused_whole(intake: Peer) -> None:
    intake.answer = cluster = Bulk()
    assert sink(intake, compression="none").send(payload(b'{"create":{"_id":"1"}}\n{}', 1)) == Reject("400")
    assert cluster.documents == {}


@pytest.mark.parametrize(
    ("options", "authorization"),
    [
        ({"headers": {"Authorization": Secret(f"ApiKey {CANARY}")}}, f"ApiKey {CANARY}"),
        ({"token": Secret(CANARY)}, f"Bearer {CANARY}"),
        ({"username": "elastic", "password": Secret("pass")}, "Basic ZWxhc3RpYzpwYXNz"),
    ],
)
def test_each_way_to_say_who_we_are(intake: Peer, options: dict[str, Any], authorization: str) -> None:
    intake.answer = Bulk(authorization=authorization)
    known, unknown = sink(intake, **options), sink(intake)
    assert (known.check(), known.send(bulk(LINES))) == (Ack(), Ack())
    assert isinstance(unknown.check(), Hold)
    answer = unknown.send(bulk(LINES))
    assert isinstance(answer, Hold)
    assert CANARY not in f"{answer} {known.describe()} {known!r}"


def test_a_check_writes_nothing(intake: Peer) -> None:
    intake.answer = cluster = Bulk()
    assert sink(intake).check() == Ack()
    assert [request.method for request in intake.requests] == ["GET"]
    assert cluster.documents == {}


def test_the_index_stands_in_the_url_and_in_the_encoding(intake: Peer) -> None:
    intake.answer = cluster = Bulk()
    sending = sink(intake, "logs-a")
    assert sending.send(bulk(LINES[:1])) == Ack()
    assert cluster.indexes == {"logs-a"}
    encoding = sending.encoding(SOURCE, "audit.log")
    assert (encoding.format, encoding.attributes) == ("elasticsearch", {"index": "logs-a"})


@pytest.mark.parametrize(
    "name", ["", ".", "..", "Logs", "-logs", "_logs", "+logs", "a b", "a/b", "a*", "a,b", "a#", "a:b", 'a"', "ä" * 128]
)
def test_names_that_no_index_has(name: str) -> None:
    with pytest.raises(SinkError, match="index") as caught:
        check_index(name)
    assert caught.value.needs_a_person
