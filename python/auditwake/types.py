"""What the public functions take and give, said as protocols: neither pyarrow nor any engine is imported for it."""

import os
from collections.abc import Iterable
from typing import Literal, Protocol, TypeAlias, runtime_checkable

__all__ = [
    "ArrowStreamExportable",
    "BinaryReadable",
    "Columns",
    "Compression",
    "OnError",
    "Source",
    "Sources",
]


@runtime_checkable
class BinaryReadable(Protocol):
    """A binary file object: anything with a `read` that gives bytes, and `b""` at the end.

    With a `seek` it can be read more than once, and with a `name` errors and `src_file` say where a row is from.
    """

    def read(self, size: int, /) -> bytes:
        """Give at most `size` bytes, or `b""` at the end."""


@runtime_checkable
class ArrowStreamExportable(Protocol):
    """Anything that gives record batches through the Arrow PyCapsule interface: a table, a reader, a frame."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give a capsule named `arrow_array_stream`."""


Source: TypeAlias = str | os.PathLike[str] | BinaryReadable
"""A file, a directory, a glob pattern, `-` (standard input), a URL, or a binary file object."""

Sources: TypeAlias = Source | Iterable[Source]
"""One source or several; several are read in the order given."""

Columns: TypeAlias = str | Iterable[str]
"""Names of columns or of groups of columns (`core`, `derived`, `bodies`, `all`)."""

Compression: TypeAlias = Literal["zstd", "snappy", "lz4", "none"]
"""Compression of Parquet pages."""

OnError: TypeAlias = Literal["collect", "raise"]
"""What a rejected line does: it is kept in `rejected`, or it ends the reading with `RejectedError`."""
