"""Set-ups that are wrong in one thing each: that one is found, and everything else stays as it was."""

from dataclasses import replace
from pathlib import Path
from time import time

import pytest

from auditwake.forwarder.config import load
from auditwake.forwarder.doctor import Finding
from auditwake.forwarder.doctor.facts import PolicyFacts, Who
from auditwake.forwarder.doctor.flags import flags_in_text
from auditwake.forwarder.doctor.mounts import Mount
from auditwake.forwarder.doctor.registry import CODES, SECTIONS
from tests.doctoring.breaks import (
    MIB,
    TRUNCATED,
    Break,
    aged,
    both,
    burst,
    config,
    cut,
    every,
    facts,
    flags,
    lines,
    log,
    logrotate,
    look,
    named_twice,
    other_flags,
    room,
    running,
    sets,
    sink,
    source,
    state,
    webhook,
)
from tests.doctoring.node import (
    AUDIT_VOLUME,
    FOLDER,
    HOURS,
    LOG,
    MANIFEST,
    POLICY,
    POLICY_MOUNT,
    POLICY_VOLUME,
    Node,
    codes,
    event,
    fine,
)

FILE_MOUNT = f"{{mountPath: {LOG}, name: audit}}"
NODE_LOG = {"log-path", "log-mode", "log-truncation", "policy-flag"}
FILES = {"log-there", "log-readable", "log-grows", "lines", "largest-event", "levels", "events"}
SIZES = {"room-for-the-log", "inodes", "rotation-works", "deletion-works"}
FLAGGED = {"limits", "time-to-loss", "rotation-works", "deletion-works", "retention-known"}
NO_LOG = FLAGGED | {"log-mode", "log-truncation", "mount-of-server", "paths"}
LOADED = {"policy-loaded", "policy-checked"}
POLICY_GONE = LOADED | {"policy-mounted"}

