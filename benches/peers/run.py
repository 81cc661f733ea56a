"""The child process of ``compare.py``: one engine, one task, one measurement, one line of JSON.

A process of its own gives each engine its own peak of memory, and keeps caches, allocators and thread pools of one
engine away from the next.
"""

import gc
import json
import resource
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, cast

from peers import common

# None: every column that the engine has; only auditwake knows such a set.
COLUMNS: Final[dict[str, tuple[common.Column, ...] | None]] = {
    "metadata": common.METADATA,
    "bodies": common.BODIES,
    "wide": common.WIDE,
    "wide-bodies": common.WIDE_BODIES,
    "all": None,
}


@dataclass(frozen=True, slots=True)
class Job:
    """What a child has to do."""

    engine: str
    task: str
    path: str
    columns: str
    out: str = ""
    warm: str = ""

    def text(self) -> str:
        """Return the job as the child's argument."""
        return json.dumps(asdict(self))


def _peak_kib() -> int:
    # Linux counts kibibytes. The parent must stay small, because a child starts with its parent's peak.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def perform(job: Job, path: str, out: str) -> Any:  # noqa: ANN401 (a pyarrow.Table, which need not be installed here)
    """Run the task once; return the table, or None when the result is a file."""
    peer = common.load(job.engine)
    columns = cast("tuple[common.Column, ...]", COLUMNS[job.columns])
    if job.task == "arrow":
        return peer.to_arrow(Path(path), columns)
    peer.to_parquet(Path(path), Path(out), columns)
    return None


def rows_of(table: Any, out: str) -> int:  # noqa: ANN401
    """Count the rows of a result."""
    if table is not None:
        return int(table.num_rows)
    import pyarrow.parquet as pq

    return int(pq.read_metadata(out).num_rows)


def measure(job: Job) -> dict[str, float | int]:
    """Warm up on a tiny log, then take the time of the task."""
    with tempfile.TemporaryDirectory() as scratch:
        if job.warm:
            perform(job, job.warm, f"{scratch}/warm.parquet")
    gc.collect()
    before = _peak_kib()
    cpu = time.process_time()
    start = time.perf_counter()
    table = perform(job, job.path, job.out)
    seconds = time.perf_counter() - start
    cpu = time.process_time() - cpu
    peak = _peak_kib()
    size = int(table.nbytes) if table is not None else Path(job.out).stat().st_size
    return {
        "seconds": seconds,
        "cpu": cpu,
        "peak_kib": peak,
        "start_kib": before,
        "size": size,
        "rows": rows_of(table, job.out),
    }


if __name__ == "__main__":
    print(json.dumps(measure(Job(**json.loads(sys.argv[1])))))
