"""What the sinks that write to a disk have in common: durable names, and errors that say what to do."""

import contextlib
import errno
import os
from pathlib import Path

from auditwake.errors import SinkError
from auditwake.forwarder.files import sync_directory

__all__ = ["OWN_DIRECTORY", "OWN_FILE", "failure", "needs_a_person", "reason", "replace"]

OWN_FILE = 0o600  # as kube-apiserver makes its log: what stands in it is for nobody else
OWN_DIRECTORY = 0o700

FOR_A_PERSON = {
    errno.EACCES: "give the agent's user the right to write there",
    errno.EPERM: "give the agent's user the right to write there",
    errno.EROFS: "mount it for writing",
    errno.ENOTDIR: "a part of the path is a file: correct the path",
    errno.EEXIST: "it is a file, and a directory is wanted: correct the path",
    errno.EISDIR: "it is a directory: correct the path",
    errno.ENAMETOOLONG: "correct the path",
    errno.ELOOP: "its links lead in a circle: correct the path",
}
BY_ITSELF = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "the quota is used up: make room",
    errno.EIO: "the disk does not do what it is told: look at the machine's log",
}


def needs_a_person(error: OSError) -> bool:
    """Say whether trying again is of no use until somebody has changed something.

    Example:
        >>> needs_a_person(PermissionError(13, "Permission denied")), needs_a_person(OSError(28, "No space left"))
        (True, False)
    """
    return error.errno in FOR_A_PERSON


def reason(error: OSError, path: str | os.PathLike[str]) -> str:
    """Say what went wrong where, and what to do.

    Example:
        >>> reason(OSError(28, "No space left on device"), "a.log")
        'a.log: No space left on device: make room on the disk'
    """
    number = error.errno or 0
    advice = FOR_A_PERSON.get(number) or BY_ITSELF.get(number) or "it is tried again"
    return f"{os.fspath(path)}: {error.strerror or type(error).__name__}: {advice}"


def failure(error: OSError, path: str | os.PathLike[str]) -> SinkError:
    """Make the error of a table sink.

    Example:
        >>> failure(PermissionError(13, "Permission denied"), "lake").needs_a_person
        True
    """
    return SinkError(reason(error, path), needs_a_person=needs_a_person(error))


def replace(path: Path, content: bytes) -> None:
    """Put a file in the place of another, at once and durably.

    Raises:
        OSError: It could not be done; the old file is still there.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     replace(Path(folder, "a"), b"1"), replace(Path(folder, "a"), b"2")
        ...     Path(folder, "a").read_bytes()
        (None, None)
        b'2'
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with open(unfinished, "wb", opener=_own) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def _own(path: str, flags: int) -> int:
    return os.open(path, flags, OWN_FILE)
