"""One line of a log, by its number."""

import os
import sys
from collections.abc import Iterator
from typing import IO, Final

from auditwake.errors import AuditwakeError, SourceError, SourceNotFoundError

__all__ = ["line_at"]

CHUNK: Final = 1 << 20
NEWLINE: Final = b"\n"
GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"


def line_at(log: str | os.PathLike[str], number: int) -> bytes:
    """Give a line of a log, as `sed -n 12p` does.

    Args:
        log: The file, plain, gzip or zstd; `-` for standard input.
        number: The line, from 1.

    Returns:
        The line, without its end.

    Raises:
        AuditwakeError: The log has no such line.
        SourceError: It cannot be read, or breaks off before the line; `SourceNotFoundError` where there is none.

    Example:
        >>> import auditwake as aw
        >>> line_at(aw.demo.LOG, 2164)[:15]
        b'{"kind":"Event"'
    """
    name = os.fspath(log)
    if number < 1:
        message = f"{name}:{number}: lines are counted from 1"
        raise AuditwakeError(message)
    try:
        if name == "-":
            return _line(sys.stdin.buffer, name, number)
        with open(name, "rb") as file:  # noqa: PTH123  # the name as it was given stands in errors
            return _line(file, name, number)
    except FileNotFoundError as error:
        message = f"{name!r}: there is no such file"
        raise SourceNotFoundError(message) from error
    except OSError as error:
        message = f"{name!r} cannot be read: {error.strerror or error}"
        raise SourceError(message) from error


def _line(file: IO[bytes], name: str, number: int) -> bytes:
    ends = 0
    last = NEWLINE
    pieces: list[bytes] = []
    for chunk in _chunks(file):
        last = chunk[-1:]
        count = chunk.count(NEWLINE)
        if ends + count < number - 1:
            ends += count
            continue
        start = 0
        while ends < number - 1:
            start = chunk.index(NEWLINE, start) + 1
            ends += 1
        end = chunk.find(NEWLINE, start)
        pieces.append(chunk[start:] if end < 0 else chunk[start:end])
        if end >= 0:
            return b"".join(pieces)
    if any(pieces):
        return b"".join(pieces)
    message = f"{name}: there is no line {number:,}; the log has {ends + (last != NEWLINE):,}"
    raise AuditwakeError(message)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Give the text of a file, decompressed if it has to be."""
    head = file.read(len(ZSTD))
    codec = "gzip" if head.startswith(GZIP) else "zstd" if head == ZSTD else None
    whole = _Whole(head, file)
    if codec is None:
        while chunk := whole.read(CHUNK):
            yield chunk
        return
    import pyarrow as pa

    with pa.CompressedInputStream(pa.PythonFile(whole, "r"), codec) as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


class _Whole:
    """A file of which the first bytes were read already."""

    closed = False

    def __init__(self, head: bytes, file: IO[bytes]) -> None:
        self._head = head
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Read some bytes."""
        if self._head:
            head, self._head = self._head, b""
            return head
        return self._file.read(size)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def close(self) -> None:
        """Leave the file to whoever opened it."""
