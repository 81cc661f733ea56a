"""How an agent stands: routes become what `status` shows."""

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from auditwake import _core
from auditwake.forwarder.config.model import WebhookSource
from auditwake.forwarder.engine.paths import name_of
from auditwake.forwarder.readiness import missing
from auditwake.forwarder.snapshot import AgentSnapshot, RouteSnapshot, SinkSnapshot, SourceSnapshot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditwake.forwarder.config.model import AgentConfig, Source
    from auditwake.forwarder.engine.route import Route
    from auditwake.forwarder.snapshot import ReceiverSnapshot

__all__ = ["agent_snapshot"]

SOON = 3600.0  # seconds to a loss that a person should know of


def agent_snapshot(
    config: "AgentConfig",
    routes: "Sequence[Route]",
    descriptions: "Sequence[str]",
    former: "Sequence[RouteSnapshot]",
    *,
    started: float,
    reloads: int,
    errors: tuple[str, ...],
    left: tuple[str, ...] = (),
    received: "Mapping[str, ReceiverSnapshot] | None" = None,
) -> AgentSnapshot:
    """Take a snapshot.

    Args:
        config: The configuration that is in force.
        routes: All routes.
        descriptions: Of its sinks, in order.
        former: What other routes of this process have counted.
        started: When the agent was, in seconds since the epoch.
        reloads: Configurations after the first.
        errors: Of the newest reload.
        left: What stands in the state directory and is nobody's.
        received: What webhooks have received, by the name of their source.
    """
    taken = [(route, route.snapshot()) for route in routes]
    given = config.sources
    sources = tuple(
        replace(_source(one, taken), receiver=(received or {}).get(name_of(one)))
        for place, one in enumerate(given)
        if one not in given[:place]
    )
    one = AgentSnapshot(
        version=_core.__version__,
        pid=os.getpid(),
        started=started,
        now=time.time(),
        hostname=config.hostname,
        enabled=config.enabled,
        config_files=tuple(map(str, config.files)),
        warnings=(*config.warnings, *left),
        errors=errors,
        reloads=reloads,
        sinks=tuple(
            SinkSnapshot(name=sink.name, type=sink.type, description=text)
            for sink, text in zip(config.sinks, descriptions, strict=True)
        ),
        sources=sources,
        former=tuple(former),
    )
    return replace(one, ready=not missing(one))


def _source(source: "Source", taken: "Sequence[tuple[Route, RouteSnapshot]]") -> SourceSnapshot:
    own = [(route, snapshot) for route, snapshot in taken if route.source == source]
    streams = [stream for _, one in own for stream in one.streams]
    errors = [stream.error for stream in streams if stream.error]
    is_there = any(stream.file is not None for stream in streams)
    webhook = isinstance(source, WebhookSource)
    messages = [message for route, _ in own for message in route.messages()]
    near = sorted({stream.path for stream in streams if stream.time_to_loss is not None and stream.time_to_loss < SOON})
    messages += [f"{path}: unread bytes are deleted within the hour at this rate" for path in near]
    return SourceSnapshot(
        integration=source.integration,
        type="webhook" if webhook else "file",
        path=source.address if isinstance(source, WebhookSource) else name_of(source),
        service=source.service,
        source=source.source,
        tags=source.tags,
        status=errors[0] if errors else "OK" if is_there or webhook else "Pending",
        inputs=tuple(dict.fromkeys(stream.path for stream in streams)),
        messages=tuple(dict.fromkeys(messages)),
        routes=tuple(snapshot for _, snapshot in own),
    )
