"""Whether the configuration reads a log that a registry names, and why nothing is taken over where it does not."""

import os
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Literal

from auditwake.forwarder.config.model import AgentConfig, LogSource

__all__ = ["reads", "same", "why_not"]

Reason = Literal["absent", "empty", "excluded", "no-sink", "unknown"]


def same(path: str) -> str:
    """Give a path, or a pattern, as it can be compared; links are not followed.

    Args:
        path: The path.

    Example:
        >>> same("/var/log/../log/audit.log") == same("/var/log/audit.log")
        True
    """
    return os.path.normcase(os.path.abspath(path))  # noqa: PTH100  # links are not followed


def reads(source: LogSource, path: str) -> bool:
    """Say whether a source means a log, and does not exclude it.

    Args:
        source: The source.
        path: The log.
    """
    return _means(source.path, path) and not _is_excluded(source, path)


def why_not(config: AgentConfig, path: str) -> tuple[Reason, str]:
    """Say why nothing was taken over of a log of which nothing was found.

    Args:
        config: The configuration.
        path: The log.

    Returns:
        The reason in one word, and in a sentence.
    """
    meant = [source for source in config.sources if isinstance(source, LogSource) and _means(source.path, path)]
    reading = [source for source in meant if not _is_excluded(source, path)]
    if not meant:
        return "unknown", "nothing in the configuration reads it"
    if not reading:
        return "excluded", f"{meant[0].path} means it, and exclude_paths takes it out"
    if not config.sinks:
        return "no-sink", "the configuration has no sink that it could be sent to"
    if not os.path.exists(path):  # noqa: PTH110  # the name is text
        return "absent", "the log is not there"
    return "empty", "the log has no whole line, so there is nothing to take over"


def _is_excluded(source: LogSource, path: str) -> bool:
    return any(_means(pattern, path) for pattern in source.exclude_paths)


def _means(pattern: str, path: str) -> bool:
    """Say whether a path or a pattern means a log: `*` goes over one directory, `**` over any number."""
    pattern, path = same(pattern), same(path)
    return path == pattern or (fnmatchcase(path, pattern) if "**" in pattern else PurePath(path).match(pattern))
