"""Offsets of an Agent become the state of our routes, so that shipping goes on where the Agent stopped."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from auditwake.errors import AuditwakeError, SourceNotFoundError
from auditwake.forwarder.config.model import AgentConfig, LogSource
from auditwake.forwarder.lock import Lock
from auditwake.forwarder.registry.file import Entry, read_registry
from auditwake.forwarder.registry.meaning import reads, same, why_not
from auditwake.forwarder.registry.settle import STEPS, settle
from auditwake.forwarder.registry.survey import File, Place, place_of, survey
from auditwake.forwarder.routes import route_directory
from auditwake.tail import Tail, tail

__all__ = ["TakenOver", "take_over"]

BEGINNING = "it is read from its beginning, and what was delivered of it already is sent twice"


Outcome: TypeAlias = Literal["taken", "new", "refused", "absent", "empty", "excluded", "no-sink", "unknown"]
"""`taken` or would be; `new`: it has no offset, and its pattern has others; `refused`; `absent` or `empty`: there is
nothing of the log; `excluded` by the configuration; `no-sink`: it is read, and there is none to send it to; `unknown`:
no entry of the configuration reads it."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What became of an offset on the way to a sink.

    Attributes:
        path: The log.
        sink: The sink; empty where it is the same for all.
        outcome: What became of it, in one word.
        message: Where the log stands now, or why not, and where it is read from then.
    """

    path: str
    sink: str
    outcome: Outcome
    message: str


def take_over(config: AgentConfig, registry: str | os.PathLike[str], *, dry_run: bool = False) -> list[TakenOver]:
    """Take over the offsets of a `registry.json`, once: a route that has a state already keeps it.

    What is before the offset is read once more, to know the file by what stands in it, and nothing of it is sent. Where
    it cannot be known which file an offset is of, the earliest counts: what is in doubt is sent twice, and not lost.

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
    entries = {same(one.path): one for one in read_registry(registry)}
    work = _Work(config, entries, {path: _identity(path) for path in entries}, dry_run)
    with nullcontext() if dry_run else Lock(config.state):
        done = [line for source in config.sources if isinstance(source, LogSource) for line in work.take(source)]
    known = {same(one.path) for one in done}
    return [
        *done,
        *(TakenOver(one.path, "", *why_not(config, path)) for path, one in entries.items() if path not in known),
    ]


@dataclass(frozen=True, slots=True)
class _Found:
    """The logs of a source.

    Attributes:
        source: The source.
        places: Those that have a place.
        refused: Those that have none, and why.
        new: Those that have no offset.
    """

    source: LogSource
    places: Mapping[str, Place]
    refused: Mapping[str, str]
    new: Sequence[str]

    def refuse(self, sink: str, why: str) -> Iterator[TakenOver]:
        """Refuse all offsets for one reason."""
        yield from (TakenOver(log, sink, "refused", why) for log in (*self.places, *self.refused))

    def others(self, sink: str, begin: str) -> Iterator[TakenOver]:
        """Say what becomes of those that have no place."""
        yield from (TakenOver(log, sink, "refused", f"{why}; {begin}") for log, why in self.refused.items())
        yield from (TakenOver(log, sink, "new", f"the registry has no offset of it; {begin}") for log in self.new)


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
        asked = [one.path for path, one in self.entries.items() if reads(source, path)]
        if not asked:
            return
        try:
            logs = self.survey(source)
        except (AuditwakeError, OSError) as error:
            yield from (TakenOver(log, "", "refused", f"{error}; {_begin(source)}") for log in asked)
            return
        found = {
            log: place_of(self.entries[same(log)], files) for log, files in logs.items() if same(log) in self.entries
        }
        places = {log: place for log, place in found.items() if isinstance(place, Place)}
        refused = {log: why for log, why in found.items() if isinstance(why, str)}
        new = [log for log in logs if same(log) not in self.entries]
        for sink in self.config.sinks if found else ():
            yield from self.route(sink.name, _Found(source, places, refused, new))

    def survey(self, source: LogSource) -> dict[str, list[File]]:
        """Read the logs of a source, for the files that they have."""

        def offset_of(log: str) -> int | None:
            entry = self.entries.get(same(log))
            return entry.offset if entry else None

        try:
            with self.open(source, None, STEPS[0]) as reading:
                return survey(reading, offset_of)
        except SourceNotFoundError:
            return {}

    def route(self, sink: str, logs: _Found) -> Iterator[TakenOver]:
        """Make the state of a route."""
        source, places = logs.source, logs.places
        directory = route_directory(self.config.state, sink, source.path)
        if source.start_position.startswith("force"):
            why = f"start_position: {source.start_position} leaves offsets out of account at the start; remove it first"
            yield from logs.refuse(sink, why)
        elif directory.exists():
            why = f"{directory} has a state already; it is kept, or delete it to take the offset over"
            yield from logs.refuse(sink, why)
        elif not places:
            yield from logs.others(sink, _begin(source))
        elif self.dry_run:
            yield from (TakenOver(log, sink, "taken", _would_begin(at)) for log, at in places.items())
            yield from logs.others(sink, BEGINNING)
        else:
            try:
                ends = self.make_state(source, directory, places)
            except (AuditwakeError, OSError) as error:
                yield from logs.refuse(sink, f"{error}; {_begin(source)}")
            else:
                yield from (TakenOver(log, sink, "taken", _began(place, ends[log])) for log, place in places.items())
                yield from logs.others(sink, BEGINNING)

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
        before, now = self.before[same(log)], _identity(log)
        if before is None or now is None:
            return before is now
        return now.file == before.file and now.size >= before.size

    def open(self, source: LogSource, state: Path | None, batch_bytes: int) -> Tail:
        """Open the tail of a source; it does not follow."""
        return tail(
            source.path,
            state=state,
            follow=False,
            columns=["ts_stage", "src_offset"],
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


def _begin(source: LogSource) -> str:
    """Say where a log is read from that has no state."""
    if source.start_position == "end":
        return "it is read from its end (start_position: end), and what stands in it is not sent"
    return BEGINNING


def _said(place: Place) -> str:
    return f"byte {place.offset} of {place.file}"


def _would_begin(place: Place) -> str:
    doubt = f"; {place.doubt}" if place.doubt else ""
    if place.whole:
        return f"would begin at {_said(place)}{doubt}"
    return f"would begin in front of {_said(place)}, which is inside of a line: that line is sent whole{doubt}"


def _began(place: Place, end: int) -> str:
    doubt = f"; {place.doubt}" if place.doubt else ""
    if end == place.offset:
        return f"begins at {_said(place)}{doubt}"
    # Lines that hold no event are in a batch with the event behind them.
    inside = "" if place.whole else ", which is inside of a line"
    last = f"the last beginning of an event in front of the offset {place.offset}{inside}"
    return f"begins at byte {end} of {place.file}, {last}{doubt}"
