"""Names of rotated files: those that `auditwake.tail` knows, and others that a person would take for one."""

import re
from datetime import datetime
from pathlib import PurePath
from typing import Final

__all__ = ["is_compressed", "live_name", "looks_rotated", "rotated_at"]

COMPRESSED: Final = (".gz", ".zst")
LUMBERJACK: Final = re.compile(
    r"(?s)(?P<before>.*)-(?P<stamp>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3})(?P<after>\..*)?", re.ASCII
)
NUMBER: Final = re.compile(r"(?s)(?P<rest>.+)\.(?:0|[1-9]\d{0,18})", re.ASCII)
DATE: Final = re.compile(r"(?s)(?P<rest>.+?)-20\d{6}(?:\d\d|-\d{10})?", re.ASCII)
# What rotation adds to a name: a time, a number, `old` or `bak`.
MARK: Final = r"[-._](?:\d[\dTZ:._+-]*|old|bak)"
OTHERS: Final = r"\.(?:gz|zst|bz2|xz)"


def live_name(name: str) -> str:
    """Give the name of the live file of a rotated one, as `auditwake.tail` reads it; any other name as it is.

    Args:
        name: The name of a file.

    Example:
        >>> live_name("audit-2026-11-24T00-10-19.262.log.gz"), live_name("audit.log.2"), live_name("audit-webhook.log")
        ('audit.log', 'audit.log', 'audit-webhook.log')
    """
    bare = _bare(name)
    match = LUMBERJACK.fullmatch(bare)
    if match:
        return match["before"] + _without_number(match["after"] or "")
    numbered = _without_number(bare)
    dated = DATE.fullmatch(numbered)
    live = dated["rest"] if dated else numbered
    return name if live == bare else live


def rotated_at(name: str) -> float | None:
    """Say when a file was rotated, as lumberjack writes it into the name.

    Args:
        name: The name of the file.

    Returns:
        Seconds since the epoch; None where the name does not say it.
    """
    match = LUMBERJACK.fullmatch(_bare(name))
    try:
        return datetime.strptime(f"{match['stamp']}+0000", "%Y-%m-%dT%H-%M-%S.%f%z").timestamp() if match else None
    except ValueError:
        return None


def is_compressed(name: str) -> bool:
    """Say whether a name is that of a compressed file.

    Args:
        name: The name of the file.
    """
    return name.endswith(COMPRESSED)


def looks_rotated(name: str, log: str) -> bool:
    """Say whether a name is made of that of a log and of what rotation adds: a time, a number, `old`, `bak`, `gz`.

    Args:
        name: The name of the file.
        log: The name of the log.

    Example:
        >>> [looks_rotated(name, "audit.log") for name in ("audit_20260101.log", "audit.log.old", "audit-webhook.log")]
        [True, True, False]
    """
    path = PurePath(log)
    suffix = re.escape(path.suffix)
    rest = name.removeprefix(path.stem)
    if not name.startswith(path.stem) or rest in {"", path.suffix}:
        return False
    return (
        re.fullmatch(rf"(?:{suffix})?(?:{MARK}){{0,3}}(?:{suffix})?(?:{OTHERS})?", rest, re.ASCII | re.IGNORECASE)
        is not None
    )


def _bare(name: str) -> str:
    return next((name.removesuffix(end) for end in COMPRESSED if name.endswith(end)), name)


def _without_number(name: str) -> str:
    match = NUMBER.fullmatch(name)
    return match["rest"] if match else name
