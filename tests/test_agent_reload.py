"""The configuration of a running agent is read again and again while its log grows, and the service manager listens."""

import json
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from auditwake.forwarder.snapshot import AgentSnapshot
from tests.engine.process import FAST, KEY, AgentProcess
from tests.intake import Intake, Reply, always
from tests.intake.messages import NUMBER, Request
from tests.tailing.processes import SOON, wait_until, writing
from tests.tailing.rotator import Rotator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")

CONF = """\
logs:
{logs}
auditwake:
  sinks:
    - {{type: datadog, url: "{url}", {fast}}}
{more}
"""
LOG = "  - {{type: file, path: {path}, source: kubernetes.audit, service: audit, tags: [{tag}]}}\n"
FASTER = "timeout: 2, batching: {wait: 0.05, max_events: 100}, backoff: {base: 0.02, max: 0.2}"


class Reloaded:
    """An agent whose configuration changes under it."""

    def __init__(self, agent: AgentProcess, folder: Path, url: str) -> None:
        self.agent, self.url = agent, url
        self.file = folder / "conf.d" / "kubernetes_audit.d" / "conf.yaml"
        self.logs: dict[Path, str] = {}
        self.more = ""

    def write(self) -> None:
        logs = "".join(LOG.format(path=path, tag=tag) for path, tag in self.logs.items())
        self.file.write_text(CONF.format(logs=logs, url=self.url, fast=FASTER, more=self.more))

    def hangup(self, text: str | None = None) -> AgentSnapshot:
        """Have it read again what stands there now; give how it stands when it has done so, well or ill."""
        before = self.stands()
        self.write()
        if text is not None:
            self.file.write_text(text)
        self.agent.child.send_signal(signal.SIGHUP)
        return self.agent.until(lambda now: now.reloads > before.reloads or now.errors != before.errors)

    def stands(self) -> AgentSnapshot:
        return self.agent.until(lambda _snapshot: True)


def entries(requests: list[Request]) -> Iterator[tuple[str, str, int]]:
    """Give the log, the tag and the number of each event that came."""
    for request in list(requests):
        for entry in json.loads(request.body):
            tags = dict(tag.split(":", 1) for tag in entry["ddtags"].split(","))
            (number,) = NUMBER.findall(entry["message"].encode())
            yield Path(tags["dirname"]).name, tags["env"], int(number)


@contextmanager
def manager(place: Path) -> Iterator[Callable[[], list[str]]]:
    """Listen as systemd does; gives what was heard, without how it stands."""
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        ours.bind(str(place))

        def listen() -> None:
            while said := ours.recv(10_000):
                heard.append(said.decode())

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield lambda: [
                one.split("=")[0] for said in list(heard) for one in said.splitlines() if "STATUS" not in one
            ]
        finally:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                last.sendto(b"", str(place))
            thread.join()


def test_nothing_is_lost_or_sent_twice_by_a_reload(audit_writer: Path, tmp_path: Path) -> None:
    log, other = tmp_path / "logs" / "audit.log", Rotator(tmp_path / "other" / "audit.log")
    with (
        Intake() as first,
        Intake() as second,
        socket.socket() as taken,
        AgentProcess(tmp_path, log, first.url) as agent,
        writing(audit_writer, log, rate=300, maxbackups=0, maxsize=1) as writer,
    ):
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        intakes = (first, second)

        def came() -> list[tuple[str, str, int]]:
            return [entry for intake in intakes for entry in entries(intake.requests)]

        def until(condition: Callable[[], object]) -> None:
            wait_until(lambda: bool(condition()), agent.said)

        conf = Reloaded(agent, tmp_path, first.url)
        conf.logs[log] = "env:one"
        conf.write()
        agent.start()
        until(came)

        conf.logs[log] = "env:two"
        conf.hangup()
        until(lambda: ("logs", "two") in {entry[:2] for entry in came()})

        conf.logs[other.path] = "env:other"
        other.write(10)
        assert len(conf.hangup().sources) == 2
        until(lambda: sum(entry[0] == "other" for entry in came()) == 10)

        # What cannot be used changes nothing, whether the file is wrong or only the machine says no.
        for more, text in (("", "logs: [{type: file, path: 5}]"), (webhook(taken), None)):
            conf.more = more
            conf.logs[log] = "env:never"
            seen = first.seen
            bad = conf.hangup(text)
            assert bad.errors
            assert (bad.reloads, len(bad.sources)) == (2, 2)
            other.write(5)
            until(lambda seen=seen: first.seen > seen + 3)  # type: ignore[misc]
        until(lambda: sum(entry[0] == "other" for entry in came()) == 20)
        conf.more = ""
        conf.logs[log] = "env:three"

        agent.key_file.write_text("f" * 32)
        conf.url = second.url
        assert conf.hangup().errors == ()
        until(lambda: second.seen)
        seen = first.seen
        until(lambda: second.seen > 3)
        assert first.seen == seen
        assert {request.headers["dd-api-key"] for request in second.requests} == {"f" * 32}
        assert first.requests[0].headers["dd-api-key"] == KEY

        last = writer.stop()
        until(lambda: len(came()) >= last + other.last)
        agent.terminate()
        times = Counter(entry[::2] for entry in came())
    assert set(times.values()) == {1}
    assert set(times) == {("logs", number) for number in range(1, last + 1)} | {
        ("other", number) for number in range(1, other.last + 1)
    }
    tags = {entry[1] for entry in came()}
    assert tags == {"one", "two", "three", "other"}


