"""`status` as text: Datadog's section to the letter, every field of a snapshot, no secret and no control character."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditwake.forwarder import scrub
from auditwake.forwarder.config.model import (
    AgentConfig,
    DatadogSink,
    DeltaSink,
    HttpOptions,
    HttpSink,
    LogSource,
    SplunkSink,
    WebhookSource,
)
from auditwake.forwarder.config.secret import Secret, SecretFile
from auditwake.forwarder.metrics import render
from auditwake.forwarder.readiness import missing
from auditwake.forwarder.scrub import register_secrets, scrub_snapshot, scrub_values
from auditwake.forwarder.sinks.make import make
from auditwake.forwarder.snapshot import AgentSnapshot, ReceiverSnapshot, RouteSnapshot, SinkSnapshot, StreamSnapshot
from auditwake.forwarder.status import status_text
from tests.standing import agent, healthy, healthy_route, source, troubled

SNAPSHOTS = {"healthy": healthy(), "troubled": troubled()}

# What the reference shows of the Agent's own output, with our numbers.
SINK = "Sending compressed logs in HTTPS to agent-http-intake.logs.datadoghq.com on port 443 (API Key: ***...abcde)"
DATADOG = f"""\
==========
Logs Agent
==========
    Reliable: {SINK}
    BytesSent: 45634781
    EncodedBytesSent: 5510084
    LogsProcessed: 30801
    LogsSent: 30793
  ============
  Integrations
  ============
  kubernetes_audit
  ----------------
    - Type: file
      Path: /var/log/kubernetes/apiserver/audit.log
      Service: audit
      Source: kubernetes.audit
      Status: OK
      Inputs:
        /var/log/kubernetes/apiserver/audit.log
      Bytes Read: 45634781
