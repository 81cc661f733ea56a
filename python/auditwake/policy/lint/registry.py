"""All checks: one small file a family."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from auditwake.policy.lint import fields, lists, reach, resources, sensitive, subresources, values, volume
from auditwake.policy.lint.finding import SEVERITIES, Code, Finding
from auditwake.policy.lint.subject import Subject
from auditwake.policy.policy import Policy

__all__ = ["CODES", "FAMILIES", "check"]


class Family(NamedTuple):
    """Checks that belong together.

    Attributes:
        title: What they are about.
        codes: What they can find.
        find: Finds it.
    """

    title: str
    codes: tuple[Code, ...]
    find: Callable[[Subject], Iterator[Finding]]


FAMILIES: Final = (
    Family("What the server drops", fields.CODES, fields.find),
    Family("Lists and documents", lists.CODES, lists.find),
    Family("Values that match nothing", values.CODES, values.find),
    Family("Resources", resources.CODES, resources.find),
    Family("Subresources", subresources.CODES, subresources.find),
    Family("Rules and their order", reach.CODES, reach.find),
    Family("Secrets in the log, and what is missing from it", sensitive.CODES, sensitive.find),
    Family("What is written", volume.CODES, volume.find),
)

CODES: Final[dict[str, Code]] = {code.code: code for family in FAMILIES for code in family.codes}
"""Every code that there is."""


def check(policy: Policy) -> list[Finding]:
    r"""Find what the author of a policy should know.

    Args:
        policy: A policy that the server accepts.

    Returns:
        What was found, in the order of the file, what matters most first where several stand in one place.

    Example:
        >>> head = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\n"
        >>> check(Policy.load(head + "rules: [{level: Metadata, verb: [get]}]\n"))[0].message
        "'verb' is no field of rules[0], so the server drops it: the rule covers all verbs"
    """
    subject = Subject(policy)
    found = {finding for family in FAMILIES for finding in family.find(subject)}
    return sorted(found, key=_order)


def _order(finding: Finding) -> tuple[int, int, int, str, str]:
    line, column = (finding.mark.line, finding.mark.column) if finding.mark else (0, 0)
    return line, column, -SEVERITIES.index(finding.severity), finding.code, finding.path
