"""Which files a tail follows: names, patterns, directories, links; each event comes once whatever names it."""

from pathlib import Path
from typing import Any

import pytest

from tests.tailing.lines import line
from tests.tailing.rotator import Rotator
from tests.tailing.taken import Taken, drain, follow, nothing_comes


@pytest.fixture
def rotated(log: Rotator) -> Rotator:
    """A compressed file, a plain one and the live one, of five lines each."""
    log.write(5)
    log.compress_now(log.rotate())
    log.write(5)
    log.rotate()
    log.write(5)
    return log


@pytest.mark.parametrize(
    "names",
    [
        ["audit.log"],
        [""],
        ["*.log"],
        ["audit*"],
        ["*"],
        ["audit*.log*"],
        ["a?dit.log"],
        ["audit.log", "", "*", "audit*.log"],
    ],
)
def test_each_event_comes_once(rotated: Rotator, state: Path, names: list[str]) -> None:
    taken = drain([rotated.path.parent / name for name in names], state)
    assert taken.rows == [(1, 15)]
    assert len(taken.stats.streams) == 1
    assert drain(rotated.path, state).rows == []


@pytest.mark.parametrize("name", ["*", "", "*.log"])
def test_a_pattern_or_a_directory_is_followed_through_rotation(rotated: Rotator, state: Path, name: str) -> None:
    """Also a pattern that matches the rotated files: they are not other logs."""
    with follow(f"{rotated.path.parent}/{name}", state) as tail:
        taken = Taken().until(tail, 15)
        for last in (18, 21, 24):
            backup = rotated.rotate()
            rotated.write(3)
            rotated.compress_now(backup)
            taken.until(tail, last)
        nothing_comes(tail, 1.2)
        assert taken.rows == [(1, 24)]
        assert len(tail.stats.streams) == 1


def test_a_pattern_for_rotated_files_means_just_those(rotated: Rotator, state: Path) -> None:
    assert drain(rotated.path.parent / "audit-*", state).rows == [(1, 10)]
    assert drain(rotated.path.parent / "audit-*.log", None).rows == [(1, 10)]
    assert drain(rotated.path.parent / "audit-*.gz", None).rows == [(1, 5)]
    assert drain(rotated.backups()[1], None).rows == [(6, 10)]


