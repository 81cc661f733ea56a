"""Where two policies decide differently, exactly, and what that does to a log."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from auditwake.policy.effect import Effect, effect
from auditwake.policy.keys import Keys
from auditwake.policy.model import STAGES
from auditwake.policy.request import Decision, Request
from auditwake.policy.source import EventSource

if TYPE_CHECKING:
    from auditwake.policy.policy import Policy

__all__ = ["Diff", "Difference", "diff"]


@final
@dataclass(frozen=True, slots=True)
class Difference:
    """A pair of rules, one of either policy, that decide about the same requests and differently.

    Attributes:
        old: What the old policy says of `request`; its `rule` is the old rule, None when none matches.
        new: What the new policy says.
        request: One such request.
        possible: Whether kube-apiserver builds such a request from HTTP. A rule about a verb that there is not, such as
            `*`, decides about impossible requests only.
    """

    old: Decision
    new: Decision
    request: Request
    possible: bool

    @property
    def changes(self) -> tuple[str, ...]:
        """What differs: of `level`, `omit_stages` and `omit_managed_fields`."""
        names = ("level", "omit_stages", "omit_managed_fields")
        return tuple(name for name in names if getattr(self.old, name) != getattr(self.new, name))

    @property
    def visible(self) -> bool:
        """Whether anything that is written differs.

        It does not where both write nothing at all, or where managed fields are left out of bodies that nobody writes.
        """
        old, new = ({stage for stage in STAGES if one.emits(stage)} for one in (self.old, self.new))
        if old != new:
            return True
        return bool(old) and ("level" in self.changes or self.old.level not in ("None", "Metadata"))


@final
@dataclass(frozen=True, slots=True)
class Diff:
    """Where two policies decide differently; made by `Policy.diff`.

    Attributes:
        old: The old policy's file, as it was named.
        new: The new one's.
        differences: Every pair of rules that decide differently about some request; those of possible requests first.
        effect: What the new policy does to a log; None when no log was given.

    Example:
        >>> import auditwake as aw
        >>> old = aw.Policy.load(\"\"\"
        ... apiVersion: audit.k8s.io/v1
        ... kind: Policy
        ... rules: [{level: Metadata}]
        ... \"\"\")
        >>> new = aw.Policy.load(\"\"\"
        ... apiVersion: audit.k8s.io/v1
        ... kind: Policy
        ... rules: [{level: None, verbs: [watch]}, {level: Metadata}]
        ... \"\"\")
        >>> found = old.diff(new, aw.demo.LOG)
        >>> [(one.old.level, one.new.level, one.request.verb) for one in found.differences]
        [('Metadata', 'None', 'watch')]
        >>> found.equal, found.effect.total.events_lost
        (False, 9)
    """

    old: str
    new: str
    differences: tuple[Difference, ...]
    effect: Effect | None

    @property
    def equal(self) -> bool:
        """Whether both decide alike about every request that there can be."""
        return not self.differences


def diff(old: "Policy", new: "Policy", source: EventSource | Keys | None = None, *, top: int = 10) -> Diff:
    """Compare two policies.

    Without a log the answer is about all requests: every pair of rules that decide differently is there, with a request
    as its witness, and no other.

    Args:
        old: The old policy.
        new: The new one.
        source: Logs, Parquet, Arrow, or `Keys` of them, read once for both policies; None to look at the rules alone.
        top: How many users and resources.

    Raises:
        ColumnError: The source lacks a column that is needed for it.
        SourceError: A source names nothing that can be opened.
        ValueError: The rules name too many things to combine, or `top` is negative.

    Example:
        >>> import auditwake as aw
        >>> policy = aw.Policy.load(\"\"\"
        ... apiVersion: audit.k8s.io/v1
        ... kind: Policy
        ... rules: [{level: Metadata}]
        ... \"\"\")
        >>> diff(policy, policy).equal
        True
    """
    found = tuple(_differences(old, new))
    keys = source if source is None or isinstance(source, Keys) else Keys(source)
    seen = None if keys is None else effect(old, new, keys, found_more=any(map(_writes_more, found)), top=top)
    return Diff(old.document.name, new.document.name, found, seen)


def _differences(old: "Policy", new: "Policy") -> Iterator[Difference]:
    possible = old.pairs(new)
    every = old.pairs(new, possible=False)
    for pairs, is_possible in ((possible, True), (every, False)):
        for pair in sorted(pairs, key=_in_order):
            if is_possible or pair not in possible:
                request = pairs[pair]
                one = Difference(old.decide_request(request), new.decide_request(request), request, is_possible)
                if one.changes:
                    yield one


def _in_order(pair: tuple[int | None, int | None]) -> tuple[tuple[bool, int], ...]:
    """Sort as the rules stand, requests that no rule matches last."""
    return tuple((rule is None, rule or 0) for rule in pair)


def _writes_more(one: Difference) -> bool:
    """Whether the new policy writes events that the old one does not."""
    return one.possible and any(one.new.emits(stage) and not one.old.emits(stage) for stage in STAGES)
