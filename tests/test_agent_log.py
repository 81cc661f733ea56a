"""The agent's own logs: one line a message, stable fields, no secret, and no flood."""

import base64
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditwake.forwarder.config.model import HttpOptions
from auditwake.forwarder.config.secret import Secret, SecretFile
from auditwake.forwarder.log import RepeatFilter, register_secret, register_secrets, setup_logging
from auditwake.forwarder.scrub import scrub

logger = logging.getLogger("auditwake.tests")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    root = logging.getLogger("auditwake")
    root.handlers = [one for one in root.handlers if isinstance(one, logging.NullHandler)]
    root.propagate, root.level = True, logging.NOTSET


def lines(kind: str, level: str = "debug") -> io.StringIO:
    out = io.StringIO()
    setup_logging(level, kind, out)  # type: ignore[arg-type]  # of parameters
    return out


def test_a_line_of_json_has_its_fields() -> None:
    out = lines("json")
    logger.warning("the sink %s holds", "datadog", extra={"event": "sink_holds", "sink": "datadog", "status": 403})
    line = json.loads(out.getvalue())
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "auditwake.tests",
        "event": "sink_holds",
        "message": "the sink datadog holds",
        "fields": {"sink": "datadog", "status": 403},
    }


def test_a_line_of_text_has_them_too() -> None:
    out = lines("text")
    logger.warning("the sink holds", extra={"event": "sink_holds", "sink": "a b", "status": 403})
    assert out.getvalue().endswith(' WARNING auditwake.tests: the sink holds (sink="a b" status=403)\n')


@pytest.mark.parametrize("kind", ["text", "json"])
@given(text=st.text(), field=st.text() | st.binary() | st.none() | st.integers())
def test_a_message_is_one_line(kind: str, text: str, field: object) -> None:
    out = lines(kind)
    logger.error("%s", text, extra={"event": "x", "field": field})
    (line, rest) = out.getvalue().split("\n")
    assert rest == ""
    assert line.isprintable()


def test_a_level_keeps_what_is_below_it_out() -> None:
    out = lines("text", "warning")
    logger.info("hidden")
    logger.warning("shown")
    assert [line.rpartition(": ")[2] for line in out.getvalue().splitlines()] == ["shown"]


def test_a_second_call_takes_the_place_of_the_first() -> None:
    first, second = lines("text"), lines("json")
    logger.info("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("\n") == 1


@pytest.mark.parametrize("kind", ["text", "json"])
def test_a_known_secret_is_in_no_line(kind: str, tmp_path: Path) -> None:
    """In the message, an argument, a field, a traceback; plain, in a URL, escaped; also what a file has by now."""
    file = tmp_path / "key"
    file.write_text("first-key-of-the-file")
    odd = 'odd"\\secret key'
    for secret in ("plain-secret", Secret("a-secret-object"), SecretFile(file), odd):
        register_secret(secret)
    file.write_text("the-second-key-of-the-file")
    out = lines(kind)
    secrets = ["plain-secret", "a-secret-object", "first-key-of-the-file", "the-second-key-of-the-file", odd]
    for secret in secrets:
        logger.error("sent %s", secret, extra={"event": secret, "url": f"https://u:{secret}@h/?x={secret}"})
        header = {"Authorization": f"Bearer {secret}"}
        logger.error("it failed", exc_info=RuntimeError(secret), extra={"header": header})
    said = out.getvalue()
    assert said.count("***") >= 2 * len(secrets)
    assert [secret for secret in secrets if secret in said or json.dumps(secret)[1:-1] in said] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://me:pass@logs.example/a", "https://***@logs.example/a"),
        ("https://key@logs.example", "https://***@logs.example"),
        ("https://a:b@c@logs.example/x", "https://***@logs.example/x"),
        ("https://logs.example/a@b", "https://logs.example/a@b"),
        ("https://me:pa/ss@logs.example/x", "https://***@logs.example/x"),
        ("https://me@corp.example:pa/s/s@logs.example", "https://***@logs.example"),
        ("https://me:pass@logs.example/a@b", "https://***@logs.example/a@b"),
        ("to https://me:p/a@h and http://logs.example", "to https://***@h and http://logs.example"),
        ("/v1?api_key=abc&page=2", "/v1?api_key=***&page=2"),
        ("/v1?page=2&X-Amz-Signature=abc#x", "/v1?page=2&X-Amz-Signature=***#x"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("{'Authorization': 'Splunk abc'}", "{'Authorization': '***'}"),
        ("(API Key: ***...abcde)", "(API Key: ***...abcde)"),
        ("mail me@example", "mail me@example"),
    ],
)
def test_what_stands_where_a_secret_stands_is_taken_out(text: str, expected: str) -> None:
    assert scrub(text) == expected


