"""A status server for a test, and who asks it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from auditwake.forwarder.config.model import LogSource
from auditwake.forwarder.snapshot import AgentSnapshot
from auditwake.forwarder.status import StatusServer
from auditwake.forwarder.status.endpoint import HAS_UNIX
from auditwake.forwarder.taps import Taps
from tests.standing import healthy

needs_unix = pytest.mark.skipif(not HAS_UNIX, reason="there are no Unix sockets here")
KINDS = [pytest.param(True, marks=needs_unix, id="unix"), pytest.param(False, id="loopback")]
SOURCE = LogSource(
    integration="kubernetes_audit",
    file=Path("conf.yaml"),
    path="/var/log/kubernetes/apiserver/audit.log",
    service="audit",
    source="kubernetes.audit",
    tags=("env:prod",),
)

Make = Callable[..., StatusServer]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "run" / "agent.sock"


@pytest.fixture
def serve(place: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def make(
            snapshot: Callable[[], AgentSnapshot] = healthy,
            taps: Taps | None = None,
            **more: Any,  # noqa: ANN401  # as of the server
        ) -> StatusServer:
            return stack.enter_context(StatusServer(place, snapshot, taps or Taps(), **more))

        yield make


def wait_until(condition: Callable[[], bool]) -> None:
    waited = threading.Event()
    for _ in range(3000):
        if condition():
            return
        waited.wait(0.01)
    pytest.fail("it did not come to that")


def listening(taps: Taps) -> None:
    wait_until(lambda: taps.active)
