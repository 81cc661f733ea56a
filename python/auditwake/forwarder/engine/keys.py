"""Files of keys and certificates: what waits because of one is tried again at once when it changes."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

from auditwake.forwarder.config.model import HttpOptions
from auditwake.forwarder.config.secret import SecretFile
from auditwake.forwarder.renewal import Stamp, stamp

__all__ = ["KeyWatch"]


class KeyWatch:
    """Looks at the files of keys and certificates that a configuration names.

    Args:
        config: Of a sink.

    Attributes:
        idle: Whether there are none.

    Example:
        >>> KeyWatch(None).changed()
        False
    """

    def __init__(self, config: object) -> None:
        self._paths = sorted(set(_files(config)))
        self.idle = not self._paths
        self._stamps = self._look()

    def changed(self) -> bool:
        """Say whether one has changed since this was last asked."""
        before, self._stamps = self._stamps, self._look()
        return self._stamps != before

    def _look(self) -> list[Stamp]:
        return [stamp(path) for path in self._paths]


def _files(value: object) -> Iterator[Path]:
    if isinstance(value, SecretFile):
        yield value.path
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _files(one)
    elif is_dataclass(value):
        if isinstance(value, HttpOptions):
            yield from filter(None, (value.ca_file, value.client_cert_file, value.client_key_file))
        for field in fields(value):
            yield from _files(getattr(value, field.name))
