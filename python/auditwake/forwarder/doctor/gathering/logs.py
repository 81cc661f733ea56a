"""The logs: the live file, its rotated files, what else is beside them, and who writes and rotates them."""

import contextlib
import fnmatch
import os
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from auditwake.errors import AuditwakeError
from auditwake.forwarder.doctor.facts import Backup, LogFacts, Logrotate, Look
from auditwake.forwarder.doctor.finding import Place
from auditwake.forwarder.doctor.gathering.node import read_text, room_of, under
from auditwake.forwarder.doctor.gathering.sample import nul_bytes, take_sample
from auditwake.forwarder.doctor.mounts import Mount

__all__ = ["look_again", "look_at_log"]

STAMP: Final = r"(?P<stamp>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3})"
COMPRESSED: Final = (".gz", ".zst")
LOGROTATE: Final = "/etc/logrotate.d"
LOGROTATE_CONF: Final = "/etc/logrotate.conf"


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
        directory_problem=directory_problem,
        room=room_of(path, mounts),
        mounted_here=any(mount.point == path for mount in mounts),
        logrotate=tuple(_logrotate(root, {path, node_path})),
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
                if entry.name == path.name or not entry.name.startswith(path.stem):
                    continue
                backup = _backup(entry, path)
                if backup is not None:
                    backups.append(backup)
                elif entry.name[len(path.stem) :].startswith(("-", ".", "_")) and entry.is_file():
                    strangers.append(entry.name)
    except FileNotFoundError:
        return (), (), ""
    except (OSError, ValueError) as error:
        return (), (), _reason(error)
    backups.sort(key=lambda one: (one.rotated is None, one.rotated or 0.0, one.name))
    return tuple(backups), tuple(sorted(strangers)), ""


def _backup(entry: "os.DirEntry[str]", log: Path) -> Backup | None:
    """Read a name as `auditwake.tail` does: as lumberjack or logrotate make it."""
    name = entry.name
    bare = next((name.removesuffix(end) for end in COMPRESSED if name.endswith(end)), name)
    stem, suffix, whole = (re.escape(part) for part in (log.stem, log.suffix, log.name))
    match = re.fullmatch(rf"{stem}-{STAMP}{suffix}(?:\.\d+)?", bare)
    if match is None and not re.fullmatch(rf"{whole}(?:\.[1-9]\d*|-\d{{8}}(?:\d\d)?|-\d{{10}})?", bare):
        return None
    size = 0
    with contextlib.suppress(OSError):
        size = entry.stat().st_size
    return Backup(name=name, size=size, rotated=_time(match["stamp"]) if match else None, compressed=bare != name)


def _time(stamp: str) -> float | None:
    try:
        return datetime.strptime(f"{stamp}+0000", "%Y-%m-%dT%H-%M-%S.%f%z").timestamp()
    except ValueError:
        return None


# --- logrotate -------------------------------------------------------------------------------------------------------


def _logrotate(root: Path, paths: set[str]) -> Iterator[Logrotate]:
    for file in _logrotate_files(root):
        try:
            lines = read_text(file).splitlines()
        except (OSError, ValueError):
            continue
        yield from _blocks(lines, str(file), paths)


def _logrotate_files(root: Path) -> list[Path]:
    found = [Path(under(root, LOGROTATE_CONF))]
    with contextlib.suppress(OSError):
        found += sorted(one for one in Path(under(root, LOGROTATE)).iterdir() if one.is_file())
    return found


def _blocks(lines: Iterable[str], file: str, paths: set[str]) -> Iterator[Logrotate]:
    """Give the blocks that name one of the paths; `copytruncate` counts where it stands in one of them."""
    named: Place | None = None
    inside = False
    copytruncate: Place | None = None
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text.startswith("#"):
            continue
        if not inside:
            names = _words(text.partition("{")[0])
            if any(fnmatch.fnmatchcase(path, name) for name in names if name.startswith("/") for path in paths):
                named = Place(file, number)
            inside = "{" in text
        if inside and re.search(r"(^|[\s{])copytruncate\b", text):
            copytruncate = Place(file, number)
        if inside and "}" in text:
            if named is not None:
                yield Logrotate(place=named, copytruncate=copytruncate)
            named, inside, copytruncate = None, False, None


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
