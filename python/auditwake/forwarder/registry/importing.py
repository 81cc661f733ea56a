"""Offsets of an Agent become the state of our routes, so that shipping goes on where the Agent stopped."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from auditwake.errors import AuditwakeError, SourceNotFoundError
from auditwake.forwarder.config.model import AgentConfig, LogSource
from auditwake.forwarder.lock import Lock
from auditwake.forwarder.registry.file import Entry, read_registry
from auditwake.forwarder.registry.settle import STEPS, settle
from auditwake.forwarder.registry.survey import File, Place, place_of, survey
from auditwake.forwarder.routes import route_directory
from auditwake.tail import Tail, tail

__all__ = ["TakenOver", "take_over"]

WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What became of an offset on the way to a sink.

    Attributes:
        path: The log.
        sink: The sink; empty where it is the same for all.
        outcome: `taken` (or would be), `refused`, or `unknown`: no entry of the configuration reads that log.
        message: Where it stands now, or why not.
    """

    path: str
    sink: str
    outcome: Literal["taken", "refused", "unknown"]
    message: str


def take_over(config: AgentConfig, registry: str | os.PathLike[str], *, dry_run: bool = False) -> list[TakenOver]:
    """Take over the offsets of a `registry.json`, once: a route that has a state already keeps it.

    What is before the offset is read once more, to know the file by what stands in it, and nothing of it is sent.

    Args:
        config: The configuration; the agent must not be running.
        registry: The file.
        dry_run: Whether to say only what would be done.

    Returns:
        What became of each offset, for each sink.

    Raises:
        StateError: An agent runs with that state.
        AuditwakeError: The registry cannot be read.
    """
    entries = {_same(one.path): one for one in read_registry(registry)}
    work = _Work(config, entries, {path: _identity(path) for path in entries}, dry_run)
    with nullcontext() if dry_run else Lock(config.state):
        done = [line for source in config.sources if isinstance(source, LogSource) for line in work.take(source)]
    known = {_same(one.path) for one in done}
    unknown = [one for path, one in entries.items() if path not in known]
    return [*done, *(TakenOver(one.path, "", "unknown", "nothing in the configuration reads it") for one in unknown)]


@dataclass(frozen=True, slots=True)
class _Work:
    """A take-over.

    Attributes:
        config: The configuration.
        entries: The offsets, by the whole path of the log.
        before: The live files, as they were before anything was read.
        dry_run: Whether nothing is changed.
    """

    config: AgentConfig
    entries: Mapping[str, Entry]
    before: Mapping[str, "_Identity | None"]
    dry_run: bool

    def take(self, source: LogSource) -> Iterator[TakenOver]:
        """Take over the offsets of the logs of a source."""
        wild = bool(WILD & set(source.path))
        if not self.entries or not (wild or _same(source.path) in self.entries):
            return
        try:
            logs = self.survey(source)
        except (AuditwakeError, OSError) as error:
            yield TakenOver(source.path, "", "refused", str(error))
            return
        found = {
            log: place_of(self.entries[_same(log)], files)
            for log, files in (logs if wild else {source.path: [], **logs}).items()
            if _same(log) in self.entries
        }
        yield from (TakenOver(log, "", "refused", why) for log, why in found.items() if isinstance(why, str))
        places = {log: place for log, place in found.items() if isinstance(place, Place)}
        for sink in self.config.sinks if places else ():
            yield from self.route(source, sink.name, places)

    def survey(self, source: LogSource) -> dict[str, list[File]]:
        """Read the logs of a source, for the files that they have."""
        try:
            with self.open(source, None, STEPS[0]) as reading:
                return survey(reading)
        except SourceNotFoundError:
            return {}

    def route(self, source: LogSource, sink: str, places: Mapping[str, Place]) -> Iterator[TakenOver]:
        """Make the state of a route."""
        directory = route_directory(self.config.state, sink, source.path)
        if source.start_position.startswith("force"):
            why = f"start_position: {source.start_position} leaves offsets out of account at the start; remove it first"
            yield from (TakenOver(log, sink, "refused", why) for log in places)
        elif directory.exists():
            why = f"{directory} has a state already; it is kept, or delete it to take the offset over"
            yield from (TakenOver(log, sink, "refused", why) for log in places)
        elif self.dry_run:
            yield from (TakenOver(log, sink, "taken", f"would begin at {_said(at)}") for log, at in places.items())
        else:
            try:
                ends = self.make_state(source, directory, places)
            except (AuditwakeError, OSError) as error:
                yield from (TakenOver(log, sink, "refused", str(error)) for log in places)
            else:
                yield from (TakenOver(log, sink, "taken", _began(place, ends[log])) for log, place in places.items())

    def make_state(self, source: LogSource, directory: Path, places: Mapping[str, Place]) -> Mapping[str, int]:
        """Make it beside its place, and move it there when it is right, so that half of one is never there."""
        self.config.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = directory.with_name(f".{directory.name}.taking-over")
        shutil.rmtree(made, ignore_errors=True)
        try:
            ends = settle(lambda step: self.open(source, made, step), places)
            # A rotation in between puts other files behind the names.
            if ends.keys() != places.keys() or not all(map(self.is_as_before, places)):
                message = f"{source.path}: the log was rotated meanwhile, and nothing was changed; run it again"
                raise AuditwakeError(message)
            made.rename(directory)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return ends

    def is_as_before(self, log: str) -> bool:
        """Say whether a live file is the one that it was, and has not been cut."""
        before, now = self.before[_same(log)], _identity(log)
        if before is None or now is None:
            return before is now
        return now.file == before.file and now.size >= before.size

    def open(self, source: LogSource, state: Path | None, batch_bytes: int) -> Tail:
        """Open the tail of a source; it does not follow."""
        return tail(
            source.path,
            state=state,
            follow=False,
            columns=["ts_stage"],
            bodies=False,
            batch_bytes=batch_bytes,
            exclude=source.exclude_paths,
            backups=self.config.backups,
        )


@dataclass(frozen=True, slots=True)
class _Identity:
    file: tuple[int, int]
    size: int


def _identity(name: str) -> _Identity | None:
    try:
        status = os.stat(name)  # noqa: PTH116  # the name is text
    except OSError:
        return None
    return _Identity((status.st_dev, status.st_ino), status.st_size)


def _said(place: Place) -> str:
    return f"byte {place.offset} of {place.file}"


def _began(place: Place, end: int) -> str:
    if end == place.offset:
        return f"begins at {_said(place)}"
    # It is inside of a line, or behind lines that hold no event, which are in a batch with the event behind them.
    return f"begins at byte {end} of {place.file}, the last beginning of an event in front of the offset {place.offset}"


def _same(path: str) -> str:
    return os.path.normcase(os.path.abspath(path))  # noqa: PTH100  # links are not followed