def test_the_secrets_of_a_configuration_are_known_in_every_form() -> None:
    http = HttpOptions(url="https://h", username="me", password=Secret("pass of mine"), proxy="http://p:proxy%20pass@p")
    register_secrets({"sinks": [(http,)]})
    hidden = ["pass of mine", "pass%20of%20mine", "bWU6cGFzcyBvZiBtaW5l", "proxy%20pass", "proxy pass"]
    assert [scrub(f"<{one}>") for one in hidden] == ["<***>"] * len(hidden)


def test_a_password_in_a_file_is_known_as_basic_authentication_too(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first of the file")
    register_secrets(HttpOptions(url="https://h", username="me", password=SecretFile(file)))
    for password in ("first of the file", "second of the file"):
        file.write_text(password)
        said = base64.b64encode(f"me:{password}".encode()).decode()
        assert scrub(f"<{said}> <{password}>") == "<***> <***>"


def test_the_event_of_a_line_is_the_same_whatever_it_is_about() -> None:
    out = lines("json")
    logger.warning("%s: trying again: %s", "a.log to x", "503")
    logger.warning("%s: trying again: %s", "b.log to y", "429")
    events = [json.loads(one)["event"] for one in out.getvalue().splitlines()]
    assert events == ["%s: trying again: %s"] * 2


def test_what_is_too_short_to_be_a_secret_stays_readable() -> None:
    register_secret("a")
    register_secret("")
    assert scrub("a plain sentence") == "a plain sentence"


def record(message: str, **fields: str) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "auditwake", "msg": message, **fields})


def test_what_repeats_is_counted_and_the_count_is_said() -> None:
    now = [0.0]
    limit = RepeatFilter(burst=2, period=60, clock=lambda: now[0])
    assert [limit.filter(record("again")) for _ in range(5)] == [True, True, False, False, False]
    assert limit.filter(record("another"))
    assert limit.filter(record("again", sink="other")), "of another sink"
    now[0] = 60.0
    late = record("again")
    assert limit.filter(late)
    assert late.suppressed == 3  # type: ignore[attr-defined]  # set by the filter
    assert not hasattr(record("again"), "suppressed")


def test_each_route_says_that_it_holds() -> None:
    """However many say it with the same words."""
    said = lines("text")
    for number in range(40):
        logging.getLogger("auditwake.route").error("%s: holding, nothing is dropped: %s", f"log {number}", "401")
    assert all(f"log {number}: holding" in said.getvalue() for number in range(40))


@pytest.mark.parametrize(
    "text",
    [
        'the sink says "authorization: nope"',
        'GET "https://h/x?api_key=abc" failed',
        '{"Authorization": "Bearer s3cr3t"}',
    ],
)
def test_a_line_of_json_is_json_whatever_is_taken_out(text: str) -> None:
    said = lines("json")
    logging.getLogger("auditwake.route").error("%s", text)
    value = json.loads(said.getvalue())
    assert "s3cr3t" not in json.dumps(value)
    assert "abc" not in json.dumps(value)


def test_the_memory_of_repeats_is_bounded() -> None:
    limit = RepeatFilter(burst=1, clock=lambda: 0.0)
    assert all(limit.filter(record(f"message {number}")) for number in range(5000))
    assert limit.filter(record("message 0")), "the oldest is forgotten"


def test_a_message_that_cannot_be_made_shows_nothing_of_it() -> None:
    out = lines("text")
    logger.error("%d", "opensesame")
    assert "opensesame" not in out.getvalue()
    assert "cannot be written" in out.getvalue()


def test_the_library_is_silent_by_itself() -> None:
    assert any(isinstance(one, logging.NullHandler) for one in logging.getLogger("auditwake").handlers)
