"""Which release of kube-apiserver a log is of, for rules that look at what older ones do not write."""

from collections.abc import Iterable
from typing import Final

from auditwake.detections.rule import Rule

__all__ = ["ITS_OWN", "RELEASES", "lacking", "older", "unknown"]

ITS_OWN: Final = "actor = 'apiserver'"
"""The requests that a server makes of itself: their agent has its release."""
RELEASES: Final = (
    r"select distinct regexp_extract(user_agent, '^kube-apiserver/v(\d+\.\d+)', 1) as release from requests "
    rf"where {ITS_OWN} and imp_user is null and regexp_matches(user_agent, '^kube-apiserver/v\d+\.\d+')"
)
"""The releases of the servers of a log."""


def older(release: str, than: str) -> bool:
    """Say whether a release such as 1.9 came before another.

    Example:
        >>> older("1.9", "1.30"), older("1.30", "1.30")
        (True, False)
    """
    first, second = (tuple(map(int, one.split("."))) for one in (release, than))
    return first < second


def lacking(rule: Rule, releases: Iterable[str]) -> str | None:
    """Say that none of these releases writes what a rule looks at; None where one does, or none is known."""
    found = list(releases)
    if rule.since is None or not found or not all(older(one, rule.since) for one in found):
        return None
    said = " and ".join(sorted(found))
    return f"kube-apiserver writes what it looks at since {rule.since}, and the log is of {said}"


def unknown(rule: Rule, releases: Iterable[str]) -> str | None:
    """Say that the log does not tell whether its server writes what a rule looks at; None where it does."""
    if rule.since is None or any(not older(one, rule.since) for one in releases):
        return None
    return f"kube-apiserver writes what it looks at since {rule.since}, and the log does not say which one it is of"
