"""From the configuration of a sink to the sink."""

from typing import TYPE_CHECKING

from auditwake.forwarder.config import model

if TYPE_CHECKING:
    from auditwake.forwarder.sinks.sink import PayloadSink, TableSink

__all__ = ["make"]


def make(
    config: model.SinkConfig, hostname: str, cluster: str | None = None, *, route: str = ""
) -> "PayloadSink | TableSink":
    """Make a sink. What it is made of is imported now, so that nobody needs the extras of a sink that he does not use.

    Args:
        config: Its configuration.
        hostname: Of this machine.
        cluster: Name of the cluster; None if it has none.
        route: For tables, who among the writers of this machine it is, the same after every restart: where one sink has
            several sources, a text for each, such as the path of the log.

    Raises:
        SinkError: Something in the configuration cannot be used.
        AuditwakeError: An extra is not installed.

    Example:
        >>> make(model.StdoutSink(), "node-1").describe()
        'NDJSON on standard output'
    """
    if isinstance(config, model.ParquetSink | model.DeltaSink):
        return _table(config, "/".join(filter(None, ("auditwake", cluster, hostname, config.name, route))))
    if isinstance(config, model.FileSink):
        from auditwake.forwarder.sinks.file import LinesFile

        return LinesFile(config)
    if isinstance(config, model.StdoutSink):
        from auditwake.forwarder.sinks.stdout import StandardOutput

        return StandardOutput(config)
    return _receiver(config, hostname, cluster)


def _table(config: model.TableSinkConfig, writer: str) -> "TableSink":
    if isinstance(config, model.ParquetSink):
        from auditwake.forwarder.sinks.parquet import ParquetFiles

        return ParquetFiles(config, writer)
    from auditwake.forwarder.sinks.delta import DeltaRows

    return DeltaRows(config, writer)


def _receiver(
    config: model.DatadogSink | model.HttpSink | model.OtlpSink | model.ElasticsearchSink | model.SplunkSink,
    hostname: str,
    cluster: str | None,
) -> "PayloadSink":
    if isinstance(config, model.DatadogSink):
        from auditwake.forwarder.sinks.datadog import DatadogLogs

        return DatadogLogs(config, hostname)
    if isinstance(config, model.OtlpSink):
        from auditwake.forwarder.sinks.otlp import OtlpLogs

        return OtlpLogs(config, hostname, cluster)
    if isinstance(config, model.ElasticsearchSink):
        from auditwake.forwarder.sinks.elasticsearch import ElasticsearchBulk

        return ElasticsearchBulk(config)
    if isinstance(config, model.SplunkSink):
        from auditwake.forwarder.sinks.splunk import SplunkCollector

        return SplunkCollector(config, hostname)
    from auditwake.forwarder.sinks.lines import HttpLines

    return HttpLines(config)
