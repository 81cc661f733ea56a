"""`status` as text: Datadog's Logs section, then what it leaves out."""

from collections.abc import Iterable, Iterator

from auditwake.forwarder.scrub import printable, scrub_snapshot
from auditwake.forwarder.snapshot import AgentSnapshot, ReceiverSnapshot, SourceSnapshot
from auditwake.forwarder.status.route import counted, route_lines

__all__ = ["status_text"]


def status_text(snapshot: AgentSnapshot) -> str:
    """Say how an agent stands, as the Agent's `status` says it of its logs, and more.

    Args:
        snapshot: How the agent stands.

    Returns:
        The text, with a newline at its end; no secret and no control character is in it.

    Example:
        >>> print(status_text(AgentSnapshot(version="1", pid=1, started=0.0, now=1.0, hostname="a", enabled=False)))
        ==========
        Logs Agent
        ==========
          Logs Agent is not running
        <BLANKLINE>
    """
    return "".join(f"{printable(line)}\n" for line in _lines(scrub_snapshot(snapshot)))


def _lines(snapshot: AgentSnapshot) -> Iterator[str]:
    yield from _heading("Logs Agent", 0)
    if not snapshot.enabled:
        yield "  Logs Agent is not running"
    else:
        yield from _collected(snapshot)
    messages = [f"{source.path}: {one}" for source in snapshot.sources for one in source.messages]
    yield from _list("Errors", snapshot.errors)
    yield from _list("Warnings", (*snapshot.warnings, *messages))


def _collected(snapshot: AgentSnapshot) -> Iterator[str]:
    yield from _totals(snapshot)
    yield from _heading("Integrations", 2)
    for name in dict.fromkeys(source.integration for source in snapshot.sources):
        yield f"  {name}"
        yield f"  {'-' * len(name)}"
        for source in snapshot.sources:
            if source.integration == name:
                yield from _source(source, snapshot.now)


def _totals(snapshot: AgentSnapshot) -> Iterator[str]:
    routes = snapshot.routes
    for sink in snapshot.sinks:
        yield f"    Reliable: {sink.description}"
    yield f"    BytesSent: {sum(route.bytes_sent for route in routes)}"
    yield f"    EncodedBytesSent: {sum(route.encoded_bytes_sent for route in routes)}"
    # As the Agent counts them: without those that a rule keeps from being sent.
    processed = sum(route.events_read - route.policy_dropped - route.excluded for route in routes)
    yield f"    LogsProcessed: {processed}"
    yield f"    LogsSent: {sum(route.events_sent for route in routes)}"


def _source(source: SourceSnapshot, now: float) -> Iterator[str]:
    yield f"    - Type: {source.type}"
    yield f"      Path: {source.path}"
    yield f"      Service: {source.service}"
    yield f"      Source: {source.source}"
    yield f"      Status: {source.status}"
    yield "      Inputs:"
    yield from (f"        {one}" for one in source.inputs)
    # Each sink reads the log for itself; the one that is furthest says how much of it was read.
    read = max((sum(stream.bytes for stream in route.streams) for route in source.routes), default=0)
    yield f"      Bytes Read: {read}"
    if source.receiver is not None:
        yield f"      Received: {_received(source.receiver)}"
    if source.tags:
        yield f"      Tags: {', '.join(source.tags)}"
    for route in source.routes:
        yield from (f"      {line}" for line in route_lines(route, now))


def _received(receiver: ReceiverSnapshot) -> str:
    return (
        f"{counted(receiver.events, 'event')} in {receiver.batches} batch{'' if receiver.batches == 1 else 'es'}, "
        f"{receiver.duplicates} sent again, {receiver.refused} refused, "
        f"backlog {counted(receiver.backlog_bytes, 'byte')}"
    )


def _heading(title: str, indent: int) -> Iterator[str]:
    space = " " * indent
    yield f"{space}{'=' * len(title)}"
    yield f"{space}{title}"
    yield f"{space}{'=' * len(title)}"


def _list(title: str, messages: Iterable[str]) -> Iterator[str]:
    lines = [f"    - {' '.join(one.split())}" for one in dict.fromkeys(messages)]
    if lines:
        yield from _heading(title, 2)
        yield from lines
