"""The real logs that the tests read, and what Python's own parser finds in them."""

import gzip
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.serving import place, serve
from tests.tailing.processes import build_faults, build_writer
from tests.tailing.rotator import Rotator

DATA = Path(__file__).parent / "data"

__all__ = ["place", "serve"]

Event = dict[str, Any]

# A shell without job control starts what runs in its background with SIGINT ignored, and every child takes that over.
# Tests interrupt their children, which then would take no notice.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine that runs tests often has Python write at once. Users' machines have not, and what waits in a buffer is what
# an interrupt or a reader that leaves has to do with.
os.environ.pop("PYTHONUNBUFFERED", None)

# Tests that draw examples are told by the variables of proptest, so that both languages are seeded or not.
settings.register_profile("drawn", deadline=None, database=None, print_blob=True)
settings.register_profile("seeded", settings.get_profile("drawn"), derandomize=True)
settings.load_profile("seeded" if "PROPTEST_RNG_SEED" in os.environ else "drawn")


def read_bytes(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


@pytest.fixture(scope="session")
def data() -> Path:
    return DATA


@pytest.fixture(scope="session")
def rotated_log() -> bytes:
    """The rotated set as one log: the files' names sort as their times do, and `audit.log` is the newest."""
    files = sorted((DATA / "rotated").glob("audit-*.log.gz"))
    assert len(files) == 17
    return b"".join(map(read_bytes, [*files, DATA / "rotated" / "audit.log"]))


@pytest.fixture(scope="session")
def metadata_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 5,292 events as a plain file."""
    path = tmp_path_factory.mktemp("metadata") / "audit.log"
    path.write_bytes(read_bytes(DATA / "metadata" / "audit.log.gz"))
    return path


@pytest.fixture(scope="session")
def metadata_events(metadata_log: Path) -> list[Event]:
    events = [json.loads(line) for line in metadata_log.read_bytes().splitlines()]
    assert len(events) == 5292
    return events


@pytest.fixture
def hurt_log(tmp_path: Path, metadata_log: Path) -> Path:
    """Three events with what is none between them: text, another JSON object, half an event."""
    first, second, third = metadata_log.read_bytes().splitlines(keepends=True)[:3]
    path = tmp_path / "hurt.log"
    path.write_bytes(first + b"no event at all\n" + second + b'{"kind":"Pod","apiVersion":"v1"}\n' + third)
    return path


@pytest.fixture
def log(tmp_path: Path) -> Rotator:
    """A log in a directory of its own, with nothing in it yet."""
    return Rotator(tmp_path / "logs" / "audit.log")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Where the offsets of a tail are kept."""
    return tmp_path / "state"


@pytest.fixture(scope="session")
def audit_writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program that writes numbered events through the library of kube-apiserver."""
    return build_writer(tmp_path_factory.mktemp("writer"))


@pytest.fixture(scope="session")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that brings faults into a process."""
    if sys.platform != "linux":
        pytest.skip("calls are intercepted by LD_PRELOAD")
    return build_faults(tmp_path_factory.mktemp("faults"))
