"""Detections: rules as data, run over a log in one pass, each with an outcome: fired, silent, or cannot fire.

Example:
    >>> from auditwake import detections
    >>> [rule.id for rule in detections.rules()][:2]
    ['AWD001', 'AWD002']
"""

from auditwake.detections.detecting import detect
from auditwake.detections.found import Detections, Outcome, RuleOutcome
from auditwake.detections.load import load_rules, rules
from auditwake.detections.recording import Recording, coverage
from auditwake.detections.rule import SEVERITIES, Count, Level, Rule, Severity
from auditwake.detections.sarif import sarif

__all__ = [
    "SEVERITIES",
    "Count",
    "Detections",
    "Level",
    "Outcome",
    "Recording",
    "Rule",
    "RuleOutcome",
    "Severity",
    "coverage",
    "detect",
    "load_rules",
    "rules",
    "sarif",
]