# What is broken, what is found, and the checks that cannot be made because of it.
CASES: dict[str, tuple[Break, set[str], set[str]]] = {
    # apiserver
    "no flags anywhere": (
        sets(files={MANIFEST: "kind: Pod\n"}),
        {"AWD101"},
        NO_LOG | POLICY_GONE | {"flags", "flag-values", "policy-flag", "log-path", "format"},
    ),
    "the manifest is no YAML": (
        sets(files={MANIFEST: "spec: [\n"}),
        {"AWD101"},
        NO_LOG | POLICY_GONE | {"flags", "flag-values", "policy-flag", "log-path", "format"},
    ),
    "a flag twice": (sets(more=["--audit-log-maxage=7"]), {"AWD102"}, set()),
    "maxage is no number": (flags(audit_log_maxage="30d"), {"AWD103"}, set()),
    "maxbackup is negative": (flags(audit_log_maxbackup="-1"), {"AWD103"}, {"time-to-loss", "room-for-the-log"}),
    "compress is no boolean": (flags(audit_log_compress="yes"), {"AWD103"}, set()),
    "a batch waits for no time": (flags(audit_log_batch_max_wait="30"), {"AWD103"}, set()),
    "a version that is none": (flags(audit_log_version="audit.k8s.io/v1beta1"), {"AWD103"}, set()),
    "a mode that is none": (flags(audit_log_mode="fast"), {"AWD103"}, set()),
    "the server runs with other flags": (other_flags, {"AWD104"}, set()),
    "no policy": (flags(audit_policy_file=""), {"AWD110"}, POLICY_GONE),
    "no path": (flags(audit_log_path=""), {"AWD111"}, NO_LOG),
    "only a webhook": (
        lambda node: (flags(audit_log_path="")(node), webhook(TRUNCATED)(node))[0],
        {"AWD112"},
        NO_LOG,
    ),
    "to standard output": (flags(audit_log_path="-"), {"AWD113"}, NO_LOG),
    "a relative path": (flags(audit_log_path="audit.log"), {"AWD114"}, NO_LOG),
    "the legacy format": (flags(audit_log_format="legacy"), {"AWD115"}, set()),
    "batches": (flags(audit_log_mode="batch"), {"AWD120"}, set()),
    "blocking strictly": (flags(audit_log_mode="blocking-strict"), {"AWD121"}, set()),
    "truncation": (flags(audit_log_truncate_enabled=None), {"AWD122"}, set()),
    "truncation to sizes that are refused": (
        flags(audit_log_truncate_enabled="true", audit_log_truncate_max_event_size="99000000"),
        {"AWD123"},
        set(),
    ),
    "truncation to nothing": (
        flags(audit_log_truncate_enabled="true", audit_log_truncate_max_event_size="0"),
        {"AWD123"},
        set(),
    ),
    "a webhook that truncates to sizes that are refused": (
        webhook(TRUNCATED, "--audit-webhook-truncate-max-batch-size=1000"),
        {"AWD123"},
        {"webhook"},
    ),
    "a tiny maxsize": (flags(audit_log_maxsize="1"), {"AWD124"}, set()),
    "a webhook without truncation": (webhook(), {"AWD130"}, set()),
    "a webhook that blocks": (webhook(TRUNCATED, "--audit-webhook-mode=blocking"), {"AWD131"}, set()),
    # policy
    "the policy is in no volume": (sets(mounts=[f"{{mountPath: {FOLDER}, name: audit}}"]), {"AWD201"}, set()),
    "the policy is missing": (sets(policy=None), {"AWD202"}, {"policy-checked"}),
    "the policy cannot be read": (
        facts(lambda one: replace(one, policy=PolicyFacts(path=POLICY, here=POLICY, problem="Permission denied"))),
        {"AWD203"},
        {"policy-checked"},
    ),
    "the policy is refused": (sets(policy="kind: Policy\nrules: [{level: All}]\n"), {"AWD204"}, {"policy-checked"}),
    "the policy records nothing": (
        sets(policy="apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None}]\n"),
        {"AWD205"},
        set(),
    ),
    "the policy records secrets": (
        sets(policy="apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: RequestResponse}]\n"),
        {"AWD206"},
        set(),
    ),
    # log files: mounts
    "the log is mounted as a file": (
        sets(
            mounts=[FILE_MOUNT, POLICY_MOUNT],
            volumes=[f"{{name: audit, hostPath: {{path: {LOG}}}}}", POLICY_VOLUME],
        ),
        {"AWD301"},
        set(),
    ),
    "the volume is of type FileOrCreate": (
        sets(
            mounts=[FILE_MOUNT, POLICY_MOUNT],
            volumes=[f"{{name: audit, hostPath: {{path: {LOG}, type: FileOrCreate}}}}", POLICY_VOLUME],
        ),
        {"AWD301"},
        set(),
    ),
    "the log is in no volume": (sets(mounts=[POLICY_MOUNT]), {"AWD302"}, set()),
    "the log is in an emptyDir": (sets(volumes=["{name: audit, emptyDir: {}}", POLICY_VOLUME]), {"AWD302"}, set()),
    "the directory is read-only": (
        sets(mounts=[f"{{mountPath: {FOLDER}, name: audit, readOnly: true}}", POLICY_MOUNT]),
        {"AWD303"},
        set(),
    ),
    "the log is mounted here as a file": (log(mounted_here=True), {"AWD304"}, set()),
    "the log is in memory": (room(mount=Mount("0:9", "/", "/var/log", "tmpfs", read_only=False)), {"AWD305"}, set()),
    # log files
    "there is no log": (sets(log=None), {"AWD310"}, FILES | SIZES),
    "the log is empty": (sets(log="", backups=[]), {"AWD311"}, {"lines", "largest-event", "levels", "events"}),
    "the log stands still": (aged, {"AWD312"}, set()),
    "the log cannot be read": (
        log(problem="Permission denied", sample=None),
        {"AWD313"},
        {"lines", "largest-event", "levels", "events"},
    ),
    "the directory cannot be listed": (log(directory_problem="Permission denied"), {"AWD314"}, set()),
    "two servers write to the log": (running(None, None), {"AWD315"}, set()),
    "legacy lines": (lines('2026-01-01T00:00:00Z AUDIT: id="1" stage="ResponseComplete" ip="1"\n'), {"AWD320"}, set()),
    "other lines": (lines("I0101 00:00:00.000000       1 server.go:1] hello\n"), {"AWD321"}, set()),
    "a torn line": (cut, {"AWD322"}, set()),
    "an event larger than the sink takes": (
        lines(event(time() - 2, requestObject={"data": "x" * 2_000_000})),
        {"AWD323"},
        set(),
    ),
    # rotation
    "rotation is off": (
        lambda node: (sets(version="1.36.0")(node), flags(audit_log_maxsize="0")(node))[0],
        {"AWD401"},
        set(),
    ),
    "nothing is ever deleted": (flags(audit_log_maxbackup="", audit_log_maxage=""), {"AWD402"}, set()),
    "kept for a quarter of an hour": (every(30), {"AWD403"}, set()),
    "kept for ten hours": (every(1200), {"AWD404"}, set()),
    "kept for minutes in a burst": (burst, {"AWD405"}, set()),
    "rotation is stuck": (look(size=300 * MIB), {"AWD406"}, set()),
    "nothing is deleted any more": (every(3 * HOURS, 40), {"AWD407"}, set()),
    "names that nobody knows": (
        lambda node: node.backups.append("audit_20260101.log"),
        {"AWD408"},
        set(),
    ),
    "copytruncate": (logrotate("daily", "copytruncate"), {"AWD409"}, set()),
    "logrotate": (logrotate("daily"), {"AWD410"}, set()),
    "a hole": (sets(prefix=b"\0" * 5000), {"AWD411"}, set()),
    "the log shrinks": (look(size=1), {"AWD412"}, set()),
    # disk
    "no room for a file": (room(free=5 * MIB), {"AWD501"}, set()),
    "no room for all files": (room(free=200 * MIB), {"AWD502"}, set()),
    "no inodes": (room(free_inodes=10), {"AWD503"}, set()),
    "no room for the state": (state(free=MIB), {"AWD504"}, set()),
    "the state is in the container": (
        state(mount=Mount("0:9", "/", "/", "overlay", read_only=False)),
        {"AWD505"},
        set(),
    ),
    "the state cannot be written": (state(writable=False), {"AWD506"}, set()),
    # sink
    "no sink": (config(sinks=()), {"AWD600"}, {"sinks", "reachable", "key", "tls", "receiver"}),
    "the sink cannot be reached": (
        sink(state="unreachable", reason="tls", clock=None),
        {"AWD601"},
        {"key", "receiver"},
    ),
    "the key is refused": (sink(state="refused"), {"AWD602"}, set()),
    "the key cannot be read": (sink(state="no-key"), {"AWD603"}, {"reachable"}),
    "the key is not proved": (sink(state="unproved"), {"AWD604"}, set()),
    "the certificate is not checked": (sink(verified=False), {"AWD605"}, set()),
    "plain HTTP": (sink(encrypted=False), {"AWD605"}, set()),
    "the directory of a sink": (sink(state="not-writable"), {"AWD606"}, {"key"}),
    "no HTTP client": (sink(state="no-client"), {"AWD607"}, {"key", "tls"}),
    # configuration
    "a configuration with warnings": (config(warnings=("conf.yaml:3: pipeline is not used",)), {"AWD702"}, set()),
    "logs are disabled": (config(enabled=False), {"AWD703"}, set()),
    "another path": (source(path="/var/log/other.log"), {"AWD704", "AWD310"}, set()),
    "from the end": (source(start_position="end"), {"AWD705"}, set()),
    "log and webhook": (both, {"AWD706"}, set()),
    "one path twice": (named_twice, {"AWD707"}, set()),
    "another retention": (config(maxbackup=5), {"AWD708"}, set()),
    # clock
    "the clock is off": (sink(clock=120.0), {"AWD801"}, set()),
    "the clock is ahead": (sink(clock=-20 * HOURS), {"AWD801"}, set()),
    "the clock is far behind": (sink(clock=20 * HOURS), {"AWD802"}, set()),
    "events of the future": (sets(log=event(time() + HOURS)), {"AWD803"}, set()),
    "events behind the file": (sets(log=event(time() - HOURS)), {"AWD804"}, set()),
}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    return Node(tmp_path_factory.mktemp("healthy")).judge()