def test_a_log_that_comes_back_goes_on_where_it_was(tmp_path: Path) -> None:
    log, other = Rotator(tmp_path / "logs" / "audit.log"), Rotator(tmp_path / "other" / "audit.log")
    with Intake() as intake, AgentProcess(tmp_path, log.path, intake.url) as agent:
        conf = Reloaded(agent, tmp_path, intake.url)
        conf.logs = {log.path: "env:one", other.path: "env:one"}
        conf.write()
        agent.start()
        for one in (log, other):
            one.write(10)
        wait_until(lambda: intake.oracle.events == 20, agent.said)
        del conf.logs[other.path]
        assert len(conf.hangup().sources) == 1
        for one in (other, log):
            one.write(10)
        wait_until(lambda: intake.oracle.events == 30, agent.said)
        # Two signals at once may be one to the system.
        for _ in range(2):
            agent.child.send_signal(signal.SIGHUP)
        agent.until(lambda now: now.reloads > 1)
        conf.logs[other.path] = "env:again"
        conf.hangup()
        wait_until(lambda: intake.oracle.events >= 40, agent.said)
        agent.terminate()
    came = Counter(entries(intake.requests))
    assert set(came.values()) == {1}
    assert {entry for entry in came if entry[0] == "other" and entry[2] > 10} == {
        ("other", "again", number) for number in range(11, 21)
    }
    assert len(came) == 40


def webhook(taken: socket.socket) -> str:
    return f'  webhook: [{{address: "127.0.0.1:{taken.getsockname()[1]}"}}]'


@pytest.mark.skipif(sys.platform != "linux", reason="it is systemd's")
def test_the_service_manager_hears_of_everything(tmp_path: Path) -> None:
    place = tmp_path / "notify"
    env = {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "200000", **FAST}
    log = Rotator(tmp_path / "logs" / "audit.log")
    with (
        Intake() as intake,
        manager(place) as heard,
        AgentProcess(tmp_path, log.path, intake.url, **env) as agent,
    ):
        agent.start()
        wait_until(lambda: "READY" in heard(), agent.said)
        wait_until(lambda: heard().count("WATCHDOG") > 2, agent.said)
        for file in ("logs: 5", None):
            conf = tmp_path / "conf.d" / "kubernetes_audit.d" / "conf.yaml"
            fine = conf.read_text()
            conf.write_text(file or fine)
            ready = heard().count("READY")
            agent.child.send_signal(signal.SIGHUP)
            wait_until(lambda ready=ready: heard().count("READY") > ready, agent.said)  # type: ignore[misc]
            conf.write_text(fine)
        agent.terminate()
        wait_until(lambda: "STOPPING" in heard(), agent.said)
        said = [one for one in heard() if one != "WATCHDOG"]
    assert said == ["READY", *["RELOADING", "MONOTONIC_USEC", "READY"] * 2, "STOPPING", "EXTEND_TIMEOUT_USEC"]


