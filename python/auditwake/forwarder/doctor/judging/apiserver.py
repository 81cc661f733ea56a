"""The flags of kube-apiserver: whether anything is logged, where to, and what is dropped on the way."""

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from auditwake.forwarder.doctor.facts import Facts, Server
from auditwake.forwarder.doctor.finding import Check, Code, Finding
from auditwake.forwarder.doctor.flags import BOOLEAN, FALSE, NUMBER, TRUE, Flag, Flags

__all__ = ["CODES", "find"]

SECTION: Final = "apiserver"
FLAGS: Final = Check(SECTION, "flags")
VALUES: Final = Check(SECTION, "flag-values")
MANIFEST: Final = Check(SECTION, "manifest-in-force")
PATH: Final = Check(SECTION, "log-path")
POLICY: Final = Check(SECTION, "policy-flag")
FORMAT: Final = Check(SECTION, "format")

NO_SERVER: Final = Code(
    "AWD100",
    "no-apiserver",
    "warning",
    FLAGS,
    "Without the server's flags nobody can say whether it logs at all, and how long its log is kept.",
    "auditwake doctor --flags-file FLAGS    # one flag a line, as `ps -o args= -C kube-apiserver` shows them\n"
    "auditwake doctor --manifest kube-apiserver.yaml",
)
UNREADABLE: Final = Code(
    "AWD101",
    "flags-unreadable",
    "error",
    FLAGS,
    "A manifest that cannot be read is one that the kubelet does not start, or not as it was meant.",
    "correct the file, or name another one with --manifest or --flags-file",
)
TWICE: Final = Code(
    "AWD102",
    "flag-twice",
    "warning",
    VALUES,
    "Of a flag that is given twice the last one counts, and whoever changes the other one changes nothing.",
    "leave one of them",
)
BAD_VALUE: Final = Code(
    "AWD103",
    "flag-value",
    "error",
    VALUES,
    "kube-apiserver does not start with a value that it cannot read, so nothing is logged.",
    "give it a value that it takes",
)
DIFFERS: Final = Code(
    "AWD104",
    "manifest-not-in-force",
    "warning",
    MANIFEST,
    "The server runs with flags that are not those of its manifest: at its next start it will log otherwise than now.",
    "journalctl -u kubelet | grep kube-apiserver    # why the kubelet does not start the pod anew",
)
NO_POLICY: Final = Code(
    "AWD110",
    "no-policy",
    "error",
    POLICY,
    "Without a policy kube-apiserver builds no audit backend, and not one event is written.",
    "- --audit-policy-file=/etc/kubernetes/audit-policy.yaml",
)
NO_PATH: Final = Code(
    "AWD111",
    "no-log",
    "error",
    PATH,
    "Without a path there is no log, so there is nothing to read and nothing to ship.",
    "- --audit-log-path=/var/log/kubernetes/apiserver/audit.log",
)
WEBHOOK_ONLY: Final = Code(
    "AWD112",
    "webhook-only",
    "warning",
    PATH,
    "A webhook is retried for about 90 s and then the batch is lost; a file outlives an outage of hours.",
    "- --audit-log-path=/var/log/kubernetes/apiserver/audit.log",
)
STDOUT: Final = Code(
    "AWD113",
    "log-to-stdout",
    "error",
    PATH,
    "On standard output events are mixed with the server's own log, cut at 16 KiB by the container runtime, and "
    "rotated by the kubelet after 10 MiB: long events are lost.",
    "- --audit-log-path=/var/log/kubernetes/apiserver/audit.log",
)
RELATIVE: Final = Code(
    "AWD114",
    "relative-path",
    "error",
    PATH,
    "The path is relative to where the server was started, inside its container: the log is gone when that is.",
    "- --audit-log-path=/var/log/kubernetes/apiserver/audit.log",
)
LEGACY: Final = Code(
    "AWD115",
    "legacy-format",
    "error",
    FORMAT,
    "The legacy format has no bodies, annotations or objects, and its lines are no events: none is shipped.",
    "- --audit-log-format=json",
)
CODES: Final = (
    NO_SERVER,
    UNREADABLE,
    TWICE,
    BAD_VALUE,
    DIFFERS,
    NO_POLICY,
    NO_PATH,
    WEBHOOK_ONLY,
    STDOUT,
    RELATIVE,
    LEGACY,
)

MODES: Final = ("batch", "blocking", "blocking-strict")
VERSIONS: Final = ("audit.k8s.io/v1",)
CHOICES: Final = {
    "audit-log-mode": MODES,
    "audit-webhook-mode": MODES,
    "audit-log-format": ("json", "legacy"),
    "audit-log-version": VERSIONS,
    "audit-webhook-version": VERSIONS,
}
USUAL: Final = {
    "audit-log-mode": "blocking",
    "audit-webhook-mode": "batch",
    "audit-log-format": "json",
    "audit-log-version": VERSIONS[0],
    "audit-webhook-version": VERSIONS[0],
    "wait": "30s",
    "backoff": "10s",
    "maxage": "30",
    "maxbackup": "20",
    "maxsize": "100",
}
"""Values to suggest."""
NUMBERS: Final = frozenset({"maxage", "maxbackup", "maxsize", "size", "burst"})
DURATIONS: Final = frozenset({"wait", "backoff"})
DURATION: Final = re.compile(r"[+-]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)", re.ASCII)


