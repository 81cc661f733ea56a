"""Rotation: whether it works, who does it, and how long an event is kept."""

import posixpath
import re
from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import Final

from auditwake.forwarder.doctor.facts import Facts, LogFacts
from auditwake.forwarder.doctor.finding import Check, Code, Finding, Place
from auditwake.forwarder.doctor.judging.settings import MIB, Rotation, flags_of, rotation_of
from auditwake.forwarder.doctor.judging.words import duration, octets

__all__ = ["CODES", "find", "time_to_loss"]

SECTION: Final = "rotation"
SETTING: Final = Check(SECTION, "limits")
RETENTION: Final = Check(SECTION, "time-to-loss")
WORKS: Final = Check(SECTION, "rotation-works")
DELETES: Final = Check(SECTION, "deletion-works")
NAMES: Final = Check(SECTION, "names")
ALONE: Final = Check(SECTION, "no-other-rotation")

OFF: Final = Code(
    "AWD401",
    "rotation-off",
    "error",
    SETTING,
    "Since 1.36 a maxsize of 0 means no rotation: the log grows until the disk is full, and then the node fails.",
    "- --audit-log-maxsize=100\n- --audit-log-maxbackup=20",
)
UNLIMITED: Final = Code(
    "AWD402",
    "kept-for-ever",
    "warning",
    SETTING,
    "Rotated files are never deleted, so the disk of the control plane fills, and etcd on it stops.",
    "- --audit-log-maxbackup=20\n- --audit-log-maxage=30",
)
TOO_SHORT: Final = Code(
    "AWD403",
    "kept-too-short",
    "error",
    RETENTION,
    "An agent or a receiver that is away for longer, as in an upgrade, finds its unread files deleted.",
    "keep more: --audit-log-maxbackup, --audit-log-maxsize, --audit-log-compress",
)
SHORT: Final = Code(
    "AWD404",
    "kept-short",
    "warning",
    RETENTION,
    "An outage over night is longer, and all that was rotated out in it is lost unread.",
    "keep more: --audit-log-maxbackup, --audit-log-maxsize, --audit-log-compress",
)
BURSTS: Final = Code(
    "AWD405",
    "kept-short-in-bursts",
    "warning",
    RETENTION,
    "At the rate of the busiest time that is on disk, unread files are deleted after less than an hour.",
    "keep more: --audit-log-maxbackup, --audit-log-maxsize, --audit-log-compress",
)
STUCK: Final = Code(
    "AWD406",
    "rotation-stuck",
    "error",
    WORKS,
    "The log is past the size at which it is rotated: the rename fails (`device or resource busy`), and so does the "
    "writing of every event.",
    "# mount the directory of the log, not the log, and restart the server; what it says:\n"
    "crictl logs $(crictl ps -q --name kube-apiserver) 2>&1 | grep -i rename",
)
UNDELETED: Final = Code(
    "AWD407",
    "backups-not-deleted",
    "warning",
    DELETES,
    "More rotated files are there than are kept: deletion fails, or another program renames them, and the disk fills.",
    "# what the server says when it deletes:\ncrictl logs $(crictl ps -q --name kube-apiserver) 2>&1 | grep -i audit",
)
FOREIGN_NAMES: Final = Code(
    "AWD408",
    "names-unknown",
    "warning",
    NAMES,
    "Files that are not known for rotated ones are not read: what was moved there unread is lost.",
    "auditwake:\n  backups: 'audit-*.log*'",
)
COPYTRUNCATE: Final = Code(
    "AWD409",
    "copytruncate",
    "error",
    ALONE,
    "copytruncate copies and then cuts the file: all that is written in between is lost, and the server goes on "
    "writing behind a hole of zero bytes.",
    "take the log out of /etc/logrotate.d; the server rotates it by --audit-log-maxsize",
)
LOGROTATE: Final = Code(
    "AWD410",
    "other-rotation",
    "warning",
    ALONE,
    "Two programs rotate one log: the server goes on writing to the renamed file, which the other may delete.",
    "take the log out of /etc/logrotate.d; the server rotates it by --audit-log-maxsize",
)
HOLE: Final = Code(
    "AWD411",
    "hole",
    "warning",
    ALONE,
    "Zero bytes at the beginning of a log are left when another program cuts it while the server writes; what stood "
    "there may never have been read.",
    "grep -rl audit /etc/logrotate.d /etc/cron*    # take the log out; the server rotates it by --audit-log-maxsize",
)
SHRUNK: Final = Code(
    "AWD412",
    "shrunk",
    "error",
    ALONE,
    "The file became shorter while we looked: another program cuts it, and what was not read yet is gone.",
    "grep -rl audit /etc/logrotate.d /etc/cron*    # take the log out; the server rotates it by --audit-log-maxsize",
)
CODES: Final = (
    OFF,
    UNLIMITED,
    TOO_SHORT,
    SHORT,
    BURSTS,
    STUCK,
    UNDELETED,
    FOREIGN_NAMES,
    COPYTRUNCATE,
    LOGROTATE,
    HOLE,
    SHRUNK,
)

