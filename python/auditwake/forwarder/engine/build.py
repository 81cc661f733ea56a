"""From the configuration to what runs: a route for each source and sink, and the sinks that routes share."""

from typing import TYPE_CHECKING, TypeAlias, cast

from auditwake.forwarder.config.model import DeltaSink, ParquetSink, WebhookSource
from auditwake.forwarder.engine.counters import Counters
from auditwake.forwarder.engine.paths import name_of, webhook_directory
from auditwake.forwarder.engine.payload_route import PayloadRoute
from auditwake.forwarder.engine.table_route import TableRoute
from auditwake.forwarder.sinks.make import make

if TYPE_CHECKING:
    from pathlib import Path

    from auditwake.forwarder.config.model import SinkConfig, Source
    from auditwake.forwarder.engine.route import Context, Route
    from auditwake.forwarder.sinks.sink import PayloadSink, TableSink
    from auditwake.forwarder.webhook.receiver import WebhookReceiver

__all__ = ["Builder"]

Key: TypeAlias = tuple[str, str]  # name of the sink, name of the source


class Builder:
    """Makes what runs, and knows what several share. Counters outlive routes: they never begin anew."""

    def __init__(self) -> None:
        self._sinks: list[tuple[SinkConfig, PayloadSink]] = []
        self._receivers: list[tuple[WebhookSource, WebhookReceiver]] = []
        self._counters: dict[Key, Counters] = {}

    def route(self, context: "Context", source: "Source", config: "SinkConfig") -> "Route":
        """Make a route; it is not started.

        Raises:
            SinkError: Something in the configuration of the sink cannot be used.
            ValueError: A rule's pattern is none.
        """
        counters = self._counters.setdefault((config.name, name_of(source)), Counters())
        log = self._log(context, source)
        agent = context.config
        if isinstance(config, ParquetSink | DeltaSink):

            def table() -> "TableSink":
                made = make(config, agent.hostname, agent.cluster, route=name_of(source))
                return cast("TableSink", made)

            return TableRoute(context, source, config, table, log=log, counters=counters)
        sink = self._sink(context, config)
        return PayloadRoute(context, source, config, sink, log=log, counters=counters)

    def describe(self, config: "SinkConfig", routes: "list[Route]") -> str:
        """Say where a sink sends to; keys masked."""
        for known, sink in self._sinks:
            if known == config:
                return sink.describe()
        tables = [route for route in routes if isinstance(route, TableRoute) and route.sink_config == config]
        return tables[0].describe() if tables else ""

    def receive(self, context: "Context", sources: "list[Source]") -> None:
        """Have the webhooks run that are asked for, and no others.

        Raises:
            AuditwakeError: An address cannot be listened on.
        """
        for known, receiver in list(self._receivers):
            if known not in sources:
                receiver.stop()
                self._receivers.remove((known, receiver))
        for source in sources:
            if isinstance(source, WebhookSource) and source not in [known for known, _ in self._receivers]:
                from auditwake.forwarder.webhook.receiver import WebhookReceiver

                receiver = WebhookReceiver(source, webhook_directory(context.config.state, source))
                receiver.start()
                self._receivers.append((source, receiver))

    def tend(self, routes: "list[Route]") -> None:
        """Have webhooks delete what every sink has acknowledged."""
        for source, receiver in self._receivers:
            followers = [route for route in routes if route.source == source]
            receiver.discard(file for route in followers for file in route.committed_files())

    def forget(self, routes: "list[Route]") -> None:
        """Close the sinks that no route uses any more."""
        used = [route.sink_config for route in routes]
        for config, sink in list(self._sinks):
            if config not in used:
                sink.close()
                self._sinks.remove((config, sink))

    def _sink(self, context: "Context", config: "SinkConfig") -> "PayloadSink":
        for known, sink in self._sinks:
            if known == config:
                return sink
        agent = context.config
        made = cast("PayloadSink", make(config, agent.hostname, agent.cluster))
        self._sinks.append((config, made))
        return made

    def _log(self, context: "Context", source: "Source") -> "Path | None":
        """Give the log of a webhook; others name theirs."""
        if isinstance(source, WebhookSource):
            return webhook_directory(context.config.state, source) / "audit.log"
        return None
