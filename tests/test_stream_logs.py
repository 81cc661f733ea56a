"""`stream-logs`: the Agent's line, the filters, and no listener that slows the agent."""

import os
import subprocess
import sys
import threading
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from auditwake.errors import AuditwakeError
from auditwake.forwarder.config import load
from auditwake.forwarder.snapshot import SinkSnapshot
from auditwake.forwarder.status import Filters, Unheard, ask_status, follow
from auditwake.forwarder.status.client import Dropped
from auditwake.forwarder.status.endpoint import connect
from auditwake.forwarder.status.server import MOST_LISTENERS
from auditwake.forwarder.status.stream import Queue, stream_line
from auditwake.forwarder.taps import Taps
from tests.serving import KINDS, SOURCE, Make, listening, wait_until
from tests.standing import healthy

TABLES = [
    SinkSnapshot(name=name, type=type_, description="")
    for name, type_ in {"archive": "parquet", "lake": "delta"}.items()
]


def test_the_line_is_the_agents() -> None:
    head, _, rest = stream_line(SOURCE, b'{"kind":"Event"}', "node-1").partition(" | Timestamp: ")
    assert head == "Integration Name: kubernetes_audit | Type: file | Status: info"
    assert rest.partition(" | ")[2] == (
        "Hostname: node-1 | Service: audit | Source: kubernetes.audit | Tags: filename:audit.log,"
        'dirname:/var/log/kubernetes/apiserver,env:prod | Message: {"kind":"Event"}'
    )


def test_a_category_is_one_tag(tmp_path: Path) -> None:
    """As a configuration that was read has it: the entry's own, and among the tags already."""
    path = tmp_path / "conf.yaml"
    path.write_text("logs: [{type: file, path: /a.log, sourcecategory: k8s, tags: 'a:1'}]\n")
    (entry,) = load(path, {}).sources
    assert "Tags: filename:a.log,dirname:/,sourcecategory:k8s,a:1 |" in stream_line(entry, b"{}", "node-1")


@pytest.mark.parametrize("event", [b"\x1b[2J\x07", b"a\nb", b"\xff", "\u202egnp".encode(), b"a\r\n"])
def test_a_line_is_one_line_and_moves_no_cursor(event: bytes) -> None:
    assert stream_line(SOURCE, event, "h").isprintable()


@pytest.mark.parametrize("unix", KINDS)
def test_events_come_in_order_until_the_agent_stops(serve: Make, *, unix: bool) -> None:
    taps = Taps()
    server = serve(taps=taps, unix=unix)
    stream = follow(server.path, Filters())
    got: list[str | Dropped | Unheard] = []
    reader = threading.Thread(target=lambda: got.extend(stream))
    reader.start()
    listening(taps)
    for start in range(0, 100, 10):
        taps.publish(SOURCE, [b"%d" % number for number in range(start, start + 10)])
    wait_until(lambda: len(got) >= 100)
    server.stop()
    reader.join(20)
    assert not taps.active
    assert [str(line).rpartition(" ")[2] for line in got] == [str(number) for number in range(100)]


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({}, True),
        ({"name": "kubernetes_audit", "type": "file", "source": "kubernetes.audit", "service": "audit"}, True),
        ({"name": "kubernetes"}, False),
        ({"type": "webhook"}, False),
        ({"source": "audit"}, False),
        ({"service": ""}, False),
    ],
)
def test_each_filter_has_to_be_equal(filters: dict[str, str], *, passes: bool) -> None:
    assert Filters.from_dict(filters).match(SOURCE) is passes


def test_a_filtered_stream_leaves_the_others_out(serve: Make) -> None:
    taps = Taps()
    server = serve(taps=taps)
    stream = follow(server.path, Filters(service="audit"))
    first: list[str | Dropped | Unheard] = []
    reader = threading.Thread(target=lambda: first.append(next(stream)))
    reader.start()
    listening(taps)
    taps.publish(replace(SOURCE, service="other"), [b"hidden"])
    taps.publish(SOURCE, [b"shown"])
    reader.join(20)
    assert [str(line).rpartition(" ")[2] for line in first] == ["shown"]
    stream.close()  # type: ignore[attr-defined]  # a generator is closed


def test_a_full_queue_drops_counts_and_says_where() -> None:
    queue = Queue(most_events=3, most_bytes=10)
    queue.put(SOURCE, [b"1", b"2", b"3", b"4", b"5"])
    queue.put(SOURCE, [b"6"])
    taken, dropped = queue.take(0)
    assert ([event for _, event in taken], dropped) == ([b"1", b"2", b"3"], 3)
    queue.put(SOURCE, [b"7", b"x" * 10, b"8"])
    taken, dropped = queue.take(0)
    assert ([event for _, event in taken], dropped) == ([b"7"], 2)
    assert queue.take(0) == ([], 0)


def test_a_listener_that_does_not_read_slows_nobody(serve: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every event is either in the stream or counted as left out, and to publish never waits."""
    monkeypatch.setattr("auditwake.forwarder.status.server.Queue", partial(Queue, most_events=500))
    taps = Taps()
    server = serve(taps=taps)
    stream = follow(server.path, Filters())
    begin, ended = threading.Event(), threading.Event()
    shown, dropped = [0], [0]

    def read() -> None:
        for one in stream:
            begin.wait(60)
            if isinstance(one, Dropped):
                dropped[0] += one.events
            else:
                shown[0] += 1
            if shown[0] + dropped[0] >= 5_000:
                ended.set()

    reader = threading.Thread(target=read)
    reader.start()
    listening(taps)
    events = [b"x" * 1000] * 500
    for _ in range(10):
        taps.publish(SOURCE, events)
    begin.set()
    assert ended.wait(60)
    server.stop()
    reader.join(20)
    assert dropped[0] > 0
    assert shown[0] + dropped[0] == 5_000


def test_listeners_are_few_and_leave_room_for_status(serve: Make, place: Path) -> None:
    taps = Taps()
    serve(taps=taps)
    with ExitStack() as stack:
        for _ in range(MOST_LISTENERS):
            peer = stack.enter_context(closing(connect(place)[0]))
            peer.sendall(b'{"command":"stream-logs"}\n')
            assert peer.recv(100)
        with pytest.raises(AuditwakeError, match="listen already"):
            next(follow(place, Filters()))
        assert ask_status(place) == healthy()
    wait_until(lambda: not taps.active)


def test_sinks_that_take_rows_are_named(serve: Make) -> None:
    taps = Taps()
    sinks = (SinkSnapshot(name="datadog", type="datadog", description=""), *TABLES)
    server = serve(lambda: replace(healthy(), sinks=sinks), taps)
    assert next(follow(server.path, Filters())) == Unheard(("archive", "lake"))


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal")
def test_ctrl_c_leaves_at_once(serve: Make, place: Path) -> None:
    taps = Taps()
    serve(taps=taps)
    command = [sys.executable, "-m", "auditwake", "agent", "stream-logs", "--socket", str(place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        listening(taps)
        taps.publish(SOURCE, [b"one"])
        assert process.stdout is not None
        assert process.stdout.readline().endswith("| Message: one\n")
        process.send_signal(2)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, "")
