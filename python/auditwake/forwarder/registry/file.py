"""The file `registry.json` of a Datadog Agent, in the shapes that its versions wrote."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from auditwake.errors import AuditwakeError

__all__ = ["Entry", "read_registry"]

PREFIX = "file:"
# 0 has bare paths and `Timestamp`; 1 has numbers for offsets; 2 has them as text; 3 adds fingerprints, of no use here.
VERSIONS = (0, 1, 2, 3)
MOST_BYTES = 64 << 20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """How far an Agent had come in a log.

    Attributes:
        path: The log.
        offset: Bytes of it whose lines were delivered.
        updated: When that was, or later; None if it does not say.
        exact: Whether it is the time at which the line in front of the offset was read. Otherwise it is only the
            last at which it may have been: the Agent sets `LastUpdated` when it starts and stops, too.
    """

    path: str
    offset: int
    updated: datetime | None
    exact: bool = False


def read_registry(path: str | os.PathLike[str]) -> tuple[Entry, ...]:
    """Read the offsets of files; those of containers and of the journal are left out, and so are offsets of 0.

    Args:
        path: The file, `registry.json` in the `run_path` of the Agent.

    Raises:
        AuditwakeError: It cannot be read, or is none.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile("w+") as file:
        ...     _ = file.write('{"Version":2,"Registry":{"file:/l/audit.log":{"Offset":"12"}}}'), file.flush()
        ...     read_registry(file.name)
        (Entry(path='/l/audit.log', offset=12, updated=None, exact=False),)
    """
    try:
        with Path(path).open("rb") as file:
            text = file.read(MOST_BYTES)
        values = json.loads(text)
    except OSError as error:
        message = f"{os.fspath(path)}: cannot be read: {error.strerror}"
        raise AuditwakeError(message) from error
    except (ValueError, RecursionError) as error:
        message = f"{os.fspath(path)}: is no JSON; name the registry.json in the Agent's run_path"
        raise AuditwakeError(message) from error
    registry = values.get("Registry") if isinstance(values, dict) else None
    if not isinstance(registry, dict) or values.get("Version") not in VERSIONS:
        message = f"{os.fspath(path)}: is no registry of a Datadog Agent: it has `Version`, 0 to 3, and `Registry`"
        raise AuditwakeError(message)
    return tuple(_entries(registry, values["Version"]))


def _entries(registry: Mapping[str, Any], version: int) -> Iterator[Entry]:
    for name, values in registry.items():
        path = name if version == 0 else name.removeprefix(PREFIX)
        is_file = version == 0 or name.startswith(PREFIX)
        if is_file and isinstance(values, dict):
            offset = _offset(values.get("Offset"))
            if offset:
                read, updated = _read(values), _time(values.get("LastUpdated" if version else "Timestamp"))
                known = [one for one in (read, updated) if one is not None]
                yield Entry(path, offset, min(known, default=None), read is not None)


def _read(values: Mapping[str, Any]) -> datetime | None:
    """Say when the line in front of the offset was read, in an Agent that saves it."""
    read = values.get("IngestionTimestamp")
    if isinstance(read, bool) or not isinstance(read, int) or read <= 0:
        return None
    try:
        return EPOCH + timedelta(microseconds=read // 1000)
    except OverflowError:
        return None


def _offset(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:  # noqa: PLR2004  # digits of an int64
        return int(value)
    return value if isinstance(value, int) and value > 0 else None


def _time(value: object) -> datetime | None:
    """Read a time as Go writes one; its zero means none."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.year > 1 and moment.tzinfo is not None else None
