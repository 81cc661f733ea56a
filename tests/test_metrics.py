"""`/metrics` is what Prometheus reads, and tells of everything that a snapshot has; the probes say what they mean."""

import http.client
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditwake.errors import AuditwakeError
from auditwake.forwarder.metrics import MetricsServer, render
from auditwake.forwarder.metrics.families import FAMILIES, Page
from auditwake.forwarder.snapshot import AgentSnapshot, RouteSnapshot
from tests.promtool import promtool
from tests.standing import LOG, agent, healthy, healthy_route, source, troubled

SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$')
LABEL = re.compile(r'([a-z]+)="((?:[^"\\\n]|\\["\\n])*)"')
ESCAPES = {"\\\\": "\\", "\\n": "\n", '\\"': '"'}

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Samples:
    """Read the text format, by its specification; a sample that is there twice is an error, as for Prometheus."""
    samples: Samples = {}
    for line in text.split("\n")[:-1]:
        if line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        assert match, line
        labels = tuple((name, _plain(value)) for name, value in LABEL.findall(match[2] or ""))
        assert (match[1], labels) not in samples, line
        samples[match[1], labels] = float(match[3])
    return samples


def _plain(value: str) -> str:
    return re.sub(r'\\[\\n"]', lambda match: ESCAPES[match[0]], value)


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(labels.items())]


