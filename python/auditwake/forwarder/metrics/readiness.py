"""What an agent waits for before it is ready."""

from auditwake.forwarder.scrub import printable, scrub_snapshot
from auditwake.forwarder.snapshot import AgentSnapshot, SourceSnapshot

__all__ = ["readiness"]

# A slow receiver, or one that is gone for an hour, is no reason to take an agent away: it is `retrying`.
NOT_READY = ("starting", "holding", "failed", "stopped")


def readiness(snapshot: AgentSnapshot) -> list[str]:
    """Say what is missing.

    Args:
        snapshot: How the agent stands; `ready` decides.

    Returns:
        A line for each thing; none when the agent is ready.

    Example:
        >>> readiness(AgentSnapshot(version="1", pid=1, started=0.0, now=1.0, hostname="a", ready=True))
        []
        >>> readiness(AgentSnapshot(version="1", pid=1, started=0.0, now=1.0, hostname="a"))
        ['the agent is starting']
    """
    if snapshot.ready:
        return []
    shown = scrub_snapshot(snapshot)
    missing = [line for source in shown.sources for line in _of(source)]
    missing += [f"configuration: {one}" for one in shown.errors]
    return [printable(one) for one in missing] or ["the agent is starting"]


def _of(source: SourceSnapshot) -> list[str]:
    lines = [f"{source.path}: {source.status}"] if source.status not in ("OK", "") else []
    for route in source.routes:
        if route.state in NOT_READY:
            why = f": {route.reason}" if route.reason else ""
            lines.append(f"{source.path} to {route.sink} is {route.state}{why}")
    return lines
