"""How the log is mounted: for the server, which has to rename it, and for us, who have to see the new one."""

import posixpath
from collections.abc import Iterator
from typing import Final

from auditwake.forwarder.doctor.facts import Facts, LogFacts, Server
from auditwake.forwarder.doctor.finding import Check, Code, Finding, Place
from auditwake.forwarder.doctor.judging.settings import flags_of
from auditwake.forwarder.doctor.mounts import Mount, PodMount, above, pod_mount

__all__ = ["CODES", "find"]

SECTION: Final = "log files"
SERVER: Final = Check(SECTION, "mount-of-server")
OURS: Final = Check(SECTION, "mount-here")
MEMORY: Final = Check(SECTION, "file-system")

FILE: Final = Code(
    "AWD301",
    "file-mounted",
    "error",
    SERVER,
    "A mounted file cannot be renamed (`rename ... device or resource busy`): rotation fails, and with it every event "
    "from then on.",
    "mount the directory of the log, not the log",
)
NOT_MOUNTED: Final = Code(
    "AWD302",
    "log-not-mounted",
    "error",
    SERVER,
    "The log stays in the server's container: nobody outside can read it, and it is gone when the container is.",
    "mount a directory of the host where the log is",
)
READ_ONLY: Final = Code(
    "AWD303",
    "log-read-only",
    "error",
    SERVER,
    "kube-apiserver cannot open its log for writing and does not start.",
    "take readOnly out of the mount of the log's directory",
)
FILE_HERE: Final = Code(
    "AWD304",
    "file-mounted-here",
    "error",
    OURS,
    "A mounted file stays what it was when the pod started: after a rotation we would read the old one for ever.",
    "mount the directory of the log into the agent, not the log",
)
IN_MEMORY: Final = Code(
    "AWD305",
    "log-in-memory",
    "warning",
    MEMORY,
    "A tmpfs is memory: the log, and all in it that was not shipped, is gone after a reboot.",
    "- --audit-log-path=/var/log/kubernetes/apiserver/audit.log    # on a disk",
)
CODES: Final = (FILE, NOT_MOUNTED, READ_ONLY, FILE_HERE, IN_MEMORY)

FILE_TYPES: Final = frozenset({"File", "FileOrCreate"})
MEMORY_TYPES: Final = frozenset({"tmpfs", "ramfs"})


def find(facts: Facts) -> Iterator[Finding]:
    """Judge the mounts."""
    path = flags_of(facts).text("audit-log-path")
    if facts.server and posixpath.isabs(path):
        path = posixpath.normpath(path)
        if facts.server.mounts is not None:
            yield from _in_pod(facts.server, path)
        elif facts.server.live_mounts:
            yield from _live(above(facts.server.live_mounts, path), path, facts.server.origin)
    for log in facts.logs:
        if not log.directory_missing:
            yield from _here(log)


def _in_pod(server: Server, path: str) -> Iterator[Finding]:
    found = pod_mount(server.mounts or (), path)
    folder = posixpath.dirname(path)
    if found is None:
        yield NOT_MOUNTED.at(f"{folder} is in no volume of the container", server.mounts_place, fix=_volumes(folder))
        return
    mount, _ = found
    if mount.kind and mount.kind != "hostPath":
        message = f"{folder} is in {mount.name}, which is of kind {mount.kind}"
        yield NOT_MOUNTED.at(message, mount.source_place, fix=_volumes(folder))
    elif mount.point == path or mount.type in FILE_TYPES:
        yield FILE.at(_says(mount, path), mount.place, fix=_volumes(folder))
    elif mount.read_only:
        fix = f"    - {{name: {mount.name}, mountPath: {mount.point}}}    # without readOnly: true"
        yield READ_ONLY.at(f"{mount.point} is mounted read-only", mount.place, fix=fix)
    else:
        yield SERVER.fine(f"the directory {mount.point} is mounted, from {mount.source} on the host", mount.place)


def _says(mount: PodMount, path: str) -> str:
    kind = f" (a hostPath of type {mount.type})" if mount.type in FILE_TYPES else ""
    return f"{path} itself is mounted{kind}, not its directory"


def _volumes(folder: str) -> str:
    return (
        f"    volumeMounts:\n    - {{name: audit-log, mountPath: {folder}}}\n"
        f"  volumes:\n  - {{name: audit-log, hostPath: {{path: {folder}, type: DirectoryOrCreate}}}}"
    )


def _live(mount: Mount | None, path: str, origin: str) -> Iterator[Finding]:
    folder, place = posixpath.dirname(path), Place(origin)
    if mount is None:
        return
    if mount.point == path:
        yield FILE.at(f"{path} itself is mounted, not its directory", place, fix=_volumes(folder))
    elif mount.read_only:
        yield READ_ONLY.at(f"{mount.point} is mounted read-only", place)
    elif mount.type == "overlay":
        message = f"{folder} is in the container's own file system"
        yield NOT_MOUNTED.at(message, place, fix=_volumes(folder))
    else:
        yield SERVER.fine(f"{folder} is on {mount.type}, mounted at {mount.point}", place)


def _here(log: LogFacts) -> Iterator[Finding]:
    folder = posixpath.dirname(log.path)
    if log.mounted_here:
        yield FILE_HERE.at(f"{log.path} itself is mounted here, not its directory", log.path, fix=_volumes(folder))
    elif log.room is not None:
        yield OURS.fine(f"{folder} is seen as a directory, so that rotated files are", None)
    mount = log.room.mount if log.room else None
    if mount is not None and mount.type in MEMORY_TYPES:
        yield IN_MEMORY.at(f"{mount.point} is {mount.type}", log.path)
    elif mount is not None:
        yield MEMORY.fine(f"the log is on {mount.type}")
