"""A question: one file of SQL, with what the runner has to know of it in its comments."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final

from auditwake.errors import QuestionError

__all__ = ["Question", "names", "question", "views"]

FOLDER: Final = files(__package__)
HEADER: Final = re.compile(r"^-- (of|needs|limit): (.+)$", re.MULTILINE)
PARAMETER: Final = re.compile(r"^-- \$(\w+) = (\d+)(?::|$)", re.MULTILINE)
COMMENT: Final = re.compile(r"--[^\n]*")
BY: Final = re.compile(r"/\*by\*/(.*?)/\*end\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the SQL that answers it.

    Example:
        >>> question("denied").of
        "decision = 'forbid'"
    """

    name: str
    """What it is called, on the command line as well."""
    sql: str
    """The text of its file."""
    title: str
    """Its first line: what is asked."""
    of: str
    """Which events it looks at, as a condition; `true` for all."""
    needs: tuple[str, ...]
    """What the log has to record for an answer; see `auditwake.questions.coverage`."""
    limit: int | None
    """Most rows, unless somebody says otherwise."""
    parameters: Mapping[str, int] = field(default_factory=dict)
    """Its other parameters, and their values unless somebody says otherwise."""

    @property
    def by(self) -> str:
        """The columns by which it groups when nobody says by which; empty where that cannot be chosen."""
        match = BY.search(self.sql)
        return match[1].strip() if match else ""

    def grouped(self, by: str) -> str:
        """Give its SQL with other columns to group by.

        Example:
            >>> "verb as v" in question("top").grouped("verb as v")
            True
        """
        return BY.sub(lambda _: by, self.sql)

    @property
    def code(self) -> str:
        """Its SQL without comments."""
        return COMMENT.sub("", self.sql)


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
    """Give the SQL of the views that the questions stand on."""
    return (FOLDER / "views.sql").read_text(encoding="utf-8")


@cache
def question(name: str) -> Question:
    """Find a question by its name.

    Raises:
        QuestionError: There is none of that name.

    Example:
        >>> question("denied").title
        'Who was denied what: requests that the authorizer refused (decision = forbid), by who asked for what.'
    """
    if name not in names():
        message = f"there is no question {name!r}; there are {', '.join(names())}"
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
        parameters={name: int(value) for name, value in PARAMETER.findall(sql)},
    )
