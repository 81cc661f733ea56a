"""Compare the instructions that the reader takes for a line with the figures in ``instructions.json``.

Instructions do not depend on how busy the machine is, so a change of three per cent is a change of the code. They do
depend on the compiler: with another one than the figures were counted with, only a gross change fails.

    python benches/instruction_gate.py            # compare: `make instructions`
    python benches/instruction_gate.py --renew    # count anew: `make instructions-renew`
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from generate import write_log
from instructions import by_callgrind, find_valgrind

ROOT = Path(__file__).resolve().parents[1]
FIGURES = Path(__file__).with_name("instructions.json")
SEED = 1
SIZES = (1_000_000, 3_000_000)
TOLERANCE = 0.03
TOLERANCE_OF_ANOTHER_COMPILER = 0.15
RENEW = "make instructions-renew"
# The log, its columns (`examples/read` builds all of them), and the SIMD level.
CASES = (
    ("metadata", "all", "detected"),
    ("metadata", "all", "portable"),
    ("mixed", "all", "detected"),
    ("bodies", "all", "detected"),
    ("bodies", "all", "portable"),
)

Figure = dict[str, Any]


def count(reader: Path, scratch: Path) -> list[Figure]:
    """Count every case: instructions a line, without what the start of the process takes."""
    logs = {shape: _logs(shape, scratch) for shape in {shape for shape, _, _ in CASES}}
    figures = []
    for shape, columns, simd in CASES:
        env = {} if simd == "detected" else {"AUDITWAKE_SIMD": simd}
        totals = [by_callgrind([str(reader), str(log)], scratch, env) for log, _ in logs[shape]]
        (_, few), (large, many) = logs[shape]
        figures.append(
            {
                "log": shape,
                "columns": columns,
                "simd": simd,
                "instructions_a_line": round((totals[1] - totals[0]) / (many - few)),
                "log_sha256": hashlib.sha256(large.read_bytes()).hexdigest(),
            }
        )
    return figures


def _logs(shape: str, scratch: Path) -> list[tuple[Path, int]]:
    """Write a short and a long log; return each with its lines."""
    paths = [scratch / f"{shape}.{size}.log" for size in SIZES]
    return [(path, write_log(path, shape, size, SEED)) for path, size in zip(paths, SIZES, strict=True)]


def complaints(kept: Figure, counted: list[Figure], compiler: str) -> list[str]:
    """Say what differs by more than is allowed; nothing when all is well."""
    same = kept["compiler"] == compiler
    allowed = TOLERANCE if same else TOLERANCE_OF_ANOTHER_COMPILER
    if [_case(figure) for figure in kept["figures"]] != [_case(figure) for figure in counted]:
        return ["the figures are of other cases than those counted now"]
    found = []
    for old, new in zip(kept["figures"], counted, strict=True):
        name = ", ".join((old["log"], f"columns {old['columns']}", f"SIMD {old['simd']}"))
        before, now = old["instructions_a_line"], new["instructions_a_line"]
        if old["log_sha256"] != new["log_sha256"]:
            found.append(f"{name}: the generator writes another log than the figure was counted with")
        elif abs(now / before - 1) > allowed:
            found.append(f"{name}: {now:,} instructions a line, {now / before - 1:+.1%} against {before:,}")
    return found


def _case(figure: Figure) -> tuple[str, str, str]:
    return figure["log"], figure["columns"], figure["simd"]


def _compiler() -> str:
    return subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607


def why_not() -> str | None:
    """Say why nothing can be counted here, or nothing."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return "the figures are of Linux on x86-64"
    if " avx2" not in Path("/proc/cpuinfo").read_text():
        return "this CPU has no AVX2, which the figures are counted with"
    if find_valgrind() is None:
        return "valgrind cannot be had here"
    return None


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renew", action="store_true", help="write the figures instead of comparing with them")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--reader", type=Path, default=target / "release" / "examples" / "read")
    args = parser.parse_args(argv)
    reason = why_not()
    if reason is not None:
        print(f"Instructions are not counted: {reason}.", file=sys.stderr)
        return 1 if args.renew else 0
    compiler = _compiler()
    with tempfile.TemporaryDirectory() as name:
        counted = count(args.reader, Path(name))
    for figure in counted:
        print(f"{figure['instructions_a_line']:>8,} instructions a line: {', '.join(_case(figure))}")
    if args.renew:
        kept = {"compiler": compiler, "seed": SEED, "bytes": SIZES, "figures": counted}
        FIGURES.write_text(json.dumps(kept, indent=2) + "\n")
        return 0
    kept = json.loads(FIGURES.read_text())
    found = complaints(kept, counted, compiler)
    if kept["compiler"] != compiler:
        print(f"The figures are of {kept['compiler']}, this is {compiler}: only ±15 % fails. To renew: {RENEW}")
    if found:
        print(
            f"The reader costs another number of instructions than {FIGURES.name} says:",
            *found,
            f"Instructions depend on the compiler: these figures are of {kept['compiler']}, and this is {compiler}.",
            f"When the change is meant, or the compiler is new: {RENEW}, and commit {FIGURES.relative_to(ROOT)}.",
            sep="\n",
            file=sys.stderr,
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
