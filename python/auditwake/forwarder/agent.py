"""The agent: every source on its way to every sink, started, reloaded, looked at and stopped."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from auditwake.errors import StateError
from auditwake.forwarder.engine.build import Builder
from auditwake.forwarder.engine.left import left_behind
from auditwake.forwarder.engine.look import agent_snapshot
from auditwake.forwarder.engine.paths import name_of
from auditwake.forwarder.engine.route import Context, Route
from auditwake.forwarder.lock import Lock
from auditwake.forwarder.taps import Taps

if TYPE_CHECKING:
    from auditwake.forwarder.config.model import AgentConfig, SinkConfig, Source
    from auditwake.forwarder.snapshot import AgentSnapshot
    from auditwake.policy import Policy

__all__ = ["Agent"]

LOG = logging.getLogger("auditwake.agent")

STEP = 0.5  # seconds between looks at whether there is a hurry
LEAVE = 2.0  # seconds for threads to see that they are left


@dataclass(frozen=True, slots=True)
class _Plan:
    """A configuration with its policy, the routes that go on in it, and those that are to begin."""

    config: "AgentConfig"
    policy: "Policy | None"
    stay: Sequence[Route]
    new: Sequence[Route]


class Agent:
    """Runs a configuration. The offsets of a source on its way to a sink follow that sink's acknowledgements only.

    Args:
        config: What to run.

    Attributes:
        taps: Who listens to events on their way.

    Example:
        >>> import tempfile, time
        >>> from pathlib import Path
        >>> import auditwake as aw
        >>> from auditwake.forwarder.config.model import AgentConfig, FileSink, LogSource
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     out = Path(folder, "out.ndjson")
        ...     agent = Agent(AgentConfig(
        ...         sources=(LogSource(integration="demo", file=Path("conf.yaml"), path=str(aw.demo.LOG)),),
        ...         sinks=(FileSink(path=out),),
        ...         enabled=True, state=Path(folder, "state"), socket=Path(folder, "socket"), hostname="node-1",
        ...     ))
        ...     with agent:
        ...         while not out.exists() or not out.stat().st_size:
        ...             time.sleep(0.05)
        ...     agent.snapshot().sources[0].status
        'OK'
    """

    def __init__(self, config: "AgentConfig") -> None:
        self.taps = Taps()
        self._config = config
        self._changing = threading.Lock()
        self._builder = Builder()
        self._routes: list[Route] = []
        self._lock: Lock | None = None
        self._started = time.time()
        self._reloads = 0
        self._errors: tuple[str, ...] = ()
        self._policy: Policy | None = None
        self._left: tuple[str, ...] = ()

    @property
    def config(self) -> "AgentConfig":
        """The configuration that is in force."""
        return self._config

    def start(self) -> None:
        """Open the logs and begin to send.

        Raises:
            StateError: Another agent has the state directory, or it cannot be used.
            PolicyError: The policy is none.
            SinkError: Something in the configuration of a sink cannot be used.
        """
        self._lock = Lock(self._config.state)
        self._started = time.time()
        try:
            self._change(self._config)
        except BaseException:
            self._lock.release()
            raise

    def reload(self, config: "AgentConfig", hurry: Callable[[], bool] = lambda: False) -> None:
        """Run another configuration. Routes whose source and sink are the same go on; others have the grace to finish.

        Args:
            config: What to run from now on.
            hurry: Is asked twice a second; says whether to leave now what was begun.

        Raises:
            AuditwakeError: It cannot be run; the one that was in force goes on.
        """
        before = self._config
        if config.state != before.state:
            message = f"the state directory cannot change while the agent runs: restart it to use {config.state}"
            raise StateError(message)
        self._change(config, hurry)
        self._reloads += 1
        self._errors = ()

    def tend(self) -> None:
        """Do what is to be done now and then: webhooks delete what every sink has acknowledged."""
        with self._changing:
            self._builder.tend(self._routes)

    def failed(self, error: Exception) -> None:
        """Note why a reload was not possible, for `status`."""
        self._errors = tuple(str(error).splitlines())

    def stop(self, hurry: Callable[[], bool] = lambda: False) -> bool:
        """Finish what was begun and commit it, within the grace of the configuration.

        Args:
            hurry: Is asked twice a second; says whether to leave it now.

        Returns:
            Whether all was finished; what was not is sent again by the next start, byte for byte.
        """
        with self._changing:
            self._builder.hang_up([])
            finished = self._end(self._routes, hurry)
            self._builder.forget([])
            if self._lock is not None:
                self._lock.release()
        return finished

    def snapshot(self) -> "AgentSnapshot":
        """Say how it stands."""
        config = self._config
        # In the midst of a reload there are routes of sources that are not shown yet.
        routes = [route for route in self._routes if route.source in config.sources]
        return agent_snapshot(
            config,
            routes,
            [self._builder.describe(sink, routes) for sink in config.sinks],
            self._builder.former(routes),
            started=self._started,
            reloads=self._reloads,
            errors=self._errors,
            left=self._left,
            received=self._builder.received(),
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _change(self, config: "AgentConfig", hurry: Callable[[], bool] = lambda: False) -> None:
        """Run a configuration; if it cannot be run, the one before it goes on."""
        with self._changing:
            policy = _policy(config)
            kept = self._routes if self._is_shared(config, policy) else []
            before, before_policy, was_running = self._config, self._policy, bool(self._routes)
            plan = self._plan(config, policy, kept)
            try:
                self._begin(plan, hurry)
            except BaseException:
                if was_running:
                    LOG.warning("the configuration cannot be run, and the former one is begun again")
                    alive = [route for route in kept if route in self._routes]
                    self._begin(self._plan(before, before_policy, alive), hurry)
                else:
                    self._begin(_Plan(before, before_policy, [], []), hurry)
                raise

    def _is_shared(self, config: "AgentConfig", policy: "Policy | None") -> bool:
        """Tell whether all is the same that routes share."""
        before = self._config
        # All else of a configuration is no business of a route.
        own = (
            "sources",
            "sinks",
            "files",
            "warnings",
            "environment",
            "socket",
            "metrics_address",
            "log_level",
            "log_format",
        )
        same = replace(config, **{name: getattr(before, name) for name in own}) == before
        texts = [None if one is None else one.document.text for one in (policy, self._policy)]
        return same and texts[0] == texts[1]

    def _plan(self, config: "AgentConfig", policy: "Policy | None", kept: Sequence[Route]) -> "_Plan":
        """Make the routes of a configuration that are not there; nothing has changed then."""
        wanted = _pairs(config)
        context = Context(config, policy, self.taps)
        stay = [route for route in kept if (route.source, route.sink_config) in wanted]
        have = [(route.source, route.sink_config) for route in stay]
        new = [self._builder.route(context, *pair) for pair in wanted if pair not in have]
        return _Plan(config, policy, stay, new)

    def _begin(self, plan: "_Plan", hurry: Callable[[], bool]) -> None:
        """End what is not asked for any more, then begin what is new."""
        sources = [route.source for route in (*plan.stay, *plan.new)]
        self._builder.hang_up(sources)
        self._end([route for route in self._routes if route not in plan.stay], hurry)
        self._routes = list(plan.stay)
        self._note_left(plan.config)
        self._builder.receive(plan.config.state, sources)
        for route in plan.new:
            route.start()
            self._builder.begun(route)
            self._routes.append(route)
        self._config, self._policy = plan.config, plan.policy
        self._builder.forget(self._routes)

    def _note_left(self, config: "AgentConfig") -> None:
        """Say what stands in the state directory and is nobody's, each thing once."""
        before, self._left = self._left, tuple(left_behind(config))
        for message in self._left:
            if message not in before:
                LOG.warning("%s", message)

    def _end(self, routes: Sequence[Route], hurry: Callable[[], bool]) -> bool:
        for route in routes:
            route.stop()
        until = time.monotonic() + self._config.grace
        for route in routes:
            while not route.join(min(STEP, until - time.monotonic())) and time.monotonic() < until and not hurry():
                continue
        left = [route for route in routes if not route.join(0)]
        for route in left:
            route.leave()
            LOG.warning("%s: not all was sent in time; the next start goes on there", route.standing.name)
        until = time.monotonic() + LEAVE
        for route in left:
            route.join(until - time.monotonic())
        return not any(route.pausing.leaving.is_set() for route in routes)


def _pairs(config: "AgentConfig") -> "list[tuple[Source, SinkConfig]]":
    """Give each source with each sink. Two with one name would share their offsets: the first counts."""
    if not config.enabled:
        return []
    pairs: dict[tuple[str, str], tuple[Source, SinkConfig]] = {}
    for source in config.sources:
        for sink in config.sinks:
            known = pairs.setdefault((name_of(source), sink.name), (source, sink))
            if known[0] is not source:
                LOG.warning("%s is named twice: the first entry counts", name_of(source))
    return list(pairs.values())


def _policy(config: "AgentConfig") -> "Policy | None":
    if config.policy is None:
        return None
    from auditwake.policy import Policy

    return Policy.load(config.policy, kube_version=config.kube_version)
