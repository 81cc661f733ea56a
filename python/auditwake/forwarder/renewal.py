"""What is made of files that are renewed while the agent runs: certificates, their keys, and who signs them."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from auditwake.errors import AuditwakeError

__all__ = ["Renewed", "Stamp", "stamp"]

LOG = logging.getLogger("auditwake.files")

AGAIN = 5.0  # seconds until files are tried again that could not be used

Stamp: TypeAlias = tuple[int, int, int, int] | None
Made = TypeVar("Made")


def stamp(path: Path) -> Stamp:
    """Give what changes when a file does, links followed as Kubernetes mounts them; None where there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    # The time of a change of mode is in it too: a file that could not be read may be readable then.
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size


class Renewed(Generic[Made]):
    """Something that is made of files, and made anew when they have changed.

    Files are renewed one after the other: what cannot be made of them at present, as of a new certificate with the old
    key, leaves in use what was made before.

    Args:
        name: Whose files they are, for the log.
        paths: The files; None for one that is not named.
        make: Makes it; what it raises of `OSError`, `ValueError` and `AuditwakeError` says that the files are no good.
        clock: Seconds that go on.

    Raises:
        Exception: What `make` raises the first time.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "number")
        ...     _ = file.write_text("1")
        ...     number = Renewed("a number", [file], lambda: int(file.read_text()))
        ...     _ = file.write_text("42")
        ...     number.current()
        42
    """

    def __init__(
        self,
        name: str,
        paths: Iterable[Path | None],
        make: Callable[[], Made],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._paths = [path for path in paths if path is not None]
        self._make = make
        self._clock = clock
        self._lock = threading.Lock()
        # Looked at before they are read: a change that comes between the two is found at the next look.
        self._stamps = self._look()
        self._made = make()
        self._failed: tuple[list[Stamp], float] | None = None

    def current(self) -> Made:
        """Give what the files make now, or what they made when they were last good."""
        with self._lock:
            found = self._look()
            if found != self._stamps and self._is_due(found):
                self._renew(found)
            return self._made

    def _look(self) -> list[Stamp]:
        return [stamp(path) for path in self._paths]

    def _is_due(self, found: list[Stamp]) -> bool:
        if self._failed is None:
            return True
        stamps, moment = self._failed
        # The same files may be good later: a pair can be refused because there was no descriptor left to open it.
        return found != stamps or self._clock() - moment >= AGAIN

    def _renew(self, found: list[Stamp]) -> None:
        try:
            made = self._make()
        except (OSError, ValueError, AuditwakeError) as error:
            if self._failed is None or self._failed[0] != found:
                LOG.warning("%s: the renewed files cannot be used, and the former stay in use: %s", self._name, error)
            self._failed = (found, self._clock())
            return
        self._made, self._stamps, self._failed = made, found, None
        LOG.info("%s: renewed files are in use", self._name)
