"""A route in the text of `status`: what the Agent's section has no line for."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from auditwake.forwarder.snapshot import RouteSnapshot, StreamSnapshot

__all__ = ["counted", "duration", "route_lines"]

MINUTE, HOUR, DAY = 60, 3600, 86_400


def route_lines(route: RouteSnapshot, now: float) -> Iterator[str]:
    """Say how a route stands.

    Args:
        route: The route.
        now: When the snapshot was taken, seconds since the epoch.

    Example:
        >>> for line in route_lines(RouteSnapshot(sink="datadog", state="holding", reason="403: the key"), 0.0):
        ...     print(line)
        Sink: datadog
          State: holding: 403: the key
          Sent: 0 events in 0 payloads, 0 bytes, 0 encoded
          In flight: 0 payloads, 0 bytes
          Retries: 0
          Quarantined: 0 events, 0 lines
          Last ack: never
          Last commit: never
          Newest event sent: none
    """
    yield f"Sink: {route.sink}"
    yield f"  State: {_state(route, now)}"
    yield (
        f"  Sent: {counted(route.events_sent, 'event')} in {counted(route.payloads_sent, 'payload')}, "
        f"{counted(route.bytes_sent, 'byte')}, {route.encoded_bytes_sent} encoded"
    )
    yield f"  In flight: {counted(route.in_flight_payloads, 'payload')}, {counted(route.in_flight_bytes, 'byte')}"
    yield f"  Retries: {_retries(route)}"
    yield f"  Quarantined: {counted(route.quarantined_events, 'event')}, {counted(route.quarantined_lines, 'line')}"
    yield from (f"  {line}" for line in _changes(route))
    yield f"  Last ack: {_moment(route.last_ack, now, 'never')}"
    yield f"  Last commit: {_moment(route.last_commit, now, 'never')}"
    yield f"  Newest event sent: {_moment(route.last_event, now, 'none')}"
    for stream in route.streams:
        yield from (f"  {line}" for line in _stream(stream))


def duration(seconds: float) -> str:
    """Say how long something takes.

    Example:
        >>> duration(0.4), duration(75), duration(5400), duration(200_000)
        ('0.4 s', '1 min 15 s', '1 h 30 min', '2 d 7 h')
    """
    if seconds < MINUTE:
        return f"{max(seconds, 0.0):.1f} s"
    whole = int(seconds)
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def counted(count: int, noun: str) -> str:
    """Say how many there are.

    Example:
        >>> counted(1, "event"), counted(2, "event")
        ('1 event', '2 events')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _state(route: RouteSnapshot, now: float) -> str:
    why = f": {route.reason}" if route.reason else ""
    since = f" (for {duration(now - route.since)})" if route.since else ""
    return f"{route.state}{why}{since}"


def _retries(route: RouteSnapshot) -> str:
    return f"{sum(route.retries.values())}{_parts(route.retries)}"


def _changes(route: RouteSnapshot) -> Iterator[str]:
    """Say what a policy or rules did, where there are any."""
    for title, count in {
        "Dropped by the policy": route.policy_dropped,
        "Reduced by the policy": route.policy_reduced,
        "Excluded by rules": route.excluded,
        "Masked by rules": route.masked,
        "Shrunk to fit the sink": route.shrunk,
        "Rejected by the receiver, which does not say which": route.rejected_events,
        "Replayed payloads": route.replayed_payloads,
    }.items():
        if count:
            yield f"{title}: {count}"


def _stream(stream: StreamSnapshot) -> Iterator[str]:
    yield f"Stream: {stream.path}"
    yield f"  Offset: {stream.offset}{f' in {stream.file}' if stream.file else ''}"
    yield f"  Lag: {counted(stream.lag_bytes, 'byte')}, {duration(stream.lag_seconds)}"
    yield f"  Uncommitted: {counted(stream.uncommitted_bytes, 'byte')}"
    yield f"  Time to loss: {'none in sight' if stream.time_to_loss is None else duration(stream.time_to_loss)}"
    yield f"  Lines: {stream.lines}{_parts(stream.outcomes)}"
    for title, count in {
        "Rotations": stream.rotations,
        "Truncations": stream.truncations,
        "Replays": stream.replays,
        "Gaps": stream.gaps,
        "Lost bytes": stream.lost_bytes,
        "Bytes of deleted files held open": stream.held_deleted_bytes,
    }.items():
        if count:
            yield f"  {title}: {count}"
    if stream.error:
        yield f"  Error: {stream.error}"


def _parts(counts: Mapping[str, int]) -> str:
    inner = ", ".join(f"{name} {count}" for name, count in counts.items())
    return f" ({inner})" if inner else ""


def _moment(seconds: float | None, now: float, absent: str) -> str:
    if seconds is None:
        return absent
    try:
        text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s since the epoch"
    return f"{text} ({duration(now - seconds)} ago)"
