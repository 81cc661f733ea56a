"""`auditwake tail` on a log that grows: how it ends, and that a new run goes on where the one before it ended."""

import contextlib
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO

import pytest

from auditwake.cli.exits import Exit

TOO_LONG = 60
COMMAND = [sys.executable, "-m", "auditwake", "tail"]
on_posix = pytest.mark.skipif(os.name == "nt", reason="there are no such signals")

Child = subprocess.Popen[bytes]


def run(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, check=False, timeout=TOO_LONG)


@contextlib.contextmanager
def running(*arguments: object, out: int | IO[bytes] = subprocess.PIPE) -> Iterator[Child]:
    """Run the command beside the test."""
    command = [*COMMAND, *map(str, arguments)]
    with subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, bufsize=0) as child:
        try:
            yield child
        finally:
            child.kill()


def until(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + TOO_LONG
    while not true():
        assert time.monotonic() < end, f"waited too long until {what}"
        time.sleep(0.01)


class Log:
    """A log that numbers its events and is rotated and compressed as kube-apiserver does it."""

    def __init__(self, folder: Path, template: bytes) -> None:
        self.path = folder / "audit.log"
        self.written = 0
        self._event = json.loads(template)
        self._packers: list[threading.Thread] = []
        self._writing = threading.Lock()

    def line(self, number: int) -> bytes:
        return json.dumps(self._event | {"auditID": f"n{number:06}"}, separators=(",", ":")).encode() + b"\n"

    def write(self, count: int) -> None:
        with self.path.open("ab") as file:
            file.write(b"".join(map(self.line, range(self.written, self.written + count))))
        self.written += count

    def rotate(self) -> None:
        time.sleep(0.002)  # the names have milliseconds, and sort
        now = datetime.now(UTC)
        backup = self.path.with_name(f"audit-{now:%Y-%m-%dT%H-%M-%S}.{now.microsecond // 1000:03}.log")
        self.path.rename(backup)
        self.path.touch()
        packer = threading.Thread(target=pack, args=(backup,))
        packer.start()
        self._packers.append(packer)

    @contextlib.contextmanager
    def growing(self) -> Iterator[None]:
        """Write meanwhile, and rotate again and again."""
        stop = threading.Event()
        writer = threading.Thread(target=self._grow, args=(stop,))
        writer.start()
        try:
            yield
        finally:
            stop.set()
            writer.join()
            self.wait()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Write nothing meanwhile."""
        with self._writing:
            yield

    def _grow(self, stop: threading.Event) -> None:
        while not stop.is_set():
            with self._writing:
                self.write(20)
                if self.written % 400 == 0:
                    self.rotate()
            time.sleep(0.005)

    def wait(self) -> None:
        for packer in self._packers:
            packer.join()


def pack(backup: Path) -> None:
    """Compress in place: the new file grows beside the old one, which goes when it is whole."""
    with backup.open("rb") as plain, gzip.open(f"{backup}.gz", "wb") as packed:
        while piece := plain.read(1 << 14):
            packed.write(piece)
            packed.flush()
            time.sleep(0.001)
    backup.unlink()


def numbers(output: bytes) -> list[int]:
    """Give the numbers of the whole lines of an output."""
    return [int(number) for number in re.findall(rb'"auditID":"n(\d+)".*\n', output)]


@pytest.fixture
def log(tmp_path: Path, metadata_log: Path) -> Iterator[Log]:
    folder = tmp_path / "log"
    folder.mkdir()
    with metadata_log.open("rb") as lines:
        log = Log(folder, lines.readline())
    yield log
    log.wait()


# --- how it ends -----------------------------------------------------------------------------------------------------


@on_posix
@pytest.mark.parametrize(("number", "code"), [("SIGTERM", Exit.FINE), ("SIGINT", Exit.INTERRUPTED)])
def test_a_signal_ends_it_and_all_was_written(number: str, code: Exit, log: Log, tmp_path: Path) -> None:
    log.write(10)
    with running(log.path, "--state", tmp_path / "state") as child:
        assert child.stdout is not None
        assert child.stderr is not None
        seen = child.stdout.read(1)
        begin = time.monotonic()
        child.send_signal(getattr(signal, number))
        seen += child.stdout.read()
        assert child.wait(TOO_LONG) == code
        assert child.stderr.read() == b""
        assert time.monotonic() - begin < 5
    assert numbers(seen) == list(range(10))
    assert run(log.path, "--state", tmp_path / "state", "--once").stdout == b""


@on_posix
def test_an_interrupt_does_not_wait_for_a_reader_that_does_not_read(metadata_log: Path, tmp_path: Path) -> None:
    with running(metadata_log, "--state", tmp_path / "state") as child:
        assert child.stdout is not None
        assert child.stdout.read(1)
        time.sleep(0.2)  # the pipe is full by now
        child.send_signal(signal.SIGINT)
        assert child.wait(TOO_LONG) == Exit.INTERRUPTED
    # Not all of it was written: all of it comes again.
    assert run(metadata_log, "--state", tmp_path / "state", "--once").stdout == metadata_log.read_bytes()


@on_posix
@pytest.mark.parametrize("output", ["ndjson", "arrow", "pretty"])
def test_a_reader_that_leaves_is_no_error_and_nothing_is_committed(
    output: str, metadata_log: Path, tmp_path: Path
) -> None:
    with running(metadata_log, "--state", tmp_path / "state", "--output", output) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.read(10)
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(TOO_LONG) == Exit.BROKEN_PIPE
    assert run(metadata_log, "--state", tmp_path / "state", "--once").stdout == metadata_log.read_bytes()


@on_posix
def test_a_reader_that_leaves_a_quiet_log_is_noticed(log: Log) -> None:
    log.write(1)
    with running(log.path, "--start", "beginning") as child:
        assert child.stdout is not None
        assert child.stdout.read(1)
        child.stdout.close()
        assert child.wait(TOO_LONG) == Exit.BROKEN_PIPE


# --- where it begins -------------------------------------------------------------------------------------------------


def test_with_state_the_next_run_goes_on(log: Log, tmp_path: Path) -> None:
    arguments = (log.path, "--once", "--state", tmp_path / "state")
    log.write(5)
    assert numbers(run(*arguments).stdout) == list(range(5))
    assert run(*arguments).stdout == b""
    log.write(2)
    log.rotate()
    log.write(2)
    log.wait()
    assert numbers(run(*arguments).stdout) == list(range(5, 9))


def test_a_limit_loses_nothing_of_what_it_cut(log: Log, tmp_path: Path) -> None:
    log.write(10)
    arguments = (log.path, "--once", "--state", tmp_path / "state")
    assert numbers(run(*arguments, "-n", "3").stdout) == [0, 1, 2]
    assert set(numbers(run(*arguments).stdout)) >= set(range(3, 10))


def test_what_a_filter_leaves_out_is_committed(log: Log, tmp_path: Path) -> None:
    log.write(10)
    arguments = (log.path, "--once", "--state", tmp_path / "state")
    assert run(*arguments, "--where", "audit_id = nothing").stdout == b""
    assert run(*arguments).stdout == b""


@on_posix
def test_without_state_it_begins_at_the_end(log: Log) -> None:
    log.write(3)
    with running(log.path) as child:
        assert child.stdout is not None
        stdout = child.stdout
        seen: list[bytes] = []
        reader = threading.Thread(target=lambda: seen.append(stdout.read(1)))
        reader.start()
        while not seen:  # it says nothing when it is ready
            log.write(1)
            time.sleep(0.05)
        child.send_signal(signal.SIGTERM)
        output = seen[0] + stdout.read()
        reader.join()
    found = numbers(output)
    assert found
    assert found[0] >= 3
    assert found == list(range(found[0], found[-1] + 1))


@on_posix
def test_a_new_line_is_out_soon(log: Log) -> None:
    log.write(1)
    with running(log.path, "--start", "beginning") as child:
        assert child.stdout is not None
        first = b""
        while not first.endswith(b"\n"):
            first += child.stdout.read(1)
        begin = time.monotonic()
        log.write(1)
        assert child.stdout.read(1)
        assert time.monotonic() - begin < 2
        child.send_signal(signal.SIGTERM)


# --- ended and begun anew, while the log is rotated and compressed ----------------------------------------------------


class Runs:
    """Runs of the command one after the other, with one state, each with its own output."""

    def __init__(self, log: Log, folder: Path) -> None:
        self._log = log
        self._folder = folder
        self._files: list[Path] = []

    def numbers(self) -> list[list[int]]:
        """What each run wrote so far."""
        return [numbers(file.read_bytes()) for file in self._files]

    def end_while_it_grows(self, end: Callable[[Child], None], times: int = 3) -> None:
        """Begin a run and end it, several times; then, when nothing is written any more, run to the end."""
        with self._log.growing():
            for _ in range(times):
                with self._running() as child:
                    enough = self._log.written + 500
                    until(partial(self._has, enough), "the log has grown, and something was written out")
                    end(child)
        with self._running("--once") as child:
            assert child.wait(TOO_LONG) == 0

    def caught_up(self) -> bool:
        """Say whether all that is in the log was written out."""
        return bool(self.numbers()[-1]) and self.numbers()[-1][-1] == self._log.written - 1

    def _has(self, lines: int) -> bool:
        return self._log.written > lines and bool(self.numbers()[-1])

    @contextlib.contextmanager
    def _running(self, *options: str) -> Iterator[Child]:
        self._files.append(self._folder / f"out.{len(self._files)}")
        with (
            self._files[-1].open("wb") as out,
            running(self._log.path, "--state", self._folder / "state", *options, out=out) as child,
        ):
            yield child


def terminate(child: Child) -> None:
    child.send_signal(signal.SIGTERM)
    assert child.wait(TOO_LONG) == 0


def kill(child: Child) -> None:
    child.kill()
    child.wait(TOO_LONG)


@on_posix
def test_terminated_three_times_every_line_is_there_once(log: Log, tmp_path: Path) -> None:
    runs = Runs(log, tmp_path)
    runs.end_while_it_grows(terminate)
    assert list(chain.from_iterable(runs.numbers())) == list(range(log.written))


@on_posix
def test_killed_between_batches_every_line_is_there_once(log: Log, tmp_path: Path) -> None:
    runs = Runs(log, tmp_path)

    def kill_when_idle(child: Child) -> None:
        with log.paused():
            until(runs.caught_up, "all was written out")
            time.sleep(0.5)  # and committed
            kill(child)

    runs.end_while_it_grows(kill_when_idle)
    assert list(chain.from_iterable(runs.numbers())) == list(range(log.written))


@on_posix
def test_killed_at_any_time_no_line_is_lost(log: Log, tmp_path: Path) -> None:
    """What comes twice was written out behind the last commit: no run begins behind the end of the one before."""
    runs = Runs(log, tmp_path)
    runs.end_while_it_grows(kill)
    end = 0
    for found in runs.numbers():
        assert found == list(range(found[0], found[0] + len(found)))
        assert found[0] <= end
        end = found[-1] + 1
    assert end == log.written


# --- what happens meanwhile ------------------------------------------------------------------------------------------


def test_a_state_that_cannot_be_read_is_said(log: Log, tmp_path: Path) -> None:
    arguments = (log.path, "--once", "--state", tmp_path / "state")
    log.write(5)
    assert run(*arguments).stderr == b""
    for slot in (tmp_path / "state").glob("offsets.*"):
        slot.write_bytes(b"\0" * 100)
    done = run(*arguments)
    assert numbers(done.stdout) == list(range(5))
    assert re.search(rb"^auditwake: state: .+$", done.stderr, re.MULTILINE)


@on_posix
def test_a_state_that_is_in_use_is_refused(log: Log, tmp_path: Path) -> None:
    log.write(1)
    with running(log.path, "--state", tmp_path / "state") as child:
        assert child.stdout is not None
        assert child.stdout.read(1)
        second = run(log.path, "--state", tmp_path / "state", "--once")
    assert (second.returncode, second.stdout) == (Exit.FAILURE, b"")
    assert second.stderr.startswith(b"auditwake: ")
    assert str(child.pid).encode() in second.stderr
