"""What the newest lines of a log are."""

import io
from pathlib import Path
from typing import Any, Final

from auditwake.forwarder.doctor.facts import Sample

__all__ = ["nul_bytes", "take_sample"]

SAMPLE_BYTES: Final = 4 << 20
LONGEST_LINE: Final = 64 << 20
COLUMNS: Final = ("level", "ts_stage", "req_bytes", "resp_bytes", "line_bytes")
LEGACY: Final = "legacy_text"
HARMLESS: Final = frozenset({LEGACY, "blank", "nul_run", "array_punctuation"})
TORN: Final = frozenset({"torn", "invalid_json", "torn_document"})


def take_sample(path: str | Path) -> Sample:
    """Read the newest lines of a log; half a line at its end is still being written, and left out.

    Args:
        path: The log.

    Raises:
        OSError: It cannot be read.
    """
    data = _newest(Path(path))
    return _measure(data) if data else Sample()


def _newest(path: Path) -> bytes:
    """Give the last whole lines: of 4 MiB, or more where one line is longer."""
    with path.open("rb") as file:
        end = file.seek(0, io.SEEK_END)
        length = min(end, SAMPLE_BYTES)
        while True:
            start = file.seek(end - length)
            data = file.read(length)
            last = data.rfind(b"\n") + 1
            first = 0 if start == 0 else data.find(b"\n") + 1
            if first < last or length >= min(end, LONGEST_LINE):
                return data[first:last]
            length = min(end, LONGEST_LINE, 4 * length)


def _measure(data: bytes) -> Sample:
    import pyarrow as pa
    import pyarrow.compute as pc

    from auditwake.read import read

    reader = read(io.BytesIO(data), columns=COLUMNS, threads=1)
    table: Any = pa.table(reader)
    reasons = reader.outcomes.reasons
    skipped, rejected = reasons["skipped"], reasons["rejected"]
    legacy = skipped.get(LEGACY, (0, 0))[0]
    levels = pc.value_counts(table["level"].cast(pa.string())).to_pylist()
    times = pc.min_max(table["ts_stage"]).as_py()
    bodies = pc.or_(pc.is_valid(table["req_bytes"]), pc.is_valid(table["resp_bytes"]))
    return Sample(
        bytes=len(data),
        events=table.num_rows,
        legacy=legacy,
        foreign=sum(count for name, (count, _) in skipped.items() if name not in HARMLESS)
        + sum(count for name, (count, _) in rejected.items() if name not in TORN),
        torn=sum(count for name, (count, _) in rejected.items() if name in TORN),
        levels=tuple(sorted((one["values"] or "", one["counts"]) for one in levels)),
        bodies=pc.sum(bodies).as_py() or 0,
        largest=pc.max(table["line_bytes"]).as_py() or 0,
        first=times["min"].timestamp() if times["min"] else None,
        last=times["max"].timestamp() if times["max"] else None,
    )


def nul_bytes(path: str | Path) -> int:
    """Count the zero bytes at the beginning of a log, up to a MiB.

    Args:
        path: The log.

    Raises:
        OSError: It cannot be read.
    """
    with Path(path).open("rb") as file:
        head = file.read(1 << 20)
    return len(head) - len(head.lstrip(b"\0"))
