"""The agent as a process: signals, the service manager, `status`, metrics, and the configuration read again."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from auditwake.errors import AuditwakeError
from auditwake.forwarder.agent import Agent
from auditwake.forwarder.commands import Commands
from auditwake.forwarder.log import change_logging
from auditwake.forwarder.scrub import register_secrets
from auditwake.forwarder.systemd import notify, watchdog_seconds

if TYPE_CHECKING:
    from auditwake.forwarder.config.model import AgentConfig
    from auditwake.forwarder.metrics import MetricsServer
    from auditwake.forwarder.snapshot import AgentSnapshot
    from auditwake.forwarder.status import StatusServer

__all__ = ["Forwarder"]

LOG = logging.getLogger("auditwake.agent")

TELL = 10.0  # seconds between lines that the service manager shows

Handler: TypeAlias = Callable[[int, FrameType | None], None]


class Forwarder:
    """An agent that runs until it is told to stop.

    Args:
        config: What to run.
        paths: Where that was read, for `SIGHUP`; none: it cannot be read again.
        environment: The variables that it was read with.

    Example:
        >>> forwarder = Forwarder.from_config("/etc/auditwake/conf.d")  # doctest: +SKIP
        >>> forwarder.run()  # doctest: +SKIP
    """

    def __init__(
        self,
        config: "AgentConfig",
        paths: Iterable[str | os.PathLike[str]] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.agent = Agent(config)
        self._paths = tuple(paths)
        self._environment = os.environ if environment is None else environment
        self._commands = Commands()
        self._served = config  # with this the servers were begun
        self._warned: frozenset[str] = frozenset()

    @classmethod
    def from_config(
        cls,
        paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Read a configuration.

        Args:
            paths: `conf.d`, a file, or several.
            environment: The variables that count; None for those of the process.

        Raises:
            ConfigError: It cannot be used; it says all that is wrong.
        """
        from auditwake.forwarder.config.loading import load

        given = (paths,) if isinstance(paths, str | os.PathLike) else tuple(paths)
        return cls(load(given, os.environ if environment is None else environment), given, environment)

    def run(self) -> bool:
        """Run until SIGTERM or SIGINT, or `stop` of another thread; SIGHUP reads the configuration again.

        Returns:
            Whether all that was begun was finished.

        Raises:
            StateError: Another agent has the state directory, or it cannot be used.
            AuditwakeError: Something in the configuration cannot be used.
        """
        config = self.agent.config
        register_secrets(config)
        with ExitStack() as stack:
            stack.enter_context(self._commands)
            stack.enter_context(_handled({"SIGTERM": self._stop, "SIGINT": self._stop, "SIGHUP": self._reload}))
            self.agent.start()
            try:
                for server in _servers(self.agent):
                    stack.callback(server.stop)
                    server.start()
                LOG.info("%d sources, %d sinks, state in %s", len(config.sources), len(config.sinks), config.state)
                self._warn()
                notify(READY="1", STATUS=_status(self.agent.snapshot()))
                self._serve()
            finally:
                notify(STOPPING="1", EXTEND_TIMEOUT_USEC=str(int((config.grace + 10) * 1_000_000)))
                finished = self.agent.stop(self._hurry)
        LOG.info("stopped" if finished else "stopped; what was not acknowledged is sent again by the next start")
        return finished

    def stop(self) -> None:
        """End `run`, from any thread. A second time, what is under way is left to the next start."""
        self._commands.put("stop")

    def reload(self) -> None:
        """Read the configuration again, from any thread. One that cannot be used changes nothing."""
        self._commands.put("reload")

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stop()

    def _reload(self, _number: int, _frame: FrameType | None) -> None:
        self.reload()

    def _hurry(self) -> bool:
        """Say whether to leave what is under way; the service manager hears that we have not died over it."""
        if watchdog_seconds() is not None:
            notify(WATCHDOG="1")
        return self._commands.asks("stop")

    def _serve(self) -> None:
        watchdog = watchdog_seconds()
        while True:
            command = self._commands.get(min(watchdog or TELL, TELL))
            if command is None:
                self._tend()
                notify(STATUS=_status(self.agent.snapshot()), **({"WATCHDOG": "1"} if watchdog else {}))
                continue
            if command == "stop":
                return
            notify(RELOADING="1", WATCHDOG="1")
            self._read_again()
            notify(READY="1", STATUS=_status(self.agent.snapshot()))

    def _tend(self) -> None:
        try:
            self.agent.tend()
        except OSError as error:
            LOG.warning("what every sink has taken cannot be deleted: %s", error.strerror or error)

    def _read_again(self) -> None:
        from auditwake.forwarder.config.loading import load

        if not self._paths:
            LOG.warning("there is no configuration to read again: it was given as a value")
            return
        try:
            config = load(self._paths, self._environment)
            register_secrets(config)
            late = _needs_restart(self._served, config)
            self.agent.reload(replace(config, warnings=(*config.warnings, *late)), self._hurry)
        except (AuditwakeError, OSError, ValueError) as error:
            self.agent.failed(error)
            LOG.error("the configuration cannot be used, the former one goes on: %s", error)  # noqa: TRY400  # whole
        except Exception as error:  # noqa: BLE001  # whatever a reload meets, it must not end an agent that ships
            # The message could quote the configuration.
            fault = AuditwakeError(f"{type(error).__name__} while the configuration was read: this is a fault of ours")
            self.agent.failed(fault)
            LOG.error("the former configuration goes on: %s", fault)  # noqa: TRY400  # as above
        else:
            change_logging(config.log_level, config.log_format)
            LOG.info("the configuration was read again")
            self._warn()

    def _warn(self) -> None:
        """Say what the configuration warns of, each thing once."""
        warnings = self.agent.config.warnings
        for one in warnings:
            if one not in self._warned:
                LOG.warning("%s", one)
        self._warned = frozenset(warnings)