@pytest.mark.parametrize("spec", ["list", "directory", "pattern"])
def test_several_logs_are_several_streams(tmp_path: Path, state: Path, spec: str) -> None:
    folder = tmp_path / "logs"
    logs = [Rotator(folder / name) for name in ("audit.log", "oauth.log", "extra.log")]
    for place, log in enumerate(logs):
        log.last = place * 1000
        log.write(4)
        log.rotate()
        log.write(4)
    specs: dict[str, Any] = {
        "list": [log.path for log in logs],
        "directory": folder,
        "pattern": f"{folder}/*.log",
    }
    taken = drain(specs[spec], state, batch_rows=3)
    assert sorted(taken.numbers) == [place * 1000 + number for place in range(3) for number in range(1, 9)]
    for place, log in enumerate(logs):
        ours = [number for number in taken.numbers if number // 1000 == place]
        assert ours == sorted(ours)
        assert {one.stream for one in taken.places} >= {str(log.path)}
    assert len(taken.stats.streams) == 3
    assert taken.stats.lines == 24
    assert drain(specs[spec], state).rows == []


def test_a_log_that_appears_in_a_directory_is_followed_from_its_beginning(log: Rotator, state: Path) -> None:
    log.write(3)
    with follow(log.path.parent, state, start="end") as tail:
        nothing_comes(tail, 0.1)
        other = Rotator(log.path.with_name("other.log"))
        other.last = 10
        other.write(3)
        assert Taken().until(tail, 13).rows == [(11, 13)]
        assert len(tail.stats.streams) == 2


def test_what_is_no_log_is_left_out_of_a_directory(log: Rotator) -> None:
    log.write(3)
    for name in (".audit.log", "audit.log.part", "notes.md", "audit.tar"):
        log.path.with_name(name).write_bytes(line(9))
    log.path.with_name("sub.log").mkdir()
    assert drain(log.path.parent, None).rows == [(1, 3)]


# --- other names -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compressed", [False, True])
def test_backups_of_another_name(log: Rotator, state: Path, *, compressed: bool) -> None:
    """As kops and OpenShift call them: after the server, and not after the log."""
    with follow(log.path, state, backups="kube-apiserver-audit-*.log*") as tail:
        log.write(5)
        taken = Taken().until(tail, 5)
        for _ in range(2):
            log.write(5)
            backup = log.path.with_name(log.backup_name().name.replace("audit-", "kube-apiserver-audit-"))
            log.path.rename(backup)
            if compressed:
                log.compress_now(backup)
            log.write(2)
            taken.until(tail, log.last)
    assert taken.rows == [(1, 19)]
    assert drain(log.path, state, backups="kube-apiserver-audit-*.log*").rows == []
    assert drain(log.path.parent, None, backups="kube-apiserver-audit-*.log*").rows == [(1, 19)]


def test_numbered_backups(log: Rotator, state: Path) -> None:
    """logrotate renames all of them at each rotation: `audit.log.1` is another file each time."""

    def rotate() -> None:
        for number in (3, 2, 1):
            old = log.path.with_name(f"audit.log.{number}")
            if old.exists():
                old.rename(log.path.with_name(f"audit.log.{number + 1}"))
        log.path.rename(log.path.with_name("audit.log.1"))
        log.path.touch()

    log.write(5)
    with follow(log.path, state) as tail:
        taken = Taken().until(tail, 5)
        for last in (10, 15):
            log.write(3)
            rotate()
            log.write(2)
            taken.until(tail, last)
    for _ in range(2):
        log.write(3)
        rotate()
        log.write(2)
    taken = drain(log.path, state)
    assert taken.rows == [(16, 25)]
    assert taken.gaps == []
    assert drain(log.path, None).rows == [(1, 25)]


# --- links -----------------------------------------------------------------------------------------------------------


def test_a_link_is_followed_to_what_it_points_to_by_then(tmp_path: Path, state: Path) -> None:
    """As kubelet does it: the name stays, each file has one of its own."""
    link = tmp_path / "audit.log"
    first, second = (Rotator(tmp_path / "real" / f"{name}.log") for name in ("a", "b"))
    first.write(5)
    link.symlink_to(first.path)
    with follow(link, state) as tail:
        taken = Taken().until(tail, 5)
        first.write(2)
        second.last = first.last
        second.write(3)
        new = tmp_path / "new"
        new.symlink_to(second.path)
        new.replace(link)
        taken.until(tail, 10)
        second.write(2)
        taken.until(tail, 12)
    assert taken.rows == [(1, 12)]
    assert drain(link, state).rows == []


def test_the_file_behind_a_link_is_rotated(tmp_path: Path, state: Path) -> None:
    link = tmp_path / "link" / "audit.log"
    log = Rotator(tmp_path / "real" / "audit.log")
    log.write(5)
    link.parent.mkdir()
    link.symlink_to(log.path)
    with follow(link, state) as tail:
        taken = Taken().until(tail, 5)
        log.write(2)
        log.compress_now(log.rotate())
        log.write(3)
        assert taken.until(tail, 10).rows == [(1, 10)]
    log.rotate()
    log.write(5)
    assert drain(link, state).rows == [(11, 15)]


def test_a_link_to_nothing_is_waited_for(tmp_path: Path, state: Path) -> None:
    link = tmp_path / "audit.log"
    link.symlink_to(tmp_path / "real" / "audit.log")
    with follow(link, state) as tail:
        nothing_comes(tail, 0.2)
        Rotator(tmp_path / "real" / "audit.log").write(3)
        assert Taken().until(tail, 3).rows == [(1, 3)]
