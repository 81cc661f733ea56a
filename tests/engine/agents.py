"""Agents in this process, with configurations made by hand."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from auditwake.forwarder.agent import Agent
from auditwake.forwarder.config.model import (
    AgentConfig,
    Backoff,
    Batching,
    DatadogSink,
    HttpOptions,
    LogSource,
    SinkConfig,
)
from auditwake.forwarder.config.secret import Secret
from auditwake.forwarder.snapshot import RouteSnapshot
from tests.intake import Intake
from tests.tailing.processes import wait_until

SOON = Backoff(base=0.02, factor=2.0, max=0.2)


def source(path: Path | str, **options: Any) -> LogSource:  # noqa: ANN401
    return LogSource(integration="k8s", file=Path("conf.yaml"), path=str(path), service="audit", **options)


def datadog(intake: Intake, name: str = "datadog", **options: Any) -> DatadogSink:  # noqa: ANN401
    http = HttpOptions(url=f"{intake.url}/api/v2/logs", timeout=2.0)
    batching = Batching(wait=0.05, max_events=50, **options)
    return DatadogSink(name=name, http=http, api_key=Secret("k" * 32), batching=batching, backoff=SOON)


def config(tmp_path: Path, sources: list[LogSource], *sinks: SinkConfig, **options: Any) -> AgentConfig:  # noqa: ANN401
    places = {"state": tmp_path / "state", "socket": tmp_path / "socket"}
    given: dict[str, Any] = {"enabled": True, "hostname": "node-1", "grace": 10.0, **places, **options}
    return AgentConfig(sources=tuple(sources), sinks=sinks, **given)


@contextmanager
def running(settings: AgentConfig) -> Iterator[Agent]:
    agent = Agent(settings)
    with agent:
        yield agent


def routes(agent: Agent) -> list[RouteSnapshot]:
    return [route for one in agent.snapshot().sources for route in one.routes]


def until(agent: Agent, condition: Callable[[], bool]) -> None:
    wait_until(condition, lambda: routes(agent))