@contextmanager
def _handled(handlers: Mapping[str, Handler]) -> Iterator[None]:
    """Handle the signals that there are on this system, while the block lasts."""
    before: list[tuple[int, Any]] = []
    # Elsewhere than in the main thread, signals are the business of whoever runs it.
    if threading.current_thread() is threading.main_thread():
        for name, handler in handlers.items():
            number = getattr(signal, name, None)
            if number is not None:
                before.append((number, signal.signal(number, handler)))
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _servers(agent: Agent) -> "Iterator[StatusServer | MetricsServer]":
    """Make what others can ask, one after the other: each is started before the next is made."""
    from auditwake.forwarder.metrics import MetricsServer
    from auditwake.forwarder.status import StatusServer

    config = agent.config
    yield StatusServer(config.socket, agent.snapshot, agent.taps)
    if config.metrics_address is not None:
        yield MetricsServer(config.metrics_address, agent.snapshot)


def _needs_restart(served: "AgentConfig", config: "AgentConfig") -> list[str]:
    """Name what a reload does not take over, where it has changed."""
    changed = {
        "socket": (served.socket, config.socket),
        "metrics_address": (served.metrics_address, config.metrics_address),
    }
    return [
        f"{key}: it is {new or 'none'} now, and {old or 'none'} until the agent is restarted"
        for key, (old, new) in changed.items()
        if old != new
    ]


def _status(snapshot: "AgentSnapshot") -> str:
    """Say in one line how it stands."""
    routes = snapshot.routes
    sent = sum(route.events_sent for route in routes)
    lag = sum(stream.lag_bytes for route in routes for stream in route.streams)
    held = sum(route.state in {"holding", "failed"} for route in routes)
    return f"{sent} events sent, {lag} bytes behind" + (
        f", {held} routes hold: see auditwake agent status" if held else ""
    )
