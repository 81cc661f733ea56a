"""Agents as they may stand, for the tests of what is said of them."""

from dataclasses import replace

from auditwake.forwarder.snapshot import (
    AgentSnapshot,
    ReceiverSnapshot,
    RouteSnapshot,
    SinkSnapshot,
    SourceSnapshot,
    StreamSnapshot,
)

LOG = "/var/log/kubernetes/apiserver/audit.log"
NOW = 1_790_000_000.0


def healthy_stream(path: str = LOG) -> StreamSnapshot:
    return StreamSnapshot(
        path=path,
        file=path,
        offset=45_634_781,
        bytes=45_634_781,
        lines=30_811,
        outcomes={"ok": 30_800, "repaired": 1, "skipped": 6, "rejected": 4},
        lag_bytes=20_480,
        lag_seconds=0.4,
        uncommitted_bytes=4096,
        rotations=3,
    )


def healthy_route(sink: str = "datadog", path: str = LOG) -> RouteSnapshot:
    return RouteSnapshot(
        sink=sink,
        state="running",
        since=NOW - 5400,
        streams=(healthy_stream(path),),
        events_read=30_801,
        events_sent=30_793,
        bytes_sent=45_634_781,
        encoded_bytes_sent=5_510_084,
        payloads_sent=31,
        retries={"503": 2, "timeout": 1},
        quarantined_events=1,
        quarantined_lines=4,
        in_flight_bytes=4096,
        in_flight_payloads=1,
        request_seconds={"0.1": 20, "1": 30, "+Inf": 31},
        request_seconds_sum=4.75,
        last_ack=NOW - 3,
        last_commit=NOW - 3,
        last_event=NOW - 4.5,
    )


def source(*routes: RouteSnapshot, path: str = LOG, messages: tuple[str, ...] = ()) -> SourceSnapshot:
    return SourceSnapshot(
        integration="kubernetes_audit",
        type="file",
        path=path,
        service="audit",
        source="kubernetes.audit",
        status="OK",
        inputs=(path,),
        messages=messages,
        routes=routes,
    )


def agent(*sources: SourceSnapshot, ready: bool = True, errors: tuple[str, ...] = ()) -> AgentSnapshot:
    return AgentSnapshot(
        version="1.2.3",
        pid=4711,
        started=NOW - 5400,
        now=NOW,
        hostname="control-plane-1",
        ready=ready,
        errors=errors,
        config_files=("/etc/auditwake/conf.d/kubernetes_audit.d/conf.yaml",),
        sinks=(
            SinkSnapshot(
                name="datadog",
                type="datadog",
                description="Sending compressed logs in HTTPS to agent-http-intake.logs.datadoghq.com on port 443 "
                "(API Key: ***...abcde)",
            ),
        ),
        sources=sources,
    )


def healthy() -> AgentSnapshot:
    return agent(source(healthy_route()))


def troubled() -> AgentSnapshot:
    """Everything that can be said: a sink that waits for a person, one that is slow, losses, warnings."""
    stream = StreamSnapshot(
        path=LOG,
        file="/var/log/kubernetes/apiserver/audit-2026-09-20T10-00-00.000.log.gz",
        offset=104_857,
        bytes=104_857,
        lines=70,
        outcomes={"ok": 70, "repaired": 0, "skipped": 0, "rejected": 0},
        lag_bytes=104_857_600,
        lag_seconds=5400.0,
        uncommitted_bytes=104_857,
        time_to_loss=3000.0,
        rotations=1,
        truncations=1,
        replays=1,
        gaps=1,
        lost_bytes=2048,
        held_deleted_bytes=512,
        error="permission denied",
    )
    holding = RouteSnapshot(
        sink="datadog",
        state="holding",
        reason="403: the API key is not accepted; put the right one into /etc/auditwake/api-key",
        since=NOW - 75,
        streams=(stream,),
        events_read=70,
        policy_dropped=5,
        policy_reduced=4,
        excluded=3,
        masked=2,
        shrunk=1,
        rejected_events=6,
        replayed_payloads=1,
        retries={"403": 8},
    )
    former = RouteSnapshot(sink="datadog", state="stopped", events_read=7, events_sent=7, retries={"503": 1})
    file = RouteSnapshot(sink="file", state="running", streams=(healthy_stream(),), events_read=10, events_sent=10)
    entry = source(holding, file, messages=("2,048 bytes were deleted unread",))
    hook = SourceSnapshot(
        integration="kubernetes_audit",
        type="webhook",
        path="0.0.0.0:9443",
        status="OK",
        receiver=ReceiverSnapshot(batches=30, events=12_000, duplicates=2, refused=1, backlog_bytes=4096),
    )
    one = agent(entry, hook, ready=False, errors=("conf.yaml:3:5: logs[0].path: is missing\n  name a log",))
    return replace(one, warnings=("conf.yaml:9:1: auto_multi_line has no effect",), former=(former,))
