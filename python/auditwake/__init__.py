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

from auditwake import demo, errors
from auditwake._core import Column, Converted, Outcome, Outcomes, Progress, Rejected, __version__
from auditwake.convert import convert
from auditwake.lines import lines
from auditwake.policy import Decision, Finding, Keys, Policy, Verdicts
from auditwake.read import Reader, read
from auditwake.scan import scan
from auditwake.schema import columns, schema
from auditwake.tail import Gap, Offsets, Retention, StreamStats, Tail, TailBatch, TailEvent, TailStats, tail

__all__ = [
    "Column",
    "Converted",
    "Decision",
    "Finding",
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
    "StreamStats",
    "Tail",
    "TailBatch",
    "TailEvent",
    "TailStats",
    "Verdicts",
    "__version__",
    "columns",
    "convert",
    "demo",
    "errors",
    "lines",
    "read",
    "scan",
    "schema",
    "tail",
]
