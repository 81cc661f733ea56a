"""What a receiver does, and what the client of all sinks makes of it."""

import gzip
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from auditwake.errors import SinkError
from auditwake.forwarder.answers import Ack, Answer, Hold, Reject, Retry, Split
from auditwake.forwarder.config.model import HttpOptions
from auditwake.forwarder.config.secret import Secret, SecretFile
from auditwake.forwarder.sinks.http import Failure, HeaderValue, HttpClient, Outcome, Response, classify
from auditwake.forwarder.sinks.outcome import excerpt, retry_after
from tests.intake import Intake, Reply, always

CANARY = "canary-0123456789abcdef0123456789"
BODY = gzip.compress(b"{}")


@pytest.fixture
def intake() -> Iterator[Intake]:
    with Intake() as one:
        yield one


def send(url: str, body: bytes = BODY, said: Mapping[str, HeaderValue] | None = None, **options: Any) -> Outcome:  # noqa: ANN401
    """Send a body once, with a client of its own."""
    with closing(HttpClient(HttpOptions(url=url, **options))) as client:
        return client.post(body, said)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (Reply(200), Ack()),
        (Reply(202), Ack()),
        (Reply(400), Reject("400")),
        (Reply(413), Split("413")),
        (Reply(408), Retry("408")),
        (Reply(429, {"Retry-After": "7"}), Retry("429", 7.0)),
        (Reply(500), Retry("500")),
        (Reply(503, {"Retry-After": "999999"}), Retry("503", 3600.0)),
        (Reply(fault="reset"), Retry("connection")),
        (Reply(fault="half_closed"), Retry("connection")),
        (Reply(fault="garbage"), Retry("protocol")),
    ],
)
def test_each_answer_has_one_meaning(intake: Intake, reply: Reply, answer: Answer) -> None:
    intake.answer = always(reply)
    assert classify(send(intake.url)) == answer


@pytest.mark.parametrize("status", [301, 302, 307, 401, 403, 404, 405, 407, 410, 418, 451])
def test_what_a_person_has_to_change_holds(intake: Intake, status: int) -> None:
    intake.answer = always(Reply(status, {"Location": f"{intake.url}/elsewhere"}))
    answer = classify(send(intake.url))
    assert isinstance(answer, Hold)
    assert str(status) in answer.reason
    assert [request.path for request in intake.requests] == ["/"], "a redirect was followed"


def test_a_connection_that_is_reset_before_the_body_is_read(intake: Intake) -> None:
    intake.before = lambda _request: Reply(fault="reset")
    assert classify(send(intake.url, b"x" * 8_000_000)) == Retry("connection")


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert classify(send(f"http://127.0.0.1:{free.getsockname()[1]}/")) == Retry("connection")


def test_an_answer_that_does_not_come_in_time(intake: Intake) -> None:
    intake.answer = always(Reply(202, delay=5))
    assert classify(send(intake.url, timeout=0.1)) == Retry("timeout")


def test_plain_http_where_tls_is_expected(intake: Intake) -> None:
    assert classify(send(intake.url.replace("http:", "https:"))) == Retry("tls")


def test_secrets_reach_the_header_and_nothing_else(intake: Intake, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{CANARY}\n")
    key = SecretFile(tmp_path / "key")
    secrets: dict[str, Any] = {"headers": {"X-More": Secret(CANARY)}, "token": Secret(CANARY)}
    outcome = send(intake.url, BODY, {"X-Key": key}, **secrets)
    assert isinstance(outcome, Response)
    said = intake.requests[0].headers
    assert (said["x-key"], said["x-more"], said["authorization"]) == (CANARY, CANARY, f"Bearer {CANARY}")
    assert intake.requests[0].body == b"{}"
    assert CANARY not in repr(outcome)


@pytest.mark.parametrize("text", [None, "with\nnewline", "schlüssel"])
def test_a_key_that_cannot_be_sent_holds(intake: Intake, tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "key").write_text(text)
    outcome = send(intake.url, said={"X-Key": SecretFile(tmp_path / "key")})
    assert isinstance(outcome, Failure)
    assert isinstance(classify(outcome), Hold)
    assert intake.seen == 0
    assert text is None or text not in outcome.detail


def test_a_key_file_is_read_again(intake: Intake, tmp_path: Path) -> None:
    file = tmp_path / "key"
    for text in ("first", "second one"):
        file.write_text(text)
        send(intake.url, said={"X-Key": SecretFile(file)})
    assert [request.headers["x-key"] for request in intake.requests] == ["first", "second one"]


@pytest.mark.parametrize("url", ["", "ftp://host/", "host/path", "http://", f"https://:{CANARY}@"])
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(SinkError) as caught:
        HttpClient(HttpOptions(url=url))
    assert caught.value.needs_a_person
    assert CANARY not in str(caught.value)


def test_certificates_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    given: list[dict[str, Any]] = [{"ca_file": tmp_path / "ca.pem"}, {"client_cert_file": tmp_path / "none.pem"}]
    for options in given:
        with pytest.raises(SinkError, match=r"\.pem"):
            HttpClient(HttpOptions(url="https://127.0.0.1/", **options))


def test_retry_after() -> None:
    assert retry_after("-1", 0) is None
    assert retry_after("1" * 400, 0) == 3600
    assert retry_after("Thu, 01 Jan 1970 00:00:10 GMT", 20.0) == 0


def test_an_answer_is_shown_only_where_it_cannot_quote_an_event() -> None:
    assert (
        excerpt(b"\xff\x1b]0;x\x07" + b"a" * 1000) == ascii("\N{REPLACEMENT CHARACTER}\x1b]0;x\x07" + "a" * 1000)[:200]
    )
    for status in (400, 409, 413, 422, 429, 500, 503):
        assert CANARY not in repr(classify(Response(status, {}, CANARY.encode())))
