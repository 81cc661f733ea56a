"""What a changed name leaves in the state directory: it is told, and can be gone on with."""

import logging
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from auditwake.forwarder.agent import Agent
from auditwake.forwarder.config.model import AgentConfig, WebhookSource
from auditwake.forwarder.engine.left import left_behind
from auditwake.forwarder.webhook.batch import to_batch
from auditwake.forwarder.webhook.segments import Segments
from tests.engine.agents import config, datadog, running, source, until
from tests.intake import Intake
from tests.tailing.lines import line
from tests.tailing.rotator import Rotator


def webhook(port: int = 0, **fields: str) -> WebhookSource:
    return WebhookSource(integration="hook", file=Path("conf.yaml"), address=f"127.0.0.1:{port}", **fields)  # type: ignore[arg-type]  # texts


def free_ports(count: int) -> list[int]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return ports


def with_hook(settings: AgentConfig, hook: WebhookSource) -> AgentConfig:
    return replace(settings, sources=(hook,))


def received(directory: Path, *numbers: int) -> None:
    """Put batches into the log of a webhook, as a receiver does it."""
    segments = Segments(directory)
    for number in numbers:
        segments.append(to_batch(line(number)))
    segments.close()


def test_another_path_of_the_url_leaves_nothing(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with Intake() as intake:
        settings = with_hook(config(tmp_path, [], datadog(intake)), webhook(port))
        with running(settings):
            pass
        (directory,) = (settings.state / "webhook").iterdir()
        received(directory, 1, 2)
        with running(with_hook(settings, webhook(port, path="/audit"))) as agent:
            until(agent, lambda: intake.oracle.events == 2)
        assert list((settings.state / "webhook").iterdir()) == [directory]


def test_another_address_is_told_and_can_have_the_former_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    before, after = free_ports(2)
    with Intake() as intake:
        settings = with_hook(config(tmp_path, [], datadog(intake)), webhook(before))
        with running(settings):
            pass
        (directory,) = (settings.state / "webhook").iterdir()
        received(directory, 1, 2, 3)
        size = sum(path.stat().st_size for path in directory.glob("audit*.log"))
        with caplog.at_level(logging.WARNING, "auditwake"), running(with_hook(settings, webhook(after))) as agent:
            (told,) = agent.snapshot().warnings
            assert told in caplog.text
            assert all(part in told for part in (str(directory), f"{size} bytes", f"name: '127.0.0.1:{before}'"))
        assert intake.oracle.events == 0
        with running(with_hook(settings, webhook(after, name=f"127.0.0.1:{before}"))) as agent:
            until(agent, lambda: intake.oracle.events == 3)
            # The directory of the name in between has nothing in it.
            assert agent.snapshot().warnings == ()


def test_a_renamed_sink_is_told_and_can_go_on(tmp_path: Path, log: Rotator, caplog: pytest.LogCaptureFixture) -> None:
    log.write(5)
    with Intake() as intake:
        first = config(tmp_path, [source(log.path)], datadog(intake, "first"))
        with running(first) as agent:
            until(agent, lambda: intake.oracle.events == 5)
            assert agent.snapshot().warnings == ()
        second = replace(first, sinks=(datadog(intake, "second"),))
        (told,) = left_behind(second)
        assert str(first.state / "routes" / "first") in told
        (first.state / "routes" / "first").rename(first.state / "routes" / "second")
        assert left_behind(second) == []
        log.write(5)
        with caplog.at_level(logging.WARNING, "auditwake"), running(second) as agent:
            until(agent, lambda: intake.oracle.events == 10)
        assert "no sink has this name" not in caplog.text
        intake.oracle.check(10)


def test_each_thing_is_told_once_and_nothing_where_nothing_is_shipped(
    tmp_path: Path, log: Rotator, caplog: pytest.LogCaptureFixture
) -> None:
    log.write(1)
    with Intake() as intake:
        settings = config(tmp_path, [source(log.path)], datadog(intake, "first"))
        (settings.state / "routes" / "former" / "log").mkdir(parents=True)
        with caplog.at_level(logging.WARNING, "auditwake"):
            agent = Agent(settings)
            with agent:
                agent.reload(replace(settings, grace=5.0))
            assert caplog.text.count("no sink has this name") == 1
        assert left_behind(replace(settings, enabled=False, sinks=())) == []


def test_a_name_that_cannot_be_written_keeps_no_agent_from_its_backlog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk that is full, what was received already has to be sent: nothing else makes room."""
    (port,) = free_ports(1)
    with Intake() as intake:
        settings = with_hook(config(tmp_path, [], datadog(intake)), webhook(port))
        with running(settings):
            pass
        (directory,) = (settings.state / "webhook").iterdir()
        received(directory, 1, 2)
        name = (directory / "name").read_text(encoding="utf-8")
        monkeypatch.setattr(Path, "write_text", full)
        with running(settings) as agent:
            until(agent, lambda: intake.oracle.events == 2)
        assert (directory / "name").read_text(encoding="utf-8") == name
        (directory / "name").unlink()
        with running(settings) as agent:
            assert agent.snapshot().sources[0].status == "OK"


def full(path: Path, text: str, encoding: str | None = None) -> int:
    """Fail as a disk does that is full: what was there is cut before that shows."""
    del text, encoding
    path.open("w").close()
    raise OSError(28, "No space left on device")


def test_what_cannot_be_looked_at_keeps_no_agent_from_its_start(tmp_path: Path, log: Rotator) -> None:
    log.write(1)
    with Intake() as intake:
        settings = config(tmp_path, [source(log.path)], datadog(intake))
        odd = settings.state / "webhook" / "former"
        odd.mkdir(parents=True)
        (odd / "audit.log").symlink_to(odd / "audit.log")
        (odd / "audit-1.log").write_bytes(b"1234")
        with running(settings) as agent:
            until(agent, lambda: intake.oracle.events == 1)
            assert "4 bytes" in agent.snapshot().warnings[0]
