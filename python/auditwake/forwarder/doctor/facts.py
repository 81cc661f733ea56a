"""What was found on the node, in the files and at the sinks: values, and no opinion about them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from auditwake.forwarder.config.model import AgentConfig
from auditwake.forwarder.doctor.finding import Place
from auditwake.forwarder.doctor.flags import Flags
from auditwake.forwarder.doctor.mounts import Mount, PodMount

__all__ = [
    "Asked",
    "Backup",
    "ConfigFacts",
    "Facts",
    "LogFacts",
    "Logrotate",
    "Look",
    "PolicyFacts",
    "Room",
    "Sample",
    "Server",
    "SinkFacts",
    "SinkState",
    "Who",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the doctor is to look at.

    Attributes:
        root: Where the file system of the node is, for `/proc`, manifests, policies and logs.
        manifest: The static pod's manifest; None takes kubeadm's, if it is there.
        flags_file: A file of flags, instead of those of a running server.
        kube_version: Version of the server; None takes the tag of its image, else the newest.
        config: Files and directories of the agent's configuration.
        log: The log as it is called here; None takes it from the flags and the configuration.
        offline: Whether sinks are left alone.
        observe: Seconds between two looks at the log.
    """

    root: Path = Path("/")
    manifest: Path | None = None
    flags_file: Path | None = None
    kube_version: str | None = None
    config: tuple[Path, ...] = ()
    log: Path | None = None
    offline: bool = False
    observe: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who looks.

    Attributes:
        uid: The user; None where there are no numbers for users.
        name: The user's name.
        capabilities: Of the effective ones, those that let a process read any file.
    """

    uid: int | None
    name: str
    capabilities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A kube-apiserver, running or described.

    Attributes:
        kind: Where its flags are from.
        origin: The same for people: `pid 812`, or the file.
        flags: Its flags.
        version: Of its image; empty if unknown.
        mounts: Volumes of its container; None if they are not known.
        mounts_place: Where these stand.
        live_mounts: The mounts of its process; empty if they are not known.
    """

    kind: Literal["process", "manifest", "file"]
    origin: str
    flags: Flags
    version: str = ""
    mounts: tuple[PodMount, ...] | None = None
    mounts_place: Place | None = None
    live_mounts: tuple[Mount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFacts:
    """The policy of the server.

    Attributes:
        path: As the server has it.
        here: As it is called here.
        exists: Whether it is there; None if nobody can tell.
        problem: Why it cannot be read; empty if it can.
        refused: What the server says to it; empty if it takes it.
        refused_place: Where.
        remedy: What to do about that.
        findings: What `policy check` found: code, name, severity, how often, first place.
        rules: Number of its rules.
    """

    path: str
    here: str
    exists: bool | None = None
    problem: str = ""
    refused: str = ""
    refused_place: Place | None = None
    remedy: str = ""
    findings: tuple[tuple[str, str, str, int, Place], ...] = ()
    rules: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The log at one moment; the fields are those of `stat`."""

    size: int
    modified: float
    inode: int
    mode: int = 0
    owner: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A rotated file.

    Attributes:
        name: Its name.
        size: Its bytes on disk.
        rotated: When, as its name says, seconds since the epoch; None where it does not.
        compressed: Whether its name says that it is compressed.
    """

    name: str
    size: int
    rotated: float | None
    compressed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the newest lines of a log are.

    Attributes:
        bytes: Bytes of the sample.
        events: Events in it.
        legacy: Lines in the legacy format.
        foreign: Lines that are no audit events.
        torn: Lines that are cut, or run into each other.
        levels: Events by level.
        bodies: Events with a body.
        largest: Bytes of the largest event.
        first: stageTimestamp of the oldest event, seconds since the epoch; None without events.
        last: The same of the newest.
    """

    bytes: int = 0
    events: int = 0
    legacy: int = 0
    foreign: int = 0
    torn: int = 0
    levels: tuple[tuple[str, int], ...] = ()
    bodies: int = 0
    largest: int = 0
    first: float | None = None
    last: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left of the file system that a path is in.

    Attributes:
        path: The path, or the nearest directory above it that is there.
        mount: The mount that it is in; None if unknown.
        free: Bytes that can be written.
        total: Bytes in all.
        free_inodes: Files that can be made; None where there is no such limit.
        writable: Whether we may write there.
    """

    path: str
    mount: Mount | None
    free: int
    total: int
    free_inodes: int | None
    writable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Logrotate:
    """A block of a logrotate configuration that names a log.

    Attributes:
        place: Where the name stands.
        copytruncate: Where that word stands; None if it does not.
    """

    place: Place
    copytruncate: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFacts:
    """A log.

    Attributes:
        path: As it is called here.
        of_server: Whether it is the one that the server's flags name.
        elsewhere: Whether it is not here and need not be: the flags may be those of another machine.
        read_by: Paths of the configuration that mean it.
        first: The log; None if it is not there or cannot be seen.
        later: The same a moment later.
        problem: Why it cannot be read; empty if it can, or is not there.
        directory_missing: Whether its directory is not there.
        directory_problem: Why its directory cannot be listed; empty if it can, or is not there.
        backups: Its rotated files, the oldest first.
        strangers: Names beside it that look like rotated files to people and not to `auditwake.tail`.
        nul_bytes: Zero bytes at its beginning, as far as was looked.
        sample: Its newest lines; None where it cannot be read.
        room: Its file system; None where that cannot be seen.
        mounted_here: Whether the file itself is mounted here.
        logrotate: What logrotate is told about it.
        writers: The running servers that write to it.
    """

    path: str
    of_server: bool = False
    elsewhere: bool = False
    read_by: tuple[str, ...] = ()
    first: Look | None = None
    later: Look | None = None
    problem: str = ""
    directory_missing: bool = False
    directory_problem: str = ""
    backups: tuple[Backup, ...] = ()
    strangers: tuple[str, ...] = ()
    nul_bytes: int = 0
    sample: Sample | None = None
    room: Room | None = None
    mounted_here: bool = False
    logrotate: tuple[Logrotate, ...] = ()
    writers: tuple[str, ...] = ()


SinkState: TypeAlias = Literal[
    "accepted", "refused", "unproved", "unreachable", "no-key", "not-writable", "no-client", "skipped"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkFacts:
    """A sink, as it answered.

    Attributes:
        name: Its name in the configuration.
        type: Its type.
        target: Host and port, or a path.
        scheme: `http` or `https`; empty for what is no receiver.
        state: How it answered.
        detail: In words: what was proved, or why not.
        reason: Why it cannot be reached, in one word: `connection`, `tls`, `timeout`, `proxy`, `protocol`.
        proxy: Host and port of the proxy in force; empty for none.
        verified: Whether its certificate is checked.
        encrypted: Whether it is spoken to over TLS, or does not leave the machine.
        clock: Seconds that its clock is ahead of ours; None if it did not say.
        max_event_bytes: Largest event that it takes whole; None without a limit.
    """

    name: str
    type: str
    target: str
    state: SinkState
    scheme: str = ""
    detail: str = ""
    reason: str = ""
    proxy: str = ""
    verified: bool = True
    encrypted: bool = True
    clock: float | None = None
    max_event_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFacts:
    """The agent's configuration.

    Attributes:
        asked: Where it was looked for.
        found: Whether there is one.
        config: What it says; None if there is none, or it is refused.
        problems: Why it is refused: place, message and remedy.
    """

    asked: tuple[str, ...] = ()
    found: bool = False
    config: AgentConfig | None = None
    problems: tuple[tuple[Place, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All of it.

    Attributes:
        now: When it was looked, seconds since the epoch.
        who: Who looked.
        kube_version: The version whose defaults are in force.
        version_known: Whether somebody said so.
        server: The server whose flags are in force; None if there is none.
        manifest: The server that the manifest describes, where another one runs.
        failures: What cannot be read of flags: place and reason.
        looked: Where flags were looked for.
        policy: The server's policy; None if it has none.
        logs: The logs.
        config: The agent's configuration.
        state: The file system of the agent's state; None without a configuration.
        sinks: The sinks.
    """

    now: float
    who: Who
    kube_version: str = "1.37"
    version_known: bool = False
    server: Server | None = None
    manifest: Server | None = None
    failures: tuple[tuple[Place, str], ...] = ()
    looked: tuple[str, ...] = ()
    policy: PolicyFacts | None = None
    logs: tuple[LogFacts, ...] = ()
    config: ConfigFacts = field(default_factory=ConfigFacts)
    state: Room | None = None
    sinks: tuple[SinkFacts, ...] = ()
