"""The file system of the node, which may be mounted under another root, and who we are in it."""

import os
from pathlib import Path
from typing import Final

from auditwake.forwarder.doctor.facts import Room, Who
from auditwake.forwarder.doctor.mounts import Mount, above, parse_mountinfo

__all__ = ["MOST_BYTES", "TooLongError", "node_mounts", "own_mounts", "read_text", "room_of", "under", "who_am_i"]

MOST_BYTES: Final = 4 << 20
CAPABILITIES: Final = {1: "CAP_DAC_OVERRIDE", 2: "CAP_DAC_READ_SEARCH"}


class TooLongError(OSError):
    """A file is too long to be what it should be."""


def under(root: Path, path: str) -> str:
    """Give a path of the node as it is called here.

    Args:
        root: Where the node's file system is.
        path: An absolute path on the node.

    Example:
        >>> under(Path("/host"), "/var/log")
        '/host/var/log'
    """
    return path if root == Path("/") or not path else str(root / path.lstrip("/"))


def read_text(path: str | Path) -> str:
    """Read a file whole; bytes that are no UTF-8 are replaced.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be read, or is longer than 4 MiB.
    """
    with Path(path).open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise TooLongError(None, f"it is longer than {MOST_BYTES >> 20} MiB", str(path))
    return data.decode("utf-8", "replace").removeprefix("\ufeff")


def own_mounts(root: Path) -> tuple[Mount, ...]:
    """Give our own mounts.

    Args:
        root: Where the node's file system is.
    """
    return _mounts_of(root, "self")


def node_mounts(root: Path) -> tuple[Mount, ...]:
    """Give the mounts of the node itself.

    Args:
        root: Where the node's file system is.
    """
    return _mounts_of(root, "1") or own_mounts(root)


def _mounts_of(root: Path, process: str) -> tuple[Mount, ...]:
    try:
        return parse_mountinfo(read_text(under(root, f"/proc/{process}/mountinfo")))
    except (OSError, ValueError):
        return ()


def who_am_i() -> Who:
    """Say who looks."""
    uid = os.geteuid() if hasattr(os, "geteuid") else None
    return Who(uid=uid, name=_user_name(uid), capabilities=_capabilities())


def _user_name(uid: int | None) -> str:
    if uid is None:
        return os.environ.get("USERNAME", "")
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return str(uid)


def _capabilities() -> frozenset[str]:
    try:
        status = read_text("/proc/self/status")
        bits = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:"))
    except (OSError, ValueError, StopIteration, IndexError):
        return frozenset()
    return frozenset(name for bit, name in CAPABILITIES.items() if bits >> bit & 1)


def room_of(path: str | Path, mounts: tuple[Mount, ...]) -> Room | None:
    """Say what is left of the file system that a path is in, or will be in.

    Args:
        path: The path; what is not there yet counts to the nearest directory above it.
        mounts: Our mounts.

    Returns:
        What is left; None where the system does not say.
    """
    there = Path(os.path.abspath(path))  # noqa: PTH100  # links are not followed by it
    try:
        while not there.exists() and there != there.parent:
            there = there.parent
        if not hasattr(os, "statvfs"):
            return None
        left = os.statvfs(there)
        real = os.path.realpath(there)
    except (OSError, ValueError):
        return None
    read_only = bool(left.f_flag & getattr(os, "ST_RDONLY", 1))
    return Room(
        path=str(there),
        mount=above(mounts, real),
        free=left.f_bavail * left.f_frsize,
        total=left.f_blocks * left.f_frsize,
        free_inodes=left.f_favail if left.f_files else None,
        writable=not read_only and os.access(there, os.W_OK),
    )
