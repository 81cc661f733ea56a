"""Which sources are Parquet files, such as `convert` writes, and not logs."""

import os
from contextlib import suppress
from pathlib import Path

from auditwake._core import discover
from auditwake.errors import SourceError, SourceNotFoundError

__all__ = ["is_parquet", "parquet_files"]

PARQUET_MAGIC = b"PAR1"


def is_parquet(path: Path) -> bool:
    """Tell whether a path names a Parquet file.

    Example:
        >>> import auditwake as aw
        >>> is_parquet(aw.demo.LOG)
        False
    """
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC


def parquet_files(source: object) -> list[str]:
    """Give the Parquet files that a source names; none when it names logs.

    Args:
        source: A path, a directory, a pattern, or a list of those.

    Raises:
        SourceError: A directory holds both Parquet and logs.

    Example:
        >>> import auditwake as aw
        >>> parquet_files(aw.demo.LOG)
        []
    """
    if isinstance(source, (str, os.PathLike)):
        return _files_of(Path(source))
    if isinstance(source, list) and source and all(isinstance(one, (str, os.PathLike)) for one in source):
        files = [_files_of(Path(one)) for one in source]
        return [file for some in files for file in some] if all(files) else []
    return []


def _files_of(path: Path) -> list[str]:
    if path.is_dir():
        return _files_in(path)
    if path.is_file():
        return [str(path)] if is_parquet(path) else []
    if path.suffix == ".parquet" and any(mark in str(path) for mark in "*?["):
        root = Path(path.anchor) if path.is_absolute() else Path()
        return sorted(str(file) for file in root.glob(str(path.relative_to(path.anchor))))
    return []


def _files_in(directory: Path) -> list[str]:
    files = sorted(str(file) for file in directory.rglob("*.parquet") if not file.name.startswith((".", "_")))
    if files:
        with suppress(SourceNotFoundError):
            log = discover(str(directory))[0]
            message = f"{directory} holds both Parquet and logs, such as {Path(log).name}: name the one that is meant"
            raise SourceError(message)
    return files