def test_a_healthy_node_has_nothing(healthy: list[Finding]) -> None:
    assert {one.level for one in healthy} == {"ok"}
    assert {one.section for one in healthy} == {section.name for section in SECTIONS}


@pytest.mark.parametrize("case", CASES)
def test_one_thing_is_wrong_and_nothing_else(case: str, healthy: list[Finding], tmp_path: Path) -> None:
    breaks, expected, unmade = CASES[case]
    node = Node(tmp_path / "broken")
    breaks(node)
    found = node.judge()
    assert codes(found) == expected, [one for one in found if one.code]
    broken = {CODES[code].check.name for code in expected}
    assert fine(healthy) - broken - unmade <= fine(found)
    for one in found:
        if one.code:
            assert one.message
            assert one.fix
            assert ". " not in one.why.replace("...", ""), "one sentence"


def test_what_is_to_be_pasted_into_a_configuration_is_one(tmp_path: Path) -> None:
    node = Node(tmp_path)
    config(maxbackup=5)(node)
    node.backups = ["audit_20260101.log"]
    fixes = [code.fix for code in CODES.values()] + [one.fix for one in node.judge()]
    blocks = {fix[fix.index("auditwake:\n") :] for fix in fixes if "auditwake:\n" in fix}
    assert len(blocks) >= 5
    for number, block in enumerate(blocks):
        file = tmp_path / f"{number}.yaml"
        file.write_text(block.partition("\nEOF")[0])
        load(file, {})


