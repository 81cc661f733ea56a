"""What every route has: a source, a sink, a place for its state, and one thread that opens the log again and again."""

import logging
import random
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditwake.errors import AuditwakeError, SinkError
from auditwake.forwarder.config.model import LogSource, WebhookSource
from auditwake.forwarder.engine.backoff import Wait, seconds
from auditwake.forwarder.engine.counters import Counters
from auditwake.forwarder.engine.paths import forget_offsets, name_of, quarantine_file, state_directory
from auditwake.forwarder.engine.pausing import Pausing
from auditwake.forwarder.engine.quarantine import Quarantine
from auditwake.forwarder.engine.standing import Standing
from auditwake.forwarder.snapshot import RouteSnapshot, StreamSnapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditwake.forwarder.config.model import AgentConfig, SinkConfig, Source
    from auditwake.forwarder.taps import Taps
    from auditwake.policy import Policy
    from auditwake.tail import StreamStats, Tail, TailBatch

__all__ = ["Context", "LeftError", "Route"]

LOG = logging.getLogger("auditwake.route")

MESSAGES = ("gap", "state", "unreadable", "replay")


class LeftError(Exception):
    """The route is left: what was begun is for the next start."""


@dataclass(frozen=True, slots=True)
class Context:
    """What all routes of an agent share.

    Attributes:
        config: The configuration.
        policy: What is applied before shipping; None for nothing.
        taps: Who listens.
        limit: Bytes of events of a route that may be under way, unless its payloads are larger. Memory is about four
            times that while a sink stands still: batch, events, payloads, and what the allocator keeps.
    """

    config: "AgentConfig"
    policy: "Policy | None"
    taps: "Taps"
    limit: int = 16 << 20


