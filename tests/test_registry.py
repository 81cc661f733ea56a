"""The offsets of a Datadog Agent are taken over to the byte, once, or refused with the reason."""

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import auditwake as aw
from auditwake.cli import main
from auditwake.errors import AuditwakeError, StateError
from auditwake.forwarder.lock import Lock
from auditwake.forwarder.registry import Entry, importing, read_registry, take_over
from auditwake.forwarder.routes import route_directory
from tests.registries import Log, at, config, event, left, only, registry, saved
from tests.tailing.lines import number_of


@pytest.mark.parametrize("seed", range(12))
def test_the_first_event_that_is_read_is_the_first_that_was_not_delivered(seed: int, tmp_path: Path) -> None:
    """For any place in any file: live, rotated since, compressed since, at the ends of files, with junk in between."""
    chosen = random.Random(seed)  # noqa: S311  # a case of a test
    log = Log(tmp_path / "logs" / "audit.log", length=lambda: chosen.randint(1000, 1500))
    for _ in range(chosen.randint(0, 3)):
        log.write(chosen.randint(1, 60))
        log.rotate(compress=chosen.random() < 0.5)
    log.write(chosen.randint(1, 200))
    delivered = chosen.choice([1, log.last, chosen.randint(1, log.last), chosen.randint(1, log.last)])
    agent = config(tmp_path, log.path)
    values = saved(log.path, log.ends[delivered], delivered, read=delivered if chosen.random() < 0.5 else None)
    done = only(take_over(agent, registry(tmp_path, values)))
    assert (done.outcome, "twice" in done.message) == ("taken", False), done
    assert left(agent, log.path) == list(range(delivered + 1, log.last + 1))


def test_a_large_log_is_cut_to_the_line(tmp_path: Path) -> None:
    """Larger than a batch of the first step. Lines of no event before the place are read again, and no event is."""
    path = tmp_path / "logs" / "audit.log"
    path.parent.mkdir()
    junk = b"no event\n" * 3
    head = b"".join(event(number, 10_000) for number in range(1, 2001)) + junk
    path.write_bytes(head + b"no event either\n" + b"".join(map(event, range(2001, 2011))))
    assert len(head) > 16 << 20
    agent = config(tmp_path, path)
    assert only(take_over(agent, registry(tmp_path, saved(path, len(head), 2000)))).outcome == "taken"
    with aw.tail(path, state=route_directory(agent.state, "file", str(path)), follow=False) as tail:
        batches = list(tail)
    assert [batches[0].offsets.start, batches[0].offsets.file] == [len(head) - len(junk), str(path)]
    assert sum(batch.num_rows for batch in batches) == 10


def test_an_offset_inside_a_line_begins_at_its_beginning(tmp_path: Path) -> None:
    log = Log(tmp_path / "logs" / "audit.log")
    log.write(20)
    agent = config(tmp_path, log.path)
    done = only(take_over(agent, registry(tmp_path, saved(log.path, log.ends[7] + 5, 8))))
    assert done.outcome == "taken"
    assert "in front of the offset" in done.message
    assert left(agent, log.path) == list(range(8, 21))


def test_the_tail_goes_on_through_what_comes_later(tmp_path: Path) -> None:
    log = Log(tmp_path / "logs" / "audit.log")
    log.write(20)
    agent = config(tmp_path, log.path)
    take_over(agent, registry(tmp_path, saved(log.path, log.ends[15], 15)))
    log.write(5)
    log.rotate(compress=True)
    log.write(5)
    assert left(agent, log.path) == list(range(16, 31))


def test_each_sink_gets_a_state_of_its_own_and_each_log_of_a_pattern_its_place(tmp_path: Path) -> None:
    logs = [Log(tmp_path / "logs" / name / "audit.log") for name in ("a", "b", "c")]
    for log in logs:
        log.write(30)
    pattern = str(tmp_path / "logs" / "*" / "audit.log")
    agent = config(tmp_path, pattern, sinks=2)
    values = {**saved(logs[0].path, logs[0].ends[10], 10), **saved(logs[1].path, logs[1].ends[30], 30)}
    done = take_over(agent, registry(tmp_path, values))
    assert [one.outcome for one in done] == ["taken", "taken", "new"] * 2
    for sink in ("file", "stdout"):
        numbers = left(agent, pattern, sink)
        assert sorted(numbers) == sorted([*range(11, 31), *range(1, 31)])


