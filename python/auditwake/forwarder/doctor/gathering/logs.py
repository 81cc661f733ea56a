"""The logs: the live file, its rotated files, what else is beside them, and who writes and rotates them."""

import contextlib
import os
from dataclasses import replace
from pathlib import Path

from auditwake.errors import AuditwakeError
from auditwake.forwarder.doctor.facts import Backup, LogFacts, Look
from auditwake.forwarder.doctor.gathering.logrotate import logrotate_of
from auditwake.forwarder.doctor.gathering.names import is_compressed, live_name, looks_rotated, rotated_at
from auditwake.forwarder.doctor.gathering.node import room_of
from auditwake.forwarder.doctor.gathering.sample import nul_bytes, take_sample
from auditwake.forwarder.doctor.mounts import Mount

__all__ = ["look_again", "look_at_log"]


def look_at_log(path: str, root: Path, mounts: tuple[Mount, ...], *, node_path: str, of_server: bool) -> LogFacts:
    """Look at a log.

    Args:
        path: As it is called here.
        root: Where the node's file system is.
        mounts: Our mounts.
        node_path: As it is called on the node.
        of_server: Whether the flags of the server name it.
    """
    backups, strangers, directory_problem = _beside(Path(path))
    facts = LogFacts(
        path=path,
        of_server=of_server,
        backups=backups,
        strangers=strangers,
        directory_missing=not directory_problem and not os.path.isdir(os.path.dirname(path) or "."),  # noqa: PTH112, PTH120  # text
        directory_problem=directory_problem,
        room=room_of(path, mounts),
        mounted_here=any(mount.point == path for mount in mounts),
        logrotate=tuple(logrotate_of(root, {path, node_path})),
    )
    try:
        first = _look(path)
    except FileNotFoundError:
        return facts
    except (OSError, ValueError) as error:
        return replace(facts, problem=_reason(error))
    facts = replace(facts, first=first)
    try:
        return replace(facts, nul_bytes=nul_bytes(path), sample=take_sample(path))
    except (OSError, ValueError, AuditwakeError) as error:
        return replace(facts, problem=_reason(error))


def look_again(facts: LogFacts) -> LogFacts:
    """Look at a log a second time, to see whether it grows.

    Args:
        facts: What was seen the first time.
    """
    if facts.first is None:
        return facts
    with contextlib.suppress(OSError, ValueError):
        return replace(facts, later=_look(facts.path))
    return facts


def _look(path: str) -> Look:
    status = os.stat(path)  # noqa: PTH116  # a text that no path can be is answered as well
    return Look(
        size=status.st_size,
        modified=status.st_mtime,
        inode=status.st_ino,
        mode=status.st_mode & 0o7777,
        owner=status.st_uid,
    )


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


# --- beside it -------------------------------------------------------------------------------------------------------


def _beside(path: Path) -> tuple[tuple[Backup, ...], tuple[str, ...], str]:
    """Give the rotated files, other names that look like some, and why the directory cannot be listed."""
    backups: list[Backup] = []
    strangers: list[str] = []
    try:
        with os.scandir(path.parent) as entries:
            for entry in entries:
                if entry.name == path.name:
                    continue
                if live_name(entry.name) == path.name:
                    backups.append(_backup(entry))
                elif looks_rotated(entry.name, path.name) and entry.is_file():
                    strangers.append(entry.name)
    except FileNotFoundError:
        return (), (), ""
    except (OSError, ValueError) as error:
        return (), (), _reason(error)
    backups.sort(key=lambda one: (one.rotated is None, one.rotated or 0.0, one.name))
    return tuple(backups), tuple(sorted(strangers)), ""


def _backup(entry: "os.DirEntry[str]") -> Backup:
    size = 0
    with contextlib.suppress(OSError):
        size = entry.stat().st_size
    return Backup(name=entry.name, size=size, rotated=rotated_at(entry.name), compressed=is_compressed(entry.name))
