"""What the flags amount to, with the defaults of the version."""

from dataclasses import dataclass
from typing import Final

from auditwake.forwarder.doctor.facts import Facts
from auditwake.forwarder.doctor.flags import Flags

__all__ = ["MIB", "Rotation", "flags_of", "number", "rotation_of"]

MIB: Final = 1 << 20
DAY: Final = 86_400.0
SINCE: Final = (1, 36)
LUMBERJACK_MIB: Final = 100


@dataclass(frozen=True, slots=True)
class Rotation:
    """How a log is rotated.

    Attributes:
        maxsize: MiB at which it is; None if never.
        maxbackup: Rotated files that are kept; 0 for all.
        maxage: Days that they are kept; 0 for ever.
        compress: Whether they are compressed.
    """

    maxsize: int | None
    maxbackup: int
    maxage: int
    compress: bool = False

    @property
    def seconds(self) -> float | None:
        """How long a rotated file is kept by its age; None for ever."""
        return self.maxage * DAY if self.maxage > 0 else None


def flags_of(facts: Facts) -> Flags:
    """Give the flags that are in force; none where there is no server.

    Args:
        facts: The facts.
    """
    return facts.server.flags if facts.server else Flags()


def number(version: str) -> tuple[int, ...]:
    """Give a version as numbers.

    Example:
        >>> number("1.36") >= SINCE
        True
    """
    return tuple(map(int, version.split(".")))


def rotation_of(facts: Facts) -> Rotation | None:
    """Say how the server's log is rotated; from the agent's configuration where there is no server.

    Args:
        facts: The facts.

    Returns:
        How; None where nothing says so.

    Example:
        >>> from auditwake.forwarder.doctor.facts import Server, Who
        >>> server = Server(kind="file", origin="flags", flags=Flags())
        >>> who = Who(uid=0, name="root")
        >>> rotation_of(Facts(now=0.0, who=who, kube_version="1.35", server=server))
        Rotation(maxsize=100, maxbackup=0, maxage=0, compress=False)
        >>> rotation_of(Facts(now=0.0, who=who, kube_version="1.36", server=server))
        Rotation(maxsize=100, maxbackup=100, maxage=366, compress=False)
    """
    if facts.server is None:
        config = facts.config.config
        if config is None or config.maxsize is None:
            return None
        return Rotation(config.maxsize, config.maxbackup or 0, int(config.maxage or 0))
    flags, new = facts.server.flags, number(facts.kube_version) >= SINCE
    maxsize: int | None = max(0, flags.number("audit-log-maxsize", LUMBERJACK_MIB if new else 0))
    if maxsize == 0:
        # Until 1.35 lumberjack took zero for its own default.
        maxsize = None if new else LUMBERJACK_MIB
    return Rotation(
        maxsize,
        max(0, flags.number("audit-log-maxbackup", 100 if new else 0)),
        max(0, flags.number("audit-log-maxage", 366 if new else 0)),
        flags.true("audit-log-compress"),
    )
