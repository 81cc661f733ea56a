"""What a reader process did, one JSON object a line, in a file of its own.

Each line is written before the next thing happens, so a killed process leaves all that it did. The last line may be
torn: a process can be killed within a write.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.tailing.lines import joined


class Recorder:
    """The reader's side."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def say(self, **entry: object) -> None:
        """Add a line: `opened`, `rows`, `committed`, `refused`, `failed`, `rejected`, `event` or `report`."""
        os.write(self._file, json.dumps(entry).encode() + b"\n")


@dataclass
class Record:
    """The other side.

    Attributes:
        opened: Whether the tail was made.
        failed: Why it was not.
        rows: The numbers that were handed out, as runs of first and last.
        committed: The highest number whose commit returned; 0 for none.
        refused: Messages of commits that could not be done.
        rejected: Lines that were rejected.
        events: What the tail said had happened, while it ran: kind, file, offset, message.
        report: What the tail said at its end; None for a process that did not get there.
    """

    opened: bool = False
    failed: str | None = None
    rows: list[tuple[int, int]] = field(default_factory=list)
    committed: int = 0
    refused: list[str] = field(default_factory=list)
    rejected: int = 0
    events: list[tuple[str, str, int, str]] = field(default_factory=list)
    report: dict[str, Any] | None = None

    @property
    def delivered(self) -> int:
        """The highest number that was handed out; 0 for none."""
        return max((last for _, last in self.rows), default=0)

    def kinds(self) -> set[str]:
        """Kinds of the events."""
        return {event[0] for event in self.events}

    def messages(self, kind: str) -> list[str]:
        """Messages of the events of a kind."""
        return [event[3] for event in self.events if event[0] == kind]


def read_record(path: Path) -> Record:
    """Read what a process has recorded so far."""
    record = Record()
    rows: list[tuple[int, int]] = []
    for text in whole_lines(path):
        entry: dict[str, Any] = json.loads(text)
        rows += [(first, last) for first, last in entry.get("rows", [])]
        record.opened |= entry.get("opened", False)
        record.failed = entry.get("failed", record.failed)
        record.committed = max(record.committed, entry.get("committed", 0))
        record.refused += [entry["refused"]] if "refused" in entry else []
        record.rejected += entry.get("rejected", 0)
        record.events += [tuple(entry["event"])] if "event" in entry else []
        record.report = entry.get("report", record.report)
    record.rows = joined(rows)
    return record


def whole_lines(path: Path) -> list[bytes]:
    """Split a file into its lines, without a torn last one."""
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


class Ledger:
    """What a series of readers of one log must have done, each killed at any moment: nothing lost, no old rows again.

    A reader begins behind the last commit that is known to have returned, and not behind what was handed out.
    """

    def __init__(self) -> None:
        self.delivered = 0
        self.committed = 0
        self.again = 0

    def add(self, record: Record) -> None:
        """Check one reader's record."""
        assert record.rejected == 0
        if record.rows:
            assert len(record.rows) == 1, f"not one run of numbers: {record.rows}"
            first, last = record.rows[0]
            assert first > self.committed, f"{first} again, though {self.committed} was committed"
            assert first <= self.delivered + 1, f"lost: {self.delivered + 1} to {first - 1}"
            self.again += self.delivered + 1 - first
            # A replay that was killed early delivers less than the reader before it.
            self.delivered = max(self.delivered, last)
        self.committed = max(self.committed, record.committed)
