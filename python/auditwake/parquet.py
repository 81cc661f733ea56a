"""Which sources are Parquet files, such as `convert` writes, and not logs; and what their folders are named after."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePath
from typing import Final
from urllib.parse import unquote

from auditwake._core import columns, discover
from auditwake.errors import InputError, SourceError, SourceNotFoundError

__all__ = ["NO_VALUE", "folder_values", "is_parquet", "parquet_files"]

PARQUET_MAGIC = b"PAR1"
NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"
"""How Hive writes a null in the name of a folder."""
PLAIN: Final[dict[str, Callable[[str], object]]] = {
    "dictionary<int32, utf8>": str,
    "utf8": str,
    "bool": {"true": True, "false": False}.__getitem__,
    "int16": int,
    "int32": int,
    "int64": int,
    "timestamp[us, UTC]": datetime.fromisoformat,
}
"""Type of a column that a folder can be named after -> how its text is read."""


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


def folder_values(files: Iterable[str]) -> dict[str, dict[str, object]]:
    """Give the columns that folders are named after, in the way of Hive, with the values for each file.

    The innermost folder of a name counts. Names that are no columns, such as `date`, are left out.

    Args:
        files: Paths, made absolute, of which some have folders such as `verb=get`.

    Returns:
        Column -> file -> its value, or None for null.

    Raises:
        InputError: A folder is named after what its column cannot hold.

    Example:
        >>> folder_values(["/lake/code=404/part.parquet", "/lake/date=2026-11-24/part.parquet"])
        {'code': {'/lake/code=404/part.parquet': 404}}
    """
    kinds = {column.name: column.type for column in columns() if column.type in PLAIN}
    found: dict[str, dict[str, object]] = {}
    for file in files:
        for folder in PurePath(file).parts[:-1]:
            name, equals, text = folder.partition("=")
            if equals and name in kinds:
                found.setdefault(name, {})[file] = _value(file, folder, kinds[name], unquote(text))
    return found


def _value(file: str, folder: str, kind: str, text: str) -> object:
    if text in ("", NO_VALUE):
        return None
    try:
        return PLAIN[kind](text)
    except (KeyError, ValueError) as error:
        message = (
            f"{file}: the folder {folder!r} names a column of type {kind}, and what it says is none: "
            "give the folder another name, or move the file out of it"
        )
        raise InputError(message) from error
