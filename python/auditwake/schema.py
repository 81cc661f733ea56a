"""The columns, from the one table in the core."""

from typing import TYPE_CHECKING

from auditwake import _core

if TYPE_CHECKING:
    import pyarrow as pa

    from auditwake.types import Columns

__all__ = ["column_names", "columns", "schema"]


def schema(columns: "Columns | None" = None, *, bodies: bool = True, raw: bool = False) -> "pa.Schema":
    """Give the Arrow schema that `read` and `convert` produce with the same arguments.

    Args:
        columns: Names of columns or groups (`core`, `derived`, `bodies`, `all`); None for all.
        bodies: Whether request and response bodies are in it.
        raw: As for `read`; the schema is the same either way.

    Returns:
        The schema. Its metadata has `auditwake.schema_version`.

    Raises:
        ColumnError: There is no such column or group.

    Example:
        >>> import auditwake as aw
        >>> aw.schema(["verb", "ts_stage"]).field("verb").type
        DictionaryType(dictionary<values=string, indices=int32, ordered=0>)
    """
    import pyarrow as pa

    return pa.schema(_core.schema(column_names(columns), bodies=bodies, raw=raw))


def columns() -> list[_core.Column]:
    """Give the table of columns: name, Arrow type, source in the event, meaning and groups of each.

    Returns:
        The columns in the order in which they stand in a batch.

    Example:
        >>> import auditwake as aw
        >>> next(column.source for column in aw.columns() if column.name == "audit_id")
        'auditID'
    """
    return _core.columns()


def column_names(columns: "Columns | None") -> list[str] | None:
    """Give a selection as the core takes it: a single name is a list of one, not its letters."""
    if columns is None:
        return None
    return [columns] if isinstance(columns, str) else list(columns)
