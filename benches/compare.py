"""Compare auditwake with general engines: ``python benches/compare.py --shape metadata --bytes 300MB --task parquet``.

``--gzip`` gives the engines the log as a gzip file, ``--everything`` asks for the derived columns too. ``--markdown
docs/benchmarks.md`` runs all tracks and writes the page. The parent process uses nothing but the standard library: a
child starts with its parent's peak of memory, so the parent has to be small.
"""

import argparse
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any, Final

from generate import parse_size, write_log
from peers.common import ENGINES, EVERYTHING, GZIP, NO_BODIES, PACKAGES, installed
from peers.run import Job
from report import Track, label, markdown_table, page, text_table

HERE: Final = Path(__file__).resolve().parent
DATA: Final = HERE / "data"
_CHECK_BYTES = 8_000_000
_CHECK_LINES = 7_000
_WARM_LINES = 200
# Each library has its own way to be told that it gets one thread.
_ONE_THREAD: Final = {
    "POLARS_MAX_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKIO_WORKER_THREADS": "1",
}
# Shape, task, gzipped; each for the fields of the event and for everything.
PAGE_TRACKS: Final = (
    ("metadata", "arrow", False),
    ("metadata", "parquet", False),
    ("metadata", "parquet", True),
    ("mixed", "arrow", False),
    ("mixed", "parquet", False),
)


class ChildError(Exception):
    """A child process failed; the message is the last line that it said."""


def log_file(shape: str, size: int, seed: int) -> Path:
    """Return the log, from the cache or new. Its name holds a hash of the generator, so old logs are never reused."""
    digest = hashlib.sha256()
    for source in sorted((HERE / "synth").glob("*.py")):
        digest.update(source.read_bytes())
    path = DATA / f"{shape}-{size}-{seed}-{digest.hexdigest()[:8]}.log"
    if not path.exists():
        say(f"writing {path.name}")
        write_log(path, shape, size, seed)
    return path


def head(log: Path, target: Path, limit: int) -> Path:
    """Copy the first lines of a log."""
    with log.open("rb") as lines:
        target.write_bytes(b"".join(islice(lines, limit)))
    return target


def packed(log: Path, folder: Path) -> Path:
    """Return the log as a gzip file in the folder, at gzip's own default level; it is made once."""
    target = folder / f"{log.name}.gz"
    if not target.exists():
        say(f"writing {target.name}")
        unfinished = target.with_suffix(".new")
        with log.open("rb") as plain, gzip.open(unfinished, "wb", compresslevel=6) as out:
            shutil.copyfileobj(plain, out, 1 << 20)
        unfinished.rename(target)
    return target


def say(message: str) -> None:
    """Tell what is going on, away from the results."""
    print(message, file=sys.stderr, flush=True)


def pin(cpu: int | None) -> list[str]:
    """Return the command prefix that keeps a child on one CPU, or nothing where taskset is missing."""
    taskset = shutil.which("taskset")
    if taskset is None:
        return []
    # The last CPU: the first one usually serves the interrupts.
    return [taskset, "-c", str(max(os.sched_getaffinity(0)) if cpu is None else cpu)]


def child(module: str, *args: str, prefix: list[str]) -> Any:  # noqa: ANN401 (JSON)
    """Run a module of ours in a process of its own and return the JSON that it prints last."""
    command = [*prefix, sys.executable, "-m", module, *args]
    search = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
    env = os.environ | _ONE_THREAD | {"PYTHONPATH": search}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    output = done.stdout.strip().splitlines()
    if done.returncode != 0 or not output:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ChildError(said[-1] if said else f"exit status {done.returncode}")
    return json.loads(output[-1])


def choose(names: list[str], track: Track) -> list[str]:
    """Return the engines that can run; say of every other one why it does not."""
    chosen = []
    for name in names:
        if installed(PACKAGES[name]) is None:
            track.skipped[name] = f"{PACKAGES[name]} is not installed"
        elif track.everything and name not in EVERYTHING:
            track.skipped[name] = "nobody wrote the derived columns for it"
        elif track.bodies and name in NO_BODIES:
            track.skipped[name] = f"cannot keep bodies as JSON text: {NO_BODIES[name]}"
        elif track.gzip and name not in GZIP:
            track.skipped[name] = "not run on gzip files"
        else:
            chosen.append(name)
    return chosen


def check(track: Track, names: list[str], prefix: list[str]) -> list[str]:
    """Compare all cells on a small log; return the engines that gave the same answer."""
    files: list[Path] = []
    with tempfile.TemporaryDirectory() as scratch:
        if track.log is None:
            log = log_file(track.shape, _CHECK_BYTES, track.seed)
        else:
            log = head(track.log, Path(scratch) / "head.log", _CHECK_LINES)
        if track.gzip:
            log = packed(log, Path(scratch))
        for name in names:
            if name == "auditwake-all":
                continue
            job = Job(name, track.task, str(log), track.columns, out=f"{scratch}/{name}.parquet")
            target = Path(scratch) / f"{name}.pickle"
            try:
                child("peers.agree", "dump", job.text(), str(target), prefix=prefix)
            except ChildError as error:
                track.skipped[name] = f"failed: {error}"
                continue
            # orjson reads each line as plain Python would: the least surprising reference. It derives nothing.
            first = name == ("duckdb" if track.everything else "orjson")
            files.insert(0 if first else len(files), target)
        if not files:
            return []
        report = child("peers.agree", "compare", *map(str, files), prefix=[])
    track.checked_rows, track.reference, track.exact = report["rows"], label(report["reference"]), report["exact"]
    for name, difference in report["differences"].items():
        track.skipped[name] = f"DISAGREES with {track.reference}: {difference}"
        track.exact.pop(name, None)
    return [name for name in names if name not in track.skipped]


