"""When an agent is ready: what `/readyz`, `auditwake_ready` and the snapshot mean by it."""

from auditwake.forwarder.scrub import printable, scrub_snapshot
from auditwake.forwarder.snapshot import AgentSnapshot, SourceSnapshot

__all__ = ["missing"]

# A slow receiver, or one that is gone for an hour, is no reason to take an agent away: it is `retrying`.
NOT_READY = frozenset({"starting", "holding", "failed", "stopped"})


def missing(snapshot: AgentSnapshot) -> list[str]:
    """Say what keeps an agent from doing its job.

    Args:
        snapshot: How the agent stands; its `ready` is not looked at.

    Returns:
        A line for each thing; none when the agent is ready. One that is not asked to collect anything is.

    Example:
        >>> missing(AgentSnapshot(version="1", pid=1, started=0.0, now=1.0, hostname="a"))
        ['the configuration names no log and no webhook: there is nothing to collect']
        >>> missing(AgentSnapshot(version="1", pid=1, started=0.0, now=1.0, hostname="a", enabled=False))
        []
    """
    if not snapshot.enabled:
        return []
    shown = scrub_snapshot(snapshot)
    lines = [line for source in shown.sources for line in _of(source)]
    if not shown.sources:
        lines.append("the configuration names no log and no webhook: there is nothing to collect")
    elif not any(source.routes for source in shown.sources):
        lines.append("the agent is starting")
    else:
        lines += _unfollowed(shown)
    if lines:
        # By itself no reason: the former configuration goes on.
        lines += [f"configuration: {one}" for one in shown.errors]
    return [printable(one) for one in dict.fromkeys(lines)]


def _unfollowed(snapshot: AgentSnapshot) -> list[str]:
    """Name what has no route, as after a reload that failed and could not be taken back."""
    # By path: of two entries for one log, the first has the routes.
    there = {(source.path, route.sink) for source in snapshot.sources for route in source.routes}
    return [
        f"{source.path} to {sink.name} is not followed"
        for source in snapshot.sources
        for sink in snapshot.sinks
        if (source.path, sink.name) not in there
    ]


def _of(source: SourceSnapshot) -> list[str]:
    streams = [stream for route in source.routes for stream in route.streams]
    lines = [f"{stream.path} cannot be read: {stream.error}" for stream in streams if stream.error]
    for route in source.routes:
        if route.state in NOT_READY:
            why = f": {route.reason}" if route.reason else ""
            lines.append(f"{source.path} to {route.sink} is {route.state}{why}")
    return lines
