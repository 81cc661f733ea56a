"""The files of a receiver: rotated by size, deleted when every sink is done with them, and never cut."""

import errno
import os
import shutil
from pathlib import Path

import pytest

import auditwake as aw
from auditwake.forwarder.webhook.batch import Batch, digest_of
from auditwake.forwarder.webhook.segments import BacklogFullError, Segments
from tests.tailing.lines import line
from tests.tailing.taken import Taken


def batch(*numbers: int) -> Batch:
    lines = b"".join(line(number) for number in numbers)
    return Batch(digest_of(lines), lines, len(numbers), 0)


def test_a_tail_has_every_event_once_while_the_files_are_rotated_and_deleted(tmp_path: Path) -> None:
    segments = Segments(tmp_path / "log", max_bytes=2000)
    taken = Taken()
    with aw.tail(segments.path, state=tmp_path / "state", columns=["name"], batch_age=0.02) as tail:
        for number in range(1, 40):
            assert segments.append(batch(number))
            while not taken.numbers or taken.numbers[-1] < number:
                got = tail.next(timeout=20)
                assert got is not None
                taken.add(got)
                got.commit()
            segments.discard(stream.committed_file for stream in tail.stats.streams)
        assert len(list(segments.directory.glob("audit-*.log"))) <= 2
        assert (tail.stats.gaps, tail.gaps) == (0, [])
    segments.close()
    assert taken.rows == [(1, 39)]


def test_a_file_that_one_sink_still_needs_is_kept(tmp_path: Path) -> None:
    segments = Segments(tmp_path, max_bytes=1000)
    for number in range(6):
        segments.append(batch(number))
    files = sorted(path.name for path in tmp_path.glob("audit-*.log"))
    assert len(files) >= 3
    segments.discard([None, str(segments.path)])
    segments.discard([])
    assert sorted(path.name for path in tmp_path.glob("audit-*.log")) == files
    segments.discard([str(tmp_path / files[1]), str(segments.path)])
    assert sorted(path.name for path in tmp_path.glob("audit-*.log")) == files[1:]
    segments.discard([str(segments.path)])
    assert list(tmp_path.glob("audit-*.log")) == []
    segments.close()


def test_a_file_that_was_the_live_one_when_it_was_acknowledged_is_kept(tmp_path: Path) -> None:
    segments = Segments(tmp_path, max_bytes=500)
    segments.append(batch(1))
    acknowledged = str(segments.path)
    segments.append(batch(2))
    (file,) = tmp_path.glob("audit-*.log")
    # Whoever said this may not have seen the rotation yet, and stand in the file that has another name now.
    segments.discard([acknowledged])
    assert file.exists()
    segments.discard([acknowledged])
    assert not file.exists()
    segments.close()


def test_a_rotation_that_fails_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segments = Segments(tmp_path, max_bytes=500)
    segments.append(batch(1))

    def full(*_: object) -> int:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(OSError, match="too many"):
        segments.append(batch(2))
    monkeypatch.undo()
    # The number of a file that was let go of would be that of this one.
    with (tmp_path / "other").open("wb") as other:
        assert segments.append(batch(2))
        assert segments.append(batch(3))
        other.flush()
    segments.close()
    assert (tmp_path / "other").read_bytes() == b""
    written = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("audit*.log")))
    assert sorted(written.splitlines(keepends=True)) == [line(1), line(2), line(3)]


def test_batches_are_remembered_over_rotation_and_restart(tmp_path: Path) -> None:
    for _ in range(3):
        segments = Segments(tmp_path, max_bytes=1000)
        for number in range(6):
            segments.append(batch(number))
        segments.close()
    written = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("audit*.log")))
    assert sorted(written.splitlines(keepends=True)) == sorted(line(number) for number in range(6))


@pytest.mark.parametrize("room", [0, 1, 300, 700])
def test_a_full_disk_loses_nothing_that_was_promised(
    tmp_path: Path, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    segments = Segments(tmp_path)
    segments.append(batch(1))
    real, left = os.write, [room]

    def write(file: int, data: bytes) -> int:
        some = data[: left[0]]
        if not some:
            raise OSError(errno.ENOSPC, "no space left")
        left[0] -= len(some)
        return real(file, some)

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="no space left"):
        segments.append(batch(2, 3))
    monkeypatch.undo()
    # The sender does what it was told: it sends the batch again.
    assert segments.append(batch(2, 3))
    assert not segments.append(batch(1))
    segments.close()
    segments = Segments(tmp_path)
    assert not segments.append(batch(2, 3))
    segments.close()
    reader = aw.read(tmp_path / "audit.log", columns=["name"])
    got = reader.to_reader().read_all().column("name").to_pylist()
    assert set(got) == {"n-000000001", "n-000000002", "n-000000003"}
    assert got.count("n-000000001") == got.count("n-000000003") == 1


def test_a_full_backlog_is_emptied_by_what_is_taken(tmp_path: Path) -> None:
    """Also when all of it is in the live file, which nobody deletes."""
    segments = Segments(tmp_path, max_backlog=len(batch(1, 2, 3).lines))
    assert segments.append(batch(1, 2))
    for _ in range(3):
        with pytest.raises(BacklogFullError):
            segments.append(batch(3, 4))
    assert len(list(tmp_path.glob("audit-*.log"))) == 1
    for _ in range(2):
        segments.discard([str(segments.path)])
    assert segments.append(batch(3, 4))
    assert segments.backlog == len(batch(3, 4).lines)
    segments.close()


def test_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    segments = Segments(tmp_path / "log")
    segments.append(batch(1))
    segments.close()
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "log").iterdir()} == {0o600}
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o700


def test_nothing_is_written_after_the_end(tmp_path: Path) -> None:
    segments = Segments(tmp_path)
    segments.close()
    with pytest.raises(OSError, match="ended"):
        segments.append(batch(1))


@pytest.mark.skipif(os.name == "nt", reason="a file that is open has a name there")
@pytest.mark.parametrize("what", ["audit.log", "batches", "."])
def test_a_log_that_somebody_has_removed_is_begun_anew(tmp_path: Path, what: str) -> None:
    """What has no name is gone with the process: 200 would promise too much."""
    segments = Segments(tmp_path / "log")
    assert segments.append(batch(1))
    gone = segments.directory / what
    gone.unlink() if gone.is_file() else shutil.rmtree(gone)
    assert segments.append(batch(2))
    assert not segments.append(batch(2))
    assert segments.path.read_bytes().endswith(line(2))
    segments.close()
    again = Segments(tmp_path / "log")
    assert not again.append(batch(2))
    again.close()
