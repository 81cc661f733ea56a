"""`auditwake.ask`: a question of a log, with what more than one look at it takes."""

from auditwake.questions.answer import Answer
from auditwake.questions.asking import asked_as_written
from auditwake.questions.history import with_dry_runs
from auditwake.questions.log import AskedOf
from auditwake.questions.scope import Scope

__all__ = ["ask"]


def ask(
    name: str,
    source: AskedOf,
    *,
    scope: Scope | None = None,
    by: tuple[str, ...] = (),
    order: str = "",
    limit: int | None = None,
    threads: int | None = None,
    **parameters: object,
) -> Answer:
    """Ask a question of a log.

    Args:
        name: The question: one of `auditwake.questions.names()`.
        source: Logs as `auditwake.read` takes them, Parquet files or a directory of them, or Arrow.
        scope: Which events it is asked of; None for all.
        by: What it groups by, where that can be chosen: words of `auditwake.questions.BY`.
        order: Column of the answer that comes first when largest, where that can be chosen.
        limit: Most rows; None for what the question says, 0 for all.
        threads: How many threads parse and compute; None for one a core.
        parameters: Values of its other parameters, such as `min_us` of `slow`.

    Returns:
        The rows and what has to be known with them. Where the log cannot say, there are no rows, and a note says why.

    Raises:
        QuestionError: There is no such question, or it cannot be asked so.
        SourceError: The source names nothing that can be opened.
        ValueError: The limit is negative, or there cannot be so many threads; `TypeError` where one is no number.

    Example:
        >>> import auditwake as aw
        >>> answer = aw.ask("denied", aw.demo.LOG, limit=1)
        >>> answer.table.num_rows
        1
    """
    answer = asked_as_written(name, source, scope=scope, by=by, order=order, limit=limit, threads=threads, **parameters)
    return with_dry_runs(answer, source, scope=scope, threads=threads) if name == "history" else answer
