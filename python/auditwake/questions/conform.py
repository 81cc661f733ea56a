"""Columns as the schema has them, of rows that an engine wrote in another way: names, units of time, bytes for text."""

import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Final

from auditwake.errors import QuestionError
from auditwake.schema import columns

__all__ = ["TIME", "conformed", "quoted", "schema_names"]

TIME: Final = "TIMESTAMP WITH TIME ZONE"
"""What DuckDB calls times of microseconds."""

Ways = dict[str, str]
"""What DuckDB may take a column for -> SQL that makes of it what the schema says; `{}` is the column."""

TEXT: Final[Ways] = {r"VARCHAR|JSON|ENUM\(.*\)": "{}", "UUID": "{}::varchar", "BLOB": "decode({})"}
TEXTS: Final[Ways] = {r"(VARCHAR|ENUM\(.*\))\[\]": "{}", r"BLOB\[\]": "list_transform({}, lambda one: decode(one))"}
INTEGER: Final[Ways] = {"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?": "{}", r"FLOAT|DOUBLE|DECIMAL\(.*\)": "{}::bigint"}
MOMENT: Final[Ways] = {TIME: "{}", "TIMESTAMP.*": "{}::timestamptz"}
WAYS: Final[dict[str, tuple[str, Ways]]] = {
    "utf8": ("varchar", TEXT),
    "utf8 (arrow.json)": ("varchar", TEXT),
    "dictionary<int32, utf8>": ("varchar", TEXT),
    "list<dictionary<int32, utf8>>": ("varchar[]", TEXTS),
    "int16": ("smallint", INTEGER),
    "int32": ("integer", INTEGER),
    "int64": ("bigint", INTEGER),
    "bool": ("boolean", {"BOOLEAN": "{}"}),
    "timestamp[us, UTC]": ("timestamptz", MOMENT),
    "map<dictionary<int32, utf8>, dictionary<int32, utf8>>": ("map(varchar, varchar)", {r"MAP\(.*\)": "{}"}),
    "map<dictionary<int32, utf8>, list<dictionary<int32, utf8>>>": ("map(varchar, varchar[])", {r"MAP\(.*\)": "{}"}),
    "binary": ("blob", {"BLOB|VARCHAR": "{}"}),
}
"""Type in the schema -> what DuckDB calls it, and the ways to it."""


def conformed(rows: str, types: Mapping[str, str], *more: str, where: str = "the source") -> str:
    """Give rows whose columns have the names and types of the schema.

    Args:
        rows: The rows, as SQL has them behind `from`.
        types: What DuckDB takes their columns for.
        more: Columns that a `*` does not have.
        where: What the rows are of, for errors.

    Raises:
        QuestionError: A column holds something else than the schema says.

    Example:
        >>> conformed("log", {"ts_stage": "TIMESTAMP_NS", "VERB": "VARCHAR"})
        '(select "ts_stage"::timestamptz as "ts_stage", "VERB" as "verb" from log)'
        >>> conformed("log", {"ts_stage": TIME})
        'log'
    """
    names = schema_names(types)
    values = {names[own]: _value(own, names[own], kind, where) for own, kind in types.items()}
    if all(value == quoted(name) for name, value in values.items()):
        return rows
    written = (value if value == quoted(name) else f"{value} as {quoted(name)}" for name, value in values.items())
    return f"(select {', '.join([*written, *more])} from {rows})"


def schema_names(own: Collection[str]) -> dict[str, str]:
    """Give names of columns -> those of the schema: some engines write theirs in upper case.

    Example:
        >>> schema_names(["VERB", "note"])
        {'VERB': 'verb', 'note': 'note'}
    """
    known = _types()
    return {name: name.lower() if name.lower() in known and name.lower() not in own else name for name in own}


def quoted(name: str) -> str:
    """Write a name as SQL has it.

    Example:
        >>> quoted("user")
        '"user"'
    """
    return '"' + name.replace('"', '""') + '"'


def _value(own: str, name: str, kind: str, where: str) -> str:
    """Give a column as SQL of the type that the schema says."""
    wanted = _types().get(name)
    if wanted is None:
        return quoted(own)
    called, ways = WAYS[wanted]
    if kind == '"NULL"':
        return f"null::{called}"
    for fits, way in ways.items():
        if re.fullmatch(fits, kind):
            return way.format(quoted(own))
    message = (
        f"{where}: the column {own} is {kind}, and the schema has {wanted}: write it with that type, "
        "or convert the log itself"
    )
    raise QuestionError(message)


@cache
def _types() -> dict[str, str]:
    return {column.name: column.type for column in columns()}
