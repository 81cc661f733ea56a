"""What the system's calls for files leave to their caller."""

import os
from pathlib import Path

__all__ = ["sync_directory", "write_all"]


def write_all(file: int, data: bytes) -> None:
    """Write all bytes to a descriptor: one call may take a part of them.

    Raises:
        OSError: They could not be written; a part of them may have been.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryFile() as file:
        ...     write_all(file.fileno(), b"abc"), file.tell()
        (None, 3)
    """
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable. Windows keeps them so, and has no such call.

    Raises:
        OSError: They may not be durable.

    Example:
        >>> sync_directory(Path("."))
    """
    if os.name == "nt":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