def test_it_is_done_once(tmp_path: Path) -> None:
    log = Log(tmp_path / "logs" / "audit.log")
    log.write(20)
    agent = config(tmp_path, log.path)
    file = registry(tmp_path, saved(log.path, log.ends[5], 5))
    assert only(take_over(agent, file)).outcome == "taken"
    registry(tmp_path, saved(log.path, log.ends[15], 15))
    again = only(take_over(agent, file))
    assert (again.outcome, "has a state already" in again.message) == ("refused", True)
    assert left(agent, log.path) == list(range(6, 21))


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    log = Log(tmp_path / "logs" / "audit.log")
    log.write(20)
    agent = config(tmp_path, log.path)
    done = only(take_over(agent, registry(tmp_path, saved(log.path, log.ends[5], 5)), dry_run=True))
    assert (done.outcome, done.message) == ("taken", f"would begin at byte {log.ends[5]} of {log.path}")
    assert not agent.state.exists()


def test_an_offset_behind_the_end_is_refused(tmp_path: Path) -> None:
    log = Log(tmp_path / "logs" / "audit.log")
    log.write(20)
    for after in (None, 20):
        agent = config(tmp_path, log.path)
        done = only(take_over(agent, registry(tmp_path, saved(log.path, log.ends[20] + 1, after))))
        assert (done.outcome, "beyond the end" in done.message) == ("refused", True)
        assert not (agent.state / "routes").exists()


def test_an_offset_of_a_file_that_is_deleted_is_refused(tmp_path: Path) -> None:
    """Though the live file is large enough by now: its first event is younger than the offset."""
    log = Log(tmp_path / "logs" / "audit.log")
    log.write(20)
    offset = log.ends[10]
    log.rotate()
    log.write(40)
    for backup in log.path.parent.glob("audit-*"):
        backup.unlink()
    done = only(take_over(config(tmp_path, log.path), registry(tmp_path, saved(log.path, offset, 10))))
    assert (done.outcome, "has been deleted" in done.message) == ("refused", True)


