"""A progress line for `convert`, on a terminal only."""

import shutil
import sys
import time
from typing import TYPE_CHECKING, TextIO

from auditwake.cli.style import human_bytes, shorten

if TYPE_CHECKING:
    from auditwake import Progress

__all__ = ["ProgressLine", "progress_line"]

BAR = 24
MINUTE = 60


class ProgressLine:
    """One line that is written over and over: share, bytes, rate, time left, rows, rejected so far.

    Args:
        stream: Where it goes: a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._start = time.monotonic()

    def __call__(self, progress: "Progress") -> None:
        """Write the line anew."""
        text = describe(progress, time.monotonic() - self._start)
        width = shutil.get_terminal_size().columns
        self._stream.write(f"\r\033[K{shorten(text, width - 1)}")
        self._stream.flush()

    def close(self) -> None:
        """Leave an empty line for what comes next."""
        self._stream.write("\r\033[K")
        self._stream.flush()


def progress_line(*, wanted: bool) -> ProgressLine | None:
    """Give a progress line if one is wanted and standard error is a terminal."""
    return ProgressLine(sys.stderr) if wanted and sys.stderr.isatty() else None


def describe(progress: "Progress", seconds: float) -> str:
    """Say how far it is, after so many seconds."""
    rate = progress.bytes_done / seconds if seconds > 0 else 0.0
    parts = [f"{human_bytes(rate)}/s", f"{progress.rows:,} rows", f"{progress.rejected:,} rejected"]
    total = progress.bytes_total
    if not total:
        return "  ".join([human_bytes(progress.bytes_done), *parts])
    share = min(progress.bytes_done / total, 1.0)
    bar = ("━" * round(BAR * share)).ljust(BAR, "╌")
    left = _duration((total - progress.bytes_done) / rate) if rate else "?"
    return "  ".join(
        [f"{share:4.0%} {bar} {human_bytes(progress.bytes_done)} of {human_bytes(total)}", f"{left} left", *parts]
    )


def _duration(seconds: float) -> str:
    whole = max(round(seconds), 0)
    return f"{whole} s" if whole < MINUTE else f"{whole // MINUTE}:{whole % MINUTE:02} min"
