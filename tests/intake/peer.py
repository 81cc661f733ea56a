"""A receiver with the sinks that send to it: they are closed when it is."""

from contextlib import ExitStack
from types import TracebackType
from typing import Protocol, TypeVar

from tests.intake.server import Intake


class Closing(Protocol):
    """What can be closed."""

    def close(self) -> None:
        """Let go of connections."""


Sink = TypeVar("Sink", bound=Closing)


class Peer(Intake):
    """An intake that closes the sinks that were made for it."""

    def __init__(self) -> None:
        super().__init__()
        self._sinks = ExitStack()

    def using(self, sink: Sink) -> Sink:
        """Close a sink in the end."""
        self._sinks.callback(sink.close)
        return sink

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._sinks.close()
        super().__exit__(kind, error, at)
