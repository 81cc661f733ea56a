"""What happened to an object, with the dry runs that only a body tells."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from auditwake.errors import QuestionError, SourceError
from auditwake.questions.answer import Answer
from auditwake.questions.asking import asked_as_written, sql
from auditwake.questions.log import AskedOf
from auditwake.questions.scope import Scope

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["history", "with_dry_runs"]

DELETIONS: Final = ("delete", "deletecollection")
WITH_BODIES: Final = ("Request", "RequestResponse")
DRY: Final = "select ts_received, audit_id from requests where is_dry_run(verb, q_dry_run, request_object)"


def history(
    source: AskedOf,
    *,
    scope: Scope | None = None,
    limit: int | None = None,
    threads: int | None = None,
    reads: bool = False,
) -> Answer:
    """Say who created, changed or deleted an object, in order of time: `auditwake.ask("history")`.

    Args:
        source: As for `ask`.
        scope: Which objects, by resource, namespace and name.
        limit: Most rows; None for 200, 0 for all.
        threads: As for `ask`.
        reads: Whether who read it is listed as well.

    Example:
        >>> import auditwake as aw
        >>> from auditwake.questions import history
        >>> history(aw.demo.LOG, scope=aw.Scope(verb=("delete",)), limit=1).table["verb"].to_pylist()
        ['delete']
    """
    answer = asked_as_written("history", source, scope=scope, limit=limit, threads=threads, reads=int(reads))
    return with_dry_runs(answer, source, scope=scope, threads=threads)


def with_dry_runs(answer: Answer, source: AskedOf, *, scope: Scope | None, threads: int | None) -> Answer:
    """Mark the dry runs among deletions, which ask for that in their bodies.

    Bodies are most of a log, so they are read, with a second look at the source, only where there is a deletion whose
    body was recorded.

    Args:
        answer: That of the question `history`.
        source: What it was asked of.
        scope: As it was.
        threads: As they were.
    """
    rows = answer.table.to_pylist()
    unsure = [row for row in rows if row["verb"] in DELETIONS and row["level"] in WITH_BODIES and not row["dry_run"]]
    if not unsure:
        return answer
    dry = _dry_runs(source, answer.coverage.events, replace(scope or Scope(), verb=DELETIONS), threads)
    if dry is None:
        note = f"a dry run may be among {len(unsure):,} of the deletions: their bodies cannot be read from this source"
        return replace(answer, notes=(*answer.notes, note))
    return replace(answer, table=_marked(answer.table, rows, dry))


def _dry_runs(source: AskedOf, events: int, scope: Scope, threads: int | None) -> set[tuple[object, object]] | None:
    """Look for them; None where the source has no bodies, or is a stream that is over."""
    try:
        found = sql(DRY, source, scope=scope, threads=threads)
    except (QuestionError, SourceError):
        return None
    # There may be more by now, in a log that is being written.
    if found.coverage.events < events:
        return None
    return {(row["ts_received"], row["audit_id"]) for row in found.table.to_pylist()}


def _marked(table: "pa.Table", rows: list[dict[str, Any]], dry: set[tuple[object, object]]) -> "pa.Table":
    import pyarrow as pa

    marks = [row["dry_run"] or (row["received"], row["audit_id"]) in dry for row in rows]
    return table.set_column(table.schema.get_field_index("dry_run"), "dry_run", pa.array(marks, pa.bool_()))