"""


def test_the_sink_describes_itself_as_the_agent_shows_it() -> None:
    http = HttpOptions(url="https://agent-http-intake.logs.datadoghq.com/api/v2/logs", compression="zstd")
    sink = make(DatadogSink(http=http, api_key=Secret(f"{'0' * 27}abcde")), "node-1")
    shown = SinkSnapshot(name="datadog", type="datadog", description=sink.describe())
    sink.close()
    assert f"\n    Reliable: {SINK}\n" in status_text(replace(healthy(), sinks=(shown,)))


@pytest.mark.parametrize("word", ["events", "sink", "path", "state", "host"])
def test_a_secret_that_is_one_of_our_own_words_breaks_nothing(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrub, "_texts", (word,))
    shown = scrub_snapshot(healthy())
    assert status_text(shown)
    assert render(shown)


def test_an_agent_that_collects_nothing_says_what_is_wrong_all_the_same() -> None:
    text = status_text(replace(troubled(), enabled=False, sources=()))
    assert "Logs Agent is not running" in text
    assert "logs[0].path: is missing" in text
    assert "auto_multi_line has no effect" in text


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_the_text_is_the_golden_one(name: str, data: Path) -> None:
    assert status_text(SNAPSHOTS[name]) == (data / "status" / f"{name}.txt").read_text(encoding="utf-8")


def test_it_begins_with_the_section_of_the_agent() -> None:
    assert status_text(healthy()).startswith(DATADOG)


def test_an_agent_that_collects_nothing_says_so() -> None:
    text = status_text(replace(healthy(), enabled=False))
    assert "Logs Agent is not running" in text
    assert "BytesSent" not in text


def test_two_entries_of_an_integration_stand_under_one_name() -> None:
    text = status_text(agent(source(healthy_route()), source(healthy_route(), path="/other.log")))
    assert text.count("  kubernetes_audit\n") == 1
    assert text.count("    - Type: file\n") == 2


def test_an_event_that_goes_to_two_sinks_is_read_once() -> None:
    text = status_text(agent(source(healthy_route("one"), healthy_route("two"))))
    assert "      Bytes Read: 45634781\n" in text
    assert "    LogsSent: 61586\n" in text


@pytest.mark.parametrize("kind", [RouteSnapshot, StreamSnapshot])
def test_every_field_has_a_place(kind: type[RouteSnapshot | StreamSnapshot]) -> None:
    """A number that is in a snapshot and in no text would be a counter that nobody sees."""
    elsewhere = {"events_read", "request_seconds_sum", "request_seconds", "streams", "bytes"}
    looked = 0
    for field in fields(kind):
        if field.name in elsewhere:
            continue
        changed = status_text(_with(kind, field.name))
        assert changed != status_text(_with(kind, None)), field.name
        looked += 1
    assert looked > 10


@pytest.mark.parametrize("name", [field.name for field in fields(ReceiverSnapshot)])
def test_every_number_of_a_webhook_has_a_place(name: str) -> None:
    none, some = (
        status_text(agent(replace(source(), receiver=ReceiverSnapshot(**values)))) for values in ({}, {name: 77})
    )
    assert some != none
    assert "77" in some


def _with(kind: type[RouteSnapshot | StreamSnapshot], name: str | None) -> AgentSnapshot:
    values: dict[str, Any] = {}
    if name is not None:
        values[name] = _another(kind, name)
    if kind is StreamSnapshot:
        return agent(source(RouteSnapshot(sink="s", streams=(StreamSnapshot(**{"path": "p", **values}),))))
    return agent(source(RouteSnapshot(**{"sink": "s", **values})))


def _another(kind: type[RouteSnapshot | StreamSnapshot], name: str) -> object:
    wanted = str({field.name: field.type for field in fields(kind)}[name])
    if "Mapping" in wanted:
        return {"other": 77}
    return "other" if "str" in wanted else 77


@given(st.text(), st.text())
def test_nothing_in_it_is_a_control_character(path: str, reason: str) -> None:
    """A path or an answer cannot move the cursor, add a line, or colour the terminal."""
    route = replace(healthy_route(path=path), reason=reason)
    text = status_text(agent(source(route, path=path)))
    assert all(char == "\n" or char.isprintable() for char in text)
    assert len(text.splitlines()) == len(status_text(healthy()).splitlines())


def secrets_everywhere(folder: Path) -> tuple[AgentConfig, list[str]]:
    """A configuration with a secret wherever one can be put, and these secrets."""
    canaries = [f"canary-{number:02}-of-the-mine" for number in range(11)]
    names = iter(canaries)
    key_file = folder / "key"
    key_file.write_text(next(names) + "\n")
    http = HttpOptions(
        url=f"https://user:{next(names)}@intake.example/v1?api_key={next(names)}",
        headers={"X-Token": Secret(next(names))},
        username="user",
        password=Secret(next(names)),
        token=Secret(next(names)),
        proxy=f"http://proxy:{next(names)}@proxy.example:3128",
    )
    webhook = WebhookSource(integration="w", file=folder / "c", address="localhost:1", token=Secret(next(names)))
    config = AgentConfig(
        sources=(LogSource(integration="k", file=folder / "c", path="/audit.log"), webhook),
        sinks=(
            DatadogSink(http=http, api_key=SecretFile(key_file)),
            HttpSink(http=http),
            SplunkSink(http=http, hec_token=Secret(next(names))),
            DeltaSink(table=f"s3://u:{next(names)}@bucket/t", storage_options={"AWS_SECRET": Secret(next(names))}),
        ),
        enabled=True,
        state=folder,
        socket=folder / "agent.sock",
        hostname="h",
    )
    assert next(names, None) is None
    return config, canaries


def test_no_secret_is_in_anything_that_is_said(tmp_path: Path) -> None:
    """Whoever puts a secret into a text of the snapshot by mistake does not put it before anybody's eyes."""
    config, canaries = secrets_everywhere(tmp_path)
    register_secrets(config)
    said = [*canaries, *(f"https://user:{one}@host/?key={one}" for one in canaries)]
    everything = " ".join(said)
    stream = replace(healthy_route().streams[0], path=everything, file=everything, error=everything)
    route = replace(healthy_route(), state="holding", reason=everything, streams=(stream,), retries={everything: 1})
    entry = source(route, path=everything, messages=(everything,))
    one = replace(
        agent(replace(entry, inputs=(everything,), tags=(everything,), status=everything), ready=False),
        sinks=(SinkSnapshot(name="s", type="http", description=everything),),
        warnings=(everything,),
        errors=(everything,),
    )
    shown = [status_text(one), json.dumps(scrub_values(one.to_dict())), render(one), "\n".join(missing(one))]
    assert len(canaries) > 10
    assert [(canary, text) for canary in canaries for text in shown if canary in text] == []
    assert all("***" in text for text in shown)


def test_one_event_in_one_batch_is_called_so() -> None:
    receiver = ReceiverSnapshot(batches=1, events=1, backlog_bytes=1)
    shown = status_text(agent(replace(source(), receiver=receiver)))
    assert "Received: 1 event in 1 batch, 0 sent again, 0 refused, backlog 1 byte\n" in shown