class Route:
    """A source on its way to a sink; `_work` is what the kinds differ in.

    Args:
        context: What all routes share.
        source: Where events come from.
        sink: Configuration of where they go.
        log: The log to follow, where the source does not name it.
        counters: To go on counting with; None for a route that this process has not had before. Only such a one heeds
            `forceBeginning` and `forceEnd`: a reload is no new start.
    """

    def __init__(
        self,
        context: Context,
        source: "Source",
        sink: "SinkConfig",
        *,
        log: Path | None = None,
        counters: Counters | None = None,
    ) -> None:
        state = context.config.state
        self.source = source
        self.sink_config = sink
        self.counters = counters or Counters()
        self.directory = state_directory(state, sink.name, source)
        self.standing = Standing(f"{name_of(source)} to {sink.name}")
        self.pausing = Pausing(self.standing, sink)
        self._context = context
        self._log = str(log or name_of(source))
        self._quarantine = Quarantine(quarantine_file(state, sink.name, source), sink.name)
        self._dice = random.SystemRandom().random
        self._tail: Tail | None = None
        self._is_open = False
        self._streams_lock = threading.Lock()
        self._looked = False  # since it was opened
        self._seen: tuple[StreamSnapshot, ...] = ()
        is_new = counters is None
        self._forced = is_new and isinstance(source, LogSource) and source.start_position.startswith("force")
        self._thread = threading.Thread(target=self._run, name="auditwake-route", daemon=True)

    def start(self) -> None:
        """Begin, in threads of its own.

        Raises:
            OSError: The directories of its state cannot be made.
        """
        for directory in (self.directory, self._quarantine.path.parent):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask it to finish what was begun."""
        self.pausing.stopping.set()

    def leave(self) -> None:
        """Ask it to leave what was begun to the next start."""
        self.pausing.stopping.set()
        self.pausing.leaving.set()

    def join(self, timeout: float) -> bool:
        """Wait for its end, and say whether it has come."""
        if self._thread.ident is not None:
            self._thread.join(max(timeout, 0.0))
        return not self._thread.is_alive()

    def snapshot(self) -> RouteSnapshot:
        """Say how it stands."""
        state, reason, since = self.standing.now()
        return RouteSnapshot(
            sink=self.sink_config.name,
            state=state,
            reason=reason,
            since=since,
            streams=self._streams(),
            **self.counters.values(),
            **self._under_way(),
        )

    def messages(self) -> list[str]:
        """Give what a person should know of its logs."""
        tail = self._tail
        return [] if tail is None else [event.message for event in tail.events if event.kind in MESSAGES]

    def committed_files(self) -> list[str | None]:
        """Give for each log the file in which a restart would go on, or an older one; None where that is not known."""
        tail = self._tail
        if tail is None or not self._looked:
            return [None]
        # Asked for first: a rotation that the tail sees in between makes the answer older, never newer.
        rotated = {event.stream: event.file for event in tail.events if event.kind == "rotated"}
        return [_committed_file(stream, rotated.get(stream.path)) for stream in tail.stats.streams] or [None]

    def _streams(self) -> tuple[StreamSnapshot, ...]:
        """Give how the logs stand; those of a tail that was closed, as they stood then."""
        with self._streams_lock:
            if self._tail is not None and self._is_open:
                streams = [_stream(one) for one in self._tail.stats.streams]
                self._seen = self.counters.streams.shown(streams) or self._seen
            return self._seen

    def _close(self) -> None:
        """Keep how the logs stand at the end of a tail."""
        with self._streams_lock:
            if self._tail is not None:
                streams = [_stream(one) for one in self._tail.stats.streams]
                self._seen = self.counters.streams.shown(streams) or self._seen
                self.counters.streams.closed(streams)
            self._is_open = False

    def _under_way(self) -> dict[str, Any]:
        return {}

    def _run(self) -> None:
        tries = 0
        while not self.pausing.stopping.is_set():
            began = time.monotonic()
            try:
                self._work()
            except LeftError:
                break
            except Exception as error:  # noqa: BLE001  # a route that ended without a word would be the worst
                if time.monotonic() - began > self.sink_config.backoff.max:
                    tries = 0
                tries += 1
                self._again(error, tries)
        self.standing.ends("stopped")

    def _again(self, error: Exception, tries: int) -> None:
        """Wait after something went wrong that the threads could not deal with themselves."""
        expected = isinstance(error, (AuditwakeError, OSError))
        if not expected:
            # The message and the trace could quote the log.
            place = _place(error)
            LOG.error("%s: %s at %s: this is a fault of ours", self.standing.name, type(error).__name__, place)
        reason = _said(error) if expected else f"{type(error).__name__} at {_place(error)}, a fault of ours"
        retry = isinstance(error, SinkError) and not error.needs_a_person
        if self.pausing.stopping.is_set():
            # What failed on the way out is not tried again: the next start goes on there.
            self.pausing.leaving.set()
        wait = Wait(seconds(self.sink_config.backoff, tries, self._dice), "retrying" if retry else "holding", reason)
        if retry:
            self.counters.failed("error")
        self.pausing.wait(self, wait)

    def _work(self) -> None:
        raise NotImplementedError

    def _next(self, tail: "Tail", timeout: float) -> "TailBatch | None":
        batch = tail.next(timeout)
        self._looked = True
        return batch

    @contextmanager
    def _open(self, **options: Any) -> "Iterator[Tail]":  # noqa: ANN401  # those of aw.tail
        """Have the log open where it was left."""
        from auditwake.tail import Retention, tail

        config, source = self._context.config, self.source
        start = getattr(source, "start_position", "beginning")
        if self._forced:
            forget_offsets(self.directory)
        kept = Retention(maxsize=config.maxsize, maxbackup=config.maxbackup, maxage=config.maxage)
        # The log of a webhook is ours: the names and the retention of the server's log are not its own.
        is_ours = isinstance(source, WebhookSource)
        opened = tail(
            self._log,
            state=self.directory,
            start="end" if start in {"end", "forceEnd"} else "beginning",
            exclude=getattr(source, "exclude_paths", ()),
            backups=None if is_ours else config.backups,
            retention=None if is_ours else kept,
            threads=1,
            cluster=config.cluster,
            **options,
        )
        self._forced = self._looked = False
        with opened:
            with self._streams_lock:
                self._tail, self._is_open = opened, True
            try:
                yield opened
            finally:
                self._close()


def _committed_file(stats: "StreamStats", rotated: str | None) -> str | None:
    """Give the file in which a restart would go on, or an older one.

    Args:
        stats: Of the log.
        rotated: What the live file was called when it was last rotated away, as far as the tail has seen it.
    """
    # A file is known by the name that it had when it was last looked at, and a route whose sink takes nothing does not
    # look: what is called live there may have been rotated since.
    if stats.committed_file is None:
        return None
    if not (stats.uncommitted_bytes or stats.lag_bytes):
        # All that it knows of was taken: it would go on in what is live now.
        return stats.path
    return stats.committed_file if stats.committed_file != stats.path else rotated


def _stream(stats: "StreamStats") -> StreamSnapshot:
    outcomes = stats.outcomes
    return StreamSnapshot(
        path=stats.path,
        file=stats.file,
        offset=stats.offset,
        bytes=stats.bytes,
        lines=stats.lines,
        outcomes={name: getattr(outcomes, name).lines for name in ("ok", "repaired", "skipped", "rejected")},
        lag_bytes=stats.lag_bytes,
        lag_seconds=stats.lag_seconds,
        uncommitted_bytes=stats.uncommitted_bytes,
        time_to_loss=stats.time_to_loss,
        rotations=stats.rotations,
        truncations=stats.truncations,
        replays=stats.replays,
        gaps=stats.gaps,
        lost_bytes=stats.lost_bytes,
        held_deleted_bytes=stats.held_deleted_bytes,
        error=stats.error,
    )


def _said(error: Exception) -> str:
    """Give what an error says, without the number that the system has for it."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _place(error: Exception) -> str:
    """Give file and line of an error."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
