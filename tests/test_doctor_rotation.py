"""How long an event is kept, and that judging looks at nothing but facts."""

import ast
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditwake.forwarder.doctor import Facts, judge, judging
from auditwake.forwarder.doctor.facts import Backup, LogFacts, Look, Sample, Who
from auditwake.forwarder.doctor.judging.rotation import time_to_loss
from auditwake.forwarder.doctor.judging.settings import MIB, Rotation

DAY = 86_400.0
NOW = 1_790_000_000.0


def rotated(intervals: list[int]) -> LogFacts:
    """A log with rotated files so many seconds apart."""
    times = [NOW - sum(intervals[:number]) for number in range(len(intervals) + 1)]
    backups = [Backup(name=f"{at}", size=1, rotated=at, compressed=True) for at in times]
    return LogFacts(path="audit.log", first=Look(size=1, modified=NOW, inode=1), backups=tuple(backups))


@given(st.integers(1, 10**6), st.integers(1, 50), st.integers(1, 500), st.integers(0, 400))
def test_at_a_steady_rate_it_is_the_files_that_are_kept_or_the_days(
    interval: int, files: int, kept: int, days: int
) -> None:
    expected = kept * float(interval)
    if days:
        expected = min(expected, days * DAY)
    assert time_to_loss(rotated([interval] * files), Rotation(100, kept, days)) == pytest.approx(expected)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=30), st.integers(1, 500), st.integers(0, 400))
def test_the_busiest_time_is_never_longer_than_the_usual(intervals: list[int], kept: int, days: int) -> None:
    log, rotation = rotated(intervals), Rotation(100, kept, days)
    usual, worst = time_to_loss(log, rotation), time_to_loss(log, rotation, worst=True)
    assert usual is not None
    assert worst is not None
    assert worst <= usual
    assert worst <= kept * min(intervals)


def test_before_the_second_rotation_the_newest_events_say_the_rate() -> None:
    sample = Sample(bytes=50_000, events=10, first=NOW - 50, last=NOW)
    log = LogFacts(path="audit.log", sample=sample)
    assert time_to_loss(log, Rotation(100, 10, 0)) == pytest.approx(10 * 100 * MIB / 1000)
    assert time_to_loss(LogFacts(path="audit.log"), Rotation(100, 10, 0)) is None
    assert time_to_loss(LogFacts(path="audit.log"), Rotation(100, 10, 2)) == 2 * DAY


@pytest.mark.parametrize(("maxbackup", "maxage", "seconds"), [(0, 0, None), (0, 3, 3 * DAY)])
def test_what_is_kept_by_age_alone_is_deleted_by_age_alone(maxbackup: int, maxage: int, seconds: float | None) -> None:
    assert time_to_loss(rotated([60, 60]), Rotation(100, maxbackup, maxage)) == seconds
    assert time_to_loss(rotated([60, 60]), Rotation(None, 5, maxage)) == seconds


def test_judging_looks_at_nothing_but_facts() -> None:
    """No module of it can open, ask or wait; and the same facts have the same findings."""
    allowed = {
        "auditwake",
        "collections",
        "dataclasses",
        "itertools",
        "posixpath",
        "re",
        "statistics",
        "typing",
    }
    folder = Path(judging.__file__).parent
    imported = {
        name.partition(".")[0]
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [one.name for one in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", "") or ""]
        )
    }
    assert len(imported) > 5
    assert imported - {""} <= allowed
    facts = Facts(now=NOW, who=Who(uid=0, name="root"), logs=(rotated([60]),))
    assert judge(facts) == judge(facts)
    assert {field.name for field in fields(Facts)} >= {"server", "policy", "logs", "sinks", "config", "state"}
