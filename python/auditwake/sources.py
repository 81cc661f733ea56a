"""From what the user gave to what the core opens.

The core knows paths, directories, patterns, `-` and objects with `read`. URLs become such objects here, through fsspec,
which is imported only when there is a URL.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from auditwake.errors import SourceError, SourceNotFoundError
from auditwake.types import BinaryReadable, Source, Sources

__all__ = ["RemoteFile", "called", "resolve"]

# Scheme of a URL -> the extra that brings what is needed to open it.
EXTRAS = {"http": "remote", "https": "remote", "s3": "s3", "gs": "gs", "az": "az"}
# The same stores under their other names.
ALIASES = {"s3a": "s3", "gcs": "gs", "abfs": "az", "abfss": "az"}


def resolve(source: Sources) -> list[str | BinaryReadable]:
    """Give the sources as the core takes them: path strings and binary file objects.

    Args:
        source: One source or several: path, directory, pattern, `-`, URL, binary file object.

    Returns:
        The sources in the order given. A URL with a pattern gives its matches in the order of their names, which for
        the files of a rotated set is the order of time.

    Raises:
        SourceError: A URL cannot be opened: no such scheme, or an extra is not installed; `SourceNotFoundError` where
            nothing is there.
        TypeError: A source is of a type that names no bytes.

    Example:
        >>> resolve(["audit.log", "-"])
        ['audit.log', '-']
    """
    if isinstance(source, (str, os.PathLike, BinaryReadable)):
        return _resolve_one(source)
    if isinstance(source, Iterable) and not isinstance(source, (bytes, bytearray, memoryview)):
        return [opened for one in source for opened in _resolve_one(one)]
    raise _not_a_source(source)


def called(source: object) -> str:
    """Name what is read, for people. What a URL has beside its place, such as a password or a signature, stays out.

    Example:
        >>> called("https://me:secret@logs.example.com/audit.log?signature=abc")
        'https://logs.example.com/audit.log'
        >>> called(["audit.log", "-"])
        'audit.log, standard input'
    """
    if isinstance(source, (str, os.PathLike)):
        return _place(os.fsdecode(source))
    name = getattr(source, "name", None)
    if isinstance(name, str):
        return _place(name)
    # A reader knows what it reads.
    read_by = getattr(source, "sources", None)
    if isinstance(read_by, tuple):
        return ", ".join(map(str, read_by))
    if isinstance(source, (list, tuple)):
        return ", ".join(map(called, source))
    return f"{type(source).__name__} in memory"


def _place(text: str) -> str:
    if text == "-":
        return "standard input"
    if "://" not in text:
        return text
    parts = urlsplit(text)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _resolve_one(source: Source) -> list[str | BinaryReadable]:
    if isinstance(source, str):
        return _remote(source) if "://" in source else [source]
    if isinstance(source, os.PathLike):
        return [os.fsdecode(source)]
    if isinstance(source, BinaryReadable):
        return [_binary(source)]
    raise _not_a_source(source)


def _binary(file: BinaryReadable) -> BinaryReadable:
    """Refuse a text file at once: half way through, the error would say nothing of the cause."""
    if "b" not in str(getattr(file, "mode", "b")) and hasattr(file, "encoding"):
        message = f"{file!r} is open as text: open it in binary mode, open(path, 'rb')"
        raise TypeError(message)
    return file


def _not_a_source(source: object) -> TypeError:
    hint = "; wrap log text in io.BytesIO" if isinstance(source, (bytes, bytearray, memoryview)) else ""
    return TypeError(
        f"a source is a path, a pattern, '-', a URL, a binary file object or a list of those, "
        f"not {type(source).__name__}{hint}"
    )


def _remote(url: str) -> list[str | BinaryReadable]:
    scheme = url.partition("://")[0].lower()
    if scheme == "file":
        return [url.partition("://")[2]]
    extra = EXTRAS.get(ALIASES.get(scheme, scheme))
    if extra is None:
        known = ", ".join(f"{name}://" for name in EXTRAS)
        message = f"{url}: no reader for {scheme}:// URLs; known are {known}"
        raise SourceError(message)
    try:
        import fsspec

        filesystem, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        message = f"{url}: {scheme}:// needs an extra: pip install 'auditwake[{extra}]' ({error})"
        raise SourceError(message) from error
    paths = _matches(filesystem, path)
    if not paths:
        message = f"{url}: nothing is there"
        raise SourceNotFoundError(message)
    return [_remote_file(filesystem, one) for one in paths]


def _matches(filesystem: Any, path: str) -> list[str]:  # noqa: ANN401  # fsspec ships no types
    """Give what is there. A `*` makes a pattern; a `?` belongs to the query of a web address."""
    if "*" in path:
        return sorted(filesystem.glob(path))
    return [path] if filesystem.exists(path) else []


def _remote_file(filesystem: Any, path: str) -> "RemoteFile":  # noqa: ANN401  # fsspec ships no types
    return RemoteFile(filesystem.unstrip_protocol(path), lambda: filesystem.open(path, "rb"))


class RemoteFile:
    """A file behind a URL, opened at its first read: a thousand of them hold no thousand connections.

    Attributes:
        name: The URL, as errors and `src_file` show it.
    """

    def __init__(self, name: str, opener: Callable[[], BinaryReadable]) -> None:
        self.name = name
        self._opener = opener
        self._file: BinaryReadable | None = None

    def read(self, size: int, /) -> bytes:
        """Give at most `size` bytes, or `b""` at the end."""
        if self._file is None:
            self._file = self._opener()
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go back to the start, the only place to go: the next read opens the file anew.

        Raises:
            OSError: Another place was asked for.
        """
        if offset or whence != os.SEEK_SET:
            message = f"{self.name}: a remote file is read from its start"
            raise OSError(message)
        self.close()
        return 0

    def close(self) -> None:
        """Let the connection go."""
        file, self._file = self._file, None
        if file is not None and hasattr(file, "close"):
            file.close()
