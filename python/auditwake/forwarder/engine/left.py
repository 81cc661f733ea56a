"""What stands in the state directory and is nobody's any more, since a name in the configuration has changed."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from auditwake.forwarder.config.model import WebhookSource
from auditwake.forwarder.engine.paths import webhook_directory, webhook_name

if TYPE_CHECKING:
    from auditwake.forwarder.config.model import AgentConfig

__all__ = ["left_behind", "note_name"]

NAME = "name"


def note_name(directory: Path, source: WebhookSource) -> None:
    """Write the name of a webhook into its directory, where its name is only a part of the directory's.

    It is for people. On a disk that is full there is none, and the agent runs all the same: it makes room.
    """
    if _name_in(directory) != webhook_name(source):
        with suppress(OSError):
            (directory / NAME).write_text(webhook_name(source), encoding="utf-8")


def left_behind(config: "AgentConfig") -> list[str]:
    """Say what is left of sinks and webhooks that a configuration does not have; of one that ships nothing, nothing.

    Args:
        config: The configuration.

    Returns:
        A text for each directory: what is in it, what that means, and what to do.
    """
    if not config.enabled:
        return []
    return [*_sinks(config), *_webhooks(config)]


def _sinks(config: "AgentConfig") -> Iterator[str]:
    names = {sink.name for sink in config.sinks}
    for directory in _directories(config.state / "routes"):
        if directory.name not in names and any(_directories(directory)):
            yield (
                f"{directory} holds the offsets of a sink {directory.name}, and no sink has this name: if it was "
                "renamed, it begins anew; stop the agent and rename the directory to go on, or remove it"
            )


def _webhooks(config: "AgentConfig") -> Iterator[str]:
    ours = {webhook_directory(config.state, one) for one in config.sources if isinstance(one, WebhookSource)}
    for directory in _directories(config.state / "webhook"):
        size = 0 if directory in ours else sum(map(_size, directory.glob("audit*.log")))
        if not size:
            continue
        name = _name_in(directory)
        remedy = f"write name: '{name}' in its entry of webhook: to go on with them, or " if name else ""
        yield (
            f"{directory} holds {size} bytes that a webhook has received, and no webhook has this name: what was not "
            f"sent of them is not sent now; {remedy}remove the directory"
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _name_in(directory: Path) -> str:
    try:
        return (directory / NAME).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _directories(parent: Path) -> list[Path]:
    try:
        return sorted(path for path in parent.iterdir() if path.is_dir())
    except OSError:
        return []
