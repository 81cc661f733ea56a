"""auditwake: the package of this repository, for the same columns and (``None``) for all that it knows."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import auditwake
from peers.common import ZSTD_LEVEL, Column

if TYPE_CHECKING:
    import pyarrow as pa


def _names(columns: Sequence[Column] | None) -> list[str] | None:
    return None if columns is None else [column.name for column in columns]


def to_arrow(path: Path, columns: Sequence[Column] | None) -> "pa.Table":
    """Read a log into memory."""
    import pyarrow as pa

    return pa.table(auditwake.read(str(path), columns=_names(columns), threads=1))


def to_parquet(path: Path, out: Path, columns: Sequence[Column] | None) -> None:
    """Convert a log to one Parquet file."""
    auditwake.convert(
        str(path),
        str(out),
        columns=_names(columns),
        partition_by=None,
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        threads=1,
    )
