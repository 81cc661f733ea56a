"""How an agent stands at one moment: the one thing that `status`, `--json` and `/metrics` are made of."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["AgentSnapshot", "ReceiverSnapshot", "RouteSnapshot", "SinkSnapshot", "SourceSnapshot", "StreamSnapshot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSnapshot:
    """One log of a route; the fields are those of `auditwake.StreamStats`, and what `status` adds.

    Attributes:
        path: The live file.
        file: The file that is being read, None before the first.
        offset: Bytes of that file that were read, decompressed.
        bytes: Bytes read since the start.
        lines: Lines read since the start.
        outcomes: Lines by outcome: `ok`, `repaired`, `skipped`, `rejected`.
        lag_bytes: Bytes not read yet, in all files.
        lag_seconds: How long the oldest of them has been waiting.
        uncommitted_bytes: Bytes that were read and not acknowledged.
        time_to_loss: Seconds until rotation deletes unread bytes at the present rate; None while nothing says that.
        rotations: Rotations seen.
        truncations: Truncations seen.
        replays: Times that bytes were read again.
        gaps: Times that bytes were deleted unread.
        lost_bytes: Such bytes, where they are known.
        held_deleted_bytes: Bytes on disk of deleted files that are held open.
        error: Why it cannot be read now; None when it can.
    """

    path: str
    file: str | None = None
    offset: int = 0
    bytes: int = 0
    lines: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    lag_bytes: int = 0
    lag_seconds: float = 0.0
    uncommitted_bytes: int = 0
    time_to_loss: float | None = None
    rotations: int = 0
    truncations: int = 0
    replays: int = 0
    gaps: int = 0
    lost_bytes: int = 0
    held_deleted_bytes: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSnapshot:
    """A source on its way to a sink. Counters count since the start of the agent.

    Attributes:
        sink: Name of the sink.
        state: `starting`, `running`, `holding` (a person has to act), `retrying`, `stopped` or `failed`.
        reason: Why it is holding, retrying or failed; empty otherwise.
        since: When it got into that state, in seconds since the epoch.
        streams: Its logs.
        events_read: Events read; for a table, those that were committed.
        policy_dropped: Events that the policy drops.
        policy_reduced: Events that the policy reduces.
        excluded: Events that a processing rule drops.
        masked: Events in which a processing rule replaced something.
        shrunk: Events that lost a body because the sink takes no larger ones.
        events_sent: Events that the sink has acknowledged.
        bytes_sent: Bytes of acknowledged payloads, before compression.
        encoded_bytes_sent: The same, as they went over the wire.
        payloads_sent: Acknowledged payloads.
        replayed_payloads: Payloads sent again after a restart, byte for byte as before it.
        retries: Tries that did not succeed, by reason in one word: `429`, `503`, `timeout`, `connection`, `partial`...
        rejected_events: Events that the receiver counts as not taken, without saying which; they are in no other count.
        quarantined_events: Events that the sink never takes.
        quarantined_lines: Lines that hold no event.
        in_flight_bytes: Bytes of events that were read and are not acknowledged.
        in_flight_payloads: Payloads that wait for an answer.
        request_seconds: Requests by upper bound of their duration in seconds, cumulative, `+Inf` last.
        request_seconds_sum: Seconds of all requests.
        last_ack: When the sink last took a payload, seconds since the epoch.
        last_commit: When an offset was last saved, seconds since the epoch.
        last_event: `stageTimestamp` of the newest event that was acknowledged, seconds since the epoch.
    """

    sink: str
    state: str = "starting"
    reason: str = ""
    since: float = 0.0
    streams: tuple[StreamSnapshot, ...] = ()
    events_read: int = 0
    policy_dropped: int = 0
    policy_reduced: int = 0
    excluded: int = 0
    masked: int = 0
    shrunk: int = 0
    events_sent: int = 0
    bytes_sent: int = 0
    encoded_bytes_sent: int = 0
    payloads_sent: int = 0
    replayed_payloads: int = 0
    retries: Mapping[str, int] = field(default_factory=dict)
    rejected_events: int = 0
    quarantined_events: int = 0
    quarantined_lines: int = 0
    in_flight_bytes: int = 0
    in_flight_payloads: int = 0
    request_seconds: Mapping[str, int] = field(default_factory=dict)
    request_seconds_sum: float = 0.0
    last_ack: float | None = None
    last_commit: float | None = None
    last_event: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSnapshot:
    """What a webhook has received. Counters count since the start of the agent.

    Attributes:
        batches: Batches that were new.
        events: Events in them.
        duplicates: Batches that were sent again, and are here once.
        refused: Requests and connections that were not answered with 200.
        backlog_bytes: Bytes of its log, those among them that every sink has taken and that are not deleted yet.
    """

    batches: int = 0
    events: int = 0
    duplicates: int = 0
    refused: int = 0
    backlog_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSnapshot:
    """An entry of `logs:`, or a webhook.

    Attributes:
        integration: The folder in `conf.d`, without `.d`.
        type: `file` or `webhook`.
        path: Path or pattern; the address of a webhook.
        service: As configured.
        source: As configured.
        tags: As configured.
        status: `OK`, `Pending` (nothing to read is there yet), or what is wrong.
        inputs: The logs that are read.
        messages: What a person should know, such as a gap, an alarm of the state, or a loss that is near.
        routes: One for each sink.
        receiver: What a webhook has received; None for a log.
    """

    integration: str
    type: str
    path: str
    service: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()
    status: str = "Pending"
    inputs: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    routes: tuple[RouteSnapshot, ...] = ()
    receiver: ReceiverSnapshot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSnapshot:
    """A sink as `status` shows it: its name, its type, and its own description with keys masked."""

    name: str
    type: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSnapshot:
    """The whole agent.

    Attributes:
        version: Of auditwake.
        pid: Of the process.
        started: Seconds since the epoch.
        now: When this was taken.
        hostname: As events carry it.
        enabled: Whether logs are collected at all.
        ready: Whether it can do its job: the logs are open and no sink waits for a person; `readiness` says it.
        config_files: The files of the configuration.
        warnings: Of the configuration.
        errors: Of the newest reload, when it failed and the former configuration goes on.
        reloads: Configurations that took effect after the first.
        sinks: All sinks.
        sources: All sources.
        former: What routes have counted that a reload has ended: it stays in the sums of their sinks.
    """

    version: str
    pid: int
    started: float
    now: float
    hostname: str
    enabled: bool = True
    ready: bool = False
    config_files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    reloads: int = 0
    sinks: tuple[SinkSnapshot, ...] = ()
    sources: tuple[SourceSnapshot, ...] = ()
    former: tuple[RouteSnapshot, ...] = ()

    @property
    def routes(self) -> tuple[RouteSnapshot, ...]:
        """All routes that this process has had, for sums."""
        return (*(route for source in self.sources for route in source.routes), *self.former)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values, for JSON.

        Example:
            >>> AgentSnapshot(version="1", pid=1, started=0.0, now=1.0, hostname="a").to_dict()["pid"]
            1
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "AgentSnapshot":
        """Make one of what `to_dict` gave, be it through JSON.

        Example:
            >>> one = AgentSnapshot(version="1", pid=1, started=0.0, now=1.0, hostname="a", warnings=("w",))
            >>> AgentSnapshot.from_dict(one.to_dict()) == one
            True
        """
        sources = tuple(_source(one) for one in values["sources"])
        sinks = tuple(SinkSnapshot(**one) for one in values["sinks"])
        former = tuple(_route(one) for one in values["former"])
        lists = {name: tuple(values[name]) for name in ("config_files", "warnings", "errors")}
        return cls(**{**values, **lists, "sinks": sinks, "sources": sources, "former": former})


def _source(values: Mapping[str, Any]) -> SourceSnapshot:
    routes = tuple(_route(one) for one in values["routes"])
    lists = {name: tuple(values[name]) for name in ("tags", "inputs", "messages")}
    receiver = values.get("receiver")
    receiver = None if receiver is None else ReceiverSnapshot(**receiver)
    return SourceSnapshot(**{**values, **lists, "routes": routes, "receiver": receiver})


def _route(values: Mapping[str, Any]) -> RouteSnapshot:
    return RouteSnapshot(**{**values, "streams": tuple(StreamSnapshot(**stream) for stream in values["streams"])})
