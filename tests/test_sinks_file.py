"""The file and standard output: whole lines, on the disk, whatever the disk does."""

import os
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditwake.forwarder.answers import Ack, Hold, Retry
from auditwake.forwarder.config.model import FileSink, LogSource, StdoutSink
from auditwake.forwarder.sinks.file import LinesFile
from auditwake.forwarder.sinks.stdout import StandardOutput
from tests.intake.handmade import ndjson
from tests.tailing.lines import line

LINES = [line(number) for number in range(1, 7)]
SOURCE = LogSource(integration="kubernetes_audit", file=Path("conf.yaml"), path="audit.log")
posix = pytest.mark.skipif(sys.platform == "win32", reason="modes, pipes and renames of open files")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out" / "audit.ndjson"


@pytest.fixture
def sink(path: Path) -> Iterator[LinesFile]:
    one = LinesFile(FileSink(path=path))
    yield one
    one.close()


class Disk:
    """Lets calls of a module's `os` fail: each call takes the next of the faults that are there for it."""

    def __init__(self, patch: pytest.MonkeyPatch, **faults: list[int | None]) -> None:
        self._real = {name: getattr(os, name) for name in faults}
        self.faults = faults
        for name in faults:
            patch.setattr(os, name, self._failing(name))

    def _failing(self, name: str) -> Any:  # noqa: ANN401  # as the call it stands for
        def call(handle: int, *given: Any) -> Any:  # noqa: ANN401
            fault = self.faults[name].pop(0) if self.faults[name] else None
            if fault is None:
                return self._real[name](handle, *given)
            if fault < 0:  # a short write, of so many bytes
                return self._real[name](handle, given[0][:-fault])
            raise OSError(fault, os.strerror(fault))

        return call


def test_lines_are_appended(sink: LinesFile, path: Path) -> None:
    assert sink.check() == Ack()
    assert [sink.send(ndjson(LINES[at : at + 2])) for at in (0, 2, 4)] == [Ack()] * 3
    assert path.read_bytes() == b"".join(LINES)
    assert sink.encoding(SOURCE, "audit.log").format == "ndjson"
    assert str(path) in sink.describe()


@posix
def test_nobody_else_can_read_it(sink: LinesFile, path: Path) -> None:
    assert sink.send(ndjson(LINES)) == Ack()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@posix
def test_whoever_rotates_it_renames_it(sink: LinesFile, path: Path) -> None:
    assert sink.send(ndjson(LINES[:3])) == Ack()
    path.rename(path.with_suffix(".1"))
    assert sink.send(ndjson(LINES[3:])) == Ack()
    assert path.with_suffix(".1").read_bytes() == b"".join(LINES[:3])
    assert path.read_bytes() == b"".join(LINES[3:])


