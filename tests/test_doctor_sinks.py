"""What the doctor asks of sinks, and what it makes of their answers: without an event, and without showing the key."""

import os
import socket
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from time import time

import pytest

from auditwake.errors import SinkError
from auditwake.forwarder.config.model import (
    DatadogSink,
    DeltaSink,
    ElasticsearchSink,
    FileSink,
    HttpOptions,
    HttpSink,
    OtlpSink,
    ParquetSink,
    SinkConfig,
    SplunkSink,
    StdoutSink,
)
from auditwake.forwarder.config.secret import Secret, SecretFile
from auditwake.forwarder.doctor.facts import SinkFacts
from auditwake.forwarder.doctor.gathering.sinks import describe_sink, probe_sink, validation_url
from tests.doctoring.node import Node
from tests.intake import Intake, Reply, Request, always

KEY = "0123456789abcdef0123456789canary"
VALIDATE = "/api/v1/validate"


@pytest.fixture
def intake() -> Iterator[Intake]:
    with Intake() as one:
        yield one


def datadog(url: str, key: Secret | SecretFile | None = None, **options: object) -> DatadogSink:
    http = HttpOptions(url=f"{url}/api/v2/logs", **options)  # type: ignore[arg-type]
    return DatadogSink(http=http, api_key=key or Secret(KEY))


def knows(request: Request) -> Reply:
    """Answer as Datadog: its API says whether it knows a key, and the intake wants one."""
    if request.path == VALIDATE:
        return Reply(200, body=b'{"valid":true}') if request.headers.get("dd-api-key") == KEY else Reply(403)
    return Reply(202) if request.method == "POST" else Reply(404)


def probe(config: SinkConfig) -> SinkFacts:
    found = probe_sink(config, "node")
    assert KEY not in repr(found)
    return found


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://agent-http-intake.logs.datadoghq.com/api/v2/logs", "api.datadoghq.com"),
        ("https://http-intake.logs.datadoghq.eu/api/v2/logs", "api.datadoghq.eu"),
        ("https://http-intake.logs.us5.datadoghq.com/api/v2/logs", "api.us5.datadoghq.com"),
        ("https://http-intake.logs.us2.ddog-gov.com/api/v2/logs", "api.us2.ddog-gov.com"),
        ("https://observability.example:8443/api/v2/logs", "observability.example:8443"),
        ("https://logs.datadoghq.com.evil.example/api/v2/logs", "logs.datadoghq.com.evil.example"),
    ],
)
def test_the_key_is_shown_to_its_own_site_alone(url: str, api: str) -> None:
    assert validation_url(url) == f"https://{api}{VALIDATE}"


def test_a_valid_key(intake: Intake) -> None:
    intake.answer = knows
    found = probe(datadog(intake.url))
    assert (found.state, found.target) == ("accepted", f"127.0.0.1:{intake.port}")
    assert [(one.method, one.path) for one in intake.requests] == [("GET", "/api/v2/logs"), ("GET", VALIDATE)]
    assert "dd-api-key" not in intake.requests[0].headers
    assert not any(one.wire for one in intake.requests)


def test_a_wrong_key(intake: Intake) -> None:
    intake.answer = knows
    assert probe(datadog(intake.url, Secret("wrong" * 8))).state == "refused"


def test_a_key_in_a_file(intake: Intake, tmp_path: Path) -> None:
    intake.answer = knows
    file = tmp_path / "key"
    assert probe(datadog(intake.url, SecretFile(file))).state == "no-key"
    file.write_text("")
    assert probe(datadog(intake.url, SecretFile(file))).state == "no-key"
    file.write_text(KEY + "\n")
    assert probe(datadog(intake.url, SecretFile(file))).state == "accepted"
    file.write_bytes(b"\xff\xfe\x00")
    assert probe(datadog(intake.url, SecretFile(file))).state == "no-key"


def test_a_receiver_that_only_speaks_as_the_intake(intake: Intake) -> None:
    """It does not know the address that says whether a key is valid: an empty list of logs is sent to it."""
    intake.answer = lambda request: Reply(202) if request.method == "POST" else Reply(404)
    assert probe(datadog(intake.url)).state == "accepted"
    assert intake.requests[-1].wire == b"[]"
    intake.answer = lambda request: Reply(403) if request.method == "POST" else Reply(404)
    assert probe(datadog(intake.url)).state == "refused"
    intake.answer = always(Reply(503))
    assert probe(datadog(intake.url)).state == "unproved"