@pytest.mark.parametrize("snapshot", [healthy(), troubled(), agent()], ids=["healthy", "troubled", "empty"])
def test_promtool_has_nothing_to_say(snapshot: AgentSnapshot) -> None:
    text = render(snapshot)
    assert text.count("# TYPE") > 8
    done = promtool("check", "metrics", text=text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_promtool_looks_at_what_it_is_given() -> None:
    """Of a page that is wrong it says so: silence above means something."""
    for wrong in (render(healthy()).replace("_total", "_totals"), render(healthy()) + "auditwake_lag_bytes{ 5\n"):
        done = promtool("check", "metrics", text=wrong)
        assert done.returncode != 0


def test_every_family_is_there_and_none_other() -> None:
    """A family that nothing fills would be a line of a dashboard that is always empty."""
    text = render(agent(source(healthy_route()), *troubled().sources))
    named = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    optional = set() if Path("/proc/self/stat").exists() else {name for name in FAMILIES if name.startswith("process_")}
    assert named | optional == set(FAMILIES) | optional
    assert text.count("# HELP") == text.count("# TYPE") == len(named)


def test_the_numbers_are_those_of_the_snapshot() -> None:
    samples = read(render(healthy()))
    route = healthy().sources[0].routes[0]
    log = {"path": LOG, "sink": "datadog"}
    assert value(samples, "auditwake_build_info", version="1.2.3") == 1
    assert value(samples, "auditwake_read_bytes_total", **log) == route.streams[0].bytes
    assert value(samples, "auditwake_events_total", **log, outcome="rejected") == 4
    assert value(samples, "auditwake_lag_seconds", **log) == 0.4
    assert value(samples, "auditwake_sink_events_total", sink="datadog", result="acknowledged") == route.events_sent
    assert value(samples, "auditwake_sink_retries_total", sink="datadog", reason="503") == 2
    assert value(samples, "auditwake_quarantined_events_total", **log) == 1
    assert value(samples, "auditwake_last_commit_timestamp_seconds", **log) == route.last_commit
    assert ("auditwake_time_to_loss_seconds", tuple(log.items())) not in samples
    histogram = "auditwake_sink_request_duration_seconds"
    assert [value(samples, f"{histogram}_bucket", sink="datadog", le=le) for le in ("0.1", "1", "+Inf")] == [20, 30, 31]
    assert value(samples, f"{histogram}_sum", sink="datadog") == 4.75
    assert value(samples, f"{histogram}_count", sink="datadog") == 31


def test_the_numbers_of_a_webhook_and_of_what_is_rejected_are_those_of_the_snapshot() -> None:
    samples = read(render(troubled()))
    path = "0.0.0.0:9443"
    assert value(samples, "auditwake_webhook_batches_total", path=path, result="new") == 30
    assert value(samples, "auditwake_webhook_batches_total", path=path, result="duplicate") == 2
    assert value(samples, "auditwake_webhook_events_total", path=path) == 12_000
    assert value(samples, "auditwake_webhook_refused_total", path=path) == 1
    assert value(samples, "auditwake_webhook_backlog_bytes", path=path) == 4096
    assert value(samples, "auditwake_sink_events_total", sink="datadog", result="rejected") == 6


@pytest.mark.parametrize("state", ["starting", "running", "holding", "retrying", "stopped", "failed"])
def test_a_route_is_in_one_state(state: str) -> None:
    samples = read(render(agent(source(RouteSnapshot(sink="s", state=state)))))
    states = {dict(labels)["state"]: one for (name, labels), one in samples.items() if name == "auditwake_route_state"}
    assert len(states) == 6
    assert [name for name, one in states.items() if one] == [state]


def test_what_is_there_twice_is_one_sample() -> None:
    """A pattern and a path may name the same log; Prometheus refuses a page with a sample twice."""
    once, twice = read(render(healthy())), read(render(agent(source(healthy_route()), source(healthy_route()))))
    assert once.keys() == twice.keys()
    log = {"path": LOG, "sink": "datadog"}
    assert value(twice, "auditwake_read_bytes_total", **log) == 2 * value(once, "auditwake_read_bytes_total", **log)
    assert value(twice, "auditwake_lag_seconds", **log) == value(once, "auditwake_lag_seconds", **log)


def test_the_nearest_loss_is_shown() -> None:
    route = healthy_route()
    near, far = (replace(route, streams=(replace(route.streams[0], time_to_loss=one),)) for one in (60.0, 600.0))
    samples = read(render(agent(source(far), source(near))))
    assert value(samples, "auditwake_time_to_loss_seconds", path=LOG, sink="datadog") == 60


@given(st.text())
def test_any_text_is_a_label(text: str) -> None:
    """What comes back is what went in; what is no UTF-8 became question marks."""
    page = Page()
    page.add("auditwake_lag_bytes", 1, path=text, sink="s")
    (labels,) = (labels for _, labels in read(page.text()))
    assert dict(labels)["path"] == text.encode("utf-8", "replace").decode()


@given(st.integers(0, 2**63) | st.floats(0, 1e18, allow_subnormal=False))
def test_any_number_comes_back(number: float) -> None:
    page = Page()
    page.add("auditwake_lag_bytes", number)
    assert read(page.text()) == {("auditwake_lag_bytes", ()): float(number)}


def test_no_label_comes_from_an_event() -> None:
    names = {name for _, labels in read(render(troubled())) for name, _ in labels}
    assert names <= {"path", "sink", "state", "outcome", "result", "change", "reason", "le", "version"}


# --- the server ------------------------------------------------------------------------------------------------------

Serve = Callable[[Callable[[], AgentSnapshot]], MetricsServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda snapshot: stack.enter_context(MetricsServer("127.0.0.1:0", snapshot))


def get(server: MetricsServer, path: str, method: str = "GET", host: str = "x") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection(server.address, timeout=20)
    try:
        connection.request(method, path, headers={"Host": host})
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read().decode()
    finally:
        connection.close()


def test_the_page_is_served_as_prometheus_wants_it(serve: Serve) -> None:
    status, kind, body = get(serve(healthy), "/metrics?x=1")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert read(body).keys() == read(render(healthy())).keys()


def test_head_has_no_body(serve: Serve) -> None:
    status, _, body = get(serve(healthy), "/metrics", "HEAD")
    assert (status, body) == (200, "")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT"])
def test_nothing_but_get_and_head(serve: Serve, method: str) -> None:
    assert get(serve(healthy), "/metrics", method)[0] == 501


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metrics/..", "/x", "*", "http://a/metrics"])
def test_other_paths_are_not_there(serve: Serve, path: str) -> None:
    assert get(serve(healthy), path)[0] == 404


def test_the_host_is_trusted_for_nothing(serve: Serve) -> None:
    server = serve(healthy)
    _, _, one = get(server, "/x", host="evil.example")
    assert "evil" not in one
    assert get(server, "/healthz", host="evil.example")[0] == 200


def test_alive_is_alive_whatever_the_state(serve: Serve) -> None:
    for snapshot in (healthy(), troubled(), agent()):
        assert get(serve(partial(replace, snapshot)), "/healthz")[::2] == (200, "ok\n")


def test_not_ready_says_what_is_missing(serve: Serve) -> None:
    status, _, body = get(serve(troubled), "/readyz")
    assert status == 503
    assert f"{LOG} to datadog is holding: 403: the API key is not accepted" in body
    assert "configuration: conf.yaml:3:5" in body
    assert get(serve(healthy), "/readyz")[::2] == (200, "ready\n")


@pytest.mark.parametrize("state", ["retrying", "running"])
def test_a_slow_sink_does_not_make_it_unready(serve: Serve, state: str) -> None:
    route = replace(healthy_route(), state=state, reason="503", retries={"503": 10_000})
    assert get(serve(lambda: agent(source(route))), "/readyz")[0] == 200


@pytest.mark.parametrize("state", ["starting", "holding", "failed", "stopped"])
def test_a_route_that_does_not_run_makes_it_unready(serve: Serve, state: str) -> None:
    route = replace(healthy_route(), state=state, reason="why")
    assert get(serve(lambda: agent(source(route))), "/readyz")[::2] == (503, f"{LOG} to datadog is {state}: why\n")


def test_a_log_that_cannot_be_read_makes_it_unready(serve: Serve) -> None:
    """Two sinks read it; it is said once. One that is not there yet is waited for."""
    route = healthy_route()
    ill = replace(route, streams=(replace(route.streams[0], error="permission denied"),))
    status, _, body = get(serve(lambda: agent(source(ill, replace(ill, sink="other")))), "/readyz")
    assert (status, body) == (503, f"{LOG} cannot be read: permission denied\n")
    pending = replace(source(replace(route, streams=())), status="Pending")
    assert get(serve(lambda: agent(pending)), "/readyz")[0] == 200


def test_an_agent_without_work_says_so(serve: Serve) -> None:
    assert "there is nothing to collect" in get(serve(agent), "/readyz")[2]
    assert get(serve(lambda: agent(source())), "/readyz")[::2] == (503, "the agent is starting\n")
    assert get(serve(lambda: replace(agent(), enabled=False)), "/readyz")[0] == 200


def test_a_log_that_nothing_follows_makes_it_unready(serve: Serve) -> None:
    """As after a reload that failed and could not be taken back. A log that is named twice is followed once."""
    whole, without = source(healthy_route()), source(path="/other.log")
    assert get(serve(lambda: agent(whole, without)), "/readyz")[::2] == (503, "/other.log to datadog is not followed\n")
    assert get(serve(lambda: agent(whole, source())), "/readyz")[0] == 200


def test_a_page_that_cannot_be_made_shows_no_more(serve: Serve) -> None:
    def broken() -> AgentSnapshot:
        message = "opensesame"
        raise RuntimeError(message)

    status, _, body = get(serve(broken), "/metrics")
    assert status == 500
    assert "opensesame" not in body


def test_peers_that_say_nothing_leave_room(serve: Serve) -> None:
    """A few silent peers; and with more than there are threads, each gets an answer at once or is served later."""
    server = serve(healthy)
    host, _, port = server.address.rpartition(":")
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(socket.create_connection((host, int(port)), timeout=20))
        assert get(server, "/healthz")[0] == 200
        for _ in range(40):
            stack.enter_context(socket.create_connection((host, int(port)), timeout=20))
        assert get(server, "/healthz")[0] in (200, 503)
    assert get(server, "/healthz")[0] in (200, 503)


def connected(server: MetricsServer) -> socket.socket:
    host, _, port = server.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=20)


@pytest.mark.parametrize("said", [b"", b"GET /met", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX"])
def test_a_probe_is_answered_whoever_else_is_there(said: bytes) -> None:
    """Peers that say nothing, or not all, take every thread, and wait for as long as they like."""
    with MetricsServer("127.0.0.1:0", healthy, timeout=3600.0) as server, ExitStack() as stack:
        for _ in range(3):
            for _ in range(20):
                stack.enter_context(connected(server)).sendall(said)
            assert get(server, "/readyz")[::2] == (200, "ready\n")


def test_a_peer_that_drips_is_sent_away() -> None:
    """Each byte of it comes in time, and the request never does."""
    with MetricsServer("127.0.0.1:0", healthy, timeout=0.2) as server, connected(server) as peer:
        peer.settimeout(0.01)
        peer.sendall(b"GET /healthz HTTP/1.1\r\n")
        sent, gone = 0, False
        while not gone:
            sent += 1
            assert sent < 2000
            try:
                peer.sendall(b"X")
                gone = peer.recv(100) == b""
            except TimeoutError:
                continue
            except OSError:
                gone = True


@pytest.mark.parametrize(
    "address", ["", "8686", "localhost", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999", "256.1.1.1:1"]
)
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(AuditwakeError, match="metrics_address"):
        MetricsServer(address, healthy)


def test_an_address_that_is_taken_is_named(serve: Serve) -> None:
    with pytest.raises(AuditwakeError, match="cannot listen there"):
        MetricsServer(serve(healthy).address, healthy)


def test_no_host_means_loopback() -> None:
    with MetricsServer(":0", healthy) as server:
        assert server.address.startswith("127.0.0.1:")
