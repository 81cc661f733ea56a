"""Parquet files as rows of the schema's columns, those among them that folders are named after."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from auditwake.errors import InputError, QuestionError
from auditwake.parquet import NO_VALUE, folder_values
from auditwake.questions.conform import WAYS, conformed, quoted, schema_names
from auditwake.questions.needed import Need
from auditwake.questions.scope import literal
from auditwake.schema import columns

if TYPE_CHECKING:
    import duckdb

__all__ = ["Files"]

PLACES: Final = ("file_index", "file_row_number")
"""What says where a row stands; a `*` does not have it."""
FOLDER: Final = r".*[/\\]NAME=([^/\\]*)[/\\]"
"""The innermost folder that is named after a column, as DuckDB's regular expressions have it."""


@dataclass(frozen=True, slots=True)
class Files:
    """Files, and how SQL sees them.

    Example:
        >>> Files(["/lake/log.parquet"], "read_parquet(['/lake/log.parquet'])", ("verb",)).columns
        ('verb',)
    """

    paths: list[str]
    """The files in their order; absolute where a folder is named after a column."""
    rows: str
    """The rows, as SQL has them behind `from`, with `file_index` and `file_row_number`."""
    columns: tuple[str, ...]
    """The columns that they have."""

    @classmethod
    def of(cls, paths: list[str], database: "duckdb.DuckDBPyConnection", need: Need) -> "Files":
        """Look at files.

        Args:
            paths: The files.
            database: Where they will be asked.
            need: What is needed of them.

        Raises:
            InputError: A file cannot be read, or has a folder that is named after what its column cannot hold.
            QuestionError: A column that is needed holds something else than the schema says.
        """
        absolute = [os.path.abspath(path) for path in paths]  # noqa: PTH100  # links stay as they are named
        named = folder_values(absolute)
        if named:
            paths = absolute
        rows = f"read_parquet([{', '.join(map(literal, paths))}], union_by_name = true, hive_partitioning = false)"
        types = _types(database, rows)
        given = {name: _given(name, of_files, types, database) for name, of_files in named.items()}
        given = {name: sql for name, sql in given.items() if sql}
        if given:
            own = ", ".join(quoted(name) for name in types if name.lower() not in given)
            more = ", ".join(f"{sql} as {quoted(name)}" for name, sql in given.items())
            rows = f"(select {own}, {more}, {', '.join(PLACES)} from {rows})"
            types = _types(database, f"(select * exclude ({', '.join(PLACES)}) from {rows})")
        needed = need.looked_at(types)
        try:
            return cls(paths, conformed(rows, needed, *PLACES), tuple(schema_names(types).values()))
        except QuestionError as error:
            raise _of_file(paths, database, need) or error from error


def _given(
    name: str, of_files: Mapping[str, object], types: Mapping[str, str], database: "duckdb.DuckDBPyConnection"
) -> str:
    """Give what folders say of a column, as SQL; empty where every file has the column itself."""
    kind = next(column.type for column in columns() if column.name == name)
    pattern = FOLDER.replace("NAME", name)
    text = f"url_decode(regexp_extract(filename, {literal(pattern)}, 1))"
    said = f"nullif(nullif({text}, ''), {literal(NO_VALUE)})::{WAYS[kind][0]}"
    if name not in schema_names(types).values():
        return said
    # Some files have it: those that have not are looked for, which takes all of their footers.
    paths = ", ".join(map(literal, of_files))
    having = f"select file_name from parquet_schema([{paths}]) where lower(name) = {literal(name)}"
    have = {str(file) for (file,) in database.sql(having).fetchall()}
    lacking = ", ".join(literal(file) for file in of_files if file not in have)
    return f"case when filename in ({lacking}) then {said} else {quoted(name)} end" if lacking else ""


def _types(database: "duckdb.DuckDBPyConnection", rows: str) -> dict[str, str]:
    import duckdb

    try:
        found = database.sql(f"select * from {rows} limit 0")
    except duckdb.Error as error:
        raise InputError(str(error)) from error
    return dict(zip(found.columns, map(str, found.types), strict=True))


def _of_file(paths: list[str], database: "duckdb.DuckDBPyConnection", need: Need) -> QuestionError | None:
    """Give the error of the first file whose column holds something else than the schema says."""
    for path in paths:
        types = _types(database, f"read_parquet({literal(path)}, hive_partitioning = false)")
        try:
            conformed("file", need.looked_at(types), where=path)
        except QuestionError as error:
            return error
    return None
