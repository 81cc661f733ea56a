"""The agent in this process: routes, reload, tables, listeners, the quarantine, and what the service manager hears."""

import base64
import json
import logging
import os
import socket
import sys
import threading
import urllib.request
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditwake.errors import SinkError, StateError
from auditwake.forwarder import agent as agent_module
from auditwake.forwarder.agent import Agent
from auditwake.forwarder.config.model import (
    Batching,
    FileSink,
    HttpOptions,
    OtlpSink,
    ParquetSink,
    Source,
    WebhookSource,
)
from auditwake.forwarder.engine.journal import Journal
from auditwake.forwarder.engine.quarantine import Quarantine, Refused
from auditwake.forwarder.engine.route import Context
from auditwake.forwarder.snapshot import ReceiverSnapshot
from auditwake.forwarder.systemd import notify, watchdog_seconds
from tests.engine.agents import SOON, config, datadog, routes, running, source, until
from tests.intake import Intake, Reply, always, marked
from tests.intake.otlp import OtlpReceiver
from tests.tailing.lines import line
from tests.tailing.processes import wait_until
from tests.tailing.rotator import Rotator


def test_each_event_has_the_attributes_of_the_integration(tmp_path: Path, log: Rotator) -> None:
    log.write(3)
    tagged = source(log.path, source="kubernetes.audit", sourcecategory="security", tags=("env:prod",))
    with Intake() as intake, running(config(tmp_path, [tagged], datadog(intake))) as agent:
        until(agent, lambda: intake.oracle.events == 3)
        description = agent.snapshot().sinks[0].description
    assert intake.url.rpartition(":")[2] in description
    assert description.endswith("(API Key: ***...kkkkk)")
    request = intake.requests[0]
    entry = json.loads(request.body)[0]
    tags = [f"filename:{log.path.name}", f"dirname:{log.path.parent}", "sourcecategory:security", "env:prod"]
    assert entry["ddtags"].split(",") == tags
    assert (entry["hostname"], entry["service"], entry["ddsource"]) == ("node-1", "audit", "kubernetes.audit")
    assert json.loads(entry["message"])["kind"] == "Event"
    assert request.headers["dd-evp-origin"] == "auditwake"
    assert request.headers["dd-api-key"] == "k" * 32


def test_a_sink_that_stands_still_holds_no_other_up(tmp_path: Path, log: Rotator) -> None:
    log.write(120)
    with Intake() as well, Intake(always(Reply(503))) as ill:
        settings = config(tmp_path, [source(log.path)], datadog(ill, "ill"), datadog(well, "well"), grace=0.5)
        with running(settings) as agent:
            until(agent, lambda: well.oracle.events == 120)
            # The other may be done before the first answer to this one is read.
            until(agent, lambda: ("ill", "retrying", "503") in [(at.sink, at.state, at.reason) for at in routes(agent)])
        ill.answer = always()
        with running(settings) as agent:
            until(agent, lambda: ill.oracle.events == 120)
        well.oracle.check(120)
        assert well.oracle.twice == []


def test_what_is_refused_and_what_is_no_event_are_in_the_quarantine(tmp_path: Path, log: Rotator) -> None:
    log.write(10)
    log.append(b"no event\n")
    log.write(60)
    with Intake(marked({4, 5, 33})) as intake:
        with running(config(tmp_path, [source(log.path)], datadog(intake))) as agent:
            until(agent, lambda: routes(agent)[0].quarantined_events == 3)
            until(agent, lambda: intake.oracle.events == 67)
        intake.oracle.check(70, without={4, 5, 33})
    (path,) = (tmp_path / "state" / "quarantine").iterdir()
    kept = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(one["reason"] for one in kept)[-3:] == ["refused"] * 3
    assert len(kept) == 4
    whole = log.path.read_bytes()
    for one in kept:
        at = slice(one["offset"], one["offset"] + one["length"])
        assert one["stream"] == one["file"] == str(log.path)
        assert whole[at].strip() == base64.b64decode(one["bytes"]).strip()


