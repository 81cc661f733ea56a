"""What a log says that was asked of the authorizer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from auditwake.questions import AskedOf, Coverage, Log, Scope
from auditwake.rbac.use import Use

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MOST_NAMES", "Observed", "asked", "observe", "said_of"]

MOST_NAMES: Final = 64
"""How many names of a question are kept, unless somebody says otherwise."""
MOST_IDS: Final = 3
WHOSE: Final = "/*whose*/ true /*end*/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was asked, and how far the log could say it.

    Example:
        >>> from auditwake import demo
        >>> observed = observe(demo.LOG)
        >>> sum(use.requests for use in observed.uses if not use.allowed and use.through == "request")
        24
    """

    uses: tuple[Use, ...]
    coverage: Coverage
    notes: tuple[str, ...]
    """What has to be known with it."""
    answerable: bool
    """Whether the log records what the authorizer decided; if not, that nothing was seen says nothing."""

    @property
    def users(self) -> tuple[str, ...]:
        """Who asked, in order."""
        return tuple(sorted({use.user for use in self.uses}))


def observe(
    source: AskedOf,
    *,
    scope: Scope | None = None,
    users: Sequence[str] = (),
    most_names: int = MOST_NAMES,
    threads: int | None = None,
) -> Observed:
    """Read what was asked of the authorizer. Memory is bounded by the number of distinct questions.

    Args:
        source: Logs as `auditwake.read` takes them, Parquet files or a directory of them, or Arrow.
        scope: Which events are looked at.
        users: Whose questions, with `*` for any characters; all where none is given. Who impersonates somebody else
            has asked for that, and is looked for as well.
        most_names: How many names of a question are kept.
        threads: How many threads parse and compute; None for one a core.

    Raises:
        SourceError: The source names nothing that can be opened.
    """
    who = tuple(users)
    either = f"({Scope(user=who).condition} or {Scope(authenticated=who).condition})" if who else "true"
    table, coverage = asked(
        "observe.sql",
        source,
        either,
        Scope(authenticated=who).condition,
        scope=scope,
        threads=threads,
        names=most_names,
    )
    missing, others = said_of(coverage)
    uses = tuple(Use.from_row(row, most_names) for row in table.to_pylist())
    return Observed(uses=uses, coverage=coverage, notes=(*missing, *others), answerable=not missing)


def asked(
    file: str,
    source: AskedOf,
    of: str,
    whose: str,
    *,
    scope: Scope | None,
    threads: int | None,
    **parameters: int,
) -> "tuple[pa.Table, Coverage]":
    """Ask a log with one of the files of this package.

    Args:
        file: The file of SQL.
        source: As for `observe`.
        of: A condition that holds for every event that is looked at.
        whose: A condition over the column `user` of what was asked.
        scope: As for `observe`.
        threads: As for `observe`.
        parameters: Values of its parameters.
    """
    sql = files(__package__).joinpath(file).read_text(encoding="utf-8").replace(WHOSE, whose)
    with Log(source, sql, of, scope, threads) as log:
        table = log.query(sql, **{"ids": MOST_IDS, **parameters})
        return table, replace(log.coverage)


def said_of(coverage: Coverage) -> tuple[list[str], list[str]]:
    """Say what a log does not record that RBAC needs, and what else has to be known of it.

    Args:
        coverage: What the log records.
    """
    notes = []
    if coverage.repeats:
        notes.append(f"{coverage.repeats:,} events repeat another one in full and were counted once")
    if coverage.rejected:
        notes.append(f"{coverage.rejected:,} lines hold no event that can be read")
    return [f"the log cannot say: {why}" for why in coverage.missing(("ended", "decision"))], notes
