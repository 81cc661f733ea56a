"""Whether an audit policy records what a rule looks for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from auditwake.detections.load import rules as built_in
from auditwake.detections.rule import LEVELS, Rule
from auditwake.detections.server import older

if TYPE_CHECKING:
    from auditwake.policy import Decision, Policy, Request

__all__ = ["Recording", "coverage", "recording"]

SESSIONS: Final = ("exec", "attach", "portforward", "proxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    r"""What a policy does to a rule.

    Example:
        >>> import auditwake as aw
        >>> policy = aw.Policy.load("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n")
        >>> [one.outcome for one in aw.detections.coverage(policy) if one.rule.name in ("exec", "privileged-workload")]
        ['can fire', 'cannot fire']
    """

    rule: Rule
    """The rule."""
    asked: int
    """For how many requests the policy was asked."""
    recorded: int
    """How many of them it records as the rule needs."""
    notes: tuple[str, ...]
    """Those that it does not, and which rule of the policy decides so."""

    @property
    def never(self) -> bool:
        """Whether it records none of them."""
        return self.asked > 0 and not self.recorded

    @property
    def outcome(self) -> Literal["can fire", "fires in part", "cannot fire"]:
        """The same in words."""
        if self.recorded == self.asked:
            return "can fire"
        return "cannot fire" if self.never else "fires in part"


def coverage(policy: "Policy", rules: Iterable[Rule] | None = None) -> tuple[Recording, ...]:
    """Say for each rule whether it can fire under a policy, without a log.

    A rule names one or more requests that it looks for, and the policy is asked whether it records them. A policy may
    tell users, namespaces or names apart that these do not have.

    Args:
        policy: The policy.
        rules: The rules; None for those that come with auditwake.
    """
    return tuple(recording(rule, policy) for rule in (built_in() if rules is None else rules))


def recording(rule: Rule, policy: "Policy") -> Recording:
    """Ask a policy about the requests that a rule looks for."""
    decisions = [policy.decide_request(request) for request in rule.examples]
    notes = [note for decision in decisions for note in _lacking(rule, policy, decision)]
    return Recording(rule=rule, asked=len(decisions), recorded=len(decisions) - len(notes), notes=tuple(notes))


def _lacking(rule: Rule, policy: "Policy", decision: "Decision") -> Iterator[str]:
    by = (
        "no rule of the policy matches"
        if decision.rule is None
        else f"rules[{decision.rule}]{_place(policy, decision)}"
    )
    asked = f"a request such as {decision.request}"
    release = policy.document.kube_version
    if rule.since is not None and older(release, rule.since):
        yield f"kube-apiserver writes what it looks at since {rule.since}, and the policy is loaded for {release}"
    elif decision.level == "None":
        yield f"the policy does not record {asked} ({by})"
    elif LEVELS.index(decision.level) < LEVELS.index(rule.level):
        yield f"the policy records {asked} at {decision.level}, and {rule.level} is needed ({by})"
    elif not any(decision.emits(stage) for stage in _stages(decision.request)):
        yield f"the policy omits the stages that say how {asked} ended ({by})"


def _place(policy: "Policy", decision: "Decision") -> str:
    return "" if decision.mark is None else f", {policy.document.name}:{decision.mark.line}"


def _stages(request: "Request") -> tuple[str, ...]:
    """Give the stages of which one is enough; failed authentication is written as the start of a response."""
    if request.user is None:
        return ("ResponseStarted",)
    started = request.verb == "watch" or request.subresource in SESSIONS
    return ("ResponseComplete", *(("ResponseStarted",) if started else ()))
