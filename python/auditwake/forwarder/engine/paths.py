"""Where a route keeps what it needs: the same place for the same log, whatever else is in the configuration."""

from pathlib import Path
from typing import TYPE_CHECKING

from auditwake.forwarder.config.model import WebhookSource
from auditwake.forwarder.routes import route_directory

if TYPE_CHECKING:
    from auditwake.forwarder.config.model import Source

__all__ = ["forget_offsets", "name_of", "quarantine_file", "state_directory", "webhook_directory", "webhook_name"]


def name_of(source: "Source") -> str:
    """Give what a source is known by: the path or pattern of a log, the name of a webhook."""
    return f"webhook {webhook_name(source)}" if isinstance(source, WebhookSource) else source.path


def webhook_name(source: WebhookSource) -> str:
    """Give the name of a webhook: its address, where it has no other."""
    return source.name or source.address


def state_directory(state: Path, sink: str, source: "Source") -> Path:
    """Give the directory with the offsets of a source on its way to a sink."""
    return route_directory(state, sink, name_of(source))


def quarantine_file(state: Path, sink: str, source: "Source") -> Path:
    """Give the file for what the sink never takes."""
    return state / "quarantine" / f"{sink}.{state_directory(state, sink, source).name}.ndjson"


def webhook_directory(state: Path, source: "Source") -> Path:
    """Give the directory of the segments that a webhook receives."""
    return state / "webhook" / state_directory(state, "webhook", source).name


def forget_offsets(directory: Path) -> None:
    """Leave what is saved out of account: `forceBeginning` and `forceEnd`."""
    # All of it: a directory in which only the offsets are missing has lost them, and is never a start at the end.
    for file in directory.iterdir():
        file.unlink(missing_ok=True)