def test_flags_that_are_to_be_pasted_are_flags() -> None:
    lines = [line for code in CODES.values() for line in code.fix.splitlines() if line.startswith("- --")]
    assert len(lines) > 10
    for line in lines:
        (flag,) = flags_in_text([line], "fix").given
        assert flag.value or flag.name == "audit-log-compress"


def test_every_code_is_found_somewhere() -> None:
    elsewhere = {"AWD100", "AWD700", "AWD701"}  # test_doctor.py
    assert {code for _, expected, _ in CASES.values() for code in expected} | elsewhere == set(CODES)


def test_the_doctor_says_who_may_not_read(tmp_path: Path) -> None:
    """As root everything can be read, so that somebody else is put in the place of the one who looks."""
    node = Node(tmp_path)
    log(problem="Permission denied", sample=None)(node)
    change = node.facts
    node.facts = lambda one: replace(change(one), who=Who(uid=1000, name="agent"))
    found = next(one for one in node.judge() if one.code == "AWD313")
    assert "agent (uid 1000) with no capability to read any file" in found.message
    assert "mode 0600" in found.message
    assert "CAP_DAC_READ_SEARCH" in found.fix


@pytest.mark.parametrize("name", ["AWD301", "AWD102"])
def test_a_finding_has_its_line(name: str, tmp_path: Path) -> None:
    node = Node(tmp_path)
    if name == "AWD301":
        node.mounts[0] = FILE_MOUNT
        node.volumes[0] = f"{{name: audit, hostPath: {{path: {LOG}, type: File}}}}"
    else:
        node.more.append("--audit-log-maxage=7")
    found = next(one for one in node.judge() if one.code == name)
    assert found.where is not None
    assert found.where.line is not None
    line = node.at(MANIFEST).read_text().splitlines()[found.where.line - 1]
    assert (FILE_MOUNT if name == "AWD301" else "--audit-log-maxage=7") in line
    assert AUDIT_VOLUME not in line
    assert POLICY not in line
