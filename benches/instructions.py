"""Count instructions per event: a number that does not depend on how busy the machine is.

Runs a command over two logs of different size and divides the difference by the number of additional events, so that
the start of Python and the loading of libraries cancel out. Uses ``perf stat`` where the machine lets us count, and
callgrind elsewhere; callgrind knows no AVX-512, so it sees the path that a machine without it would take.

    python benches/instructions.py
    python benches/instructions.py --tool callgrind -- target/release/some-binary LOG OUT
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from generate import parse_size, write_log
from synth import SHAPES

# LOG and OUT are replaced; `-S` and the like would change what is measured, so the command is as a user types it.
DEFAULT = [sys.executable, "-m", "auditwake", "convert", "LOG", "OUT", "--threads", "1"]


def run(command: list[str], env: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it said on stderr."""
    # A random hash seed would move Python's own share from run to run.
    whole = os.environ | {"PYTHONHASHSEED": "0"} | dict(env or {})
    done = subprocess.run(command, capture_output=True, text=True, env=whole, check=False)
    if done.returncode != 0:
        message = f"{' '.join(command)}\n{done.stderr.strip()}"
        raise SystemExit(message)
    return done.stderr


def by_perf(command: list[str], _scratch: Path) -> int:
    """Count with the CPU's own counter, user space only."""
    said = run(["perf", "stat", "-x,", "-e", "instructions:u", "--", *command])
    match = re.search(r"^(\d+),[^,]*,instructions", said, re.MULTILINE)
    if match is None:
        message = f"perf counted nothing: {said.strip()}"
        raise SystemExit(message)
    return int(match[1])


def find_valgrind() -> tuple[str, dict[str, str]] | None:
    """Find valgrind and what it has to be told: the system's, or the one that `make valgrind` laid out."""
    own = Path(__file__).resolve().parents[1] / "target" / "tools" / "valgrind"
    tools = next(own.glob("usr/lib*/**/callgrind-amd64-linux"), None)
    if shutil.which("valgrind") is not None:
        return "valgrind", {}
    return None if tools is None else (str(own / "usr/bin/valgrind"), {"VALGRIND_LIB": str(tools.parent)})


def by_callgrind(command: list[str], scratch: Path, env: Mapping[str, str] | None = None) -> int:
    """Count in valgrind's simulation: exact, and about fifty times slower."""
    found = find_valgrind()
    if found is None:
        message = "valgrind is missing: `make valgrind` fetches it, or install your system's package"
        raise SystemExit(message)
    valgrind, told = found
    arguments = ["--tool=callgrind", f"--callgrind-out-file={scratch}/callgrind.out"]
    said = run([valgrind, *arguments, *command], told | dict(env or {}))
    match = re.search(r"Collected\s*:\s*(\d+)", said)
    if match is None:
        message = f"callgrind counted nothing: {said.strip()}"
        raise SystemExit(message)
    return int(match[1])


def perf_works() -> bool:
    """Say whether perf may count here; virtual machines and containers often forbid it."""
    if shutil.which("perf") is None:
        return False
    command = ["perf", "stat", "-x,", "-e", "instructions:u", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0 and re.search(r"^\d+,", done.stderr, re.MULTILINE) is not None


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="metadata")
    parser.add_argument("--small", type=parse_size, default=parse_size("4MB"))
    parser.add_argument("--large", type=parse_size, default=parse_size("12MB"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tool", choices=("auto", "perf", "callgrind"), default="auto")
    parser.add_argument("--limit", type=float, help="fail when an event costs more: for the regression check")
    parser.add_argument("command", nargs="*", help="with LOG and OUT where the paths belong; after --")
    args = parser.parse_args(argv)
    use_perf = args.tool == "perf" or (args.tool == "auto" and perf_works())
    count = by_perf if use_perf else by_callgrind
    totals, events, sizes = [], [], []
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for size in (args.small, args.large):
            log, out = scratch / f"{size}.log", scratch / f"{size}.parquet"
            events.append(write_log(log, args.shape, size, args.seed))
            sizes.append(log.stat().st_size)
            places = {"LOG": str(log), "OUT": str(out)}
            command = [places.get(word, word) for word in args.command or DEFAULT]
            totals.append(count(command, scratch))
    more = totals[1] - totals[0]
    each = more / (events[1] - events[0])
    print(f"{args.shape}, seed {args.seed}, {'perf' if use_perf else 'callgrind'}: {each:,.0f} instructions an event,")
    print(f"{more / (sizes[1] - sizes[0]):.3f} a byte")
    print(f"({totals[0]:,} for {events[0]:,} events, {totals[1]:,} for {events[1]:,})")
    return 1 if args.limit is not None and each > args.limit else 0


if __name__ == "__main__":
    sys.exit(main())
