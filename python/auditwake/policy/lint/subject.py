"""The policy that is looked at, with what several checks ask of it."""

from collections.abc import Iterator
from functools import cached_property

from auditwake.policy.model import Document, Rule
from auditwake.policy.policy import Policy
from auditwake.policy.request import Request

__all__ = ["Subject"]


class Subject:
    """A policy under check.

    Attributes:
        policy: The policy.
        document: Its rules and where they stand.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.document: Document = policy.document

    def rules(self) -> Iterator[tuple[str, Rule]]:
        """Give each rule with its path."""
        return ((f"rules[{index}]", rule) for index, rule in enumerate(self.document.rules))

    @cached_property
    def reached(self) -> dict[int | None, Request] | None:
        """A request for each rule that decides about any; None where the rules are too many to compare."""
        try:
            return self.policy.reached()
        except ValueError:
            return None