def find(facts: Facts) -> Iterator[Finding]:
    """Judge the flags."""
    for place, reason in facts.failures:
        yield UNREADABLE.at(f"the flags cannot be read: {reason}", place)
    server = facts.server
    if server is None:
        if not facts.failures:
            looked = ", ".join(facts.looked)
            yield NO_SERVER.at(f"no kube-apiserver runs here, and no manifest describes one (looked at {looked})")
        return
    version = f", version {facts.kube_version}" if facts.version_known else f", taken for {facts.kube_version}"
    yield FLAGS.fine(f"{len(server.flags.given)} audit flags of {server.origin}{version}")
    yield from _values(server.flags)
    yield from _manifest(facts)
    yield from _policy(server)
    yield from _path(server)
    yield from _format(server.flags)


def _values(flags: Flags) -> Iterator[Finding]:
    wrong = [
        BAD_VALUE.at(f"--{flag.name} {problem}", flag.place, fix=_good(flag))
        for flag in flags.given
        if (problem := _problem(flag))
    ]
    twice = [
        TWICE.at(
            f"--{group[0].name} is given {len(group)} times, last as {group[-1].value!r}",
            group[-1].place,
            fix=f"- {_shown(group[-1])}    # and no other line with this flag",
        )
        for group in flags.twice()
    ]
    yield from wrong or twice or [VALUES.fine("each audit flag is given once, with a value that the server takes")]


def _problem(flag: Flag) -> str:
    """Say what is wrong with the value of a flag."""
    name, value = flag.name, flag.value
    if name in BOOLEAN:
        return "" if value is None or value in TRUE | FALSE else f"is true or false, not {value!r}"
    if value is None:
        return "has no value"
    if name in CHOICES:
        return "" if value in CHOICES[name] else f"is one of {', '.join(CHOICES[name])}, not {value!r}"
    return _problem_of_amount(name.rpartition("-")[2], value)


def _problem_of_amount(kind: str, value: str) -> str:
    if kind in NUMBERS and not NUMBER.fullmatch(value):
        return f"is a number, not {value!r}"
    if kind in NUMBERS and value.startswith("-"):
        return "is negative"
    if kind in DURATIONS and not DURATION.fullmatch(value):
        return f"is a time with its unit, such as 30s, not {value!r}"
    return ""


def _shown(flag: Flag) -> str:
    return f"--{flag.name}" if flag.value is None else f"--{flag.name}={flag.value}"


def _good(flag: Flag) -> str:
    """Give the flag a value that it takes."""
    if flag.name in BOOLEAN:
        return f"- --{flag.name}=true"
    if flag.name in CHOICES:
        return f"- --{flag.name}={USUAL[flag.name]}"
    last = flag.name.rpartition("-")[2]
    return f"- --{flag.name}={USUAL[last]}" if last in USUAL else f"- --{flag.name}=VALUE"


def _manifest(facts: Facts) -> Iterator[Finding]:
    server, manifest = facts.server, facts.manifest
    if server is None or manifest is None:
        return
    here, there = ({flag.name: flag.value for flag in one.flags.given} for one in (server, manifest))
    names = sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
    if not names:
        yield MANIFEST.fine(f"{server.origin} runs with the flags of {manifest.origin}")
        return
    place = manifest.flags.place(*names)
    listed = ", ".join(f"--{name}" for name in names)
    yield DIFFERS.at(f"{server.origin} and {manifest.origin} differ in {listed}", place)


def _policy(server: Server) -> Iterator[Finding]:
    flags = server.flags
    path = flags.text("audit-policy-file")
    if path:
        yield POLICY.fine(f"--audit-policy-file={path}", flags.place("audit-policy-file"))
    else:
        yield NO_POLICY.at("there is no --audit-policy-file", flags.place() or server.origin)


def _path(server: Server) -> Iterator[Finding]:
    flags = server.flags
    path, place = flags.text("audit-log-path"), flags.place("audit-log-path")
    if path == "-":
        yield STDOUT.at("--audit-log-path=- writes to standard output", place)
    elif not path and flags.text("audit-webhook-config-file"):
        yield WEBHOOK_ONLY.at("there is a webhook, and no --audit-log-path", flags.place("audit-webhook-config-file"))
    elif not path:
        yield NO_PATH.at("there is no --audit-log-path", flags.place() or server.origin)
    elif not posixpath.isabs(path):
        yield RELATIVE.at(f"--audit-log-path={path} is a relative path", place)
    else:
        yield PATH.fine(f"--audit-log-path={path}", place)


def _format(flags: Flags) -> Iterator[Finding]:
    if flags.text("audit-log-format") == "legacy":
        yield LEGACY.at("--audit-log-format=legacy", flags.place("audit-log-format"))
    else:
        yield FORMAT.fine("the log is JSON")
