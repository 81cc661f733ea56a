"""Tables of results, as text and as Markdown."""

import os
import platform
import re
import textwrap
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from peers.common import BODIES, FORMS, METADATA, NO_BODIES, PACKAGES, WIDE_BODIES, installed
from peers.run import COLUMNS

HERE = Path(__file__).resolve().parent
_MB = 1_000_000


@dataclass(slots=True)
class Track:
    """One comparison: a log, a task, a set of columns; and what came out."""

    shape: str
    task: str
    columns: str
    size: int
    seed: int
    command: str
    runs: int
    log: Path | None = None  # a log of the user's own
    gzip: bool = False
    log_bytes: int = 0
    checked_rows: int = 0
    pinned: bool = False
    reference: str = ""
    measured: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    exact: dict[str, bool] = field(default_factory=dict)

    @property
    def bodies(self) -> bool:
        """Say whether bodies are among the columns."""
        return self.columns.endswith("bodies")

    @property
    def everything(self) -> bool:
        """Say whether derived columns are asked for."""
        return self.columns.startswith("wide")

    @property
    def title(self) -> str:
        """Return the heading."""
        target = "Arrow in memory" if self.task == "arrow" else "Parquet, zstd level 1"
        what = "with bodies" if self.bodies else "without bodies"
        if self.everything:
            what += f", everything ({len(COLUMNS[self.columns] or ())} columns)"
        packed = ", gzipped," if self.gzip else ""
        return f"{self.shape} log{packed} to {target}, {what}"

    @property
    def base(self) -> str:
        """Return the engine that the ratios refer to."""
        return "auditwake" if "auditwake" in self.measured else next(iter(self.measured), "")

    def ratios(self, engine: str) -> list[float]:
        """Return the ratios of times, run by run: neighbours in time share the machine's mood."""
        pairs = zip(self.measured[engine], self.measured[self.base], strict=True)
        return [mine["seconds"] / base["seconds"] for mine, base in pairs]

    def header(self) -> list[str]:
        """Return the column titles."""
        size = "table" if self.task == "arrow" else "file"
        return ["engine", f"time, {self.base} = 1", "min - max", "median s", "MB/s of log", "peak MB", f"{size} MB"]

    def rows(self) -> list[list[str]]:
        """Return one row an engine, in the order of the measurement."""
        rows = []
        for engine, runs in self.measured.items():
            ratios, seconds = self.ratios(engine), median(run["seconds"] for run in runs)
            rows.append(
                [
                    label(engine),
                    f"{median(ratios):.2f}",
                    f"{min(ratios):.2f} - {max(ratios):.2f}",
                    f"{seconds:.3f}",
                    f"{self.log_bytes / _MB / seconds:,.0f}",
                    f"{median(run['peak_kib'] for run in runs) * 1024 / _MB:,.0f}",
                    f"{median(run['size'] for run in runs) / _MB:,.1f}",
                ]
            )
        return rows

    def notes(self) -> list[str]:
        """Return what has to stand under the table."""
        source = f"generated with seed {self.seed}" if self.log is None else "your own"
        packed = "read from its gzip file, " if self.gzip else ""
        where = "pinned to one CPU" if self.pinned else "not pinned: taskset is missing"
        agreement = f"all cells of {self.checked_rows:,} events are equal to those of {self.reference}"
        notes = [
            f"Log: {self.log_bytes:,} bytes, {source}; {packed}{self.runs} interleaved runs, {where}.",
            f"Agreement: in a smaller log {agreement}; in this log the row count is the same for all.",
        ]
        if self.bodies and self.log is None:
            # Only of a canonical log do we know the bytes without slicing the lines ourselves.
            kept = [label(name) for name, exact in self.exact.items() if exact]
            again = [label(name) for name, exact in self.exact.items() if not exact]
            if kept:
                notes.append(f"Bodies are the bytes of the line: {', '.join(kept)}.")
            if again:
                notes.append(f"Bodies are the same JSON value, written anew: {', '.join(again)}.")
        notes += [f"Not run: {label(name)}: {why}." for name, why in self.skipped.items()]
        return notes

    def as_json(self) -> dict[str, Any]:
        """Return everything, for other programs."""
        ratios = {name: self.ratios(name) for name in self.measured}
        values = asdict(self) | {"log": None if self.log is None else str(self.log)}
        return values | {"base": self.base, "ratios": ratios, "machine": machine(), "versions": versions()}


def label(engine: str) -> str:
    """Return an engine's name for people."""
    return {"auditwake-all": "auditwake, all columns", "orjson": "orjson + pyarrow"}.get(engine, engine)


def machine() -> dict[str, str]:
    """Say what the times were taken on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists() and (match := re.search(r"model name\s*:\s*(.+)", info.read_text())):
        cpu = match[1]
    return {"cpu": cpu, "cores": str(os.cpu_count()), "system": platform.system(), "python": platform.python_version()}


def versions() -> str:
    """Return the versions of all packages that are installed."""
    names = dict.fromkeys([*PACKAGES.values(), "pyarrow"])
    return ", ".join(f"{name} {installed(name)}" for name in names if installed(name))


def text_table(track: Track) -> str:
    """Return a track's table for the terminal."""
    table = [track.header(), *track.rows()]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]
    return "\n".join(
        [track.title, "", *lines, "", *track.notes(), f"Versions: {versions()}", f"Again: {track.command}"]
    )


def markdown_table(track: Track, *, level: int = 3) -> str:
    """Return a track's table as a section of a page."""
    header = track.header()
    lines = [f"{'#' * level} {track.title[0].upper()}{track.title[1:]}", ""]
    lines += [f"| {' | '.join(header)} |", "|---|" + "---:|" * (len(header) - 1)]
    lines += [f"| {' | '.join(row)} |" for row in track.rows()]
    lines += ["", *(f"- {note}" for note in track.notes()), f"- Again: `{track.command}`"]
    return "\n".join(lines)


def page(tracks: list[Track]) -> str:
    """Return the whole page: ``page.md`` with the results filled in."""
    names, derived = (
        ", ".join(f"`{column.name}`" for column in columns)
        for columns in (METADATA, [column for column in WIDE_BODIES if column not in BODIES])
    )
    return (
        (HERE / "page.md")
        .read_text()
        .format(
            columns=textwrap.fill(names, 118, subsequent_indent="  "),
            derived=textwrap.fill(derived, 118, subsequent_indent="  "),
            base=tracks[0].base or "the others",
            versions=versions(),
            results="\n\n".join(markdown_table(track) for track in tracks),
            forms="\n".join(f"  - {label(name)}: {form}" for name, form in FORMS.items()),
            refusals="\n".join(f"  - {label(name)}: {why}" for name, why in NO_BODIES.items()),
            **machine(),
        )
    )
