"""Rows of what a policy and rules have left, each with the place in the log that its event is from."""

import bisect
import io
import itertools
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from auditwake._core import Prepared

__all__ = ["Rows", "rows_of"]

FILE, OFFSET = "src_file", "src_offset"


class Rows(NamedTuple):
    """What a table is given of a batch.

    Attributes:
        table: The rows.
        lost: Indexes of the events that became no row, each once: a rule can leave a text that is no event any more.
    """

    table: "pa.Table"
    lost: list[int]


def rows_of(prepared: "Prepared", *, columns: "Sequence[str] | None", bodies: bool, cluster: str | None = None) -> Rows:
    """Read the text of events anew.

    Args:
        prepared: The events.
        columns: As for `auditwake.read`.
        bodies: As for `auditwake.read`.
        cluster: Value of the column `cluster`.
    """
    from auditwake.read import read

    # The offset in the text says which event a row is of.
    with_offset = None if columns is None else list(dict.fromkeys([*columns, OFFSET]))
    reader = read(io.BytesIO(prepared.lines()), columns=with_offset, bodies=bodies, cluster=cluster)
    table = reader.to_reader().read_all()
    if reader.outcomes.ok.lines == prepared.events == table.num_rows:
        # As nearly always, each event is one row.
        of_rows: Sequence[int] = range(prepared.events)
        lost: set[int] = set()
    else:
        ends = list(itertools.accumulate(len(prepared.event(index)) + 1 for index in range(prepared.events)))
        of_rows = [bisect.bisect_right(ends, offset) for offset in table.column(OFFSET).to_pylist()]
        rejected = {bisect.bisect_right(ends, one.offset) for one in reader.rejected}
        lost = rejected | (set(range(prepared.events)) - set(of_rows))
    asked = _names(columns, bodies=bodies)
    return Rows(_placed(table.select(asked), prepared, of_rows), sorted(lost))


def _names(columns: "Sequence[str] | None", *, bodies: bool) -> list[str]:
    from auditwake.schema import schema

    names: list[str] = schema(None if columns is None else list(columns), bodies=bodies).names
    return names


def _placed(table: "pa.Table", prepared: "Prepared", indexes: "Sequence[int]") -> "pa.Table":
    """Put the places in the log where those in the text stand."""
    import pyarrow as pa

    if not {FILE, OFFSET} & set(table.schema.names):
        return table
    places = [prepared.place(index) for index in indexes]
    for name, values in ((FILE, [file for file, _ in places]), (OFFSET, [offset for _, offset in places])):
        at = table.schema.get_field_index(name)
        if at >= 0:
            field = table.schema.field(at)
            plain = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
            table = table.set_column(at, field, pa.array(values, plain).cast(field.type))
    return table
