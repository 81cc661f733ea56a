"""Offsets of an Agent become the state of our routes, so that shipping goes on where the Agent stopped."""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from auditwake.errors import AuditwakeError, SourceNotFoundError
from auditwake.forwarder.config.model import AgentConfig, LogSource
from auditwake.forwarder.registry.file import Entry, read_registry
from auditwake.forwarder.registry.settle import settle
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
        AuditwakeError: The registry cannot be read.
    """
    entries = {_same(one.path): one for one in read_registry(registry)}
    known: set[str] = set()
    done: list[TakenOver] = []
    for source in config.sources:
        if isinstance(source, LogSource) and _may_match(source, entries):
            places, refused = _places(config, source, entries)
            known |= {_same(log) for log in places} | {_same(one.path) for one in refused}
            done += refused
            done += [line for sink in config.sinks for line in _route(config, source, sink.name, places, dry_run)]
    unknown = [one for path, one in entries.items() if path not in known]
    return [*done, *(TakenOver(one.path, "", "unknown", "nothing in the configuration reads it") for one in unknown)]


def _may_match(source: LogSource, entries: Mapping[str, Entry]) -> bool:
    return bool(entries) and (bool(WILD & set(source.path)) or _same(source.path) in entries)


def _places(
    config: AgentConfig, source: LogSource, entries: Mapping[str, Entry]
) -> tuple[dict[str, Place], list[TakenOver]]:
    """Find the place of each offset in the logs of a source."""
    logs: dict[str, list[File]] = {}
    try:
        with _open(config, source, None, 16 << 20) as reading:
            logs = survey(reading)
    except SourceNotFoundError:
        pass
    except (AuditwakeError, OSError) as error:
        return {}, [TakenOver(source.path, "", "refused", str(error))]
    if not WILD & set(source.path):
        logs.setdefault(source.path, [])
    named = {log: files for log, files in logs.items() if _same(log) in entries and not _is_excluded(source, log)}
    found = {log: place_of(entries[_same(log)], files) for log, files in named.items()}
    places = {log: place for log, place in found.items() if isinstance(place, Place)}
    return places, [TakenOver(log, "", "refused", why) for log, why in found.items() if isinstance(why, str)]


def _is_excluded(source: LogSource, log: str) -> bool:
    return any(fnmatch(log, pattern) for pattern in source.exclude_paths)


def _route(
    config: AgentConfig,
    source: LogSource,
    sink: str,
    places: Mapping[str, Place],
    dry_run: bool,  # noqa: FBT001  # of the caller
) -> Iterator[TakenOver]:
    if not places:
        return
    directory = route_directory(config.state, sink, source.path)
    if directory.exists():
        why = f"{directory} has a state already; it is kept, or delete it to take the offset over"
        yield from (TakenOver(log, sink, "refused", why) for log in places)
    elif dry_run:
        yield from (TakenOver(log, sink, "taken", f"would begin at {_said(at)}") for log, at in places.items())
    else:
        try:
            ends = _make_state(config, source, directory, places)
        except (AuditwakeError, OSError) as error:
            yield from (TakenOver(log, sink, "refused", str(error)) for log in places)
        else:
            yield from (TakenOver(log, sink, "taken", _began(place, ends[log])) for log, place in places.items())


def _make_state(
    config: AgentConfig, source: LogSource, directory: Path, places: Mapping[str, Place]
) -> Mapping[str, int]:
    """Make the state beside its place, and move it there when it is right, so that half of one is never there."""
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = directory.with_name(f".{directory.name}.taking-over")
    shutil.rmtree(made, ignore_errors=True)
    try:
        before = _identities(places)
        ends = settle(lambda step: _open(config, source, made, step), places)
        if _identities(places) != before or ends.keys() != places.keys():
            message = f"{source.path}: the log was rotated meanwhile, and nothing was changed; run it again"
            raise AuditwakeError(message)
        made.rename(directory)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return ends


def _open(config: AgentConfig, source: LogSource, state: Path | None, batch_bytes: int) -> Tail:
    return tail(
        source.path,
        state=state,
        follow=False,
        columns=["ts_stage"],
        bodies=False,
        batch_bytes=batch_bytes,
        backups=config.backups,
    )


def _identities(places: Mapping[str, Place]) -> list[tuple[int, int] | None]:
    """Say which files are there: a rotation in between would put others behind the names."""
    return [_identity(name) for log, place in sorted(places.items()) for name in (log, place.file)]


def _identity(name: str) -> tuple[int, int] | None:
    try:
        status = os.stat(name)  # noqa: PTH116  # the name is text
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _said(place: Place) -> str:
    return f"byte {place.offset} of {place.file}"


def _began(place: Place, end: int) -> str:
    if end == place.offset:
        return f"begins at {_said(place)}"
    # It is inside of a line, or behind lines that hold no event, which are in a batch with the event behind them.
    return f"begins at byte {end} of {place.file}, the last beginning of an event in front of the offset {place.offset}"


def _same(path: str) -> str:
    return os.path.normcase(os.path.abspath(path))  # noqa: PTH100  # links are not followed
