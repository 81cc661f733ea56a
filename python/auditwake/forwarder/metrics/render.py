"""A snapshot as the text that Prometheus reads; our own code, since its client costs 11 MB of memory."""

from auditwake.forwarder.metrics.families import Page
from auditwake.forwarder.metrics.process import add_process
from auditwake.forwarder.scrub import scrub_snapshot
from auditwake.forwarder.snapshot import AgentSnapshot, ReceiverSnapshot, RouteSnapshot, SourceSnapshot, StreamSnapshot

__all__ = ["STATES", "render"]

STATES = ("starting", "running", "holding", "retrying", "stopped", "failed")


def render(snapshot: AgentSnapshot) -> str:
    """Give the metrics of an agent in Prometheus' text format. No label comes from an event.

    Args:
        snapshot: How the agent stands.

    Returns:
        The text of `/metrics`.

    Example:
        >>> agent = AgentSnapshot(version="1.2", pid=1, started=0.0, now=1.0, hostname="a")
        >>> print(render(agent).splitlines()[2])
        auditwake_build_info{version="1.2"} 1
    """
    page = Page()
    page.add("auditwake_build_info", 1, version=snapshot.version)
    page.add("auditwake_enabled", snapshot.enabled)
    page.add("auditwake_ready", snapshot.ready)
    page.add("auditwake_config_reloads_total", snapshot.reloads)
    page.add("auditwake_config_errors", len(snapshot.errors))
    page.add("auditwake_config_warnings", len(snapshot.warnings))
    shown = scrub_snapshot(snapshot)
    for route in shown.routes:
        _add_sink(page, route)
    for source in shown.sources:
        for route in source.routes:
            _add_route(page, source, route)
            for stream in route.streams:
                _add_stream(page, stream, route.sink)
        if source.receiver is not None:
            _add_receiver(page, source.path, source.receiver)
    add_process(page, snapshot.started)
    return page.text()


def _add_stream(page: Page, stream: StreamSnapshot, sink: str) -> None:
    labels = {"path": stream.path, "sink": sink}
    for outcome, lines in stream.outcomes.items():
        page.add("auditwake_events_total", lines, **labels, outcome=outcome)
    for name, value in {
        "auditwake_read_bytes_total": stream.bytes,
        "auditwake_offset_bytes": stream.offset,
        "auditwake_lag_bytes": stream.lag_bytes,
        "auditwake_lag_seconds": stream.lag_seconds,
        "auditwake_uncommitted_bytes": stream.uncommitted_bytes,
        "auditwake_time_to_loss_seconds": stream.time_to_loss,
        "auditwake_rotations_total": stream.rotations,
        "auditwake_truncations_total": stream.truncations,
        "auditwake_replays_total": stream.replays,
        "auditwake_gaps_total": stream.gaps,
        "auditwake_lost_bytes_total": stream.lost_bytes,
        "auditwake_held_deleted_bytes": stream.held_deleted_bytes,
        "auditwake_unreadable": stream.error is not None,
    }.items():
        page.add(name, value, **labels)


def _add_receiver(page: Page, path: str, receiver: ReceiverSnapshot) -> None:
    for result, batches in {"new": receiver.batches, "duplicate": receiver.duplicates}.items():
        page.add("auditwake_webhook_batches_total", batches, path=path, result=result)
    for name, value in {
        "auditwake_webhook_events_total": receiver.events,
        "auditwake_webhook_refused_total": receiver.refused,
        "auditwake_webhook_backlog_bytes": receiver.backlog_bytes,
    }.items():
        page.add(name, value, path=path)


def _add_route(page: Page, source: SourceSnapshot, route: RouteSnapshot) -> None:
    labels = {"path": source.path, "sink": route.sink}
    for state in STATES:
        page.add("auditwake_route_state", route.state == state, **labels, state=state)
    for name, value in {
        "auditwake_quarantined_events_total": route.quarantined_events,
        "auditwake_quarantined_lines_total": route.quarantined_lines,
        "auditwake_in_flight_bytes": route.in_flight_bytes,
        "auditwake_in_flight_payloads": route.in_flight_payloads,
        "auditwake_last_ack_timestamp_seconds": route.last_ack,
        "auditwake_last_commit_timestamp_seconds": route.last_commit,
        "auditwake_last_event_timestamp_seconds": route.last_event,
    }.items():
        page.add(name, value, **labels)


def _add_sink(page: Page, route: RouteSnapshot) -> None:
    sink = route.sink
    for result, events in {
        "acknowledged": route.events_sent,
        "policy_dropped": route.policy_dropped,
        "excluded": route.excluded,
        "quarantined": route.quarantined_events,
        "rejected": route.rejected_events,
    }.items():
        page.add("auditwake_sink_events_total", events, sink=sink, result=result)
    for change, events in {
        "policy_reduced": route.policy_reduced,
        "masked": route.masked,
        "shrunk": route.shrunk,
    }.items():
        page.add("auditwake_sink_changed_events_total", events, sink=sink, change=change)
    for name, value in {
        "auditwake_sink_read_events_total": route.events_read,
        "auditwake_sink_bytes_total": route.bytes_sent,
        "auditwake_sink_encoded_bytes_total": route.encoded_bytes_sent,
        "auditwake_sink_payloads_total": route.payloads_sent,
        "auditwake_sink_replayed_payloads_total": route.replayed_payloads,
    }.items():
        page.add(name, value, sink=sink)
    for reason, tries in route.retries.items():
        page.add("auditwake_sink_retries_total", tries, sink=sink, reason=reason)
    _add_durations(page, route)


def _add_durations(page: Page, route: RouteSnapshot) -> None:
    name = "auditwake_sink_request_duration_seconds"
    buckets = sorted(route.request_seconds.items(), key=lambda one: float(one[0]))
    for bound, requests in buckets:
        page.add(name, requests, "_bucket", sink=route.sink, le=bound)
    if buckets:
        page.add(name, route.request_seconds_sum, "_sum", sink=route.sink)
        page.add(name, buckets[-1][1], "_count", sink=route.sink)