def measure(track: Track, names: list[str], prefix: list[str]) -> None:
    """Run all engines in turn, again and again, and keep the measurements of those that never failed."""
    log = track.log or log_file(track.shape, track.size, track.seed)
    track.log_bytes = log.stat().st_size
    results: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(dir=DATA) as scratch:
        warm = head(log, Path(scratch) / "warm.log", _WARM_LINES)
        if track.gzip:
            log = packed(log, Path(scratch) if track.log else DATA)
        for turn in range(track.runs):
            for name in list(results):
                columns = "all" if name == "auditwake-all" else track.columns
                out = Path(scratch) / f"{name}.parquet"
                out.unlink(missing_ok=True)
                job = Job(name, track.task, str(log), columns, out=str(out), warm=str(warm))
                try:
                    results[name].append(child("peers.run", job.text(), prefix=prefix))
                except ChildError as error:
                    track.skipped[name] = f"failed: {error}"
                    del results[name]
                    continue
                say(f"  {turn + 1}/{track.runs} {name}: {results[name][-1]['seconds']:.3f} s")
    rows = {name: int(runs[-1]["rows"]) for name, runs in results.items()}
    expected = rows.get("orjson", max(rows.values(), default=0))
    for name, count in rows.items():
        if count == expected:
            track.measured[name] = results[name]
        else:
            track.skipped[name] = f"DISAGREES: {count:,} rows instead of {expected:,}"


def run_track(track: Track, engines: list[str], cpu: int | None) -> Track:
    """Check and measure one track."""
    say(track.title)
    prefix = pin(cpu)
    track.pinned = bool(prefix)
    names = check(track, choose(engines, track), prefix)
    for name, why in track.skipped.items():
        say(f"  not run: {name}: {why}")
    measure(track, names, prefix)
    return track


def write_out(path: Path, track: Track) -> None:
    """Write one track, as JSON or as a section of Markdown, by the file's suffix."""
    if path.suffix == ".json":
        path.write_text(json.dumps(track.as_json(), indent=2) + "\n")
    else:
        path.write_text(markdown_table(track, level=2) + "\n")


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit status is 1 when an engine failed or disagreed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=("metadata", "mixed", "bodies"), default="metadata")
    parser.add_argument("--bytes", type=parse_size, default=parse_size("300MB"), dest="size")
    parser.add_argument(
        "--log", type=Path, help="a log of your own instead of a generated one; --shape says if it has bodies"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--task", choices=("arrow", "parquet"), default="parquet")
    parser.add_argument("--gzip", action="store_true", help="give the engines the log as a gzip file")
    parser.add_argument("--no-bodies", action="store_true", help="leave the bodies out of the columns")
    parser.add_argument("--everything", action="store_true", help="all columns but those about the line")
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES), metavar="ENGINE")
    parser.add_argument("--cpu", type=int, help="the CPU to pin to; default: the last one")
    parser.add_argument("--out", type=Path, help="also write the result here: JSON, or a section of Markdown")
    parser.add_argument("--markdown", type=Path, help="run all tracks and write the whole page here")
    args = parser.parse_args(argv)
    chosen = [(args.shape, args.task, args.gzip, args.everything)]
    if args.markdown is not None:
        chosen = [(*track, everything) for everything in (False, True) for track in PAGE_TRACKS]
    DATA.mkdir(exist_ok=True)
    tracks = []
    for shape, task, zipped, everything in chosen:
        bodies = shape != "metadata" and not args.no_bodies
        source = f"--bytes {args.size} --seed {args.seed}" if args.log is None else "--log FILE"
        command = f"python benches/compare.py --shape {shape} {source} --runs {args.runs} --task {task}"
        command += " --gzip" if zipped else ""
        command += " --no-bodies" if args.no_bodies else ""
        command += " --everything" if everything else ""
        command += f" --engines {' '.join(args.engines)}" if args.engines != list(ENGINES) else ""
        columns = {
            (False, False): "metadata",
            (False, True): "bodies",
            (True, False): "wide",
            (True, True): "wide-bodies",
        }[everything, bodies]
        track = Track(shape, task, columns, args.size, args.seed, command, args.runs, args.log, gzip=zipped)
        tracks.append(run_track(track, args.engines, args.cpu))
        print(text_table(tracks[-1]), end="\n\n", flush=True)
    if args.out is not None:
        write_out(args.out, tracks[0])
    if args.markdown is not None:
        args.markdown.write_text(page(tracks))
    bad = [why for track in tracks for why in track.skipped.values() if why.startswith(("failed", "DISAGREES"))]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
