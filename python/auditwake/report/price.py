"""What a policy makes of the events that a page is about."""

import re
from typing import TYPE_CHECKING, Any, Final

from auditwake.questions import AskedOf, Scope

if TYPE_CHECKING:
    from auditwake.policy import Cost, Policy

__all__ = ["price"]

WORD: Final = re.compile(r"[a-z_]+")
SCOPED: Final = frozenset({"eff_user", "actor", "response_name"})
"""Columns that a scope may look at, and policies do not."""
ROWS: Final = 1 << 16
"""Rows of a batch."""


def price(policy: "Policy", source: AskedOf, *, scope: Scope | None = None, threads: int | None = None) -> "Cost":
    r"""Say what a policy costs of a part of a log, as `Policy.cost` says it of the whole. The log is read once.

    Args:
        policy: The policy.
        source: Logs as `auditwake.read` takes them, Parquet files or a directory of them, or Arrow.
        scope: Which events are priced; None for all.
        threads: How many threads compute; None for one a core.

    Raises:
        ColumnError: The source lacks a column that policies look at.
        QuestionError: The source lacks a column that the scope looks at.
        SourceError: The source names nothing that can be opened.

    Example:
        >>> import auditwake as aw
        >>> policy = aw.Policy.load("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n")
        >>> price(policy, aw.demo.LOG, scope=aw.Scope(user=("bob@*",))).total.events
        16
    """
    import duckdb
    import pyarrow as pa

    from auditwake.errors import InputError, QuestionError
    from auditwake.policy.keys import SUMMED
    from auditwake.policy.source import open_events

    condition = (scope or Scope()).condition
    if condition == "true":
        return policy.cost(source)
    events = open_events(source, also=(*SUMMED, *sorted(SCOPED & set(WORD.findall(condition)))))
    # As for questions: nothing is downloaded, and times are in UTC.
    settings: dict[str, Any] = {"autoinstall_known_extensions": False, "TimeZone": "UTC"}
    with duckdb.connect(config=settings if threads is None else {**settings, "threads": threads}) as database:
        database.register("events", pa.RecordBatchReader.from_stream(events.open()))
        try:
            kept = database.sql("from events").filter(condition).to_arrow_reader(ROWS)
        except duckdb.Error as error:
            raise QuestionError(str(error)) from error
        try:
            return policy.cost(kept)
        except InputError as error:
            raise events.failed(error) from None
