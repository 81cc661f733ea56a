"""Measure the questions: ``python benches/questions.py --events 10M --size 300MB --runs 3 --only denied,who``.

Over Parquet: every question over a lake of so many events, which is made once from the generated log by giving each
copy other audit IDs and another day. From a log: every question straight from the log, beside ``aw.read`` of all
columns but the bodies. Each run is a process of its own, with imports and a question to a tiny log first; runs are
interleaved, and figures are medians of the wall time and CPU time of the question, and the peak memory of the process.
"""

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from generate import parse_size, write_log
from tail import say, table

FOLDER: Final = Path(__file__).parent / "data"
ID: Final = re.compile(rb'"auditID":"....')
DAY: Final = re.compile(rb'Timestamp":"\d{4}-\d\d-\d\d')


def lake(log: Path, events: int) -> Path:
    """Make Parquet of so many events from copies of a log, or find it made."""
    import auditwake as aw

    folder = FOLDER / f"questions-{log.stem}-{events}"
    if folder.exists():
        return folder
    partial = folder.with_name(folder.name + ".part")
    partial.mkdir(exist_ok=True)
    text, rows, copy = log.read_bytes(), 0, 0
    while rows < events:
        copy += 1
        say(f"making {folder.name}: {rows:,} of {events:,} events")
        day = b'Timestamp":"2026-%02d-%02d' % (1 + copy // 28, 1 + copy % 28)
        changed = DAY.sub(day, ID.sub(b'"auditID":"%04x' % copy, text))
        path = partial / f"{copy:04}.log"
        path.write_bytes(changed)
        rows += aw.convert(path, partial / f"{copy:04}.parquet", partition_by=()).rows
        path.unlink()
    partial.rename(folder)
    return folder


def job(name: str, source: str) -> dict[str, float]:
    """Ask once, in this process; `read` only reads."""
    import auditwake as aw

    aw.ask("who", aw.demo.LOG)
    before, start = cpu(), time.perf_counter()
    if name == "read":
        for _ in aw.read(source, bodies=False):
            pass
    else:
        aw.ask(name, source)
    wall = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall": wall, "cpu": cpu() - before, "mb": peak}


def cpu() -> float:
    """Give the CPU seconds that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(names: list[str], source: Path, runs: int) -> dict[str, dict[str, float]]:
    """Ask all questions so many times, one after the other, and take the medians."""
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for run in range(runs):
        for name in names:
            say(f"run {run + 1} of {runs}: {name} of {source.name}")
            command = [sys.executable, __file__, "--job", json.dumps([name, str(source)])]
            figures[name].append(json.loads(subprocess.check_output(command)))
    return {
        name: {key: statistics.median(one[key] for one in all_of) for key in all_of[0]}
        for name, all_of in figures.items()
    }


def report(title: str, figures: dict[str, dict[str, float]], base: dict[str, float] | None = None) -> None:
    """Print the figures of all questions."""
    print(f"{title}\n")
    header = ["question", "seconds", "CPU seconds", "peak MB"]
    rows: list[list[str]] = []
    for name, one in figures.items():
        row = [name, f"{one['wall']:.2f}", f"{one['cpu']:.2f}", f"{one['mb']:.0f}"]
        if base:
            row.append(f"{one['wall'] / base['wall']:.2f}")
        rows.append(row)
    table([*header, "of `read`"] if base else header, rows)


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=parse_size, default=parse_size("10M"), help="rows of Parquet")
    parser.add_argument("--size", type=parse_size, default=parse_size("300MB"), help="bytes of log")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", help="names of questions, with commas")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.job:
        print(json.dumps(job(*json.loads(args.job))))
        return 0
    from auditwake import questions

    names = args.only.split(",") if args.only else list(questions.names())
    FOLDER.mkdir(exist_ok=True)
    log = FOLDER / f"questions-{args.size}.log"
    if not log.exists():
        say(f"making {log.name}")
        write_log(log, "metadata", args.size)
    files = lake(log, args.events)
    report(f"{args.events:,} events as Parquet, {os.cpu_count()} cores", measure(names, files, args.runs))
    straight = measure(["read", *names], log, args.runs)
    report(f"a log of {args.size / 1e6:,.0f} MB, {os.cpu_count()} cores", straight, straight["read"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
