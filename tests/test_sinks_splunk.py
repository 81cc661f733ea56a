"""HEC: codes, tokens, and acknowledgement by the indexer."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditwake.forwarder.answers import Ack, Hold, Reject, Retry, Split
from auditwake.forwarder.config.model import HttpOptions, LogSource, SplunkSink
from auditwake.forwarder.config.secret import Secret, SecretFile
from auditwake.forwarder.sinks.outcome import Response
from auditwake.forwarder.sinks.splunk import FOR_A_PERSON, FOR_AN_EVENT, LATER, SplunkCollector, read_answer
from tests.intake import Reply, always
from tests.intake.handmade import hec, payload
from tests.intake.hec import Hec
from tests.intake.peer import Peer
from tests.tailing.lines import line
from tests.tailing.processes import wait_until

TOKEN = "canary-0123456789abcdef0123456789"  # noqa: S105
LINES = [line(number) for number in range(1, 4)]
EVENTS = [json.loads(one) for one in LINES]
SOURCE = LogSource(integration="kubernetes_audit", file=Path("conf.yaml"), path="audit.log")
NONSENSE = (b"", b"<html>", b"[]", b'{"code":"0"}', b'{"code":[]}', b"[" * 100_000)
EVENT_PATH = "/services/collector/event"


@pytest.fixture
def intake() -> Iterator[Peer]:
    with Peer() as one:
        yield one


def sink(
    intake: Peer, token: Secret | SecretFile | None = None, *, ack: bool = False, patience: float = 10.0
) -> SplunkCollector:
    http = HttpOptions(url=f"{intake.url}{EVENT_PATH}")
    config = SplunkSink(http=http, hec_token=token or Secret(TOKEN), ack=ack)
    return intake.using(SplunkCollector(config, "node-1", patience))


def test_events_arrive(intake: Peer) -> None:
    intake.answer = collector = Hec(TOKEN)
    assert sink(intake).send(hec(LINES)) == Ack()
    assert [event["event"] for event in collector.events] == EVENTS


def test_with_ack_a_payload_is_taken_when_the_indexer_says_so(intake: Peer) -> None:
    intake.answer = collector = Hec(TOKEN, ack=True, patience=2)
    assert sink(intake, ack=True).send(hec(LINES)) == Ack()
    assert collector.asked == 3
    channels = {request.headers["x-splunk-request-channel"] for request in intake.requests}
    assert len(channels) == 1


def test_what_the_indexer_does_not_confirm_is_sent_again(intake: Peer) -> None:
    intake.answer = collector = Hec(TOKEN, ack=True, patience=None)
    sending = sink(intake, ack=True, patience=0.15)
    answers = [sending.send(hec(LINES)) for _ in range(2)]
    assert answers == [Retry("the indexer has not acknowledged it in time")] * 2
    first, second = (request for request in intake.requests if request.path == EVENT_PATH)
    assert first.digest == second.digest
    assert len(collector.events) == 6


def test_many_threads_wait_each_for_its_own_number(intake: Peer) -> None:
    intake.answer = collector = Hec(TOKEN, ack=True, patience=1)
    sending = sink(intake, ack=True)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(sending.send(hec(LINES)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [Ack()] * 4
    assert len(collector.events) == 12


def test_closing_ends_the_waiting(intake: Peer) -> None:
    intake.answer = collector = Hec(TOKEN, ack=True, patience=None)
    sending = sink(intake, ack=True, patience=600)
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(sending.send(hec(LINES))))
    waiting.start()
    wait_until(lambda: collector.asked > 0, lambda: collector.asked)
    sending.close()
    waiting.join(10)
    assert [type(answer) for answer in answers] == [Retry]


@pytest.mark.parametrize("ack", [False, True])
def test_settings_that_do_not_fit_each_other_are_for_a_person(intake: Peer, ack: bool) -> None:  # noqa: FBT001
    intake.answer = Hec(TOKEN, ack=ack)
    answer = sink(intake, ack=not ack).send(hec(LINES))
    assert isinstance(answer, Hold)
    assert "ack" in answer.reason


def test_a_wrong_token_holds_and_is_not_shown(intake: Peer, tmp_path: Path) -> None:
    intake.answer = collector = Hec(TOKEN)
    file = tmp_path / "token"
    file.write_text("wrong-0123456789abcdef0123456789")
    sending = sink(intake, SecretFile(file))
    answer = sending.send(hec(LINES))
    assert isinstance(answer, Hold)
    assert "code 4" in answer.reason
    file.write_text(f"{TOKEN}\n")
    assert sending.send(hec(LINES)) == Ack()
    assert len(collector.events) == 3
    assert TOKEN not in f"{answer} {sending.describe()} {sending!r}"
    file.unlink()
    assert isinstance(sending.send(hec(LINES)), Hold)
    assert "not readable" in sending.describe()


def test_a_wrong_index_holds(intake: Peer) -> None:
    intake.answer = collector = Hec(TOKEN)
    answer = sink(intake).send(hec(LINES, "nowhere"))
    assert isinstance(answer, Hold)
    assert "index" in answer.reason
    assert collector.events == []


@pytest.mark.parametrize("broken", [b"{", b'{"time":1}', b'{"event":""}'])
def test_an_event_that_is_never_taken_is_looked_for_by_halves(intake: Peer, broken: bytes) -> None:
    intake.answer = collector = Hec(TOKEN)
    body = b'{"event":{}}\n' + broken
    sending = sink(intake)
    assert isinstance(sending.send(payload(body, 2, compressed=True)), Reject)
    assert isinstance(sending.send(payload(broken, 1, compressed=True)), Reject)
    assert sending.send(payload(b'{"event":{}}', 1, compressed=True)) == Ack()
    assert collector.events == [{"event": {}}]


@pytest.mark.parametrize(("code", "kind"), [(8, Retry), (9, Retry), (99, Hold)])
def test_what_codes_mean(intake: Peer, code: int, kind: type) -> None:
    intake.answer = collector = Hec(TOKEN)
    collector.code = code
    assert isinstance(sink(intake).send(hec(LINES)), kind)


def test_every_code_has_one_meaning() -> None:
    assert FOR_A_PERSON.keys() & FOR_AN_EVENT.keys() == set()
    assert LATER.keys() & (FOR_A_PERSON.keys() | FOR_AN_EVENT.keys()) == set()
    for status in (400, 403, 500, 503):
        for codes, kind in ((FOR_A_PERSON, Hold), (FOR_AN_EVENT, Reject), (LATER, Retry)):
            assert {type(read_answer(Response(status, {}, b""), {"code": code})) for code in codes} == {kind}
    # Such as the collector's own page of health, which takes no event.
    assert isinstance(read_answer(Response(200, {}, b""), {"code": 17}), Hold)
    assert read_answer(Response(200, {}, b""), {"code": 0}) == Ack()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(413), Split),
        (Reply(503), Retry),
        (Reply(404), Hold),
        *((Reply(status, body=body), Hold) for status in (200, 400) for body in NONSENSE),
    ],
)
def test_without_a_code_the_status_counts(intake: Peer, reply: Reply, kind: type) -> None:
    intake.answer = always(reply)
    assert isinstance(sink(intake).send(hec(LINES)), kind)


def test_a_check_sends_no_event(intake: Peer) -> None:
    intake.answer = collector = Hec(TOKEN)
    assert sink(intake).check() == Ack()
    assert isinstance(sink(intake, Secret("wrong" * 8)).check(), Hold)
    assert collector.events == []
    collector.code = 9
    assert sink(intake).check() == Ack()


def test_an_event_says_where_it_is_from(intake: Peer) -> None:
    attributes = sink(intake).encoding(SOURCE, "/var/log/audit.log").attributes
    assert attributes == {"host": "node-1", "source": "/var/log/audit.log", "sourcetype": "kube:audit"}
