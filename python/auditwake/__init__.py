"""auditwake: Kubernetes audit logs to Arrow and Parquet, every byte accounted for.

Example:
    >>> import auditwake as aw
    >>> reader = aw.read(aw.demo.LOG, columns=["verb", "code"])
    >>> table = reader.to_reader().read_all()
    >>> table.column_names
    ['verb', 'code']
    >>> reader.outcomes.rejected.lines
    0
"""

import importlib
from typing import TYPE_CHECKING

from auditwake import demo, errors
from auditwake._core import Column, Converted, Outcome, Outcomes, Progress, Rejected, __version__
from auditwake.convert import convert
from auditwake.lines import lines
from auditwake.read import Reader, read
from auditwake.scan import scan
from auditwake.schema import columns, schema
from auditwake.tail import Gap, Offsets, Retention, StreamStats, Tail, TailBatch, TailEvent, TailStats, tail
from auditwake.where import Where

if TYPE_CHECKING:
    from auditwake.detections import Detections, detect
    from auditwake.forwarder.service import Forwarder
    from auditwake.policy import Decision, Finding, Keys, Policy, Verdicts
    from auditwake.questions import Answer, Scope, ask, sql

__all__ = [
    "Answer",
    "Column",
    "Converted",
    "Decision",
    "Detections",
    "Finding",
    "Forwarder",
    "Gap",
    "Keys",
    "Offsets",
    "Outcome",
    "Outcomes",
    "Policy",
    "Progress",
    "Reader",
    "Rejected",
    "Retention",
    "Scope",
    "StreamStats",
    "Tail",
    "TailBatch",
    "TailEvent",
    "TailStats",
    "Verdicts",
    "Where",
    "__version__",
    "ask",
    "columns",
    "convert",
    "demo",
    "detect",
    "errors",
    "lines",
    "read",
    "scan",
    "schema",
    "sql",
    "tail",
]

# What is loaded when it is first used: most who read a log need neither YAML nor the agent.
_LATER = {
    "Forwarder": "auditwake.forwarder.service",
    **dict.fromkeys(("Decision", "Finding", "Keys", "Policy", "Verdicts"), "auditwake.policy"),
    **dict.fromkeys(("Detections", "detect"), "auditwake.detections"),
    **dict.fromkeys(("Answer", "Scope", "ask", "sql"), "auditwake.questions"),
}
_PACKAGES = ("detections", "policy", "questions", "rbac", "report")


def __getattr__(name: str) -> object:
    if name in _PACKAGES:
        return importlib.import_module(f"auditwake.{name}")
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    message = f"module 'auditwake' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return [*__all__, *_PACKAGES]
