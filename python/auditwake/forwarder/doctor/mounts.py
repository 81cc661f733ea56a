"""What is mounted where: `/proc/PID/mountinfo`, and the volumes of a pod."""

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from auditwake.forwarder.doctor.finding import Place

__all__ = ["Mount", "PodMount", "above", "host_path", "parse_mountinfo", "pod_mount"]

OCTAL: Final = re.compile(r"\\([0-7]{3})")
LEAST_FIELDS: Final = 6


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of `mountinfo`.

    Attributes:
        device: `major:minor`.
        root: What of the file system is mounted.
        point: Where.
        type: Kind of file system, such as `ext4`, `tmpfs` or `overlay`.
        read_only: Whether it is mounted read-only.
    """

    device: str
    root: str
    point: str
    type: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class PodMount:
    """A volume of a pod as a container has it.

    Attributes:
        name: Its name.
        point: Where the container has it.
        kind: `hostPath`, `emptyDir`, `configMap`...
        source: Path on the host, of a hostPath.
        type: The type of a hostPath, such as `DirectoryOrCreate`.
        read_only: Whether it is mounted read-only.
        sub_path: What of the volume is mounted.
        place: Where the mount stands.
        source_place: Where the volume stands.
    """

    name: str
    point: str
    kind: str = ""
    source: str = ""
    type: str = ""
    read_only: bool = False
    sub_path: str = ""
    place: Place | None = None
    source_place: Place | None = None


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    r"""Read `mountinfo`; a line that is none is passed over.

    Args:
        text: The whole file.

    Example:
        >>> parse_mountinfo("36 35 98:0 /logs /var/log\\040k ro,noatime master:1 - ext4 /dev/root rw")[0]
        Mount(device='98:0', root='/logs', point='/var/log k', type='ext4', read_only=True)
    """
    mounts = []
    for line in text.splitlines():
        left, dash, right = line.partition(" - ")
        fields, more = left.split(" "), right.split(" ")
        if dash and len(fields) >= LEAST_FIELDS:
            device, root, point, options = fields[2], _plain(fields[3]), _plain(fields[4]), fields[5]
            mounts.append(Mount(device, root, point, more[0], "ro" in options.split(",")))
    return tuple(mounts)


def _plain(text: str) -> str:
    return OCTAL.sub(lambda match: chr(int(match[1], 8)), text)


def above(mounts: Iterable[Mount], path: str) -> Mount | None:
    r"""Give the mount that a path is in: the nearest, of those at one point the last.

    Args:
        mounts: All mounts, in order.
        path: An absolute path.

    Example:
        >>> mounts = parse_mountinfo("1 0 8:1 / / rw - ext4 a rw\n2 1 0:5 / /var rw - tmpfs b rw")
        >>> above(mounts, "/var/log").type, above(mounts, "/various").type
        ('tmpfs', 'ext4')
    """
    found: Mount | None = None
    for mount in mounts:
        if _is_in(path, mount.point) and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found


def host_path(path: str, theirs: Sequence[Mount], ours: Sequence[Mount]) -> str:
    """Say what a path of another process is called here; the same, where nothing says otherwise.

    Args:
        path: The path as that process has it.
        theirs: Its mounts.
        ours: Our mounts.

    Example:
        >>> theirs = parse_mountinfo("9 0 8:1 /srv/audit /var/log/audit rw - ext4 a rw")
        >>> host_path("/var/log/audit/audit.log", theirs, parse_mountinfo("1 0 8:1 / / rw - ext4 a rw"))
        '/srv/audit/audit.log'
    """
    mount = above(theirs, path)
    if mount is None:
        return path
    inside = posixpath.normpath(posixpath.join(mount.root, posixpath.relpath(path, mount.point)))
    best: Mount | None = None
    for own in ours:
        if (
            own.device == mount.device
            and _is_in(inside, own.root)
            and (best is None or len(own.root) >= len(best.root))
        ):
            best = own
    if best is None:
        return path
    return posixpath.normpath(posixpath.join(best.point, posixpath.relpath(inside, best.root)))


def pod_mount(mounts: Iterable[PodMount], path: str) -> tuple[PodMount, str] | None:
    """Give the volume that a path in a container is in, and its path on the host where the volume has one.

    Args:
        mounts: The mounts of the container.
        path: The path in the container.

    Example:
        >>> mount = PodMount("audit", "/var/log/audit", "hostPath", "/srv/audit")
        >>> pod_mount([mount], "/var/log/audit/audit.log")[1]
        '/srv/audit/audit.log'
    """
    fitting = [mount for mount in mounts if mount.point and _is_in(path, mount.point)]
    if not fitting:
        return None
    mount = max(fitting, key=lambda one: len(one.point))
    if not mount.source:
        return mount, ""
    rest = posixpath.relpath(path, mount.point)
    return mount, posixpath.normpath(posixpath.join(mount.source, mount.sub_path, rest))


def _is_in(path: str, folder: str) -> bool:
    return folder in {"/", path} or path.startswith(folder.rstrip("/") + "/")