@pytest.mark.parametrize("step", ["survey", "settle"])
@pytest.mark.parametrize("change", ["rotated", "compressed", "cut"])
def test_a_rotation_meanwhile_changes_nothing(
    change: str, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it comes between the two readings or before the first, and whatever it does to the names."""
    log = Log(tmp_path / "logs" / "audit.log")
    log.write(20)
    log.rotate()
    log.write(20)
    agent = config(tmp_path, log.path)
    inner = getattr(importing, step)

    def rotating(*args: Any) -> Any:  # noqa: ANN401  # those of the step
        monkeypatch.setattr(importing, step, inner)
        if change == "cut":
            log.path.write_bytes(b"")
        else:
            log.rotate(compress=change == "compressed")
        log.write(10)
        return inner(*args)

    monkeypatch.setattr(importing, step, rotating)
    done = only(take_over(agent, registry(tmp_path, saved(log.path, log.ends[25], 25))))
    assert done.outcome == "refused"
    assert [one for one in agent.state.rglob("*") if one.is_file() and one.name != "lock"] == []


def test_the_time_at_which_the_agent_stopped_is_not_that_of_the_offset(tmp_path: Path) -> None:
    """It is saved with each file when the Agent stops; what it has read last is told by another key."""
    log = Log(tmp_path / "audit.log")
    log.write(20)
    size = log.path.stat().st_size
    log.rotate()
    log.write(60)
    agent = config(tmp_path, log.path)
    entry = saved(log.path, size // 2, after=75)
    entry[f"file:{log.path}"]["IngestionTimestamp"] = int(at(9).timestamp() * 1e9) + 1
    assert only(take_over(agent, registry(tmp_path, entry))).outcome == "taken"
    assert left(agent, log.path) == list(range(11, 81))


def test_a_start_that_is_forced_refuses_the_offset(tmp_path: Path) -> None:
    log = Log(tmp_path / "audit.log")
    log.write(9)
    agent = config(tmp_path, log.path, start_position="forceBeginning")
    done = only(take_over(agent, registry(tmp_path, saved(log.path, 10))))
    assert (done.outcome, "forceBeginning" in done.message) == ("refused", True)


def test_a_running_agent_is_left_alone(tmp_path: Path) -> None:
    log = Log(tmp_path / "audit.log")
    log.write(9)
    agent = config(tmp_path, log.path)
    with Lock(agent.state), pytest.raises(StateError, match="another agent"):
        take_over(agent, registry(tmp_path, saved(log.path, 10)))


def test_what_is_not_ours_is_named(tmp_path: Path) -> None:
    log = Log(tmp_path / "logs" / "audit.log")
    log.write(3)
    done = take_over(
        config(tmp_path, log.path), registry(tmp_path, {**saved(Path("/other.log"), 5), "docker:x": {"Offset": "t"}})
    )
    assert [(one.path, one.outcome) for one in done] == [("/other.log", "unknown")]


@pytest.mark.parametrize(
    ("version", "values"),
    [
        (0, {"/l": {"Path": "/l", "Timestamp": "2026-09-20T10:00:00Z", "Offset": 12}}),
        (1, {"file:/l": {"LastUpdated": "2026-09-20T10:00:00Z", "Timestamp": "", "Offset": 12}}),
        (2, {"file:/l": {"LastUpdated": "2026-09-20T10:00:00.000000000Z", "Offset": "12", "TailingMode": "end"}}),
        (3, {"file:/l": {"LastUpdated": "2026-09-20T12:00:00+02:00", "Offset": "12", "Fingerprint": {"Value": 0}}}),
    ],
)
def test_each_version_is_read(version: int, values: dict[str, Any], tmp_path: Path) -> None:
    expected = Entry("/l", 12, datetime(2026, 9, 20, 10, tzinfo=UTC))
    assert read_registry(registry(tmp_path, values, version)) == (expected,)


@pytest.mark.parametrize(
    "values",
    [
        {"docker:x": {"Offset": "2026-09-20T10:00:00Z"}},
        {"file:/l": {"Offset": ""}},
        {"file:/l": {"Offset": "0"}},
        {"file:/l": {"Offset": "-5"}},
        {"file:/l": {"Offset": "٣"}},
        {"file:/l": {"Offset": True}},
        {"file:/l": {"Offset": "9" * 5000}},
        {"file:/l": {}},
        {"file:/l": None},
    ],
)
def test_what_is_no_offset_of_a_file_is_left_out(values: dict[str, Any], tmp_path: Path) -> None:
    assert read_registry(registry(tmp_path, values)) == ()


def test_a_time_that_is_none_is_none(tmp_path: Path) -> None:
    values = {
        f"file:/{n}": {"Offset": "1", "LastUpdated": t} for n, t in enumerate(["", "0001-01-01T00:00:00Z", None, 5])
    }
    assert [one.updated for one in read_registry(registry(tmp_path, values))] == [None] * 4


@pytest.mark.parametrize("text", ["", "[]", "{}", "x", '{"Version":9,"Registry":{}}', '{"Registry":{}}', "[" * 100_000])
def test_a_file_that_is_no_registry_is_said_to_be_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    path.write_text(text)
    with pytest.raises(AuditwakeError, match="registry"):
        read_registry(path)
    with pytest.raises(AuditwakeError, match="cannot be read"):
        read_registry(tmp_path / "none")


def test_a_log_that_is_excluded_has_no_place(tmp_path: Path) -> None:
    logs = [Log(tmp_path / "logs" / name / "audit.log") for name in ("a", "b")]
    for log in logs:
        log.write(5)
    agent = config(tmp_path, str(tmp_path / "logs" / "*" / "audit.log"), exclude_paths=(str(logs[1].path),))
    values = {**saved(logs[0].path, logs[0].ends[2], 2), **saved(logs[1].path, logs[1].ends[2], 2)}
    done = take_over(agent, registry(tmp_path, values))
    assert [(one.path, one.outcome) for one in done] == [(str(logs[0].path), "taken"), (str(logs[1].path), "excluded")]


def test_the_command_takes_over_what_the_configuration_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(tmp_path / "logs" / "audit.log")
    log.write(10)
    file = registry(tmp_path, saved(log.path, log.ends[4], 4))
    conf = tmp_path / "conf.d" / "kubernetes_audit.d" / "conf.yaml"
    conf.parent.mkdir(parents=True)
    conf.write_text(
        f"logs:\n  - {{type: file, path: {log.path}, service: audit}}\nauditwake:\n  state_dir: {tmp_path / 'state'}\n"
    )
    monkeypatch.setenv("DD_LOGS_ENABLED", "true")
    monkeypatch.setenv("DD_API_KEY", "0" * 32)
    command = ["agent", "import-registry", str(file), "-c", str(tmp_path / "conf.d")]
    assert main([*command, "--dry-run"]) == 0
    assert "would begin" in capsys.readouterr().out
    assert main(command) == 0
    assert capsys.readouterr().out.startswith(f"taken: {log.path} to datadog: begins at byte {log.ends[4]} of")
    assert main(command) == 1
    assert "has a state already" in capsys.readouterr().out
    state = route_directory(tmp_path / "state", "datadog", str(log.path))
    with aw.tail(log.path, state=state, follow=False, columns=["name"]) as tail:
        assert [number_of(name) for batch in tail for name in batch.to_pyarrow().column("name").to_pylist()] == [
            *range(5, 11)
        ]
    assert main(["agent", "status", "-c", str(tmp_path / "conf.d")]) == 1
    assert f"{tmp_path / 'state' / 'agent.sock'}: no agent is running there" in capsys.readouterr().err