def test_a_receiver_that_refuses_everything_holds(tmp_path: Path, log: Rotator) -> None:
    log.write(300)
    with Intake(always(Reply(400))) as intake:
        with running(config(tmp_path, [source(log.path)], datadog(intake))) as agent:
            until(agent, lambda: routes(agent)[0].state == "holding")
            assert "look at the URL" in routes(agent)[0].reason
            intake.answer = always()
            until(agent, lambda: intake.oracle.last == 300)
        kept = next((tmp_path / "state" / "quarantine").iterdir()).read_text().splitlines()
        assert (len(kept), intake.oracle.events) == (100, 200)


def test_reload_restarts_only_what_has_changed(tmp_path: Path, log: Rotator) -> None:
    other = Rotator(tmp_path / "other" / "audit.log")
    log.write(20)
    with Intake() as first, Intake() as second:
        before = config(tmp_path, [source(log.path)], datadog(first))
        with running(before) as agent:
            until(agent, lambda: first.oracle.events == 20)
            (kept,) = agent._routes  # noqa: SLF001  # whether it is the same one
            agent.reload(replace(before, sinks=(*before.sinks, datadog(second, "second"))))
            until(agent, lambda: second.oracle.events == 20)
            assert agent._routes[0] is kept  # noqa: SLF001
            other.write(5)
            agent.reload(replace(agent.config, sources=(*before.sources, source(other.path))))
            until(agent, lambda: first.oracle.payloads + second.oracle.payloads >= 4)
            agent.reload(replace(agent.config, sources=before.sources, sinks=before.sinks))
            log.write(20)
            until(agent, lambda: first.oracle.last == 40)
            assert (agent.snapshot().reloads, len(routes(agent))) == (3, 1)
            # It is counted when the answer has come back.
            until(agent, lambda: routes(agent)[0].events_sent == 40)
            with pytest.raises(StateError):
                agent.reload(replace(before, state=tmp_path / "elsewhere"))
            with pytest.raises(SinkError):
                agent.reload(replace(before, sinks=(replace(before.sinks[0], http=HttpOptions(url="none")),)))  # type: ignore[arg-type]
            log.write(1)
            until(agent, lambda: first.oracle.last == 41)


def test_rows_and_their_place_are_in_one_commit(tmp_path: Path, log: Rotator) -> None:
    directory = tmp_path / "parquet"
    settings = config(
        tmp_path,
        [source(log.path)],
        ParquetSink(directory=directory, columns=("name",), bodies=False, roll_seconds=0.2, backoff=SOON),
    )
    for _ in range(3):
        log.write(40)
        with running(settings) as agent:
            until(agent, lambda: routes(agent)[0].state == "running")
            log.write(10)
            wait_until(lambda: names(directory)[-1:] == [log.last], lambda: (names(directory), routes(agent)))
        for file in (tmp_path / "state" / "routes").rglob("offsets.*"):
            file.unlink()  # the table has the place
    assert names(directory) == list(range(1, 151))


def names(directory: Path) -> list[int]:
    """The numbers of the rows in all files."""
    files = sorted(directory.rglob("*.parquet"))
    columns = [pq.ParquetFile(file).read(["name"]).column(0) for file in files]
    rows: pa.ChunkedArray = pa.chunked_array(
        [chunk for column in columns for chunk in column.chunks] or [pa.array([""][:0])]
    )
    return sorted(int(name.removeprefix("n-")) for name in rows.to_pylist())


def test_events_can_be_heard_on_their_way(tmp_path: Path, log: Rotator) -> None:
    heard: list[bytes] = []
    log.write(5)
    with running(config(tmp_path, [source(log.path)], FileSink(path=tmp_path / "out", backoff=SOON))) as agent:
        until(agent, lambda: routes(agent)[0].events_sent == 5)
        with agent.taps.listen(lambda _source, events: heard.extend(events)):
            log.write(5)
            until(agent, lambda: len(heard) == 5)
    assert [line + b"\n" for line in (tmp_path / "out").read_bytes().splitlines()][5:] == [one + b"\n" for one in heard]


