"""A backlog that is read by several threads: large plain files in parts, compressed ones ahead of their turn."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import auditwake as aw

LINES = 12_000
OPTIONS: dict[str, Any] = {"follow": False, "columns": ["audit_id"], "batch_bytes": 1 << 20, "threads": 2}


def event(number: int) -> str:
    event = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": f"{number:06}"}
    return json.dumps(event | {"userAgent": "x" * (number * 37 % 700)}, separators=(",", ":"))


def lines(first: int, end: int) -> bytes:
    return "".join(f"{event(number)}\n" for number in range(first, end)).encode()


@pytest.fixture(params=["one", "several", "compressed"])
def log(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A log whose lines stand in rotated files, but for the last."""
    parts = 1 if request.param == "one" else 3
    for part in range(parts):
        content = lines(LINES * part // parts, LINES * (part + 1) // parts)
        name = tmp_path / f"audit-2026-11-24T00-00-0{part}.000.log"
        if request.param == "compressed":
            name.with_name(f"{name.name}.gz").write_bytes(gzip.compress(content))
        else:
            name.write_bytes(content)
    live = tmp_path / "audit.log"
    live.write_bytes(lines(LINES, LINES + 1))
    return live


def numbers(batch: aw.TailBatch) -> list[int]:
    return [int(number) for number in batch.to_pyarrow().column("audit_id").to_pylist()]


def test_every_line_comes_once_in_order(log: Path) -> None:
    found, ends = [], dict[str, int]()
    with aw.tail(log, state=None, **OPTIONS) as tail:
        for batch in tail:
            place = batch.offsets
            assert place.start == ends.get(place.file, 0)
            ends[place.file] = place.end
            found += numbers(batch)
        assert tail.gaps == []
    assert found == list(range(LINES + 1))


@pytest.mark.parametrize("taken", [1, 2, 3])
def test_a_backlog_is_gone_on_with(log: Path, tmp_path: Path, taken: int) -> None:
    found = []
    # Each run ends in the midst of what other threads have read already.
    for _ in range(100):
        with aw.tail(log, state=tmp_path / "state", **OPTIONS) as tail:
            for _, batch in zip(range(taken), tail, strict=False):
                found += numbers(batch)
                batch.commit()
            if found[-1] == LINES:
                break
            assert "replay" not in {event.kind for event in tail.events}
    assert found == list(range(LINES + 1))


def test_a_file_that_is_written_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    old, log = tmp_path / "audit-2026-11-24T00-00-00.000.log", tmp_path / "audit.log"
    old.write_bytes(lines(0, LINES))
    log.touch()
    with aw.tail(log, state=tmp_path / "state", **OPTIONS) as tail:
        batch = next(iter(tail))
        batch.commit()
    old.write_bytes(lines(LINES, 2 * LINES))
    with aw.tail(log, state=tmp_path / "state", **OPTIONS) as tail:
        found = [number for batch in tail for number in numbers(batch)]
    assert found == list(range(LINES, 2 * LINES))


def test_a_part_may_end_in_half_a_line(tmp_path: Path) -> None:
    old, log = tmp_path / "audit-2026-11-24T00-00-00.000.log", tmp_path / "audit.log"
    old.write_bytes(lines(0, LINES) + event(LINES).encode()[:100])
    log.touch()
    with aw.tail(log, state=None, **OPTIONS) as tail:
        found = [number for batch in tail for number in numbers(batch)]
        size = tail.stats.bytes
    assert found[:LINES] == list(range(LINES))
    assert size == old.stat().st_size
