"""What a check finds, and what there is to be found."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from auditwake.policy.model import Document, Mark

__all__ = ["SEVERITIES", "Code", "Finding", "Severity"]

Severity: TypeAlias = Literal["note", "warning", "error"]
"""An error does not do what it says, a warning is likely unwanted, a note is a choice to know of."""

SEVERITIES: Final[tuple[Severity, ...]] = ("note", "warning", "error")


@dataclass(frozen=True, slots=True)
class Finding:
    r"""One thing about a policy that its author should know.

    Attributes:
        code: What kind of thing, such as `AWP101`; it never changes its meaning.
        name: The same in words, such as `ignored-field`.
        severity: How much it matters.
        message: What is so, in this policy.
        why: Why it matters.
        fix: What to write instead.
        path: The key or item, such as `rules[3].verbs[0]`.
        mark: Where it stands; None where nothing around it is known either.
        rule: Index of the rule; None where it is about the policy.

    Example:
        >>> from auditwake.policy import Policy
        >>> head = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\n"
        >>> found = Policy.load(head + "rules:\n- {level: Metadata, verb: [get]}\n").check()[0]
        >>> found.code, found.name, found.path, found.mark
        ('AWP101', 'ignored-field', 'rules[0].verb', Mark(line=5, column=21))
    """

    code: str
    name: str
    severity: Severity
    message: str
    why: str
    fix: str
    path: str
    mark: Mark | None
    rule: int | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding.

    Attributes:
        code: Its code.
        name: Its name.
        severity: How much it matters.
        why: Why it matters.
        fix: What to write instead, in general.
        bad: The keys of a policy beside apiVersion and kind for which it is found.
        good: The same, mended.
    """

    code: str
    name: str
    severity: Severity
    why: str
    fix: str
    bad: str
    good: str

    def at(
        self, document: Document, path: str, message: str, *, fix: str | None = None, why: str | None = None
    ) -> Finding:
        """Make a finding of this kind.

        Args:
            document: The policy.
            path: The key or item that it is about.
            message: What is so.
            fix: What to write instead, where more can be said than in general.
            why: Why it matters, where more can be said than in general.
        """
        index = path.removeprefix("rules[").partition("]")[0]
        return Finding(
            code=self.code,
            name=self.name,
            severity=self.severity,
            message=message,
            why=why or self.why,
            fix=fix or self.fix,
            path=path,
            mark=document.mark(path),
            rule=int(index) if path.startswith("rules[") and index.isdecimal() else None,
        )
