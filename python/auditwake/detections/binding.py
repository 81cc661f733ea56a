"""Whether the SQL of a rule can be run, found out on no rows."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from auditwake.detections.rule import Rule
from auditwake.detections.sql import macros
from auditwake.errors import AuditwakeError, ConfigProblem
from auditwake.questions import views
from auditwake.schema import schema

if TYPE_CHECKING:
    import duckdb

__all__ = ["Place", "bind"]

Place = tuple[int, int]
"""Line and column, from 1."""
COLUMNS: Final = "use columns of docs/schema.md and the macros of docs/detections.md"
ONE: Final = "say it of one request; `count` says how often it has to happen, and list_filter looks through a list"
MANY: Final = {
    "cannot contain aggregates": "adds up many requests, and a rule is asked of each by itself",
    "cannot contain window functions": "looks at requests beside its own, and a rule is asked of each by itself",
    "UNNEST": "makes several rows of one request, and a rule is asked of each once",
}
"""What DuckDB says of an expression that is none of one row -> the same for who writes a rule."""


def bind(rules: Iterable[tuple[Rule, Mapping[str, Place]]]) -> Iterator[ConfigProblem]:
    """Say what is wrong with the SQL of rules.

    Args:
        rules: The rules, and of each where its parts stand: `of`, `where`, `detail`, `count.distinct`, `count.by`.

    Raises:
        AuditwakeError: DuckDB is not installed.
    """
    try:
        import duckdb
    except ImportError as error:
        message = 'rules are run by DuckDB, which is not installed: pip install "auditwake[duckdb]"'
        raise AuditwakeError(message) from error
    found = list(rules)
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as database:
        database.register("events", schema().empty_table())
        # Which requests a rule looks at is asked while the log is read: before there are macros.
        for rule, places in found:
            yield from _bind(database, rule, {"of": _whole(rule.of, "::boolean", "events")}, places)
        database.execute("create view open_requests as from events")
        database.execute(views())
        database.execute(macros())
        for rule, places in found:
            yield from _bind(database, rule, _parts(rule), places)


def _parts(rule: Rule) -> dict[str, tuple[str, str]]:
    parts = {"where": _whole(rule.where, "::boolean"), "detail": _whole(rule.detail)}
    if rule.count is not None:
        parts |= {"count.distinct": _whole(rule.count.distinct), "count.by": _whole(rule.count.by)}
    return parts


def _whole(sql: str, cast: str = "", view: str = "requests") -> tuple[str, str]:
    """Give two queries that both run only with one whole expression of one row.

    `true) or (true` is no whole one, nor is `a, b`; `count(*) > 3` is of many rows, which a `where` refuses.
    """
    return f"select 1 from {view} where ({sql}\n){cast} is null", f"select {sql}\n from {view}"


def _bind(
    database: "duckdb.DuckDBPyConnection", rule: Rule, parts: Mapping[str, tuple[str, str]], places: Mapping[str, Place]
) -> Iterator[ConfigProblem]:
    import duckdb

    for part, queries in parts.items():
        try:
            for query in queries:
                database.sql(query)
        except duckdb.Error as error:
            line, column = places.get(part, (1, 1))
            message, remedy = _said(str(error).split("\n", 1)[0])
            yield ConfigProblem(file=rule.file, line=line, column=column, path=part, message=message, remedy=remedy)


def _said(error: str) -> tuple[str, str]:
    """Give the message and the remedy."""
    many = next((message for said, message in MANY.items() if said in error), None)
    return (error, COLUMNS) if many is None else (many, ONE)
