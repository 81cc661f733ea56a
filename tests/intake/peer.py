"""A receiver with the sinks that send to it: they are closed when it is."""

import ssl
from contextlib import ExitStack
from functools import cache
from types import TracebackType
from typing import Protocol, TypeVar

import pytest

from tests.intake.server import Intake


class Closing(Protocol):
    """What can be closed."""

    def close(self) -> None:
        """Let go of connections."""


Sink = TypeVar("Sink", bound=Closing)


@cache
def context() -> ssl.SSLContext:
    """Load the certificates of the machine once: it takes a quarter of a second, and these peers speak no TLS."""
    return ssl.create_default_context()


class Peer(Intake):
    """An intake that closes the sinks that were made for it."""

    def __init__(self) -> None:
        super().__init__()
        self._sinks = ExitStack()
        patch = self._sinks.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("auditwake.forwarder.sinks.http.tls_context", lambda _options: context())

    def using(self, sink: Sink) -> Sink:
        """Close a sink in the end."""
        self._sinks.callback(sink.close)
        return sink

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._sinks.close()
        super().__exit__(kind, error, at)
