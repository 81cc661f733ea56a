r"""Audit policies, with kube-apiserver's own answers: load, decide, evaluate.

Example:
    >>> from auditwake import policy
    >>> document = policy.loads("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n")
    >>> document.rules[0].level
    'Metadata'
"""

from auditwake._core import Applied
from auditwake.errors import PolicyError
from auditwake.policy.cost import Cost, Part, RuleCost
from auditwake.policy.diff import Diff, Difference
from auditwake.policy.effect import Change, Effect, PairChange
from auditwake.policy.keys import Keys
from auditwake.policy.lint.finding import Finding
from auditwake.policy.load import MAX_BYTES, load, loads
from auditwake.policy.model import Document, GroupResources, Issue, Level, Mark, Rule, Stage
from auditwake.policy.policy import Policy
from auditwake.policy.request import Decision, Request, Step
from auditwake.policy.source import EventSource
from auditwake.policy.verdicts import Verdicts

__all__ = [
    "MAX_BYTES",
    "Applied",
    "Change",
    "Cost",
    "Decision",
    "Diff",
    "Difference",
    "Document",
    "Effect",
    "EventSource",
    "Finding",
    "GroupResources",
    "Issue",
    "Keys",
    "Level",
    "Mark",
    "PairChange",
    "Part",
    "Policy",
    "PolicyError",
    "Request",
    "Rule",
    "RuleCost",
    "Stage",
    "Step",
    "Verdicts",
    "load",
    "loads",
]