HOUR: Final = 3_600.0
DAY: Final = 86_400.0
SLACK: Final = 1.02
"""The writer rotates before a line that would not fit, so that no log is larger than its limit."""
WANTED: Final = 72 * HOUR
LARGEST_FIX: Final = 1000


def find(facts: Facts) -> Iterator[Finding]:
    """Judge the rotation of each log."""
    rotation = rotation_of(facts)
    logged = bool(flags_of(facts).text("audit-log-path"))
    if rotation is not None and logged:
        yield from _setting(facts, rotation)
    for log in facts.logs:
        if rotation is not None and (log.of_server or facts.server is None):
            yield from _works(log, rotation)
            yield from _retention(facts, log, rotation)
        if not log.directory_missing:
            yield from _names(log)
        if not log.elsewhere:
            yield from _alone(log)


def _setting(facts: Facts, rotation: Rotation) -> Iterator[Finding]:
    flags = flags_of(facts)
    place = flags.place("audit-log-maxsize", "audit-log-maxbackup", "audit-log-maxage", "audit-log-path")
    if rotation.maxsize is None:
        yield OFF.at(f"--audit-log-maxsize=0 on version {facts.kube_version}", place)
    elif rotation.maxbackup == 0 and rotation.maxage == 0:
        default = "" if flags.find("audit-log-maxbackup") else f", as is the default of version {facts.kube_version}"
        yield UNLIMITED.at(f"neither --audit-log-maxbackup nor --audit-log-maxage limits what is kept{default}", place)
    else:
        kept = f"{rotation.maxbackup} files" if rotation.maxbackup else "any number of files"
        age = f" for {rotation.maxage} days" if rotation.maxage else ""
        form = "compressed" if rotation.compress else "not compressed"
        yield SETTING.fine(f"{kept} of {rotation.maxsize} MiB{age}, {form}", place)


def _works(log: LogFacts, rotation: Rotation) -> Iterator[Finding]:
    look = log.later or log.first
    if look is None:
        return
    if rotation.maxsize is not None and look.size > rotation.maxsize * MIB * SLACK:
        message = f"the log has {octets(look.size)}, and is to be rotated at {octets(rotation.maxsize * MIB)}"
        yield STUCK.at(message, log.path)
    else:
        yield WORKS.fine(f"{len(log.backups)} rotated files{_rhythm(log)}")
    named = [one for one in log.backups if one.rotated is not None]
    if rotation.maxbackup and len(named) > rotation.maxbackup + 1:
        yield UNDELETED.at(f"{len(named)} rotated files are there, and {rotation.maxbackup} are kept", log.path)
    else:
        yield DELETES.fine("no more rotated files are there than are kept")


def _rhythm(log: LogFacts) -> str:
    intervals = _intervals(log)
    return f", one in {duration(median(intervals))} (the fastest in {duration(min(intervals))})" if intervals else ""


def _intervals(log: LogFacts) -> list[float]:
    times = sorted({one.rotated for one in log.backups if one.rotated is not None})
    return [later - earlier for earlier, later in pairwise(times)]


# --- time to loss ----------------------------------------------------------------------------------------------------


def time_to_loss(log: LogFacts, rotation: Rotation, *, worst: bool = False) -> float | None:
    """Say how long a line is kept after it was written.

    Args:
        log: The log.
        rotation: How it is rotated.
        worst: At the fastest rotation that was seen, instead of the usual one.

    Returns:
        Seconds; None where nothing is deleted, or the rate is not known.
    """
    age = rotation.seconds
    if rotation.maxbackup == 0 or rotation.maxsize is None:
        return age
    intervals = _intervals(log)
    if intervals:
        by_count: float | None = rotation.maxbackup * (min(intervals) if worst else median(intervals))
    else:
        rate = _rate(log)
        by_count = rotation.maxbackup * rotation.maxsize * MIB / rate if rate else None
    known = [one for one in (age, by_count) if one is not None]
    return min(known, default=None)


def _rate(log: LogFacts) -> float:
    """Give the bytes a second of the newest events; of a few seconds it says nothing."""
    sample = log.sample
    if sample is None or sample.first is None or sample.last is None or sample.last - sample.first < 1.0:
        return 0.0
    return sample.bytes / (sample.last - sample.first)