def test_a_fault_in_a_thread_that_sends_stops_no_route(tmp_path: Path, log: Rotator) -> None:
    faults: list[int] = []

    def listener(_source: Source, events: list[bytes]) -> None:
        if len(faults) < 3:
            faults.append(len(events))
            message = "a body that no log may have"
            raise RuntimeError(message)

    with running(config(tmp_path, [source(log.path)], FileSink(path=tmp_path / "out", backoff=SOON))) as agent:
        until(agent, lambda: routes(agent)[0].state == "running")
        with agent.taps.listen(listener):
            log.write(5)
            until(agent, lambda: routes(agent)[0].events_sent == 5)
        until(agent, lambda: routes(agent)[0].state == "running")
    assert faults == [5, 5, 5]
    assert len((tmp_path / "out").read_bytes().splitlines()) == 5


def test_logs_appear_and_some_are_left_out(tmp_path: Path) -> None:
    pattern = source(tmp_path / "*" / "audit.log", exclude_paths=(str(tmp_path / "not" / "*"),))
    with Intake() as intake, running(config(tmp_path, [pattern], datadog(intake))) as agent:
        until(agent, lambda: routes(agent)[0].state == "running")
        assert agent.snapshot().sources[0].status == "Pending"
        for name in ("one", "two", "not"):
            Rotator(tmp_path / name / "audit.log").write(3)
        until(agent, lambda: intake.oracle.events == 6)
        assert agent.snapshot().sources[0].status == "OK"
        assert len(agent.snapshot().sources[0].inputs) == 2


def test_a_webhook_is_a_log_like_any_other(tmp_path: Path) -> None:
    hook = WebhookSource(integration="k8s", file=Path("conf.yaml"), address="127.0.0.1:0", service="audit")
    settings = replace(config(tmp_path, []), sources=(hook,))
    with Intake() as intake:
        with running(replace(settings, sinks=(datadog(intake),))) as agent:
            ((_, receiver),) = agent._builder._receivers  # noqa: SLF001  # port 0 is the system's choice
            post(receiver.port, 1, 2, 3)
            until(agent, lambda: intake.oracle.events == 3)
            agent.tend()
            post(receiver.port, 1, 2, 3)
            entry = agent.snapshot().sources[0]
            assert entry.type == "webhook"
            assert entry.receiver == ReceiverSnapshot(
                batches=1, events=3, duplicates=1, backlog_bytes=receiver.log.stat().st_size
            )
            # The counters of a process never fall.
            agent.reload(replace(agent.config, sources=(replace(hook, path="/audit"),)))
            again = agent.snapshot().sources[0].receiver
            assert again == entry.receiver
        intake.oracle.check(3)


