"""The state directory of a tail: whose it is, and what is said when it cannot be had."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import auditwake as aw
from tests.tailing.rotator import Rotator
from tests.tailing.taken import drain, follow

OPEN = """
import sys
import auditwake as aw
try:
    aw.tail(sys.argv[1], state=sys.argv[2])
except aw.errors.StateError as error:
    print(error)
    sys.exit(3)
"""


def test_a_state_is_had_by_one_tail_at_a_time(log: Rotator, state: Path) -> None:
    log.write(3)
    with follow(log.path, state), pytest.raises(aw.errors.StateError) as refused:
        follow(log.path, state)
    assert str(state) in str(refused.value)
    assert str(os.getpid()) in str(refused.value)
    assert drain(log.path, state).rows == [(1, 3)]


def test_another_process_is_refused(log: Rotator, state: Path) -> None:
    command = [sys.executable, "-c", OPEN, str(log.path), str(state)]
    with follow(log.path, state):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 3, done.stderr
        assert str(state) in done.stdout
        assert str(os.getpid()) in done.stdout
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_state_is_free_when_the_block_ends_however_it_ends(log: Rotator, state: Path) -> None:
    log.write(3)

    def fail() -> None:
        with follow(log.path, state) as tail:
            next(tail).to_pyarrow().column("no such column")

    with pytest.raises(KeyError):
        fail()
    assert drain(log.path, state).rows == [(1, 3)]


def test_two_states_for_one_log_know_nothing_of_each_other(log: Rotator, state: Path) -> None:
    log.write(3)
    with follow(log.path, state) as tail, follow(log.path, state.with_name("other")) as other:
        for one in (tail, other):
            batch = one.next(timeout=10)
            assert batch is not None
            assert batch.num_rows == 3


def test_a_state_is_made_with_the_directories_above_it(log: Rotator, state: Path) -> None:
    log.write(3)
    drain(log.path, state / "a" / "b")
    assert drain(log.path, state / "a" / "b").rows == []
    names = {path.name for path in (state / "a" / "b").iterdir()}
    assert "lock" in names
    assert names & {"offsets.0", "offsets.1"}


def test_a_file_is_no_state(log: Rotator, state: Path) -> None:
    state.write_text("not a directory")
    with pytest.raises(aw.errors.StateError, match=str(state)):
        follow(log.path, state)


def test_one_state_holds_the_offsets_of_several_logs(tmp_path: Path, state: Path) -> None:
    logs = [Rotator(tmp_path / name / "audit.log") for name in ("a", "b")]
    for log in logs:
        log.write(3)
    assert drain(logs[0].path, state).rows == [(1, 3)]
    assert drain(logs[1].path, state).rows == [(1, 3)]
    assert drain([log.path for log in logs], state).rows == []


def test_a_state_error_is_one_of_ours_and_says_what_to_do(log: Rotator, state: Path) -> None:
    with follow(log.path, state), pytest.raises(aw.errors.AuditwakeError, match="directory") as refused:
        follow(log.path, state)
    assert type(refused.value) is aw.errors.StateError