def test_nobody_is_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = probe(datadog(f"http://127.0.0.1:{free.getsockname()[1]}"))
    assert (found.state, found.reason) == ("unreachable", "connection")


def test_it_speaks_no_tls(intake: Intake) -> None:
    found = probe(datadog(intake.url.replace("http:", "https:")))
    assert (found.state, found.reason) == ("unreachable", "tls")


def test_the_clock_of_the_receiver(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = formatdate(time() + 7200, usegmt=True)
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda *_: ahead)
    clock = probe(datadog(intake.url)).clock
    assert clock is not None
    assert abs(clock - 7200) < 60


def test_the_proxy_that_is_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in os.environ if one.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    sink = datadog("https://intake.example")
    assert describe_sink(sink).proxy == ""
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{KEY}@proxy.example:3128")
    assert describe_sink(sink).proxy == "proxy.example:3128"
    monkeypatch.setenv("NO_PROXY", "intake.example")
    assert describe_sink(sink).proxy == ""
    assert describe_sink(datadog("https://x.example", proxy=f"http://u:{KEY}@other:1")).proxy == "other:1"


def test_whether_anybody_can_listen() -> None:
    assert not describe_sink(datadog("http://intake.example")).encrypted
    assert describe_sink(datadog("http://127.0.0.1:9")).encrypted
    assert not describe_sink(datadog("https://intake.example", verify=False)).verified


@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize("kind", ["http", "otlp", "elasticsearch", "splunk"])
def test_other_receivers_are_asked_by_their_sink(kind: str, status: int, intake: Intake) -> None:
    intake.answer = lambda request: (
        Reply(400, body=b'{"text":"No data","code":5}')
        if kind == "splunk" and request.method == "POST" and status == 200
        else Reply(status)
    )
    http = HttpOptions(url=f"{intake.url}/services/collector/event", token=Secret(KEY))
    sinks: dict[str, SinkConfig] = {
        "http": HttpSink(http=http),
        "otlp": OtlpSink(http=http),
        "elasticsearch": ElasticsearchSink(http=http),
        "splunk": SplunkSink(http=http, hec_token=Secret(KEY)),
    }
    assert probe(sinks[kind]).state == ("accepted" if status == 200 else "refused")
    assert intake.oracle.distinct == 0, "an event was sent"


def test_sinks_on_disk(tmp_path: Path) -> None:
    assert probe(StdoutSink()).state == "accepted"
    assert probe(ParquetSink(directory=tmp_path / "a" / "b")).state == "accepted"
    assert probe(FileSink(path=tmp_path / "events.ndjson")).state == "accepted"
    assert probe(DeltaSink(table=str(tmp_path / "table"))).state == "accepted"
    assert list(tmp_path.iterdir()) == [], "a doctor makes nothing"
    assert probe(ParquetSink(directory=Path("/proc/1/none"))).state == "not-writable"


def test_a_table_behind_a_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    class Table:
        def resume(self) -> None:
            message = "the table cannot be read"
            raise SinkError(message)

        def close(self) -> None:
            pass

    monkeypatch.setattr("auditwake.forwarder.sinks.make.make", lambda *_: Table())
    found = probe(DeltaSink(table=f"s3://user:{KEY}@bucket/table"))
    assert (found.state, found.detail, found.target) == ("unproved", "the table cannot be read", "s3://bucket/table")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "httpx", None)
    found = probe(datadog("https://intake.example"))
    assert (found.state, "pip install" in found.detail) == ("no-client", True)


@pytest.mark.parametrize(("scheme", "proxy"), [("http", "http_proxy"), ("https", "HTTPS_PROXY")])
def test_what_is_to_be_pasted_has_the_scheme_of_the_url(scheme: str, proxy: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        sink = HttpSink(http=HttpOptions(url=f"{scheme}://127.0.0.1:{port}/lines", proxy=""))
        found = probe(sink)
        assert found.state == "unreachable"
    node = Node(tmp_path)
    node.sinks = {name: getattr(found, name) for name in ("state", "reason", "scheme", "target", "clock")}
    (fix,) = [one.fix for one in node.judge() if one.code == "AWD601"]
    assert fix.startswith(f"curl -v {scheme}://127.0.0.1:{port}/ ")
    assert f"export {proxy}=" in fix
