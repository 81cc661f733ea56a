"""Logs whose events have the time of their number, and the registries that an Agent has of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import auditwake as aw
from auditwake.forwarder.config.model import AgentConfig, FileSink, LogSource, StdoutSink
from auditwake.forwarder.registry import TakenOver
from auditwake.forwarder.routes import route_directory
from tests.tailing.lines import TIME, line, number_of
from tests.tailing.rotator import Rotator

__all__ = ["Log", "at", "config", "event", "left", "only", "registry", "saved"]

BEGIN = datetime(2026, 11, 24, tzinfo=UTC)


def at(number: int) -> datetime:
    return BEGIN + timedelta(seconds=number)


def event(number: int, length: int = 0) -> bytes:
    """An event whose time goes with its number."""
    return line(number, length).replace(TIME.encode(), at(number).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode())


@dataclass
class Log:
    """A log with its rotated files, where each line of it ends, and what gives the least length of each."""

    path: Path
    ends: dict[int, int] = field(default_factory=dict)
    last: int = 0
    length: Callable[[], int] = int

    def __post_init__(self) -> None:
        self.rotator = Rotator(self.path)
        self.size = 0

    def write(self, count: int) -> None:
        for _ in range(count):
            self.last += 1
            data = event(self.last, self.length())
            self.rotator.append(data)
            self.size += len(data)
            self.ends[self.last] = self.size

    def rotate(self, *, compress: bool = False) -> None:
        backup = self.rotator.rotate()
        self.size = 0
        if compress:
            self.rotator.compress_now(backup)


def config(folder: Path, *paths: Path | str, sinks: int = 1, **more: Any) -> AgentConfig:  # noqa: ANN401  # of the source
    return AgentConfig(
        sources=tuple(LogSource(integration="k", file=folder / "conf.yaml", path=str(path), **more) for path in paths),
        sinks=(FileSink(path=folder / "out"), StdoutSink())[:sinks],
        enabled=True,
        state=folder / "state",
        socket=folder / "agent.sock",
        hostname="h",
    )


def registry(folder: Path, values: dict[str, Any], version: int = 2) -> Path:
    path = folder / "registry.json"
    path.write_text(json.dumps({"Version": version, "Registry": values}))
    return path


def saved(path: Path, offset: int, after: int | None = None, read: float | None = None) -> dict[str, Any]:
    """What the Agent saves when it has delivered the event `after`, and read it at a time that newer ones save."""
    values: dict[str, Any] = {"Offset": str(offset), "TailingMode": "end"}
    if after is not None:
        values["LastUpdated"] = (at(after) + timedelta(milliseconds=500)).isoformat().replace("+00:00", "Z")
    if read is not None:
        values["IngestionTimestamp"] = int(BEGIN.timestamp() + read) * 10**9
    return {f"file:{path}": values}


def left(agent: AgentConfig, path: Path | str, sink: str = "file") -> list[int]:
    """Give the numbers of the events that the route reads from then on."""
    state = route_directory(agent.state, sink, str(path))
    with aw.tail(str(path), state=state, follow=False, columns=["name"]) as tail:
        names = [name for batch in tail for name in batch.to_pyarrow().column("name").to_pylist()]
        assert all(one.kind != "replay" for one in tail.events)
    return [number_of(name) for name in names]


def only(done: list[TakenOver]) -> TakenOver:
    (one,) = done
    return one
