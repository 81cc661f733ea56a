"""What ``benches/tail.py`` measures, each job in a process of its own: ``python benches/tail_jobs.py JOB JSON``.

A job prints its figures as JSON. Following a log does without pyarrow where no row is looked at: so does an agent that
hands its batches on.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import auditwake as aw

# An event of 1,000 bytes; the time is that of the write, so that a reader can say how long it was under way.
EVENT = (
    '{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata",'
    '"auditID":"00000000-0000-4000-8000-{number:012}","stage":"ResponseComplete",'
    '"requestURI":"/api/v1/namespaces/default/configmaps/n-{number:09}","verb":"get",'
    '"user":{{"username":"kubernetes-admin","groups":["kubeadm:cluster-admins","system:authenticated"]}},'
    '"sourceIPs":["127.0.0.1"],"userAgent":"{agent}","objectRef":{{"resource":"configmaps","namespace":"default",'
    '"name":"n-{number:09}","apiVersion":"v1"}},"responseStatus":{{"metadata":{{}},"code":200}},'
    '"requestReceivedTimestamp":"{time}","stageTimestamp":"{time}",'
    '"annotations":{{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}}}}\n'
)
LINE = 1000


def event(number: int, at: float) -> bytes:
    """Make the event of a number, written at a time in seconds."""
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    missing = LINE - len(EVENT.format(number=number, agent="", time=stamp))
    return EVENT.format(number=number, agent="x" * missing, time=stamp).encode()


# --- catching up -----------------------------------------------------------------------------------------------------


def warm() -> ModuleType:
    """Load all that both ways load at their first batch."""
    import auditwake as aw

    for _ in aw.read(aw.demo.LOG):
        pass
    return aw


def read(folder: str, **_: object) -> dict[str, float]:
    """Read a backlog as files."""
    aw = warm()
    start = time.perf_counter()
    rows = sum(batch.num_rows for batch in aw.read(folder))
    return {"seconds": time.perf_counter() - start, "rows": rows}


def tail(folder: str, state: str) -> dict[str, float]:
    """Read a backlog as a tail does that was away: batches, each committed."""
    aw = warm()
    start = time.perf_counter()
    rows = 0
    with aw.tail(Path(folder) / "audit.log", state=state, follow=False) as batches:
        for batch in batches:
            rows += batch.to_pyarrow().num_rows
            batch.commit()
    return {"seconds": time.perf_counter() - start, "rows": rows}


# --- live ------------------------------------------------------------------------------------------------------------


def write(log: str, seconds: float, rate: float) -> dict[str, float]:
    """Write lines evenly, each with one call."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    start = time.perf_counter()
    number = 0
    while (elapsed := time.perf_counter() - start) < seconds:
        ahead = number / rate - elapsed
        if ahead > 0:
            time.sleep(ahead)
        number += 1
        os.write(file, event(number, time.time()))
    return {"lines": number}


def follow(options: dict[str, Any], take: Callable[["aw.TailBatch"], None]) -> dict[str, float]:
    """Follow a log that is being written, and commit each batch; say what that cost, but for the first second."""
    import auditwake as aw

    age = {} if options["age"] is None else {"batch_age": options["age"]}
    begun = cpu = 0.0
    rows = batches = 0
    with aw.tail(options["log"], state=options["state"], **age) as tailed:
        opened = time.perf_counter()
        for batch in tailed:
            take(batch)
            batch.commit()
            now = time.perf_counter()
            if begun:
                rows += batch.num_rows
                batches += 1
            elif now - opened >= 1:
                begun, cpu = now, cpu_seconds()
            if now - opened >= options["seconds"]:
                break
        wall = time.perf_counter() - begun
        cpu = cpu_seconds() - cpu
    return {"wall": wall, "cpu": cpu, "rows": rows, "batches": batches, "rss": peak_rss()}


def cost(**options: Any) -> dict[str, float]:  # noqa: ANN401  # JSON
    """Follow, and hand nothing on."""
    return follow(options, lambda _: None)


def latency(**options: Any) -> dict[str, float]:  # noqa: ANN401  # JSON
    """Follow, and take from each row how long ago its line was written."""
    import pyarrow as pa

    late: list[int] = []

    def take(batch: "aw.TailBatch") -> None:
        now = time.time_ns() // 1000
        stamps = batch.to_pyarrow().column("ts_stage").cast(pa.timestamp("us", "UTC")).cast(pa.int64())
        late.extend(now - stamp for stamp in stamps.to_pylist())

    measured = follow(options, take)
    # What was in the log before, and the first second, is not live.
    late = sorted(late[-int(measured["rows"]) :])
    return measured | {f"p{part}": late[min(len(late) * part // 100, len(late) - 1)] / 1e6 for part in (50, 99)}


def idle(log: str, state: str, seconds: float) -> dict[str, float]:
    """Wait for lines that do not come."""
    import auditwake as aw

    Path(log).write_bytes(event(1, time.time()))
    with aw.tail(log, state=state) as tailed:
        batch = tailed.next(timeout=10)
        if batch is not None:
            batch.commit()
        tailed.next(timeout=1)
        start, cpu = time.perf_counter(), cpu_seconds()
        tailed.next(timeout=seconds)
        return {"wall": time.perf_counter() - start, "cpu": cpu_seconds() - cpu, "rss": peak_rss()}


def cpu_seconds() -> float:
    """User and system time of this process, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_rss() -> int:
    """Return the most memory that this process had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


JOBS: dict[str, Callable[..., dict[str, float]]] = {
    job.__name__: job for job in (read, tail, write, cost, latency, idle)
}

if __name__ == "__main__":
    print(json.dumps(JOBS[sys.argv[1]](**json.loads(sys.argv[2]))))
