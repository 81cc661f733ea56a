"""Where it cannot be known what an offset of a Datadog Agent means, nothing is lost, and it is said."""

import random
from pathlib import Path

import pytest

from auditwake.forwarder.registry import take_over
from tests.registries import Log, config, left, only, registry, saved

# --- the file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_what_is_in_doubt_is_sent_twice_and_never_lost(seed: int, tmp_path: Path) -> None:
    """All lines are of one length, so that an offset fits many files, and what the registry says of time is little."""
    chosen = random.Random(seed)  # noqa: S311  # a case of a test
    log = Log(tmp_path / "logs" / "audit.log")
    for _ in range(3):
        log.write(chosen.randint(1, 40))
        log.rotate(compress=chosen.random() < 0.5)
    log.write(chosen.randint(1, 40))
    delivered = chosen.randint(1, log.last)
    later = chosen.choice([None, delivered, log.last + 100])
    agent = config(tmp_path, log.path)
    done = only(take_over(agent, registry(tmp_path, saved(log.path, log.ends[delivered], later))))
    assert done.outcome == "taken", done
    read = left(agent, log.path)
    assert read == list(range(read[0], log.last + 1))
    assert read[0] <= delivered + 1
    if read[0] <= delivered:
        assert "the earliest file is taken" in done.message
        assert "sent twice" in done.message


@pytest.mark.parametrize("lengths", ["one", "many"])
def test_an_agent_that_still_read_the_old_file_after_the_rotation(lengths: str, tmp_path: Path) -> None:
    """It reads up to its next look for rotations, so the time of the reading is one of the new file."""
    chosen = random.Random(0)  # noqa: S311  # a case of a test
    log = Log(tmp_path / "logs" / "audit.log", length=lambda: chosen.randint(1000, 1500) if lengths == "many" else 0)
    log.write(8)
    log.rotate(compress=True)
    log.write(60)
    agent = config(tmp_path, log.path)
    done = only(take_over(agent, registry(tmp_path, saved(log.path, log.ends[4], 50, read=14))))
    assert (done.outcome, "sent twice" in done.message) == ("taken", lengths == "one"), done
    assert left(agent, log.path) == list(range(5, 69))


def test_an_older_file_counts_only_where_its_line_ends_there(tmp_path: Path) -> None:
    """The line was read long after the first rotation: of files that fit, the one that was live then is taken."""
    log = Log(tmp_path / "logs" / "audit.log")
    log.write(400)
    log.rotate()
    log.write(900)
    agent = config(tmp_path, log.path)
    done = only(take_over(agent, registry(tmp_path, saved(log.path, log.ends[701], 800, read=790))))
    assert (done.outcome, "twice" in done.message) == ("taken", False), done
    assert left(agent, log.path) == list(range(702, 1301))


@pytest.mark.parametrize("dry_run", [True, False])
def test_an_offset_inside_a_line_is_said_to_be(dry_run: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a case
    log = Log(tmp_path / "logs" / "audit.log")
    log.write(20)
    agent = config(tmp_path, log.path)
    done = only(take_over(agent, registry(tmp_path, saved(log.path, log.ends[7] + 5, 8)), dry_run=dry_run))
    assert done.outcome == "taken"
    assert "inside of a line" in done.message
    assert ("would begin in front of" in done.message) == dry_run
    if not dry_run:
        assert f"begins at byte {log.ends[7]} of" in done.message


# --- what happens to each log ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["beginning", "end"])
@pytest.mark.parametrize("dry_run", [True, False])
def test_of_a_pattern_each_log_is_told(dry_run: bool, start: str, tmp_path: Path) -> None:  # noqa: FBT001  # a case
    """One is placed, one is refused, one has no offset: the last two are read from their beginning, and it is said."""
    logs = [Log(tmp_path / "logs" / name / "audit.log") for name in ("a", "b", "c")]
    for log in logs:
        log.write(20)
    pattern = str(tmp_path / "logs" / "*" / "audit.log")
    agent = config(tmp_path, pattern, start_position=start)
    values = {**saved(logs[0].path, logs[0].ends[10], 10), **saved(logs[1].path, logs[1].ends[20] + 1, 20)}
    done = {one.path: one for one in take_over(agent, registry(tmp_path, values), dry_run=dry_run)}
    assert [done[str(log.path)].outcome for log in logs] == ["taken", "refused", "new"]
    assert "beyond the end" in done[str(logs[1].path)].message
    for log in logs[1:]:
        assert "read from its beginning" in done[str(log.path)].message
        assert "sent twice" in done[str(log.path)].message
    if not dry_run:
        assert sorted(left(agent, pattern)) == sorted([*range(11, 21), *range(1, 21), *range(1, 21)])


@pytest.mark.parametrize(("start", "says"), [("beginning", "read from its beginning"), ("end", "is not sent")])
def test_of_a_refused_log_it_is_said_where_it_is_read_from(start: str, says: str, tmp_path: Path) -> None:
    log = Log(tmp_path / "logs" / "audit.log")
    log.write(20)
    agent = config(tmp_path, log.path, start_position=start)
    done = only(take_over(agent, registry(tmp_path, saved(log.path, log.ends[20] + 1, 20))))
    assert done.outcome == "refused"
    assert says in done.message


@pytest.mark.parametrize("wild", [True, False])
@pytest.mark.parametrize("why", ["absent", "empty", "excluded", "no-sink", "unknown"])
def test_each_reason_has_its_word(why: str, wild: bool, tmp_path: Path) -> None:  # noqa: FBT001  # a case
    log, other = Log(tmp_path / "logs" / "a" / "audit.log"), Log(tmp_path / "logs" / "b" / "audit.log")
    log.write(3)
    other.write(3)
    if why == "absent":
        log.path.unlink()
    elif why == "empty":
        log.path.write_bytes(b"")
    path = str(tmp_path / "logs" / "*" / "audit.log") if wild else str(log.path)
    agent = config(
        tmp_path,
        str(tmp_path / "other.log") if why == "unknown" else path,
        sinks=0 if why == "no-sink" else 1,
        exclude_paths=(str(log.path),) if why == "excluded" else (),
    )
    done = only(take_over(agent, registry(tmp_path, saved(log.path, 5))))
    assert (done.outcome, done.path) == (why, str(log.path)), done
    assert not (agent.state / "routes").exists()


def test_a_directory_that_cannot_be_read_refuses_each_offset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(tmp_path / "logs" / "a" / "audit.log")
    log.write(3)

    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("auditwake.forwarder.registry.importing.tail", fail)
    agent = config(tmp_path, str(tmp_path / "logs" / "*" / "audit.log"))
    done = only(take_over(agent, registry(tmp_path, saved(log.path, log.ends[1]))))
    assert (done.outcome, done.path) == ("refused", str(log.path))
    assert "Permission denied" in done.message
