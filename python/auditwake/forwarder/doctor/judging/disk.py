"""Room on disk, for what rotation keeps and for the agent's own state."""

from collections.abc import Iterator
from typing import Final

from auditwake.forwarder.doctor.facts import Facts, LogFacts, Room
from auditwake.forwarder.doctor.finding import Check, Code, Finding
from auditwake.forwarder.doctor.judging.settings import MIB, Rotation, rotation_of
from auditwake.forwarder.doctor.judging.words import octets

__all__ = ["CODES", "find"]

SECTION: Final = "disk"
LOG: Final = Check(SECTION, "room-for-the-log")
INODES: Final = Check(SECTION, "inodes")
STATE: Final = Check(SECTION, "room-for-the-state")
LASTING: Final = Check(SECTION, "state-lasts")
WRITABLE: Final = Check(SECTION, "state-writable")

FULL: Final = Code(
    "AWD501",
    "disk-full",
    "error",
    LOG,
    "The next file of the log does not fit: its lines are cut, and what does not fit is lost.",
    "du -xh DIRECTORY | sort -h | tail    # what takes the room",
)
TIGHT: Final = Code(
    "AWD502",
    "disk-tight",
    "warning",
    LOG,
    "Rotation keeps more than there is room for: the disk is full before the first file is deleted.",
    "- --audit-log-compress    # a tenth of the room",
)
FEW_INODES: Final = Code(
    "AWD503",
    "few-inodes",
    "warning",
    INODES,
    "Rotation makes a new file each time; without an inode for it no event can be written.",
    "du --inodes -x / | sort -n | tail    # what takes them",
)
STATE_FULL: Final = Code(
    "AWD504",
    "state-disk-full",
    "error",
    STATE,
    "Offsets and quarantined events cannot be saved: the agent holds, and after a restart ships events again.",
    "# make room on that disk, or name another directory:\nauditwake:\n  state_dir: /var/lib/auditwake",
)
NOT_LASTING: Final = Code(
    "AWD505",
    "state-not-persistent",
    "warning",
    LASTING,
    "The offsets are gone with the pod: after a restart the whole log is read and shipped again.",
    "volumes:\n- {name: state, hostPath: {path: /var/lib/auditwake, type: DirectoryOrCreate}}",
)
NOT_WRITABLE: Final = Code(
    "AWD506",
    "state-not-writable",
    "error",
    WRITABLE,
    "The agent does not start without a directory for its offsets.",
    "install -d -m 0700 DIRECTORY    # as the user of the agent",
)
CODES: Final = (FULL, TIGHT, FEW_INODES, STATE_FULL, NOT_LASTING, NOT_WRITABLE)

FEWEST_INODES: Final = 1_000
LEAST_STATE: Final = 64 << 20
PASSING: Final = frozenset({"tmpfs", "ramfs", "overlay"})
COMPRESSED: Final = 10
"""Audit logs become about a tenth by gzip."""


def find(facts: Facts) -> Iterator[Finding]:
    """Judge the room."""
    rotation = rotation_of(facts)
    for log in facts.logs:
        if log.room is not None and log.first is not None:
            yield from _log(log, log.room, rotation)
            yield from _inodes(log, log.room)
    if facts.state is not None and facts.config.config is not None:
        yield from _state(facts.state, str(facts.config.config.state))


def _log(log: LogFacts, room: Room, rotation: Rotation | None) -> Iterator[Finding]:
    free = f"{octets(room.free)} of {octets(room.total)} are free"
    live = log.first.size if log.first else 0
    size = rotation.maxsize * MIB if rotation and rotation.maxsize else 100 * MIB
    fix = f"du -xh {room.path} | sort -h | tail    # what takes the room"
    if room.free < max(size - live, size // 10):
        yield FULL.at(f"{free}, and a file of the log takes {octets(size)}", room.path, fix=fix)
        return
    needed = _needed(log, rotation, size)
    if needed > room.free:
        if rotation and not rotation.compress:
            fix = "- --audit-log-compress    # a tenth of the room\n# or keep less, or:\n" + fix
        yield TIGHT.at(f"{free}, and rotation will take {octets(needed)} more", room.path, fix=fix)
    else:
        more = f", and rotation will take {octets(needed)} more" if needed else ""
        yield LOG.fine(f"{free}{more}", None)


def _needed(log: LogFacts, rotation: Rotation | None, size: int) -> int:
    """Give the bytes that rotation adds to what is there until it deletes; nothing where it keeps all."""
    if rotation is None or not rotation.maxbackup:
        return 0
    each = size // COMPRESSED if rotation.compress else size
    there = sum(one.size for one in log.backups) + (log.first.size if log.first else 0)
    return max(0, rotation.maxbackup * each + size - there)


def _inodes(log: LogFacts, room: Room) -> Iterator[Finding]:
    if room.free_inodes is not None and room.free_inodes < FEWEST_INODES:
        yield FEW_INODES.at(f"{room.free_inodes:,} inodes are free", log.path)
    elif room.free_inodes is not None:
        yield INODES.fine(f"{room.free_inodes:,} inodes are free")


def _state(room: Room, path: str) -> Iterator[Finding]:
    if not room.writable:
        fix = f"install -d -m 0700 {path}    # as the user of the agent, on a file system that is not read-only"
        yield NOT_WRITABLE.at(f"{path} cannot be made or written: {room.path} does not let us", path, fix=fix)
    else:
        yield WRITABLE.fine(f"{path} can be written")
    if room.free < LEAST_STATE:
        yield STATE_FULL.at(f"{octets(room.free)} are free for the state", path)
    else:
        yield STATE.fine(f"{octets(room.free)} are free for the state")
    if room.mount is not None and room.mount.type in PASSING:
        yield NOT_LASTING.at(f"{path} is on {room.mount.type}", path)
    elif room.mount is not None:
        yield LASTING.fine(f"{path} is on {room.mount.type}, mounted at {room.mount.point}")
