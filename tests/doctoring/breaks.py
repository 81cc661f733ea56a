"""Ways to break one thing of a node."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any

from auditwake.forwarder.config.model import LogSource, WebhookSource
from auditwake.forwarder.doctor import Facts
from tests.doctoring.node import Node, event

HOURS = 3600.0
Break = Callable[[Node], None]
MIB = 1 << 20


def flags(**given: str | None) -> Break:
    """Set flags; an empty text takes one away."""

    def broken(node: Node) -> None:
        for name, value in given.items():
            node.flags[name.replace("_", "-")] = value
            if value == "":
                del node.flags[name.replace("_", "-")]

    return broken


def sets(**given: Any) -> Break:  # noqa: ANN401  # attributes of any type
    """Set attributes of the node."""

    def broken(node: Node) -> None:
        for name, value in given.items():
            setattr(node, name, value)

    return broken


def config(**given: Any) -> Break:  # noqa: ANN401  # as above
    def broken(node: Node) -> None:
        assert node.config is not None
        node.config = replace(node.config, **given)

    return broken


def source(**given: Any) -> Break:  # noqa: ANN401  # as above
    def broken(node: Node) -> None:
        assert node.config is not None
        first = node.config.sources[0]
        assert isinstance(first, LogSource)
        node.config = replace(node.config, sources=(replace(first, **given),))

    return broken


def sink(**given: Any) -> Break:  # noqa: ANN401  # as above
    return sets(sinks=given)


def facts(change: Callable[[Facts], Facts]) -> Break:
    return sets(facts=change)


def log(**given: Any) -> Break:  # noqa: ANN401  # as above
    return facts(lambda one: replace(one, logs=(replace(one.logs[0], **given),)))


def look(**given: Any) -> Break:  # noqa: ANN401  # as above
    """Change what a second look at the log sees."""

    def later(one: Facts) -> Facts:
        first = one.logs[0].first
        assert first is not None
        return replace(one, logs=(replace(one.logs[0], later=replace(first, **given)),))

    return facts(later)


def room(**given: Any) -> Break:  # noqa: ANN401  # as above
    def less(one: Facts) -> Facts:
        found = one.logs[0].room
        assert found is not None
        return replace(one, logs=(replace(one.logs[0], room=replace(found, **given)),))

    return facts(less)


def state(**given: Any) -> Break:  # noqa: ANN401  # as above
    def less(one: Facts) -> Facts:
        assert one.state is not None
        return replace(one, state=replace(one.state, **given))

    return facts(less)


def every(seconds: float, count: int = 10) -> Break:
    """Rotate in another rhythm."""

    def broken(node: Node) -> None:
        node.backups = [stamped(time() - seconds * n - 10) for n in range(count)]

    return broken


def stamped(at: float) -> str:
    when = datetime.fromtimestamp(at, UTC)
    return f"audit-{when:%Y-%m-%dT%H-%M-%S}.{when.microsecond // 1000:03}.log.gz"


def burst(node: Node) -> None:
    node.backups += [stamped(time() - 30 - 40 * n) for n in range(2)]


def running(*command_lines: list[str] | None) -> Break:
    """Let servers run; None for one with the flags of the manifest."""

    def broken(node: Node) -> None:
        for number, words in enumerate(command_lines):
            given = node.arguments() if words is None else words
            node.processes[800 + number] = ["/usr/local/bin/kube-apiserver", *given]

    return broken


def other_flags(node: Node) -> None:
    running(["--audit-log-maxage=7" if "maxage" in one else one for one in node.arguments()])(node)


def logrotate(*words: str) -> Break:
    body = "\n".join(f"  {word}" for word in words)
    return sets(files={"/etc/logrotate.d/k8s": f"# audit\n/var/log/kubernetes/*/*.log {{\n{body}\n}}\n"})


def webhook(*more: str) -> Break:
    return sets(more=["--audit-webhook-config-file=/etc/kubernetes/webhook.yaml", *more])


TRUNCATED = "--audit-webhook-truncate-enabled=true"
RECEIVER = WebhookSource(integration="w", file=Path("conf.yaml"), address="127.0.0.1:9443")


def both(node: Node) -> None:
    assert node.config is not None
    node.config = replace(node.config, sources=(*node.config.sources, RECEIVER))


def named_twice(node: Node) -> None:
    assert node.config is not None
    node.config = replace(node.config, sources=node.config.sources * 2)


def lines(*texts: str) -> Break:
    def broken(node: Node) -> None:
        node.log = "".join([*(event(time() - 2) for _ in range(9)), *texts, event(time() - 1)])

    return broken


def cut(node: Node) -> None:
    node.log = event(time() - 3) + event(time() - 2)[:150] + event(time() - 1)


def aged(node: Node) -> None:
    """Make the log stand still: its newest event is as old as it."""
    node.log, node.modified = event(time() - 2 * HOURS), time() - 2 * HOURS + 1
