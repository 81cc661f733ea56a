r"""Audit policies, as kube-apiserver loads and checks them.

Example:
    >>> from auditwake import policy
    >>> document = policy.loads("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n")
    >>> document.rules[0].level
    'Metadata'
"""

from auditwake.errors import PolicyError
from auditwake.policy.load import MAX_BYTES, load, loads
from auditwake.policy.model import Document, GroupResources, Issue, Level, Mark, Rule, Stage

__all__ = [
    "MAX_BYTES",
    "Document",
    "GroupResources",
    "Issue",
    "Level",
    "Mark",
    "PolicyError",
    "Rule",
    "Stage",
    "load",
    "loads",
]
