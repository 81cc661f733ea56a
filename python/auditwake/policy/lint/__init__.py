"""What the author of an audit policy should know, and kube-apiserver does not say."""

from auditwake.policy.lint.finding import SEVERITIES, Code, Finding, Severity
from auditwake.policy.lint.registry import CODES, FAMILIES, check

__all__ = ["CODES", "FAMILIES", "SEVERITIES", "Code", "Finding", "Severity", "check"]