def _retention(facts: Facts, log: LogFacts, rotation: Rotation) -> Iterator[Finding]:
    seconds, fastest = time_to_loss(log, rotation), time_to_loss(log, rotation, worst=True)
    place = flags_of(facts).place("audit-log-maxbackup", "audit-log-maxsize", "audit-log-maxage", "audit-log-path")
    if seconds is None:
        kept = "nothing is deleted" if not rotation.maxbackup and not rotation.maxage else "the rate is not known yet"
        yield RETENTION.fine(f"unread events are not lost to rotation as far as can be seen: {kept}")
        return
    fix = _more(rotation, seconds)
    message = f"at the present rate an event is deleted {duration(seconds)} after it was written"
    if seconds < HOUR:
        yield TOO_SHORT.at(message, place, fix=fix)
    elif seconds < DAY:
        yield SHORT.at(message, place, fix=fix)
    elif fastest is not None and fastest < HOUR:
        burst = f"at the fastest rate on disk an event is deleted {duration(fastest)} after it was written"
        yield BURSTS.at(burst, place, fix=_more(rotation, fastest))
    elif rotation.maxbackup and rotation.maxsize is not None and not (_intervals(log) or _rate(log)):
        yield RETENTION.fine(f"unread events are kept for {duration(seconds)} at most; the rate is not known yet")
    else:
        yield RETENTION.fine(f"unread events are kept for {duration(seconds)} at the present rate")


def _more(rotation: Rotation, seconds: float) -> str:
    """Say how much has to be kept for three days."""
    lines = []
    if rotation.seconds is not None and rotation.seconds < WANTED:
        lines.append("- --audit-log-maxage=7")
    files = -int(-rotation.maxbackup * WANTED // max(seconds, 1.0))
    size = rotation.maxsize or 0
    if rotation.maxbackup and not lines:
        while files > LARGEST_FIX:
            files, size = files // 2, size * 2
        lines += [f"- --audit-log-maxbackup={files}", f"- --audit-log-maxsize={size}"]
        room = octets(files * size * MIB)
        lines.append(f"# three days at this rate: {room}" + (" before compression" if rotation.compress else ""))
        if not rotation.compress:
            lines.append("- --audit-log-compress    # a tenth of that on disk")
    return "\n".join(lines)


# --- others ----------------------------------------------------------------------------------------------------------


def _names(log: LogFacts) -> Iterator[Finding]:
    if log.strangers:
        shown = ", ".join(log.strangers[:3]) + (f" and {len(log.strangers) - 3} more" if len(log.strangers) > 3 else "")  # noqa: PLR2004  # as many as a line takes
        folder = posixpath.dirname(log.path)
        fix = _known(log, log.strangers[0], folder)
        yield FOREIGN_NAMES.at(f"beside the log are files that look rotated: {shown}", folder, fix=fix)
    else:
        yield NAMES.fine("all names beside the log are known")


def _known(log: LogFacts, name: str, folder: str) -> str:
    """Say how a name becomes known; a pattern of its own takes the usual names away, which others may have."""
    if not log.backups:
        return f"auditwake:\n  backups: '{_pattern(name)}'"
    live = posixpath.basename(log.path)
    numbers = [
        int(found[1])
        for one in log.backups
        if (found := re.match(rf"{re.escape(live)}\.(\d{{1,9}})(?:\.|$)", one.name))
    ]
    end = next((one for one in (".gz", ".zst") if name.endswith(one)), "")
    known = f"{live}.{max(numbers, default=0) + 1}{end}"
    return f"mv -n {_quoted(posixpath.join(folder, name))} {_quoted(posixpath.join(folder, known))}"


def _quoted(path: str) -> str:
    """Write a path for a shell."""
    return path if re.fullmatch(r"[\w./:@+-]+", path, re.ASCII) else "'" + path.replace("'", "'\\''") + "'"


def _pattern(name: str) -> str:
    """Make a pattern of a name: its runs of digits may be any others."""
    return re.sub(r"\d[\d.T_:-]*\d|\d", "*", name)


def _alone(log: LogFacts) -> Iterator[Finding]:
    faults = list(_by_logrotate(log)) or list(_cut(log))
    yield from faults or [ALONE.fine("no other program rotates it, as far as /etc/logrotate.d and the file itself say")]


def _by_logrotate(log: LogFacts) -> Iterator[Finding]:
    for one in log.logrotate:
        line = f"line {one.place.line}"
        fix = f"$EDITOR {one.place.file}    # take the block at {line} out; the server rotates the log itself"
        if one.copytruncate is not None:
            yield COPYTRUNCATE.at("logrotate is told to copy and truncate the log", one.copytruncate, fix=fix)
        else:
            yield LOGROTATE.at("logrotate is told to rotate the log as well", one.place, fix=fix)


def _cut(log: LogFacts) -> Iterator[Finding]:
    first, later = log.first, log.later or log.first
    if first is None or later is None:
        return
    if later.inode == first.inode and later.size < first.size:
        yield SHRUNK.at(f"the log had {octets(first.size)} and now has {octets(later.size)}", Place(log.path))
    elif log.nul_bytes:
        yield HOLE.at(f"the log begins with {octets(log.nul_bytes)} or more of zero bytes", Place(log.path))
