"""The kube-apiservers: those that run, one that a manifest describes, and one that a file of flags stands for."""

import posixpath
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from auditwake.forwarder.doctor.facts import Asked, Server
from auditwake.forwarder.doctor.finding import Place
from auditwake.forwarder.doctor.flags import Flags, flags_in_text, parse_words
from auditwake.forwarder.doctor.gathering.node import read_text, under
from auditwake.forwarder.doctor.manifest import ManifestError, read_manifest
from auditwake.forwarder.doctor.mounts import Mount, parse_mountinfo

__all__ = ["MANIFESTS", "Servers", "find_servers"]

MANIFESTS: Final = (
    "/etc/kubernetes/manifests/kube-apiserver.yaml",
    "/var/lib/rancher/rke2/agent/pod-manifests/kube-apiserver.yaml",
)
"""Where kubeadm and RKE2 have it."""
NAMES: Final = ("kube-apiserver", "apiserver")
HOSTS: Final = ("k3s", "rke2", "k3s-server", "hyperkube", "microk8s")
"""Programs that may have the server in them."""

Failure = tuple[Place, str]


@dataclass(frozen=True, slots=True)
class Servers:
    """What was found.

    Attributes:
        server: The one whose flags are in force.
        manifest: The one that the manifest describes, where it is not that one.
        running: Those that run.
        failures: What cannot be read.
        looked: Where it was looked.
    """

    server: Server | None
    manifest: Server | None
    running: tuple[Server, ...]
    failures: tuple[Failure, ...]
    looked: tuple[str, ...]


def find_servers(asked: Asked) -> Servers:
    """Find the servers, and the one that matters.

    Args:
        asked: What to look at.
    """
    failures: list[Failure] = []
    running = _running(asked.root)
    usual = [under(asked.root, one) for one in MANIFESTS]
    path = str(asked.manifest or next((one for one in usual if Path(one).exists()), usual[0]))
    described = _described(path, failures, expected=asked.manifest is not None)
    looked = [under(asked.root, "/proc/*/cmdline"), path]
    if asked.flags_file is not None:
        given = _given(str(asked.flags_file), failures)
        server = given and _with_mounts(given, described)
        return Servers(server, None, (), tuple(failures), (*looked, str(asked.flags_file)))
    if asked.manifest is not None or not running:
        return Servers(described, None, running, tuple(failures), tuple(looked))
    server = running[0]
    if described is None:
        return Servers(server, None, running, tuple(failures), tuple(looked))
    if _audit(server.flags) == _audit(described.flags):
        # The same flags have a line in the manifest, which says more than the number of a process.
        server = replace(server, flags=described.flags)
    server = _with_mounts(server, described)
    return Servers(server, described, running, tuple(failures), tuple(looked))


def _with_mounts(server: Server, described: Server | None) -> Server:
    """Give a server the volumes and the version of the manifest that describes it."""
    if described is None:
        return server
    return replace(server, mounts=described.mounts, mounts_place=described.mounts_place, version=described.version)


def _audit(flags: Flags) -> list[tuple[str, str | None]]:
    return [(flag.name, flag.value) for flag in flags.given]


def _given(path: str, failures: list[Failure]) -> Server | None:
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        failures.append((Place(path), _reason(error)))
        return None
    return Server(kind="file", origin=path, flags=flags_in_text(text.splitlines(), path))


def _described(path: str, failures: list[Failure], *, expected: bool) -> Server | None:
    try:
        manifest = read_manifest(read_text(path), path)
    except FileNotFoundError as error:
        if expected:
            failures.append((Place(path), _reason(error)))
        return None
    except (OSError, ValueError) as error:
        failures.append((Place(path), _reason(error)))
        return None
    except ManifestError as error:
        failures.append((Place(path, error.line), str(error)))
        return None
    return Server(
        kind="manifest",
        origin=path,
        flags=manifest.flags,
        version=manifest.version,
        mounts=manifest.mounts,
        mounts_place=manifest.volume_mounts,
    )


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _running(root: Path) -> tuple[Server, ...]:
    try:
        pids = sorted(int(one.name) for one in Path(under(root, "/proc")).iterdir() if one.name.isdigit())
    except (OSError, ValueError):
        return ()
    return tuple(server for pid in pids if (server := _process(root, pid)) is not None)


def _process(root: Path, pid: int) -> Server | None:
    folder = under(root, f"/proc/{pid}")
    try:
        words = read_text(f"{folder}/cmdline").rstrip("\0").split("\0")
    except (OSError, ValueError):
        return None
    if not _is_server(words):
        return None
    origin = f"pid {pid}"
    flags = Flags(tuple(parse_words([(word, Place(origin)) for word in words])))
    return Server(kind="process", origin=origin, flags=flags, live_mounts=_mounts(folder))


def _is_server(words: list[str]) -> bool:
    program = posixpath.basename(words[0].split(" ")[0]) if words else ""
    if program == NAMES[0]:
        return True
    return program in HOSTS and any(
        word in NAMES or word.startswith("--kube-apiserver-arg") or "--audit-" in word for word in words[1:]
    )


def _mounts(folder: str) -> tuple[Mount, ...]:
    try:
        return parse_mountinfo(read_text(f"{folder}/mountinfo"))
    except (OSError, ValueError):
        return ()
