"""A filter on a batch, column by column."""

from collections.abc import Callable
from functools import reduce
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from auditwake.cli.where.tree import NEGATED, Compare, Every, Node, Not

__all__ = ["mask"]

FALSE: Final = pa.scalar(value=False)
TESTS: Final[dict[str, Callable[[pa.Array, object], pa.Array]]] = {
    "=": pc.equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
    "~": pc.match_substring_regex,
}


def mask(node: Node, batch: pa.RecordBatch) -> pa.BooleanArray:
    """Say of each row whether the filter matches it.

    Example:
        >>> import pyarrow as pa
        >>> from auditwake.cli.where.parse import parse
        >>> mask(parse("code >= 400"), pa.record_batch({"code": [200, 404, None]})).to_pylist()
        [False, True, False]
    """
    if isinstance(node, Compare):
        return _compare(node, batch.column(node.column))
    if isinstance(node, Not):
        return pc.invert(mask(node.inner, batch))
    parts = (mask(part, batch) for part in node.parts)
    return reduce(pc.and_ if isinstance(node, Every) else pc.or_, parts)


def _compare(node: Compare, column: pa.Array) -> pa.BooleanArray:
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    if node.value is None:
        there = _of_values(column, pc.is_valid)
        return there if node.operator == "!=" else pc.invert(there)
    if node.operator in NEGATED:
        # What is absent does not differ from anything: it is not there.
        positive = Compare(node.column, node.kind, NEGATED[node.operator], node.value)
        return pc.and_not(_of_values(column, pc.is_valid), _compare(positive, column))
    if node.kind == "time":
        column = column.cast(pa.int64())
    test = TESTS[node.operator]

    def matches(values: pa.Array) -> pa.Array:
        return test(values, node.value)

    return _any_of_list(column, matches) if node.kind == "texts" else _of_values(column, matches)


def _of_values(column: pa.Array, test: Callable[[pa.Array], pa.Array]) -> pa.BooleanArray:
    """Test values; those of a dictionary once each."""
    if pa.types.is_dictionary(column.type):
        return pc.coalesce(pc.take(test(column.dictionary), column.indices), FALSE)
    return pc.coalesce(test(column), FALSE)


def _any_of_list(column: pa.Array, test: Callable[[pa.Array], pa.Array]) -> pa.BooleanArray:
    """Say which lists have an item that passes."""
    passed = _of_values(pc.list_flatten(column), test)
    rows = pc.list_parent_indices(column).filter(passed)
    return pc.is_in(pa.array(range(len(column)), rows.type), value_set=pc.unique(rows))
