"""How a stretch of time is cut into pieces that can be seen."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from auditwake.report.words import duration

__all__ = ["Window", "window"]

PIECES: Final = 96
"""Most pieces: more cannot be told apart on a screen."""
SECOND: Final = 1_000_000
MINUTE: Final = 60
STEPS: Final = tuple(
    SECOND * step
    for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 604800)
)
EPOCH: Final = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """Pieces of time: microseconds from 1970.

    Example:
        >>> Window(first=0, width=60_000_000, end=120_000_000).parameters
        {'first': 0, 'width': 60000000}
    """

    first: int
    """Where the first piece starts."""
    width: int
    """How long each is."""
    end: int
    """Where the last one ends."""

    @property
    def parameters(self) -> dict[str, int]:
        """What queries take."""
        return {"first": self.first, "width": self.width}

    @property
    def step(self) -> str:
        """How long a piece is, in words."""
        seconds = self.width // SECOND
        return f"{seconds} s" if seconds < MINUTE else duration(self.width)

    @property
    def span_ms(self) -> tuple[int, int]:
        """Where the first one starts and the last one ends, in milliseconds."""
        return self.first // 1000, self.end // 1000

    def when(self, start: int) -> datetime:
        """Say when a piece starts."""
        return EPOCH + timedelta(microseconds=start)


def window(first: datetime, last: datetime) -> Window:
    """Cut a stretch into at most `PIECES` pieces that start where a clock has a mark.

    Example:
        >>> start = datetime(2026, 11, 26, 10, 30, 59, tzinfo=UTC)
        >>> found = window(start, datetime(2026, 11, 26, 11, 30, tzinfo=UTC))
        >>> found.step, str(found.when(found.first))
        ('1 min', '2026-11-26 10:30:00+00:00')
    """
    start, end = ((time - EPOCH) // timedelta(microseconds=1) for time in (first, last))
    for width in STEPS:
        if end // width - start // width < PIECES:
            break
    else:
        width = STEPS[-1] * -(-(end - start) // (STEPS[-1] * (PIECES - 1)))
    return Window(first=start // width * width, width=width, end=(end // width + 1) * width)
