"""What a query needs of a log: a log has more than a hundred columns, and each costs time."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from auditwake.errors import QuestionError
from auditwake.questions.conform import quoted
from auditwake.questions.coverage import LOOKED_AT
from auditwake.schema import columns

__all__ = ["IDENTITY", "LackingError", "Need", "identity", "needed_columns", "refuse_missing"]

IDENTITY: Final = ("audit_id", "stage", "verb", "uri", "user", "eff_user", "source_ip", "user_agent", "code", "message")
"""What two events must have in common to be one, beside both times and the length of their lines."""
REQUESTS: Final = ("is_terminal", "is_long_running", "stage", "ts_received", "ts_stage", "eff_user", "line_bytes")
"""What the view `requests` needs, and what tells rows apart that do not repeat each other."""
WORD: Final = re.compile(r"[a-z_][a-z0-9_]*")
ASIDE: Final = re.compile(r"'(?:[^']|'')*'|--[^\n]*|(\"(?:[^\"]|\"\")*\")")
"""Texts, comments and quoted names: whichever begins first, so that each may have in it what begins another."""
STAR: Final = re.compile(
    r"(?<!\()\*|\bcolumns\s*\(|(?:^|[(;]|\b(?:as|all|union|except|intersect))\s*(?:from|table|summarize|describe|pivot|unpivot)\b"
)
"""What reads every column: a `*`, and a query that says no `select`."""
BODIES: Final = ("request_object", "response_object")
"""What a `*` does not read: they are most of a log, and few ask for them."""


ENDED: Final = re.compile(r"is_terminal( and |$)")
"""Conditions of questions about requests that have ended."""


class LackingError(QuestionError):
    """A source lacks columns that are asked for.

    Args:
        columns: Their names.
    """

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        super().__init__(
            f"the source has no column {', '.join(columns)}: it was written with a selection of columns; "
            "read the log itself, or convert it with all columns"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a query needs.

    Example:
        >>> need = Need.of("select verb from requests", "is_terminal", "true")
        >>> need.condition, need.is_part, need.open_ones
        ("(is_terminal) and true and stage is distinct from 'RequestReceived'", False, False)
    """

    columns: list[str]
    """The columns that it names, and those that every answer needs."""
    condition: str
    """Which events it is asked of."""
    is_part: bool
    """Whether those may be few."""
    with_received: bool
    """Whether events that a request was received are among them."""
    open_ones: bool
    """Whether it may look at requests that have not ended."""
    only: Mapping[str, str]
    """Column -> condition of the events of which it is kept; of the others it is null."""

    @classmethod
    def of(cls, sql: str, of: str, scope: str, *, stars: bool = False, only: Mapping[str, str] | None = None) -> "Need":
        """Give what a query needs.

        Args:
            sql: The query.
            of: A condition that holds for every event that it looks at.
            scope: Another one.
            stars: Whether a `*` means every column but the bodies.
            only: As the field of that name.
        """
        named = _words(sql)
        with_received = "events" in named
        condition = f"({of}) and {scope}"
        if not with_received:
            condition += " and stage is distinct from 'RequestReceived'"
        return cls(
            columns=needed_columns(f"{sql}\n{condition}", stars=stars),
            condition=condition,
            is_part=scope != "true" or of not in ("true", "is_terminal"),
            with_received=with_received,
            open_ones="requests" in named and not ENDED.match(of),
            only=only or {},
        )

    @property
    def naming(self) -> list[str]:
        """The columns, and what names a request where the open ones are looked for."""
        return list(dict.fromkeys([*self.columns, "audit_id"])) if self.open_ones else self.columns

    def looked_at(self, types: Mapping[str, str]) -> dict[str, str]:
        """Give columns and their types, less those that nothing looks at: what those hold does not matter."""
        looked_at = {*self.read_for(self.naming), *LOOKED_AT, *IDENTITY}
        return {name: kind for name, kind in types.items() if name.lower() in looked_at}

    def read_for(self, columns: Iterable[str]) -> list[str]:
        """Give columns with those that decide of which events one of them is kept."""
        deciding = needed_columns(" ".join(self.only.values())) if self.only else ()
        return list(dict.fromkeys([*columns, *deciding]))

    def selected(self, columns: Iterable[str]) -> str:
        """Write columns as SQL has them."""
        return ", ".join(
            f"case when {self.only[name]} then {quoted(name)} end as {quoted(name)}"
            if name in self.only
            else quoted(name)
            for name in columns
        )


def needed_columns(sql: str, *, stars: bool = False) -> list[str]:
    """Give the columns that a query names, and those that every answer needs.

    Args:
        sql: The query, with the conditions of what it is asked of.
        stars: Whether a `*` means every column but the bodies, and not just those that are named.

    Example:
        >>> "uri" in needed_columns("select uri from events")
        True
        >>> "uri" in needed_columns("select 'uri' from events -- uri")
        False
    """
    named = {*_words(sql), *REQUESTS}
    everything = stars and bool(STAR.search(_code(sql)))
    return [one.name for one in columns() if one.name in named or (everything and one.name not in BODIES)]


def identity(known: Collection[str]) -> str:
    """Give the column that tells events of the same times and length apart, made of those that are known."""
    return f"hash({', '.join(quoted(name) for name in IDENTITY if name in known)}) as identity"


def refuse_missing(asked: Iterable[str], known: Collection[str]) -> None:
    """Refuse to ask for columns that a source does not have.

    Raises:
        LackingError: It lacks some.
    """
    missing = tuple(name for name in asked if name not in known)
    if missing:
        raise LackingError(missing)


def _words(sql: str) -> set[str]:
    """Give the names that stand in a query."""
    return set(WORD.findall(_code(sql)))


def _code(sql: str) -> str:
    """Give a query without what stands in it as text or comment, in lower case: SQL knows no other."""
    return ASIDE.sub(lambda aside: aside[1] or ("''" if aside[0].startswith("'") else " "), sql).strip().lower()
