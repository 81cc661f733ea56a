"""Gathers all facts: the one place where anything outside is looked at."""

import os
import posixpath
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from auditwake.forwarder.config.model import AgentConfig, LogSource
from auditwake.forwarder.doctor.facts import Asked, Facts, LogFacts, PolicyFacts, Server, SinkFacts
from auditwake.forwarder.doctor.gathering.configs import Load, look_at_config
from auditwake.forwarder.doctor.gathering.logs import look_again, look_at_log
from auditwake.forwarder.doctor.gathering.names import live_name
from auditwake.forwarder.doctor.gathering.node import node_mounts, own_mounts, room_of, under, who_am_i
from auditwake.forwarder.doctor.gathering.policies import look_at_policy
from auditwake.forwarder.doctor.gathering.servers import Servers, find_servers
from auditwake.forwarder.doctor.gathering.sinks import Probe, describe_sink, probe_sink
from auditwake.forwarder.doctor.mounts import Mount, host_path, pod_mount
from auditwake.forwarder.doctor.version import read_version
from auditwake.policy.loading.versions import NEWEST, OLDEST

__all__ = ["gather", "log_path_of"]

MOST_LOGS = 8
WILD = "*?["


def gather(asked: Asked, *, load: Load | None = None, probe: Probe | None = None) -> Facts:
    """Look at everything. Nothing is written anywhere, and no event is sent.

    Args:
        asked: What to look at.
        load: Loads the agent's configuration, if not as the agent does it.
        probe: Asks a sink, if not over the network.

    Returns:
        The facts.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as empty:
        ...     gather(Asked(root=Path(empty), config=(Path(empty, "conf.d"),), offline=True, observe=0)).server is None
        True
    """
    began = time.monotonic()
    mounts = own_mounts(asked.root)
    servers = find_servers(asked)
    version, known = _version(asked, servers.server)
    config = look_at_config(asked.config, load or _load)
    logs = list(_logs(asked, servers, config.config, mounts))
    sinks = tuple(_sinks(asked, config.config, probe or probe_sink))
    if logs and asked.observe > 0:
        time.sleep(max(0.0, asked.observe - (time.monotonic() - began)))
    return Facts(
        now=time.time(),
        who=who_am_i(),
        kube_version=version,
        version_known=known,
        server=servers.server,
        manifest=servers.manifest,
        failures=servers.failures,
        looked=servers.looked,
        policy=_policy(asked, servers, version),
        logs=tuple(look_again(log) for log in logs),
        config=config,
        state=room_of(config.config.state, mounts) if config.config else None,
        sinks=sinks,
    )


def _load(paths: Sequence[Path]) -> AgentConfig:
    from auditwake.forwarder.config import load

    return load(paths)


def _version(asked: Asked, server: Server | None) -> tuple[str, bool]:
    """Give the version whose rules are in force, the nearest that is known."""
    said = asked.kube_version or (server.version if server else "")
    newest = ".".join(map(str, NEWEST))
    number = read_version(said)
    if number is None:
        return newest, False
    return ".".join(map(str, min(max(number, OLDEST), NEWEST))), True


# --- paths of the server ---------------------------------------------------------------------------------------------


def _here(path: str, server: Server, root: Path) -> str:
    """Say what a path of the server is called here; nothing for one that is relative to where it was started."""
    if not posixpath.isabs(path):
        return ""
    path = posixpath.normpath(path)
    found = pod_mount(server.mounts, path) if server.mounts is not None else None
    if found is not None and found[1]:
        return under(root, found[1])
    if server.live_mounts:
        return under(root, host_path(path, server.live_mounts, node_mounts(root)))
    return under(root, path)


def log_path_of(server: Server) -> str:
    """Give the path of the log in the words of its flags; empty for none and for standard output.

    Args:
        server: The server.
    """
    path = server.flags.text("audit-log-path")
    return "" if path == "-" else path