def test_half_a_line_of_a_crash_is_ended(sink: LinesFile, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.write_bytes(LINES[0] + LINES[1][:50])
    assert sink.send(ndjson(LINES[1:])) == Ack()
    assert path.read_bytes() == LINES[0] + LINES[1][:50] + b"\n" + b"".join(LINES[1:])
    assert "ended within a line" in caplog.text


@pytest.mark.parametrize("fault", [28, 5])
def test_a_torn_write_leaves_nothing_behind(
    sink: LinesFile, path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    assert sink.send(ndjson(LINES[:1])) == Ack()
    Disk(monkeypatch, write=[-10, fault])
    answer = sink.send(ndjson(LINES[1:]))
    assert isinstance(answer, Retry)
    assert os.strerror(fault) in answer.reason
    assert path.read_bytes() == LINES[0]
    assert sink.send(ndjson(LINES[1:])) == Ack()
    assert path.read_bytes() == b"".join(LINES)


def test_what_could_not_be_cut_away_is_cut_before_the_next_line(
    sink: LinesFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sink.send(ndjson(LINES[:1])) == Ack()
    Disk(monkeypatch, write=[-10, 28], ftruncate=[5, 5])
    answers = [sink.send(ndjson(LINES[1:])) for _ in range(3)]
    assert [type(answer) for answer in answers] == [Retry, Retry, Ack]
    assert path.read_bytes() == b"".join(LINES)


def test_what_is_not_synced_is_not_acknowledged(sink: LinesFile, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sink.send(ndjson(LINES[:1])) == Ack()
    Disk(monkeypatch, fsync=[5])
    assert isinstance(sink.send(ndjson(LINES[1:])), Retry)
    assert sink.send(ndjson(LINES[1:])) == Ack()
    assert path.read_bytes() == b"".join(LINES)


FAULTS = st.lists(st.sampled_from([None, 28, 5, -1, -100]), max_size=6)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    write=FAULTS,
    fsync=FAULTS,
    ftruncate=st.lists(st.sampled_from([None, 5]), max_size=4),
    rotate=st.sets(st.integers(0, 5)),
)
def test_every_line_once_whatever_fails(
    tmp_path_factory: pytest.TempPathFactory,
    write: list[int | None],
    fsync: list[int | None],
    ftruncate: list[int | None],
    rotate: set[int],
) -> None:
    path = tmp_path_factory.mktemp("disk") / "out"
    sink = LinesFile(FileSink(path=path))
    with pytest.MonkeyPatch.context() as patch:
        Disk(patch, write=write, fsync=[fault for fault in fsync if fault is None or fault > 0], ftruncate=ftruncate)
        for at, one in enumerate(LINES):
            if at in rotate and path.exists() and sys.platform != "win32":
                path.rename(path.with_name(f"out.{at}"))
            while not isinstance(sink.send(ndjson([one])), Ack):
                pass
    sink.close()
    files = [*(path.with_name(f"out.{at}") for at in range(len(LINES))), path]
    assert b"".join(file.read_bytes() for file in files if file.exists()) == b"".join(LINES)


def test_threads_do_not_mix_their_lines(sink: LinesFile, path: Path) -> None:
    def send(number: int) -> None:
        for _ in range(5):
            sink.send(ndjson([line(number, 5000), line(number, 10)]))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = path.read_bytes().splitlines(keepends=True)
    assert sorted(written) == sorted([line(number, length) for number in range(4) for length in (10, 5000)] * 5)


def test_what_a_person_has_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "out"):
        sink = LinesFile(FileSink(path=path))
        for answer in (sink.check(), sink.send(ndjson(LINES))):
            assert isinstance(answer, Hold)
            assert str(tmp_path) in answer.reason


# --- standard output -------------------------------------------------------------------------------------------------


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def test_lines_come_out(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", sys.__stdout__)
        sink = StandardOutput(StdoutSink())
        assert sink.check() == Ack()
        assert sink.send(ndjson(LINES)) == Ack()
    assert capfdbinary.readouterr().out == b"".join(LINES)
    assert sink.encoding(SOURCE, "audit.log").format == "ndjson"


@posix
def test_a_reader_that_has_left_holds(pipe: tuple[int, int]) -> None:
    read, write = pipe
    os.close(read)
    answer = StandardOutput(StdoutSink(), write).send(ndjson(LINES))
    assert isinstance(answer, Hold)
    assert "reader" in answer.reason


def test_a_standard_output_that_is_closed_holds(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    os.close(pipe[1])
    closed = StandardOutput(StdoutSink(), pipe[1])
    assert isinstance(closed.check(), Hold)
    assert isinstance(closed.send(ndjson(LINES)), Hold)
    monkeypatch.setattr(sys, "stdout", None)
    assert isinstance(StandardOutput(StdoutSink()).check(), Hold)


@posix
def test_a_pipe_that_does_not_block_is_waited_for(pipe: tuple[int, int]) -> None:
    read, write = pipe
    os.set_blocking(write, False)
    many = [line(number, 1000) for number in range(1000)]
    answers = []
    thread = threading.Thread(target=lambda: answers.append(StandardOutput(StdoutSink(), write).send(ndjson(many))))
    thread.start()
    expected, seen = b"".join(many), b""
    while len(seen) < len(expected):
        seen += os.read(read, 1 << 16)
    thread.join()
    assert answers == [Ack()]
    assert seen == expected


def test_a_payload_that_broke_off_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0))
    sink = StandardOutput(StdoutSink(), handle)
    Disk(monkeypatch, write=[-10, 28])
    assert isinstance(sink.send(ndjson(LINES[:2])), Retry)
    assert sink.send(ndjson(LINES[:2])) == Ack()
    assert out.read_bytes() == b"".join(LINES[:2])
    Disk(monkeypatch, write=[-10, 28])
    assert isinstance(sink.send(ndjson(LINES[2:3])), Retry)
    assert sink.send(ndjson(LINES[3:4])) == Ack()
    os.close(handle)
    assert out.read_bytes() == b"".join(LINES[:2]) + LINES[2][:10] + b"\n" + LINES[3]
