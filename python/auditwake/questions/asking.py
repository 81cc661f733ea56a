"""Ask a question of a log."""

from typing import TYPE_CHECKING

from auditwake.numbers import whole
from auditwake.questions.answer import Answer
from auditwake.questions.by import grouping
from auditwake.questions.log import AskedOf, Log
from auditwake.questions.question import Question, question
from auditwake.questions.scope import Scope

if TYPE_CHECKING:
    import pyarrow as pa

    from auditwake.questions.coverage import Coverage

__all__ = ["asked_as_written", "sql"]


def asked_as_written(
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
    """Ask a question as its file has it; the arguments are those of `auditwake.ask`.

    Raises:
        QuestionError: There is no such question, or it cannot be asked so.
    """
    asked = question(name)
    if asked.has_scope:
        asked, scope = asked.within((scope or Scope()).condition), None
    text = asked.arranged(grouping(by), order)
    most = asked.limit if limit is None else whole("limit", limit, least=0)
    given = {**asked.parameters, **parameters}
    with Log(source, text, asked.condition(given), scope, threads, is_asked_once=True) as log:
        found = log.query(text, **given, limit=most + 1 if most else None)
        said = [row for note in asked.notes for row in log.query(note, **given).to_pylist()]
        return _answer(asked, found, most, log.coverage, [str(text) for row in said for text in row.values()])


def sql(text: str, source: AskedOf, *, scope: Scope | None = None, threads: int | None = None) -> Answer:
    """Ask a question of your own, in SQL over the views `events` and `requests`.

    `requests` has one row a request, `events` has all of them; both have the columns of `auditwake.columns()`. Bodies
    are read when they are named.

    Args:
        text: A query of DuckDB.
        source: As for `ask`.
        scope: As for `ask`.
        threads: As for `ask`.

    Raises:
        QuestionError: The SQL is wrong.
        SourceError: The source names nothing that can be opened.

    Example:
        >>> import auditwake as aw
        >>> aw.sql("select verb, count(*) as n from requests group by all order by n desc limit 1", aw.demo.LOG)
        Answer('sql', rows=1, notes=0)
    """
    with Log(source, text, "true", scope, threads, stars=True) as log:
        own = Question(name="sql", sql=text, title=" ".join(text.split()))
        found = log.query(text)
        return _answer(own, found.rename_columns(_distinct(found.column_names)), None, log.coverage, [])


def _distinct(names: list[str]) -> list[str]:
    """Give each column a name of its own, as a row has a value for each."""
    given: list[str] = []
    for name in names:
        number = 2
        own = name
        while own in given:
            own, number = f"{name}_{number}", number + 1
        given.append(own)
    return given


def _answer(asked: Question, found: "pa.Table", most: int | None, coverage: "Coverage", said: list[str]) -> Answer:
    missing = [f"the log cannot say: {why}" for why in coverage.missing(asked.needs)]
    notes = [*missing, *said]
    if most and found.num_rows > most:
        found = found.slice(0, most)
        notes.append(f"there are more rows than {most:,}: a larger limit shows them")
    if coverage.repeats:
        notes.append(f"{coverage.repeats:,} events repeat another one in full and were counted once")
    if coverage.rejected:
        notes.append(f"{coverage.rejected:,} lines hold no event that can be read")
    return Answer(
        question=asked.name,
        title=asked.title,
        table=found,
        coverage=coverage,
        notes=tuple(notes),
        answerable=not missing,
    )