def _policy(asked: Asked, servers: Servers, version: str) -> PolicyFacts | None:
    server = servers.server
    path = server.flags.text("audit-policy-file") if server else ""
    if server is None or not path:
        return None
    where = _here(path, server, asked.root) or path
    return look_at_policy(path, where, version, visible=_is_ours(asked, servers, where))


def _is_ours(asked: Asked, servers: Servers, path: str) -> bool:
    """Say whether a path of the server has to be here: flags and manifests that are given may be another machine's."""
    given = asked.flags_file is not None or asked.manifest is not None
    described = asked.manifest is None and servers.server is not None and servers.server.mounts is not None
    return not given or described or bool(servers.running) or os.path.isdir(os.path.dirname(path))  # noqa: PTH112, PTH120  # text


# --- logs ------------------------------------------------------------------------------------------------------------


def _logs(asked: Asked, servers: Servers, config: AgentConfig | None, mounts: tuple[Mount, ...]) -> Iterator[LogFacts]:
    """Look at the log of the server first, then at those of the configuration that are others."""
    server = servers.server
    named = log_path_of(server) if server else ""
    path = str(asked.log) if asked.log else _here(named, server, asked.root) if server and named else ""
    seen: set[str] = set()
    if path:
        seen.add(_real(path))
        node_path = named if asked.log else "/" + posixpath.relpath(path, asked.root)
        log = look_at_log(path, asked.root, mounts, node_path=node_path, of_server=bool(named))
        if log.first is None and not log.problem and asked.log is None:
            log = replace(log, elsewhere=not _is_ours(asked, servers, path))
        meant = tuple(one for one in _paths(config) if _means(one, path))
        yield _with_writers(replace(log, read_by=meant), servers, asked.root)
    for other in _configured(config):
        if len(seen) < MOST_LOGS and _real(other) not in seen:
            seen.add(_real(other))
            yield look_at_log(other, asked.root, mounts, node_path=other, of_server=False)


def _paths(config: AgentConfig | None) -> list[str]:
    return [source.path for source in config.sources if isinstance(source, LogSource)] if config else []


def _configured(config: AgentConfig | None) -> Iterator[str]:
    for path in _paths(config):
        yield from _matching(path) if any(one in path for one in WILD) else [path]


def _means(path: str, log: str) -> bool:
    """Say whether a path or a pattern of the configuration means a log."""
    return fnmatchcase(log, path) or _real(path) == _real(log)


def _real(path: str) -> str:
    """Follow links; a text that no path can be stays as it is."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path


def _matching(pattern: str) -> list[str]:
    """Give the live logs that a pattern matches."""
    from auditwake import _core
    from auditwake.errors import SourceError

    try:
        found = _core.discover(pattern)
    except (SourceError, OSError, ValueError):
        return []
    return [path for path in found if live_name(Path(path).name) == Path(path).name][:MOST_LOGS]


def _with_writers(log: LogFacts, servers: Servers, root: Path) -> LogFacts:
    writers = []
    for server in servers.running:
        path = log_path_of(server)
        if path and _same(server, path, _here(path, server, root), root, log):
            writers.append(server.origin)
    return replace(log, writers=tuple(writers))


def _same(server: Server, path: str, guess: str, root: Path, log: LogFacts) -> bool:
    """Say whether a process writes to this log: by the file that it sees, else by name."""
    seen = Path(under(root, f"/proc/{server.origin.removeprefix('pid ')}/root")) / path.lstrip("/")
    try:
        return log.first is not None and seen.stat().st_ino == log.first.inode
    except (OSError, ValueError):
        return os.path.normpath(guess) == os.path.normpath(log.path)


def _sinks(asked: Asked, config: AgentConfig | None, probe: Probe) -> Iterator[SinkFacts]:
    for sink in config.sinks if config else ():
        yield describe_sink(sink) if asked.offline else probe(sink, config.hostname if config else "")
