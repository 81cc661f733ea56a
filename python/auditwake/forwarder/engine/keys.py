"""Key files: what holds because of a key is tried again at once when its file changes."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

from auditwake.forwarder.config.secret import SecretFile

__all__ = ["KeyWatch"]

Stamp = tuple[int, int, int] | None


class KeyWatch:
    """Looks at the key files that a configuration names.

    Args:
        config: Of a sink.

    Example:
        >>> KeyWatch(None).changed()
        False
    """

    def __init__(self, config: object) -> None:
        self._paths = sorted(set(_files(config)))
        self._stamps = self._look()

    def changed(self) -> bool:
        """Say whether one has changed since this was last asked."""
        before, self._stamps = self._stamps, self._look()
        return self._stamps != before

    def _look(self) -> list[Stamp]:
        return [_stamp(path) for path in self._paths]


def _files(value: object) -> Iterator[Path]:
    if isinstance(value, SecretFile):
        yield value.path
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _files(one)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _files(getattr(value, field.name))


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
