"""A rule: what it looks for, what the log has to record for it, and what it means when it is found."""

from dataclasses import dataclass, field
from typing import Final, Literal

from auditwake.policy import Request

__all__ = ["LEVELS", "SEVERITIES", "Count", "Level", "Rule", "Severity"]

Severity = Literal["low", "medium", "high", "critical"]
Level = Literal["Metadata", "Request", "RequestResponse"]
SEVERITIES: Final[tuple[Severity, ...]] = ("low", "medium", "high", "critical")
"""From the least to the most."""
LEVELS: Final[tuple[Level, ...]] = ("Metadata", "Request", "RequestResponse")
"""From the least to the most; `None` records nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How often it has to happen.

    Example:
        >>> Count(distinct="name", at_least=15, seconds=1800, by="eff_user").said
        '15 or more different name in 30 min'
    """

    distinct: str
    """The expression whose different values are counted."""
    at_least: int
    """How many there have to be."""
    seconds: int | None
    """The time in which they have to be, in seconds; None for any time."""
    by: str
    """The expression that they have in common, such as who asked."""

    @property
    def said(self) -> str:
        """The same in words."""
        within = "" if self.seconds is None else f" in {_time(self.seconds)}"
        return f"{self.at_least} or more different {self.distinct}{within}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule. Its conditions are SQL over the columns of `requests`; see `docs/detections.md`.

    Example:
        >>> from auditwake import detections
        >>> rule = detections.rules()[0]
        >>> rule.id, rule.name, rule.level
        ('AWD001', 'anonymous-allowed', 'Metadata')
    """

    id: str
    """Its stable id."""
    name: str
    """Its stable name in words."""
    title: str
    """What happened, in a few words."""
    severity: Severity
    """How much it matters."""
    attack: tuple[str, ...]
    """Techniques of MITRE ATT&CK."""
    level: Level
    """The level at which the requests have to be recorded."""
    needs: tuple[str, ...] = ()
    """What else the log has to record: keys of `auditwake.questions.coverage`."""
    since: str | None = None
    """The release of kube-apiserver, such as 1.30, from which on it writes what the rule looks at; None for all."""
    of: str
    """Which requests it looks at, by columns that every level has."""
    where: str
    """What has to hold of such a request."""
    words: tuple[str, ...] = ()
    """Words of which a body has to hold one for `where` to hold, wherever they stand in it: it is looked at only then,
    which saves most of the time. None where the body is always looked at."""
    detail: str = "null"
    """What is shown of it, as an expression."""
    count: Count | None = None
    """How often it has to happen; None where once is enough."""
    meaning: str
    """Why it matters."""
    false_positives: tuple[str, ...]
    """What looks alike and is harmless."""
    references: tuple[str, ...] = ()
    """Where more is said, by name."""
    examples: tuple[Request, ...] = field(default=())
    """Requests that it looks for: a policy is asked whether it records them."""
    file: str = ""
    """The file that it is from."""


def _time(seconds: int) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
