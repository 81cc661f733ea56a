"""Builds a node in a directory: processes, manifest, policy, log with rotation, configuration."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time

from auditwake.forwarder.config.model import AgentConfig, DatadogSink, HttpOptions, LogSource
from auditwake.forwarder.config.secret import Secret
from auditwake.forwarder.doctor import Asked, Facts, Finding, gather, judge
from auditwake.forwarder.doctor.facts import Room, SinkFacts
from auditwake.forwarder.doctor.mounts import Mount

FOLDER = "/var/log/kubernetes/apiserver"
LOG = f"{FOLDER}/audit.log"
POLICY = "/etc/kubernetes/audit-policy.yaml"
MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"
KEY = "c4na7yc4na7yc4na7yc4na7yc4na7y00"
HOURS = 3600.0
TB = 1 << 40

GOOD_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:kube-proxy"]
- level: Metadata
"""
FLAGS = {
    "audit-log-path": LOG,
    "audit-policy-file": POLICY,
    "audit-log-maxsize": "100",
    "audit-log-maxbackup": "30",
    "audit-log-maxage": "30",
    "audit-log-compress": "true",
}
AUDIT_MOUNT = f"{{mountPath: {FOLDER}, name: audit}}"
POLICY_MOUNT = f"{{mountPath: {POLICY}, name: audit-policy, readOnly: true}}"
AUDIT_VOLUME = f"{{name: audit, hostPath: {{path: {FOLDER}, type: DirectoryOrCreate}}}}"
POLICY_VOLUME = f"{{name: audit-policy, hostPath: {{path: {POLICY}, type: File}}}}"
EXT4 = Mount("8:1", "/", "/", "ext4", read_only=False)


def event(at: float, **more: object) -> str:
    """A line of the log."""
    when = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    whole = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": f"id-{at}",
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/pods",
        "verb": "list",
        "user": {"username": "alice"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": when,
        "stageTimestamp": when,
        **more,
    }
    return json.dumps(whole, separators=(",", ":")) + "\n"


@dataclass
class Node:
    """A node; each attribute can be broken before `write`."""

    home: Path
    flags: dict[str, str | None] = field(default_factory=lambda: dict(FLAGS))
    more: list[str] = field(default_factory=list)
    version: str = "1.35.2"
    mounts: list[str] = field(default_factory=lambda: [AUDIT_MOUNT, POLICY_MOUNT])
    volumes: list[str] = field(default_factory=lambda: [AUDIT_VOLUME, POLICY_VOLUME])
    policy: str | None = GOOD_POLICY
    log: str | None = field(default_factory=lambda: "".join(event(time() - 60 + n) for n in range(60)))
    prefix: bytes = b""
    modified: float | None = None
    backups: list[str] = field(default_factory=list)
    processes: dict[int, list[str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    config: AgentConfig | None = None
    sinks: dict[str, object] = field(default_factory=dict)
    facts: Callable[[Facts], Facts] = lambda facts: facts

    def __post_init__(self) -> None:
        now = datetime.now(UTC)
        times = [now - timedelta(hours=3 * n, minutes=5) for n in range(10)]
        self.backups = [f"audit-{one:%Y-%m-%dT%H-%M-%S}.000.log.gz" for one in times]
        source = LogSource(integration="kubernetes_audit", file=self.home / "conf.yaml", path=str(self.root / LOG[1:]))
        http = HttpOptions(url="https://agent-http-intake.logs.datadoghq.eu/api/v2/logs")
        self.config = AgentConfig(
            sources=(source,),
            sinks=(DatadogSink(http=http, api_key=Secret(KEY)),),
            enabled=True,
            state=self.home / "state",
            socket=self.home / "state" / "agent.sock",
            hostname="node",
            files=(self.home / "conf.yaml",),
        )

    @property
    def root(self) -> Path:
        return self.home / "node"

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def arguments(self) -> list[str]:
        given = [f"--{name}" if value is None else f"--{name}={value}" for name, value in self.flags.items()]
        return ["--advertise-address=10.0.0.1", *given, *self.more]

    def manifest(self) -> str:
        words = "".join(f"    - {json.dumps(one)}\n" for one in ["kube-apiserver", *self.arguments()])
        return (
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: kube-apiserver\nspec:\n  containers:\n"
            f"  - name: kube-apiserver\n    image: registry.k8s.io/kube-apiserver:v{self.version}\n"
            f"    command:\n{words}"
            f"    volumeMounts:\n{listed(self.mounts, 4)}  volumes:\n{listed(self.volumes, 2)}"
        )

    def write(self) -> None:
        self.files.setdefault(MANIFEST, self.manifest())
        if self.policy is not None:
            self.files.setdefault(POLICY, self.policy)
        for path, text in self.files.items():
            self.at(path).parent.mkdir(parents=True, exist_ok=True)
            self.at(path).write_text(text)
        for pid, words in self.processes.items():
            folder = self.at(f"/proc/{pid}")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "cmdline").write_bytes("\0".join([*words, ""]).encode())
        folder = self.at(FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        for name in self.backups:
            (folder / name).write_bytes(b"x" * 100)
        if self.log is not None:
            (folder / "audit.log").write_bytes(self.prefix + self.log.encode())
            (folder / "audit.log").chmod(0o600)
            if self.modified is not None:
                os.utime(folder / "audit.log", (self.modified, self.modified))

    def asked(self, **more: object) -> Asked:
        return Asked(**{"root": self.root, "config": (self.home,), "observe": 0.0, **more})  # type: ignore[arg-type]

    def look(self, **more: object) -> Facts:
        self.write()

        def load(_: Sequence[Path]) -> AgentConfig:
            assert self.config is not None
            return self.config

        def probe(config: object, _: str) -> SinkFacts:
            assert isinstance(config, DatadogSink)
            good = SinkFacts(
                name="datadog", type="datadog", target="intake", state="accepted", clock=0.0, max_event_bytes=1_000_000
            )
            return replace(good, **self.sinks)  # type: ignore[arg-type]

        return self.facts(roomy(gather(self.asked(**more), load=load, probe=probe)))

    def judge(self, **more: object) -> list[Finding]:
        return judge(self.look(**more))


def listed(items: list[str], indent: int) -> str:
    return "".join(f"{' ' * indent}- {one}\n" for one in items)


def roomy(facts: Facts) -> Facts:
    """Take the disk of the machine that runs the tests out of account."""
    room = Room(path="/", mount=EXT4, free=TB, total=2 * TB, free_inodes=1_000_000, writable=True)
    return replace(facts, state=facts.state and room, logs=tuple(replace(log, room=room) for log in facts.logs))


def codes(findings: Sequence[Finding]) -> set[str]:
    return {one.code for one in findings if one.code}


def fine(findings: Sequence[Finding]) -> set[str]:
    return {one.check for one in findings if one.level == "ok"}
