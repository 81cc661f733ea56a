"""An agent whose configuration changes, fails, or says something twice."""

import base64
import json
import socket
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from auditwake.errors import SourceError
from auditwake.forwarder.agent import Agent
from auditwake.forwarder.config.model import ParquetSink, ProcessingRule, WebhookSource
from auditwake.forwarder.config.secret import SecretFile
from auditwake.forwarder.engine.paths import webhook_directory
from auditwake.forwarder.service import Forwarder
from auditwake.forwarder.webhook.batch import Batch
from auditwake.forwarder.webhook.segments import Segments
from tests.engine.agents import SOON, config, datadog, routes, running, source, until
from tests.intake import Intake, Reply, always
from tests.tailing.lines import line
from tests.tailing.rotator import Rotator

POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: {level}
"""


def webhook(port: int) -> WebhookSource:
    return WebhookSource(integration="hook", file=Path("conf.yaml"), address=f"127.0.0.1:{port}")


def has(intake: Intake, events: int) -> bool:
    return intake.oracle.events == events


@pytest.mark.parametrize(("hostname", "tags"), [("node-1", ()), ("node-2", ()), ("node-1", ("env:new",))])
def test_a_reload_that_fails_half_way_leaves_what_was(
    tmp_path: Path, log: Rotator, hostname: str, tags: tuple[str, ...]
) -> None:
    """Whatever it had ended by then: an address that is in use is found late."""
    log.write(20)
    with socket.create_server(("127.0.0.1", 0)) as taken, Intake() as intake:
        before = config(tmp_path, [source(log.path)], datadog(intake))
        with running(before) as agent:
            until(agent, lambda: intake.oracle.events == 20)
            sources = (source(log.path, tags=tags), webhook(taken.getsockname()[1]))
            after = replace(before, hostname=hostname, sources=sources)
            with pytest.raises(SourceError):
                agent.reload(after)
            log.write(20)
            until(agent, lambda: intake.oracle.events == 40)
            assert [route.state for route in routes(agent)] == ["running"]
        intake.oracle.check(40)
        assert intake.oracle.twice == []


def test_ready_is_what_can_do_its_job(tmp_path: Path, log: Rotator) -> None:
    with Intake(always(Reply(403))) as intake:
        settings = config(tmp_path, [source(log.path)], datadog(intake), grace=0.1)
        with running(settings) as agent:
            # The log is not there yet.
            until(agent, lambda: agent.snapshot().ready)
            log.write(1)
            until(agent, lambda: routes(agent)[0].state == "holding")
            assert not agent.snapshot().ready
            agent.reload(replace(settings, sources=()))
            assert (agent.snapshot().ready, agent.snapshot().enabled) == (False, True)
            agent.reload(replace(settings, enabled=False))
            assert agent.snapshot().ready


def test_a_fault_of_ours_in_a_reload_ends_no_agent(
    tmp_path: Path, log: Rotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write(5)
    with Intake() as intake:
        forwarder = Forwarder(config(tmp_path, [source(log.path)], datadog(intake), metrics_address=None), ["conf.d"])

        def fails(*_: object) -> None:
            message = "opensesame"
            raise RecursionError(message)

        monkeypatch.setattr("auditwake.forwarder.config.loading.load", fails)
        thread = threading.Thread(target=forwarder.run)
        thread.start()
        until(forwarder.agent, lambda: intake.oracle.events == 5)
        forwarder.reload()
        until(forwarder.agent, lambda: bool(forwarder.agent.snapshot().errors))
        assert "opensesame" not in forwarder.agent.snapshot().errors[0]
        log.write(5)
        until(forwarder.agent, lambda: intake.oracle.events == 10)
        forwarder.stop()
        thread.join(20)
        assert not thread.is_alive()


@pytest.mark.parametrize("rules", [(), (ProcessingRule(type="mask_sequences", name="m", pattern="no-such-text"),)])
def test_a_table_tells_the_time_of_its_newest_event(
    tmp_path: Path, log: Rotator, rules: tuple[ProcessingRule, ...]
) -> None:
    log.write(5)
    rows = ParquetSink(directory=tmp_path / "rows", roll_seconds=0.05, backoff=SOON)
    with Intake() as intake, running(config(tmp_path, [source(log.path, rules=rules)], datadog(intake), rows)) as agent:
        until(agent, lambda: all(route.events_sent == 5 and route.last_event for route in routes(agent)))
        one, other = routes(agent)
        assert one.last_event == other.last_event


def test_a_reload_that_failed_was_no_start(tmp_path: Path, log: Rotator) -> None:
    """`forceBeginning` counts when a log is first followed, and not when that was only tried."""
    log.write(5)
    forced = source(log.path, start_position="forceBeginning")
    with socket.create_server(("127.0.0.1", 0)) as taken, Intake() as intake:
        settings = config(tmp_path, [source(log.path)], datadog(intake))
        with running(settings) as agent:
            until(agent, lambda: routes(agent)[0].last_commit is not None and intake.oracle.events == 5)
        with running(replace(settings, sources=(source(tmp_path / "other.log"),))) as agent:
            with pytest.raises(SourceError):
                agent.reload(replace(settings, sources=(forced, webhook(taken.getsockname()[1]))))
            agent.reload(replace(settings, sources=(forced,)))
            until(agent, lambda: intake.oracle.twice == [(1, 5)])


def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path, log: Rotator) -> None:
    log.write(5)
    with socket.create_server(("127.0.0.1", 0)) as taken, Intake() as intake:
        good = config(tmp_path, [source(log.path)], datadog(intake))
        hook = webhook(0)
        agent = Agent(replace(good, sources=(*good.sources, hook, webhook(taken.getsockname()[1]))))
        with pytest.raises(SourceError):
            agent.start()
        with running(replace(good, sources=(*good.sources, hook))) as second:
            until(second, lambda: intake.oracle.events == 5)


def test_a_policy_that_is_gone_does_not_keep_an_agent_from_its_end(tmp_path: Path, log: Rotator) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(level="Metadata"))
    with Intake() as intake:
        settings = config(tmp_path, [source(log.path)], datadog(intake), policy=policy)
        with running(settings) as agent:
            log.write(5)
            until(agent, lambda: intake.oracle.events == 5)
            policy.unlink()
        policy.write_text(POLICY.format(level="Metadata"))
        with running(settings):
            pass


def test_an_edited_policy_counts_from_the_reload_on(tmp_path: Path, log: Rotator) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(level="Metadata"))
    with Intake() as intake:
        settings = config(tmp_path, [source(log.path)], datadog(intake), policy=policy)
        with running(settings) as agent:
            log.write(5)
            until(agent, lambda: intake.oracle.events == 5)
            policy.write_text(POLICY.format(level="None"))
            agent.reload(settings)
            log.write(5)
            until(agent, lambda: routes(agent)[0].policy_dropped == 5)
            policy.write_text("apiVersion: audit.k8s.io/v1\n")
            with pytest.raises(ValueError, match="0 rules"):
                agent.reload(settings)
            log.write(5)
            until(agent, lambda: routes(agent)[0].policy_dropped == 10)
        assert intake.oracle.events == 5


def test_another_hostname_reaches_the_events(tmp_path: Path, log: Rotator) -> None:
    with Intake() as intake:
        settings = config(tmp_path, [source(log.path)], datadog(intake))
        with running(settings) as agent:
            for count, name in enumerate(["node-1", "node-2"], 1):
                agent.reload(replace(settings, hostname=name))
                log.write(3)
                until(agent, partial(has, intake, 3 * count))
    assert [entry["hostname"] for request in intake.requests for entry in json.loads(request.body)] == [
        *["node-1"] * 3,
        *["node-2"] * 3,
    ]


@pytest.mark.parametrize("position", ["forceBeginning", "forceEnd"])
def test_force_counts_at_the_start_and_not_at_a_reload(tmp_path: Path, log: Rotator, position: str) -> None:
    log.write(10)
    first = 11 if position == "forceEnd" else 1
    with Intake() as intake:
        settings = config(tmp_path, [source(log.path, start_position=position)], datadog(intake))
        with running(settings) as agent:
            until(agent, lambda: routes(agent)[0].state == "running" and bool(routes(agent)[0].streams))
            log.write(5)
            until(agent, lambda: intake.oracle.last == 15)
            agent.reload(replace(settings, hostname="node-2"))
            log.write(5)
            until(agent, lambda: intake.oracle.last == 20)
        assert intake.oracle.arrived == [(first, 20)]


def test_the_names_of_the_servers_backups_are_not_those_of_a_webhook(tmp_path: Path) -> None:
    hook = webhook(0)
    with Intake() as intake:
        settings = config(tmp_path, [], datadog(intake), backups="kube-apiserver-*.log*", maxbackup=1)
        settings = replace(settings, sources=(hook,))
        directory = webhook_directory(settings.state, hook)
        segments = Segments(directory, max_bytes=1)
        for number in range(1, 5):
            segments.append(Batch(str(number), line(number), 1, 0))
        segments.close()
        assert len(list(directory.glob("audit-*.log"))) == 3
        with running(settings) as agent:
            until(agent, lambda: intake.oracle.events == 4)
            assert routes(agent)[0].streams[0].time_to_loss is None


def test_a_key_file_that_is_no_text_holds_and_ends_nothing(tmp_path: Path, log: Rotator) -> None:
    key = tmp_path / "key"
    key.write_bytes("k".encode("utf-16") * 32)
    log.write(3)
    with Intake() as intake:
        settings = config(tmp_path, [source(log.path)], replace(datadog(intake), api_key=SecretFile(key)))
        with running(settings) as agent:
            until(agent, lambda: routes(agent)[0].state == "holding")
            assert agent.snapshot().sinks[0].description
            key.write_text("k" * 32)
            until(agent, lambda: intake.oracle.events == 3)


def test_a_log_that_two_entries_name_is_sent_once(tmp_path: Path, log: Rotator) -> None:
    log.write(5)
    with Intake() as intake:
        twice = [source(log.path, source="first"), source(log.path, source="second")]
        with running(config(tmp_path, twice, datadog(intake))) as agent:
            until(agent, lambda: intake.oracle.events == 5)
            assert [route.state for route in routes(agent)] == ["running"]
    assert {entry["ddsource"] for request in intake.requests for entry in json.loads(request.body)} == {"first"}


def test_what_a_rule_makes_unreadable_is_set_aside_and_not_lost(tmp_path: Path, log: Rotator) -> None:
    """A mask that takes the braces of an event leaves nothing that could be a row."""
    log.write(9)
    mask = ProcessingRule(
        name="all", type="mask_sequences", pattern=r"^\{.*n-000000004.*\}$", replace_placeholder="***"
    )
    sink = ParquetSink(directory=tmp_path / "lake", columns=("name",), bodies=False, roll_seconds=0.2, backoff=SOON)
    with running(config(tmp_path, [source(log.path, rules=(mask,))], sink)) as agent:
        until(agent, lambda: routes(agent)[0].events_sent == 8)
        assert routes(agent)[0].quarantined_events == 1
    rows = sum(pq.ParquetFile(file).metadata.num_rows for file in (tmp_path / "lake").glob("*.parquet"))
    assert rows == 8
    (path,) = (tmp_path / "state" / "quarantine").iterdir()
    (kept,) = [json.loads(one) for one in path.read_text().splitlines()]
    assert (base64.b64decode(kept["bytes"]), kept["file"]) == (b"***", str(log.path))
    assert kept["offset"] == sum(len(one) + 1 for one in log.path.read_bytes().splitlines()[:3])
