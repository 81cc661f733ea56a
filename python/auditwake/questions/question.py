"""A question: one file of SQL, with what the runner has to know of it in its comments."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Final

from auditwake.errors import QuestionError
from auditwake.questions.scope import literal

__all__ = ["COMMENT", "Question", "names", "question", "views"]

FOLDER: Final = files(__package__)
COMMENT: Final = re.compile(r"--[^\n]*")
HEADER: Final = re.compile(r"^-- (of|needs|limit): (.+)$", re.MULTILINE)
NOTE: Final = re.compile(r"^-- note: (.+)$", re.MULTILINE)
PARAMETER: Final = re.compile(r"^-- \$(\w+) = (?:(\d+)|'([\w.]*)'): ", re.MULTILINE)
GROUPING: Final = re.compile(r"/\*by\*/(.*?)/\*end\*/", re.DOTALL)
ORDERING: Final = re.compile(r"/\*order\*/(.*?)/\*end\*/", re.DOTALL)
SCOPED: Final = re.compile(r"/\*scope\*/.*?/\*end\*/")
NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question and the SQL that answers it.

    Example:
        >>> question("slow_explain").needs
        ('ended', 'latency')
    """

    name: str
    """What it is called."""
    sql: str
    """The text of its file."""
    title: str
    """Its first line: what is asked."""
    of: str = "true"
    """Which events it looks at, as a condition; `true` for all."""
    needs: tuple[str, ...] = ()
    """What the log has to record for an answer: keys of `auditwake.questions.coverage.MISSING`."""
    limit: int | None = None
    """Most rows, unless somebody says otherwise."""
    notes: tuple[str, ...] = ()
    """SQL whose rows, of one text each, have to be known with the answer."""
    parameters: Mapping[str, int | str] = field(default_factory=dict)
    """Its other parameters, and their values unless somebody says otherwise."""

    def condition(self, parameters: Mapping[str, object]) -> str:
        """Give which events it looks at, with values for its parameters.

        Example:
            >>> question("history").condition({"reads": 0}).partition(" or ")[0]
            '0 = 1'
        """

        def value(match: re.Match[str]) -> str:
            given = parameters[match[1]]
            return str(given) if isinstance(given, int) else literal(str(given))

        return re.sub(r"\$(\w+)", value, self.of)

    @property
    def has_scope(self) -> bool:
        """Whether it applies the scope itself, since it looks at events outside of it too."""
        return bool(SCOPED.search(self.sql))

    def within(self, scope: str) -> "Question":
        """Give it with a scope that it applies itself.

        Args:
            scope: A condition over the columns of an event.

        Example:
            >>> "verb = 'list' and eff_user = 'ann'" in question("top_lists").within("eff_user = 'ann'").sql
            True
        """

        def scoped(sql: str) -> str:
            return SCOPED.sub(lambda _: scope, sql)

        return replace(self, sql=scoped(self.sql), notes=tuple(map(scoped, self.notes)))

    def arranged(self, by: str = "", order: str = "") -> str:
        """Give its SQL with other columns to group by, and another one of the result that comes first when largest.

        Args:
            by: Expressions, as `auditwake.questions.by.grouping` gives them; empty for those of the file.
            order: Name of a column; empty for that of the file.

        Raises:
            QuestionError: It groups or orders by nothing else.

        Example:
            >>> "order by busy_ms desc" in question("top").arranged(order="busy_ms")
            True
        """
        if order and not NAME.fullmatch(order):
            message = f"{order!r} is no name of a column"
            raise QuestionError(message)
        sql = self._replaced(self.sql, GROUPING, by, "groups by what it is about: it takes no other grouping")
        return self._replaced(sql, ORDERING, order, "has one order")

    def _replaced(self, sql: str, place: re.Pattern[str], text: str, otherwise: str) -> str:
        if text and not place.search(sql):
            message = f"{self.name} {otherwise}"
            raise QuestionError(message)
        return place.sub(lambda _: text, sql) if text else sql


@cache
def names() -> tuple[str, ...]:
    """Give the names of all questions.

    Example:
        >>> "denied" in names()
        True
    """
    stems = (file.name.removesuffix(".sql") for file in FOLDER.iterdir() if file.name.endswith(".sql"))
    return tuple(sorted(stem for stem in stems if stem != "views"))


def views() -> str:
    """Give the SQL of the views and macros that the questions stand on.

    Example:
        >>> "create view requests as" in views()
        True
    """
    return (FOLDER / "views.sql").read_text(encoding="utf-8")


@cache
def question(name: str) -> Question:
    """Find a question by its name.

    Raises:
        QuestionError: There is none of that name.

    Example:
        >>> question("denied").title
        'Who was denied what: requests that an authorizer refused, by who asked for what.'
    """
    if name not in names():
        close = get_close_matches(name, names(), 1)
        meant = f"did you mean {close[0]}?" if close else f"there are {', '.join(names())}"
        message = f"there is no question {name!r}; {meant}"
        raise QuestionError(message)
    sql = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    said = dict(HEADER.findall(sql))
    return Question(
        name=name,
        sql=sql,
        title=sql.split("\n", 1)[0].removeprefix("-- "),
        of=said.get("of", "true"),
        needs=tuple(said.get("needs", "").split()),
        limit=int(said["limit"]) if "limit" in said else None,
        notes=tuple(NOTE.findall(sql)),
        parameters={given: int(number) if number else text for given, number, text in PARAMETER.findall(sql)},
    )
