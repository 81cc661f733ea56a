"""From the configuration to what runs: a route for each source and sink, and the sinks that routes share."""

from dataclasses import asdict
from typing import TYPE_CHECKING, TypeAlias, cast

from auditwake.forwarder.config.model import DeltaSink, ParquetSink, WebhookSource
from auditwake.forwarder.engine.left import note_name
from auditwake.forwarder.engine.paths import name_of, webhook_directory
from auditwake.forwarder.engine.payload_route import PayloadRoute
from auditwake.forwarder.engine.table_route import TableRoute
from auditwake.forwarder.sinks.make import make
from auditwake.forwarder.snapshot import ReceiverSnapshot, RouteSnapshot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from auditwake.forwarder.config.model import SinkConfig, Source
    from auditwake.forwarder.engine.counters import Counters
    from auditwake.forwarder.engine.route import Context, Route
    from auditwake.forwarder.sinks.sink import PayloadSink, TableSink
    from auditwake.forwarder.webhook.counters import Counters as Received
    from auditwake.forwarder.webhook.receiver import WebhookReceiver

__all__ = ["Builder"]

Key: TypeAlias = tuple[str, str]  # name of the sink, name of the source
Made: TypeAlias = "tuple[SinkConfig, str, str | None]"  # what a sink was made of, with hostname and cluster


class Builder:
    """Makes what runs, and knows what several share. Counters outlive routes: they never begin anew."""

    def __init__(self) -> None:
        self._sinks: list[tuple[Made, PayloadSink]] = []
        self._receivers: list[tuple[WebhookSource, WebhookReceiver]] = []
        self._counters: dict[Key, Counters] = {}
        self._received: dict[str, Received] = {}

    def route(self, context: "Context", source: "Source", config: "SinkConfig") -> "Route":
        """Make a route; it is not started.

        Raises:
            SinkError: Something in the configuration of the sink cannot be used.
            ValueError: A rule's pattern is none.
        """
        key = (config.name, name_of(source))
        counters = self._counters.get(key)
        log = self._log(context, source)
        agent = context.config
        if isinstance(config, ParquetSink | DeltaSink):

            def table() -> "TableSink":
                made = make(config, agent.hostname, agent.cluster, route=name_of(source))
                return cast("TableSink", made)

            route: Route = TableRoute(context, source, config, table, log=log, counters=counters)
        else:
            sink = self._sink(context, config)
            route = PayloadRoute(context, source, config, sink, log=log, counters=counters)
        return route

    def begun(self, route: "Route") -> None:
        """Note a route that was started: one that was only made has been nothing yet."""
        self._counters[route.sink_config.name, name_of(route.source)] = route.counters

    def describe(self, config: "SinkConfig", routes: "list[Route]") -> str:
        """Say where a sink sends to; keys masked."""
        for known, sink in self._sinks:
            if known[0] == config:
                return sink.describe()
        tables = [route for route in routes if isinstance(route, TableRoute) and route.sink_config == config]
        return tables[0].describe() if tables else ""

    def received(self) -> "dict[str, ReceiverSnapshot]":
        """Say what webhooks have received, by the name of their source."""
        backlogs = {name_of(source): receiver.backlog for source, receiver in list(self._receivers)}
        return {
            name: ReceiverSnapshot(**asdict(counters.now()), backlog_bytes=backlogs.get(name, 0))
            for name, counters in list(self._received.items())
        }

    def former(self, routes: "Sequence[Route]") -> "list[RouteSnapshot]":
        """Give what routes have counted that are not among these any more."""
        present = [route.counters for route in routes]
        return [
            RouteSnapshot(sink=sink, state="stopped", **counters.values())
            for (sink, _), counters in list(self._counters.items())
            if not any(counters is one for one in present)
        ]

    def hang_up(self, sources: "Sequence[Source]") -> None:
        """End the webhooks that are not asked for: what they have answered with 200 is for the routes to finish."""
        for known, receiver in list(self._receivers):
            if known not in sources:
                receiver.stop()
                self._receivers.remove((known, receiver))

    def receive(self, state: "Path", sources: "Sequence[Source]") -> None:
        """Have the webhooks run that are asked for.

        Raises:
            AuditwakeError: An address cannot be listened on.
        """
        for source in sources:
            if isinstance(source, WebhookSource) and source not in [known for known, _ in self._receivers]:
                from auditwake.forwarder.webhook.receiver import WebhookReceiver

                directory = webhook_directory(state, source)
                counters = self._received.get(name_of(source))
                receiver = WebhookReceiver(source, directory, counters)
                self._received[name_of(source)] = receiver.counters
                note_name(directory, source)
                receiver.start()
                self._receivers.append((source, receiver))

    def tend(self, routes: "list[Route]") -> None:
        """Have webhooks delete what every sink has acknowledged."""
        for source, receiver in self._receivers:
            followers = [route for route in routes if route.source == source]
            receiver.discard(file for route in followers for file in route.committed_files())

    def forget(self, routes: "list[Route]") -> None:
        """Close the sinks that no route uses any more."""
        used = [route.sink for route in routes if isinstance(route, PayloadRoute)]
        for made, sink in list(self._sinks):
            if not any(sink is one for one in used):
                sink.close()
                self._sinks.remove((made, sink))

    def _sink(self, context: "Context", config: "SinkConfig") -> "PayloadSink":
        agent = context.config
        made = (config, agent.hostname, agent.cluster)
        for known, sink in self._sinks:
            if known == made:
                return sink
        sink = cast("PayloadSink", make(config, agent.hostname, agent.cluster))
        self._sinks.append((made, sink))
        return sink

    def _log(self, context: "Context", source: "Source") -> "Path | None":
        """Give the log of a webhook; others name theirs."""
        if isinstance(source, WebhookSource):
            return webhook_directory(context.config.state, source) / "audit.log"
        return None
