"""Write a realistic Kubernetes audit log of any size: ``python benches/generate.py SHAPE --bytes 300MB --out FILE``.

Shapes: ``metadata`` (no bodies), ``mixed`` (every fifth request with bodies), ``bodies`` (only requests with bodies,
and no RequestReceived), ``hostile`` (mixed, and about every third line spoilt in some way). The same shape, seed and
size give the same bytes.
"""

import argparse
import re
import sys
import time
from pathlib import Path

from synth import SHAPES, lines

_UNITS = {"": 1, "K": 1_000, "M": 1_000_000, "G": 1_000_000_000}
_BATCH = 4 << 20


def parse_size(text: str) -> int:
    """Read a size such as ``300MB``, ``1.5G`` or ``4096``; units are powers of ten."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?)B?", text.strip().upper())
    if match is None:
        message = f"not a size: {text!r} (write 300MB, 1.5G or 4096)"
        raise argparse.ArgumentTypeError(message)
    return int(float(match[1]) * _UNITS[match[2]])


def write_log(path: Path, shape: str, size: int, seed: int = 1) -> int:
    """Write whole lines until the file has at least ``size`` bytes; return the number of lines.

    The file appears under its name only when it is complete, so an interrupted run leaves no short log in a cache.
    """
    partial = path.with_name(path.name + ".part")
    count = written = held = 0
    batch: list[bytes] = []
    with partial.open("wb") as out:
        for line in lines(shape, seed):
            batch.append(line)
            count += 1
            written += len(line)
            held += len(line)
            if held >= _BATCH or written >= size:
                out.write(b"".join(batch))
                batch.clear()
                held = 0
            if written >= size:
                break
    partial.rename(path)
    return count


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("--bytes", type=parse_size, default=parse_size("300MB"), dest="size", help="at least so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    start = time.perf_counter()
    count = write_log(args.out, args.shape, args.size, args.seed)
    size = args.out.stat().st_size
    seconds = time.perf_counter() - start
    print(f"{args.out}: {count:,} lines, {size:,} bytes, {size / max(count, 1):,.0f} a line, {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
