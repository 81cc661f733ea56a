"""The policy that is looked at, with what several checks ask of it."""

from collections.abc import Iterator
from functools import cached_property
from typing import TypeAlias

from auditwake.policy.model import Document, Level, Rule
from auditwake.policy.policy import Policy
from auditwake.policy.request import Request

__all__ = ["Effect", "Subject"]

Effect: TypeAlias = tuple[Level, frozenset[str], bool]
"""What a rule does: the level, the stages without an event, and whether managed fields are left out."""


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

    def effect(self, index: int | None) -> Effect:
        """Give what a rule does; what is not recorded is all the same.

        Args:
            index: The rule; None for what no rule matches.
        """
        rule = None if index is None else self.document.rules[index]
        if rule is None or rule.level == "None":
            return "None", frozenset(), False
        stages = frozenset({*self.document.omit_stages, *rule.omit_stages})
        managed = rule.omit_managed_fields
        has_bodies = rule.level != "Metadata"
        return rule.level, stages, has_bodies and (self.document.omit_managed_fields if managed is None else managed)
