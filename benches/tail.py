"""Measure ``aw.tail``: ``python benches/tail.py``, with ``--size 1GB --runs 5 --seconds 60 --only live``.

Catching up: a backlog of ten rotated files, plain and as gzip, beside ``aw.read`` on the same files, in turns. Live: a
writer of 1 MB/s of lines of 1 kB, one write a line, and a reader: CPU, memory, and the time from the write of a line
to its batch. The parent uses nothing but the standard library: a child starts with its parent's peak of memory.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from generate import parse_size, write_log

FILES: Final = 10
RATE: Final = 1000  # lines of 1,000 bytes a second
# The time in which a batch is closed: the default, and one for those who wait.
AGES: Final = (None, 0.02)
IDLE_SECONDS: Final = 10
JOBS: Final = Path(__file__).resolve().with_name("tail_jobs.py")


def start(job: str, **options: Any) -> subprocess.Popen[str]:  # noqa: ANN401  # JSON
    """Begin a job in a process of its own."""
    command = [sys.executable, str(JOBS), job, json.dumps(options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def result(process: subprocess.Popen[str], job: str) -> dict[str, Any]:
    """Wait for a job and take its figures."""
    out, _ = process.communicate()
    if process.returncode != 0:
        message = f"the job {job} failed with {process.returncode}"
        raise SystemExit(message)
    figures: dict[str, Any] = json.loads(out)
    return figures


def run(job: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    """Run a job to its end."""
    return result(start(job, **options), job)


def say(message: str) -> None:
    """Tell what is going on, away from the results."""
    print(message, file=sys.stderr, flush=True)


def table(header: list[str], rows: list[list[str]]) -> None:
    """Print a table in Markdown."""
    print(f"| {' | '.join(header)} |\n|---|{'---:|' * (len(header) - 1)}")
    print("\n".join(f"| {' | '.join(row)} |" for row in rows), end="\n\n", flush=True)


# --- catching up -----------------------------------------------------------------------------------------------------


def backlog(folder: Path, size: int) -> None:
    """Write ten rotated files of a log, and a live one with nothing in it."""
    folder.mkdir()
    first = datetime(2026, 11, 24, tzinfo=UTC)
    for number in range(FILES):
        stamp = (first + timedelta(minutes=number)).strftime("%Y-%m-%dT%H-%M-%S.000")
        write_log(folder / f"audit-{stamp}.log", "metadata", size // FILES, seed=number + 1)
    (folder / "audit.log").touch()


def compress(folder: Path, target: Path) -> None:
    """Gzip the rotated files into another folder."""
    target.mkdir()
    (target / "audit.log").touch()
    for path in sorted(folder.glob("audit-*.log")):
        packer = zlib.compressobj(wbits=31)
        with path.open("rb") as source, (target / f"{path.name}.gz").open("wb") as packed:
            while piece := source.read(1 << 20):
                packed.write(packer.compress(piece))
            packed.write(packer.flush())


def catch_up(folder: Path, scratch: Path, runs: int) -> list[str]:
    """Read a backlog as files and as a tail, in turns; return the row of the table."""
    seconds: dict[str, list[float]] = {"read": [], "tail": []}
    rows = set()
    # The first turn warms the page cache and does not count.
    for turn in range(runs + 1):
        for job in ("read", "tail"):
            state = scratch / "state"
            options = {"folder": str(folder), "state": str(state)}
            measured = run(job, **options)
            shutil.rmtree(state, ignore_errors=True)
            rows.add(measured["rows"])
            if turn:
                seconds[job].append(measured["seconds"])
    if len(rows) != 1:
        message = f"{folder.name}: not the same rows: {rows}"
        raise SystemExit(message)
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    ratios = sorted(read / tail for read, tail in zip(seconds["read"], seconds["tail"], strict=True))
    speeds = [f"{size / statistics.median(seconds[job]):,.0f} MB/s" for job in ("read", "tail")]
    spread = f"{ratios[0]:.0%} … {ratios[-1]:.0%}"
    return [folder.name, f"{size:,.0f} MB", f"{rows.pop():,}", *speeds, f"{statistics.median(ratios):.0%}", spread]


def catching_up(scratch: Path, size: int, runs: int) -> None:
    """Print the table of backlogs."""
    plain, packed = scratch / "plain", scratch / "gzip"
    say(f"writing a backlog of {size / 1e6:,.0f} MB")
    backlog(plain, size)
    compress(plain, packed)
    rows = []
    for folder in (plain, packed):
        say(f"reading it: {folder.name}")
        rows.append(catch_up(folder, scratch, runs))
    table(["backlog", "on disk", "rows", "`aw.read`", "`aw.tail`", "tail's share of read's speed", "runs"], rows)


# --- live ------------------------------------------------------------------------------------------------------------


def live(scratch: Path, age: float | None, seconds: float) -> list[str]:
    """Write and follow; return the row of the table."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    log = str(folder / "audit.log")
    options = {"log": log, "age": age, "seconds": seconds}
    # The rows are taken apart in a process of its own, which pays for that.
    readers = {job: start(job, state=str(folder / job), **options) for job in ("cost", "latency")}
    writer = start("write", log=log, seconds=seconds + 5, rate=RATE)
    measured = {job: result(reader, job) for job, reader in readers.items()}
    result(writer, "write")
    cost, late = measured["cost"], measured["latency"]
    return [
        "default" if age is None else f"{age} s",
        f"{cost['rows'] / cost['wall']:,.0f}",
        f"{cost['batches'] / cost['wall']:.1f}",
        f"{cost['cpu'] / cost['wall']:.2%}",
        f"{cost['rss'] / 1e6:.0f} MB",
        *(f"{late[part] * 1000:.0f} ms" for part in ("p50", "p99")),
    ]


def living(scratch: Path, seconds: float) -> None:
    """Print the tables of live logs."""
    rows = []
    for age in AGES:
        say(f"following for {seconds:.0f} s: batch_age {'default' if age is None else age}")
        rows.append(live(scratch, age, seconds))
    table(["`batch_age`", "rows/s", "batches/s", "CPU of one core", "peak RSS", "p50", "p99"], rows)
    say(f"waiting for {IDLE_SECONDS} s")
    idle = run("idle", log=str(scratch / "idle.log"), state=str(scratch / "idle"), seconds=IDLE_SECONDS)
    table(
        ["idle", "CPU of one core", "peak RSS"],
        [["", f"{idle['cpu'] / idle['wall']:.3%}", f"{idle['rss'] / 1e6:.0f} MB"]],
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=parse_size, default=parse_size("1GB"), help="of the backlog, before gzip")
    parser.add_argument("--runs", type=int, default=5, help="turns that count")
    parser.add_argument("--seconds", type=float, default=60, help="of following, for each batch_age")
    parser.add_argument("--only", choices=("catch-up", "live"))
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="auditwake-tail-") as scratch:
        if args.only != "live":
            catching_up(Path(scratch), args.size, args.runs)
        if args.only != "catch-up":
            living(Path(scratch), args.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
