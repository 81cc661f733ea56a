"""The log files: whether they are there and grow, whether we may read them, and what stands in them."""

import posixpath
from collections.abc import Iterator
from typing import Final

from auditwake.forwarder.doctor.facts import Facts, LogFacts, Look, Who
from auditwake.forwarder.doctor.finding import Check, Code, Finding
from auditwake.forwarder.doctor.judging.words import duration, octets

__all__ = ["CODES", "find"]

SECTION: Final = "log files"
THERE: Final = Check(SECTION, "log-there")
GROWS: Final = Check(SECTION, "log-grows")
READABLE: Final = Check(SECTION, "log-readable")
LISTABLE: Final = Check(SECTION, "directory-listable")
ONE_WRITER: Final = Check(SECTION, "one-writer")

MISSING: Final = Code(
    "AWD310",
    "log-missing",
    "error",
    THERE,
    "Nothing is read from a log that is not there: the server does not write it, writes it elsewhere, or its directory "
    "is not mounted here.",
    "# what the server says about its log:\ncrictl logs $(crictl ps -q --name kube-apiserver) 2>&1 | grep -i audit",
)
EMPTY: Final = Code(
    "AWD311",
    "log-empty",
    "warning",
    GROWS,
    "A log that stays empty is one of a policy that lets nothing through, or of a server that cannot write.",
    "auditwake policy check POLICY    # what it lets through",
)
STILL: Final = Code(
    "AWD312",
    "log-stands-still",
    "warning",
    GROWS,
    "A control plane makes requests every second; a log without new lines is one that the server no longer writes to.",
    "ls -l /proc/$(pidof kube-apiserver)/fd | grep audit    # which file the server has open",
)
UNREADABLE: Final = Code(
    "AWD313",
    "log-unreadable",
    "error",
    READABLE,
    "kube-apiserver makes its log with mode 0600 for root alone: an agent that may not read it ships nothing.",
    "run as root, or with CAP_DAC_READ_SEARCH",
)
NOT_LISTABLE: Final = Code(
    "AWD314",
    "directory-unreadable",
    "error",
    LISTABLE,
    "Rotated files are found by listing the directory: without that, all that was rotated before it was read is lost.",
    "run as root, or with CAP_DAC_READ_SEARCH",
)
MANY_WRITERS: Final = Code(
    "AWD315",
    "several-servers",
    "error",
    ONE_WRITER,
    "Each rotates the log under the other: lines run into each other, and one goes on writing to a file that was "
    "renamed or deleted.",
    "give each server its own --audit-log-path",
)
CODES: Final = (MISSING, EMPTY, STILL, UNREADABLE, NOT_LISTABLE, MANY_WRITERS)

STILL_AFTER: Final = 600.0
READS_ALL: Final = frozenset({"CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE"})
GRANT: Final = (
    "# systemd\nAmbientCapabilities=CAP_DAC_READ_SEARCH\nCapabilityBoundingSet=CAP_DAC_READ_SEARCH\n"
    "# Kubernetes: as root, with all other capabilities dropped\nsecurityContext:\n  runAsUser: 0\n"
    "  capabilities: {drop: [ALL], add: [DAC_READ_SEARCH]}"
)


def find(facts: Facts) -> Iterator[Finding]:
    """Judge the log files."""
    for log in facts.logs:
        yield from _log(log, facts)


def _log(log: LogFacts, facts: Facts) -> Iterator[Finding]:
    if log.elsewhere:
        yield THERE.skipped(f"{log.path} is not on this machine")
        return
    if not log.directory_missing:
        yield from _listable(log, facts.who)
    if log.first is None and not log.problem:
        yield MISSING.at(f"there is no {log.path}", log.path)
        return
    yield THERE.fine(f"{log.path}{_size(log.first)}")
    yield from _readable(log, facts.who)
    yield from _grows(log, facts.now)
    yield from _writers(log)


def _size(look: Look | None) -> str:
    return f", {octets(look.size)}, mode {look.mode:04o}" if look else ""


def _who(who: Who) -> str:
    number = f" (uid {who.uid})" if who.uid is not None and str(who.uid) != who.name else ""
    held = sorted(READS_ALL & who.capabilities)
    return f"{who.name or 'this user'}{number} with {', '.join(held) if held else 'no capability to read any file'}"


def _readable(log: LogFacts, who: Who) -> Iterator[Finding]:
    if log.problem:
        mode = f"; it is of uid {log.first.owner}, mode {log.first.mode:04o}" if log.first else ""
        yield UNREADABLE.at(f"{log.path} cannot be read by {_who(who)}: {log.problem}{mode}", log.path, fix=GRANT)
    else:
        yield READABLE.fine(f"it can be read by {_who(who)}; what the agent may is checked when the doctor runs as it")


def _listable(log: LogFacts, who: Who) -> Iterator[Finding]:
    folder = posixpath.dirname(log.path) or "."
    if log.directory_problem:
        message = f"{folder} cannot be listed by {_who(who)}: {log.directory_problem}"
        yield NOT_LISTABLE.at(message, folder, fix=GRANT)
    else:
        yield LISTABLE.fine(f"{folder} can be listed")


def _grows(log: LogFacts, now: float) -> Iterator[Finding]:
    first, later = log.first, log.later or log.first
    if first is None or later is None:
        return
    grown = later.size - first.size
    age = now - later.modified
    if later.size == 0 and not log.backups:
        yield EMPTY.at("the log is empty, and nothing was rotated", log.path)
    elif later.inode != first.inode:
        yield GROWS.fine("it was rotated while we looked")
    elif grown > 0:
        yield GROWS.fine(f"it has grown by {octets(grown)} while we looked")
    elif age > STILL_AFTER:
        yield STILL.at(f"the log was last written {duration(age)} ago", log.path)
    else:
        yield GROWS.fine(f"it was last written {duration(max(age, 0.0))} ago")


def _writers(log: LogFacts) -> Iterator[Finding]:
    if len(log.writers) > 1:
        yield MANY_WRITERS.at(f"{len(log.writers)} servers write to it: {', '.join(log.writers)}", log.path)
    elif log.writers:
        yield ONE_WRITER.fine(f"one server writes to it, {log.writers[0]}")