def post(port: int, *numbers: int) -> None:
    events = b",".join(line(number).strip() for number in numbers)
    body = b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[' + events + b"]}"
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/", body, {"Content-Type": "application/json"})  # loopback
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
        assert answer.status == 200


def test_a_webhook_keeps_what_a_sink_that_stands_still_has_not_taken(tmp_path: Path) -> None:
    hook = WebhookSource(integration="k8s", file=Path("conf.yaml"), address="127.0.0.1:0", service="audit")
    settings = replace(config(tmp_path, []), sources=(hook,))
    with Intake() as intake, pytest.MonkeyPatch.context() as patch:
        # A few events are all that may be under way.
        patch.setattr(agent_module, "Context", partial(Context, limit=1))
        with running(replace(settings, sinks=(datadog(intake, max_bytes=5000, concurrency=1),))) as agent:
            ((_, receiver),) = agent._builder._receivers  # noqa: SLF001  # port 0 is the system's choice
            post(receiver.port, 1)
            until(agent, lambda: routes(agent)[0].last_commit is not None)
            intake.answer = always(Reply(503))
            post(receiver.port, *range(2, 60))
            until(agent, lambda: routes(agent)[0].in_flight_bytes > 10_000)
            receiver._segments._max_bytes = 20_000  # noqa: SLF001  # files that small are no option
            for first in range(60, 300, 20):
                post(receiver.port, *range(first, first + 20))
            for _ in range(3):
                agent.tend()
            intake.answer = always()
            until(agent, lambda: intake.oracle.last == 299 and routes(agent)[0].in_flight_payloads == 0)
            intake.oracle.check(299)
            for _ in range(2):
                agent.tend()
            assert list(receiver.log.parent.glob("audit-*.log")) == []


def test_force_begins_anew_at_every_start(tmp_path: Path, log: Rotator) -> None:
    log.write(10)
    with Intake() as intake:
        for start in ("forceBeginning", "forceBeginning", "beginning", "forceEnd"):
            one = source(log.path, start_position=start)
            with running(config(tmp_path, [one], datadog(intake))) as agent:
                until(agent, lambda: [stream for stream in routes(agent)[0].streams if stream.file] != [])
                log.write(1)
                until(agent, lambda: intake.oracle.last == log.last)
        # 11 and 12 from the beginning, one where the offset was, one behind the end.
        assert intake.oracle.events == 11 + 12 + 1 + 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a directory that cannot be written")
def test_a_state_that_cannot_be_written(tmp_path: Path, log: Rotator) -> None:
    (tmp_path / "state").mkdir(mode=0o500)
    with pytest.raises(StateError, match="writable"):
        Agent(config(tmp_path, [source(log.path)])).start()


def test_one_agent_a_state(tmp_path: Path, log: Rotator) -> None:
    settings = config(tmp_path, [source(log.path)], FileSink(path=tmp_path / "out"))
    with running(settings), pytest.raises(StateError, match="another agent"):
        Agent(settings).start()
    with running(settings):
        pass


# --- files -----------------------------------------------------------------------------------------------------------


ENTRY = {"stream": "audit.log", "start": 0, "rows": 1, "made": 5, "first": "", "encoding": "", "digest": ""}


def test_the_journal_has_what_is_under_way(tmp_path: Path) -> None:
    path = tmp_path / "inflight"
    one = Journal(path)
    entries = [one.begin(**{**ENTRY, "start": start}) for start in range(4)]
    one.done([entries[0]], lambda: False)
    one.done([entries[2]], lambda: False)  # the offset has not moved over it
    one.close()
    with path.open("ab") as file:
        file.write(b'{"number":5,"torn')
    again = Journal(path)
    assert again.plan() == {"audit.log": entries[1:]}
    again.done(entries[1:], lambda: True)
    again.close()
    assert path.read_bytes() == b""


def test_the_journal_keeps_the_plan_of_a_log_that_was_not_begun(tmp_path: Path) -> None:
    path = tmp_path / "inflight"
    one = Journal(path)
    first, second = one.begin(**ENTRY), one.begin(**{**ENTRY, "stream": "other.log"})
    one.close()
    again = Journal(path)
    again.done([first], lambda: True)
    again.close()
    third = Journal(path)
    assert third.plan() == {"other.log": [second]}
    third.done([second], lambda: True)
    third.close()
    assert path.read_bytes() == b""


def test_a_journal_that_cannot_be_made_smaller_writes_into_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Journal(tmp_path / "inflight")
    monkeypatch.setattr("auditwake.forwarder.engine.journal.MOST_LINES", 2)

    def full(*_: object) -> int:
        raise OSError(24, "too many open files")

    entries = [one.begin(**{**ENTRY, "start": start}) for start in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", full)
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="too many"):
            one.done(entries[:1], lambda: False)
    with (tmp_path / "other").open("wb") as other:
        last = one.begin(**{**ENTRY, "start": 3})
        other.flush()
    one.close()
    assert (tmp_path / "other").read_bytes() == b""
    again = Journal(tmp_path / "inflight")
    assert again.plan() == {"audit.log": [*entries[1:], last]}
    again.close()


def test_the_journal_stays_small(tmp_path: Path) -> None:
    one = Journal(tmp_path / "inflight")
    first = one.begin(**ENTRY)
    for start in range(1, 6000):
        last = one.begin(**{**ENTRY, "start": start})
        one.done([first], lambda: False)
        first = last
    assert one.plan() == {"audit.log": [first]}
    one.close()
    assert len((tmp_path / "inflight").read_bytes().splitlines()) < 5000
    again = Journal(tmp_path / "inflight")
    assert again.plan() == {"audit.log": [first]}
    again.close()


def test_half_a_line_of_the_journal_takes_no_other_with_it(tmp_path: Path) -> None:
    path = tmp_path / "inflight"
    values = {"stream": "audit.log", "rows": 1, "made": 1, "first": "", "encoding": "e", "digest": "d"}
    with path.open("wb") as file:
        file.write(b'{"torn')
    first = Journal(path)
    entry = first.begin(start=7, **values)
    again = Journal(path)
    assert again.plan() == {"audit.log": [entry]}
    for one in (first, again):
        one.close()


def test_what_a_process_has_set_aside_before_it_died_is_not_set_aside_again(tmp_path: Path) -> None:
    path = tmp_path / "q.ndjson"
    refused = [Refused("audit.log", "audit.log", place, "refused", "no", b"%d" % place, 1) for place in range(3)]
    Quarantine(path, "datadog").put(refused[:2])
    with path.open("ab") as file:
        file.write(b'{"torn')
    again = Quarantine(path, "datadog")
    again.put(refused)
    again.put(refused)  # the commit behind it has failed
    again.committed()
    again.put(refused[:1])  # the same line once more in the log
    lines = [line for line in path.read_text().splitlines() if line.endswith("}")]
    assert [json.loads(line)["offset"] for line in lines] == [0, 1, 2, 0]
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_name_that_cannot_be_synced_sets_nothing_aside_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the file's name is durable, nothing is in it; it is tried again with the next write."""
    synced: list[Path] = []

    def sync(directory: Path) -> None:
        synced.append(directory)
        if len(synced) == 1:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr("auditwake.forwarder.engine.quarantine.sync_directory", sync)
    quarantine = Quarantine(tmp_path / "q.ndjson", "datadog")
    refused = [Refused("audit.log", "audit.log", 5, "refused", "no", b"{}", 2)]
    with pytest.raises(OSError, match="Input/output"):
        quarantine.put(refused)
    quarantine.put(refused)
    quarantine.put([replace(refused[0], offset=9)])
    assert (synced, len(quarantine.path.read_text().splitlines())) == ([tmp_path] * 2, 2)


def test_a_write_that_fails_takes_nothing_of_another_thread_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Quarantine(tmp_path / "q.ndjson", "datadog")
    first, second = (Refused("audit.log", "audit.log", place, "refused", "no", b"%d" % place, 1) for place in range(2))
    thread = threading.Thread(target=one.put, args=([second],))
    real = os.fsync

    def full(file: int) -> None:
        if threading.current_thread() is thread:
            real(file)
            return
        thread.start()
        thread.join(0.5)  # it must not get through now
        raise OSError(28, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        one.put([first])
    thread.join()
    assert [json.loads(line)["offset"] for line in one.path.read_text().splitlines()] == [1]


# --- the service manager ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="there is none")
def test_the_service_manager_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        notify(READY="1", STATUS="fine")
        assert manager.recv(1000) == b"READY=1\nSTATUS=fine"
        notify(RELOADING="1")
        assert b"\nMONOTONIC_USEC=" in manager.recv(1000)
    notify(READY="1")  # nobody hears it
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    assert watchdog_seconds() == 15
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_seconds() is None


def test_no_thread_is_left(tmp_path: Path, log: Rotator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "auditwake")
    log.write(10)
    with running(config(tmp_path, [source(log.path)], FileSink(path=tmp_path / "out"))) as agent:
        until(agent, lambda: routes(agent)[0].events_sent == 10)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("auditwake-")] == []
    assert caplog.messages == []


def test_what_an_otlp_receiver_only_counts_is_in_the_counters(tmp_path: Path, log: Rotator) -> None:
    log.write(10)
    with Intake(OtlpReceiver(rejected=2)) as intake:
        sink = OtlpSink(
            http=HttpOptions(url=f"{intake.url}/v1/logs"), batching=Batching(wait=0.05, max_events=5), backoff=SOON
        )
        with running(config(tmp_path, [source(log.path)], sink)) as agent:
            until(agent, lambda: routes(agent)[0].last_commit is not None and routes(agent)[0].payloads_sent >= 2)
            until(agent, lambda: routes(agent)[0].events_sent + routes(agent)[0].rejected_events == 10)
            (route,) = routes(agent)
        assert route.rejected_events == 2 * route.payloads_sent
        assert (route.quarantined_events, route.events_read) == (0, 10)
