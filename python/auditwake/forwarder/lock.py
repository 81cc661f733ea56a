"""One agent a state directory."""

import os
from pathlib import Path
from typing import Self

from auditwake.errors import StateError

__all__ = ["Lock"]


class Lock:
    """Held while an agent runs; the system lets go of it however the process ends.

    Args:
        directory: The state directory; it is made if it is not there.

    Raises:
        StateError: Another agent has it, or it cannot be made.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as state, Lock(state):
        ...     pass
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        path = Path(directory) / "lock"
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            message = f"the state directory {path.parent} cannot be used: {error.strerror}; make it writable"
            raise StateError(message) from None
        if not _locked(self._file):
            os.close(self._file)
            message = (
                f"the state directory {path.parent} is in use by another agent: stop that one, or give this one "
                "another state directory"
            )
            raise StateError(message)

    def release(self) -> None:
        """Let go of it."""
        if self._file >= 0:
            file, self._file = self._file, -1
            os.close(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _locked(file: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
