"""Where sinks on this machine write to: no two to one place, and none to what is read."""

import os
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Final

from auditwake.forwarder.config.check import Section
from auditwake.forwarder.config.model import DeltaSink, FileSink, LogSource, ParquetSink, SinkConfig, Source
from auditwake.forwarder.config.report import Place, Report

__all__ = ["read_and_written", "same_place"]

LOCAL: Final = "file://"
KEYS: Final = {"file": "path", "parquet": "directory", "delta": "table"}


def same_place(report: Report, sinks: Iterable[tuple[SinkConfig, Section]]) -> None:
    """Refuse a sink that writes where another writes.

    Args:
        report: Takes what is wrong.
        sinks: Each sink, and what the configuration says of it.
    """
    taken: dict[str, tuple[SinkConfig, Place]] = {}
    for sink, section in sinks:
        where = _output(sink)
        if where is None:
            continue
        place = section.at(KEYS[sink.type])
        first, before = taken.setdefault(_normal(where), (sink, place))
        if first is sink:
            continue
        there = f"{before.name}:{before.mark.line}" if before.mark else before.name
        if first.type == sink.type != "file":
            # Two tables of one kind bear each other.
            message = f"the sink in {there} writes there too: each event is in the table twice"
            report.warning(place, message, "remove one of the two, or give it a place of its own")
        else:
            message = f"the sink in {there} writes to the same place"
            report.error(place, message, "give each sink a place of its own")


def read_and_written(report: Report, place: Place, sources: Sequence[Source], sinks: Sequence[SinkConfig]) -> None:
    """Refuse a log that a sink writes: each event would make another, until the disk is full.

    Args:
        report: Takes what is wrong.
        place: That of the sinks.
        sources: What is read.
        sinks: Where it goes.
    """
    files = [str(sink.path) for sink in sinks if isinstance(sink, FileSink)]
    written = {*map(_normal, files), *map(os.path.abspath, files)}
    for source in sources:
        if isinstance(source, LogSource) and any(_reads(source, path) for path in written):
            message = f"the file of a sink is among the logs that are read ({source.path}): it would grow for ever"
            report.error(place, message, "give the sink another path, or leave it out with exclude_paths")


def _output(sink: SinkConfig) -> str | None:
    if isinstance(sink, FileSink):
        return str(sink.path)
    if isinstance(sink, ParquetSink):
        return str(sink.directory)
    return sink.table if isinstance(sink, DeltaSink) else None


def _normal(where: str) -> str:
    """Give one text for each place, links followed; of a store behind a URI, the URI."""
    where = where.removeprefix(LOCAL)
    if "://" in where:
        return where.rstrip("/")
    try:
        return os.path.normcase(os.path.realpath(where))
    except (OSError, ValueError):
        return where


def _reads(source: LogSource, path: str) -> bool:
    return _matches(path, source.path) and not any(_matches(path, one) for one in source.exclude_paths)


def _matches(path: str, pattern: str) -> bool:
    if path == _normal(pattern):
        return True
    try:
        return PurePath(path).match(os.path.abspath(pattern))  # noqa: PTH100  # links of a pattern are not followed
    except ValueError:  # A pattern of nothing.
        return False