@pytest.mark.skipif(sys.platform != "linux", reason="it is systemd's")
@pytest.mark.parametrize("reloads", [False, True], ids=["stop", "reload"])
def test_the_watchdog_is_fed_while_a_sink_keeps_it_from_ending(tmp_path: Path, *, reloads: bool) -> None:
    """A grace that is longer than the watchdog's time; and whoever is in a hurry is heard in it, also in a reload."""
    place = tmp_path / "notify"
    env = {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "400000", "DD_LOGS_CONFIG_STOP_GRACE_PERIOD": "3600", **FAST}
    log = Rotator(tmp_path / "logs" / "audit.log")
    log.write(10)
    with (
        Intake(always(Reply(503))) as intake,
        manager(place) as heard,
        AgentProcess(tmp_path, log.path, intake.url, **env) as agent,
    ):
        conf = Reloaded(agent, tmp_path, intake.url)
        conf.logs = {log.path: "env:one"}
        conf.write()
        agent.start()
        wait_until(lambda: intake.seen > 0, agent.said)
        if reloads:
            conf.logs = {log.path: "env:two"}
            conf.write()
        agent.child.send_signal(signal.SIGHUP if reloads else signal.SIGTERM)
        wait_until(lambda: ("RELOADING" if reloads else "STOPPING") in heard(), agent.said)
        begun = heard().count("WATCHDOG")
        wait_until(lambda: heard().count("WATCHDOG") > begun + 3, agent.said)
        assert heard().count("READY") == 1
        if reloads:
            agent.child.send_signal(signal.SIGTERM)
            wait_until(lambda: "STOPPING" in heard(), agent.said)
            intake.answer = always()
            assert agent.child.wait(SOON) == 0, agent.said()
        else:
            agent.terminate()


def test_the_log_changes_with_a_reload_and_what_does_not_is_named(tmp_path: Path) -> None:
    log = Rotator(tmp_path / "logs" / "audit.log")
    nowhere = "  metrics_address: null\n"
    with (
        Intake() as intake,
        # The variable would count more than the file.
        AgentProcess(tmp_path, log.path, intake.url, AUDITWAKE_METRICS_ADDRESS="") as agent,
    ):
        conf = Reloaded(agent, tmp_path, intake.url)
        conf.logs, conf.more = {log.path: "env:one"}, nowhere
        conf.write()
        agent.start()
        log.write(1)
        wait_until(lambda: intake.oracle.events == 1, agent.said)
        usual = set(conf.stands().warnings)
        conf.more = f"{nowhere}  log_format: json\n"
        assert set(conf.hangup().warnings) == usual
        wait_until(lambda: agent.times('"message": "the configuration was read again"') == 1, agent.said)
        conf.more = f"{nowhere}  log_format: text\n  log_level: warning\n  socket: {tmp_path / 'other'}\n"
        (warning,) = {*conf.hangup().warnings} - usual
        assert warning.startswith(f"socket: it is {tmp_path / 'other'} now")
        wait_until(lambda: agent.times(f"WARNING auditwake.agent: {warning}") == 1, agent.said)
        conf.more = "  metrics_address: 127.0.0.1:0\n"
        (warning,) = {*conf.hangup().warnings} - usual
        assert warning.startswith("metrics_address: it is 127.0.0.1:0 now, and none until")
        conf.more = nowhere
        assert set(conf.hangup().warnings) == usual
        agent.terminate()
        assert agent.times("INFO    auditwake.agent: the configuration was read again") == 2


def test_what_the_configuration_warns_of_is_in_the_log_once(tmp_path: Path) -> None:
    """An agent that ships nothing would else say that all is well."""
    with AgentProcess(tmp_path, tmp_path / "audit.log", "http://127.0.0.1:9", DD_LOGS_ENABLED="false") as agent:
        agent.start()
        before = agent.until(lambda _snapshot: True)
        wait_until(lambda: agent.times("WARNING auditwake.agent: DD_LOGS_ENABLED: nothing is shipped") == 1, agent.said)
        agent.child.send_signal(signal.SIGHUP)
        agent.until(lambda now: now.reloads > before.reloads)
        agent.child.send_signal(signal.SIGTERM)
        assert agent.child.wait(SOON) == 0
        assert agent.times("nothing is shipped") == 1
