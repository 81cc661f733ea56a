"""`--where`: simple filters over the columns, such as `code >= 400 and not verb in (get, list, watch)`.

A comparison with a value that is absent is false, `!=` and `!~` included; `not` turns an answer around; `= null` asks
for absence. A list matches when one of its items does, and differs when none does.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from auditwake.cli.where.failure import WhereError
from auditwake.cli.where.parse import parse
from auditwake.cli.where.tree import Compare, Every, Node, Not

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Filter", "WhereError"]


class Filter:
    """What rows have to match: all of several expressions.

    Args:
        expressions: The expressions.
        since: Microseconds from 1970; events of an earlier time are left out. Events that have no time stay.

    Raises:
        WhereError: An expression is none.

    Example:
        >>> import pyarrow as pa
        >>> wanted = Filter(["code >= 400", "verb != watch"])
        >>> wanted.columns
        ('code', 'verb')
        >>> wanted.keep(pa.record_batch({"code": [200, 404, 500], "verb": ["get", "get", "watch"]})).to_pylist()
        [{'code': 404, 'verb': 'get'}]
    """

    def __init__(self, expressions: Iterable[str] = (), since: int | None = None) -> None:
        parts = [parse(text) for text in expressions]
        if since is not None:
            parts.append(Not(Compare("ts_stage", "time", "<", since)))
        self._node = Every(tuple(parts)) if parts else None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are looked at."""
        return tuple(dict.fromkeys(_columns(self._node))) if self._node else ()

    def keep(self, batch: "pa.RecordBatch") -> "pa.RecordBatch":
        """Give the rows of a batch that match."""
        if self._node is None:
            return batch
        from auditwake.cli.where.evaluate import mask

        return batch.filter(mask(self._node, batch))


def _columns(node: Node) -> Iterator[str]:
    if isinstance(node, Compare):
        yield node.column
    elif isinstance(node, Not):
        yield from _columns(node.inner)
    else:
        for part in node.parts:
            yield from _columns(part)
