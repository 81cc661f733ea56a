"""The audit policy: whether the server has it and takes it, and what it leaves out."""

import posixpath
from collections.abc import Iterator
from typing import Final

from auditwake.forwarder.doctor.facts import Facts, PolicyFacts
from auditwake.forwarder.doctor.finding import Check, Code, Finding
from auditwake.forwarder.doctor.judging.settings import flags_of
from auditwake.forwarder.doctor.mounts import pod_mount

__all__ = ["CODES", "find"]

SECTION: Final = "policy"
MOUNTED: Final = Check(SECTION, "policy-mounted")
LOADED: Final = Check(SECTION, "policy-loaded")
CHECKED: Final = Check(SECTION, "policy-checked")

NOT_MOUNTED: Final = Code(
    "AWD201",
    "policy-not-mounted",
    "error",
    MOUNTED,
    "kube-apiserver does not find the file in its container and does not start.",
    "mount it into the container by a hostPath",
)
MISSING: Final = Code(
    "AWD202",
    "policy-missing",
    "error",
    LOADED,
    "kube-apiserver does not start without its policy file.",
    "write a policy to that path",
)
UNREADABLE: Final = Code(
    "AWD203",
    "policy-unreadable",
    "warning",
    LOADED,
    "A policy that cannot be read here is not checked: rules that record secrets or leave out what matters go unseen.",
    "run the doctor as root, or: auditwake policy check POLICY",
)
REFUSED: Final = Code(
    "AWD204",
    "policy-refused",
    "error",
    LOADED,
    "kube-apiserver does not start with this policy.",
    "auditwake policy check POLICY",
)
NOTHING: Final = Code(
    "AWD205",
    "policy-records-nothing",
    "error",
    CHECKED,
    "The server takes the policy and writes no event at all.",
    "- level: Metadata    # as the last rule",
)
FINDINGS: Final = Code(
    "AWD206",
    "policy-findings",
    "warning",
    CHECKED,
    "The policy does something that its author likely did not mean, such as recording secrets or leaving requests out.",
    "auditwake policy check POLICY",
)
CODES: Final = (NOT_MOUNTED, MISSING, UNREADABLE, REFUSED, NOTHING, FINDINGS)

RECORDS_NOTHING: Final = frozenset({"AWP521", "AWP522"})
STARTER: Final = (
    "cat > {here} <<'EOF'\napiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n"
    "- level: Metadata\nEOF"
)


def find(facts: Facts) -> Iterator[Finding]:
    """Judge the policy."""
    policy = facts.policy
    if policy is None:
        return
    yield from _mounted(facts, policy)
    yield from _loaded(facts, policy)


def _mounted(facts: Facts, policy: PolicyFacts) -> Iterator[Finding]:
    server = facts.server
    if server is None or server.mounts is None:
        return
    # A path that is relative is so to the root of the container, unless its image says otherwise.
    path = posixpath.normpath(posixpath.join("/", policy.path))
    found = pod_mount(server.mounts, path)
    if found is None:
        folder = posixpath.dirname(path)
        fix = (
            f"    volumeMounts:\n    - {{name: audit-policy, mountPath: {path}, readOnly: true}}\n"
            f"  volumes:\n  - {{name: audit-policy, hostPath: {{path: {path}, type: File}}}}"
        )
        message = f"{policy.path} is in no volume of the container; neither is {folder}"
        yield NOT_MOUNTED.at(message, server.mounts_place, fix=fix)
    else:
        yield MOUNTED.fine(f"{policy.path} is in the volume {found[0].name}", found[0].place)


def _loaded(facts: Facts, policy: PolicyFacts) -> Iterator[Finding]:
    if policy.exists is False:
        place = flags_of(facts).place("audit-policy-file")
        yield MISSING.at(f"there is no file {policy.here}", place, fix=STARTER.format(here=policy.here))
    elif policy.refused:
        yield REFUSED.at(policy.refused, policy.refused_place, fix=policy.remedy)
    elif policy.problem:
        yield UNREADABLE.at(f"{policy.here} cannot be read: {policy.problem}", policy.here)
    elif policy.exists is None:
        yield LOADED.skipped(f"{policy.here} is not on this machine")
    else:
        yield LOADED.fine(f"a server of version {facts.kube_version} takes its {policy.rules} rules", None)
        yield from _checked(policy)


def _checked(policy: PolicyFacts) -> Iterator[Finding]:
    matter = [one for one in policy.findings if one[2] != "note"]
    if not matter:
        notes = sum(one[3] for one in policy.findings)
        yield CHECKED.fine(f"`policy check` has no warnings{f', and {notes} notes' if notes else ''}")
        return
    nothing = [one for one in matter if one[0] in RECORDS_NOTHING]
    told = ", ".join(
        f"{code} {name}" + (f" ({count} times)" if count > 1 else "") for code, name, _, count, _ in matter
    )
    fix = f"auditwake policy check {policy.here}"
    if nothing:
        yield NOTHING.at(f"the policy lets nothing through: {told}", nothing[0][4])
    else:
        yield FINDINGS.at(f"`policy check` finds {told}", matter[0][4], fix=fix)
