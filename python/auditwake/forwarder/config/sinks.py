"""From `sinks:` of our own block to sinks."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from auditwake.errors import ColumnError
from auditwake.forwarder.config.check import Section
from auditwake.forwarder.config.credentials import api_key, choose, headers, secrets
from auditwake.forwarder.config.environment import Environment
from auditwake.forwarder.config.intake import Intake, intake_url
from auditwake.forwarder.config.model import (
    Backoff,
    Batching,
    DatadogSink,
    DeltaSink,
    ElasticsearchSink,
    FileSink,
    HttpOptions,
    HttpSink,
    OtlpSink,
    ParquetSink,
    SinkConfig,
    SplunkSink,
    StdoutSink,
)
from auditwake.forwarder.config.outputs import same_place
from auditwake.forwarder.config.report import Place, Report, meant
from auditwake.forwarder.config.urls import Url, read_url, with_path

__all__ = ["Sinks"]

NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
OTLP_PATH: Final = "/v1/logs"
HEC_PATH: Final = "/services/collector/event"
DATE: Final = "date"
BULK: Final = "/_bulk"
GZIP_LEVEL: Final = 6
ZSTD_LEVEL: Final = 1
HIGHEST_GZIP: Final = 9
PLAIN_HTTP: Final = ("timeout", "verify", "http2", "compression")
FILES: Final = ("ca_file", "client_cert_file", "client_key_file")
# The batches of each type, where a sink does not say otherwise, are those of the model.
MODELS: Final[Mapping[str, Any]] = {
    "http": HttpSink,
    "otlp": OtlpSink,
    "elasticsearch": ElasticsearchSink,
    "splunk": SplunkSink,
    "file": FileSink,
    "stdout": StdoutSink,
}


class Sinks:
    """Makes sinks of what a block says."""

    def __init__(self, report: Report, environment: Environment, intake: Intake) -> None:
        self._report, self._environment, self._intake = report, environment, intake

    def make(self, given: Iterable[Section]) -> tuple[SinkConfig, ...]:
        """Give the sinks, each with a name of its own."""
        sections = [one for one in given if one["type"] is not None]
        names = self._names(sections)
        makers: dict[str, Callable[[Section], SinkConfig | None]] = {
            "datadog": self._datadog,
            "http": self._http,
            "otlp": self._otlp,
            "elasticsearch": self._elasticsearch,
            "splunk": self._splunk,
            "file": self._file,
            "stdout": self._stdout,
            "parquet": self._parquet,
            "delta": self._delta,
        }
        made: list[tuple[SinkConfig, Section]] = []
        for section, name in zip(sections, names, strict=True):
            sink = makers[section["type"]](section)
            if sink is not None:
                sink = replace(sink, name=name, backoff=self._backoff(section, sink.backoff))
                made.append((sink, section))
        same_place(self._report, made)
        return tuple(sink for sink, _ in made)

    def _names(self, sections: list[Section]) -> list[str]:
        """Give each sink its name: offsets are kept under it, so that it names a directory too."""
        taken: dict[str, Place] = {}
        for one in sections:
            name, place = one["name"], one.at("name")
            if name is None:
                continue
            if not NAME.fullmatch(name):
                self._report.error(place, "is no name for a sink", "write at most 64 letters, digits, - . and _")
            elif name.lower() in taken:
                self._report.error(
                    place,
                    f"another sink is called {name} already",
                    "offsets are kept under the name: write another one",
                )
            taken[name.lower()] = place
        numbers: Counter[str] = Counter()
        unnamed = Counter(one["type"] for one in sections if one["name"] is None)
        names = []
        for one in sections:
            name = one["name"]
            if name is None and unnamed[one["type"]] > 1:
                self._report.warning(
                    one.at("name"),
                    f"there are several unnamed sinks with type: {one['type']}, called by their order: when one is "
                    "removed or moved, another takes its name and its offsets",
                    "add name: to each",
                )
            while name is None:
                numbers[one["type"]] += 1
                number = numbers[one["type"]]
                free = one["type"] if number == 1 else f"{one['type']}-{number}"
                name = None if free in taken else free
            names.append(name)
        return names

    # --- parts -------------------------------------------------------------------------------------------------------

    def _backoff(self, section: Section, default: Backoff) -> Backoff:
        given = section.section("backoff")
        made = replace(default, **{key: given[key] for key in ("base", "factor", "max") if key in given})
        if "backoff" in section and made.max < made.base:
            self._report.error(given.at("max"), "max is less than base", "write more")
        return made

    def _batching(self, section: Section, default: Batching) -> Batching:
        given = section.section("batching")
        keys = ("wait", "max_events", "max_bytes", "max_event_bytes", "concurrency")
        return replace(default, **{key: given[key] for key in keys if key in given})

    def _url(self, section: Section) -> Url | None:
        if "url" not in section:
            self._report.error(section.place.key("url"), "is missing", "add url: where to")
            return None
        return read_url(self._report, self._environment, section["url"], section.at("url"))

    def _options(self, section: Section, url: Url) -> HttpOptions:
        """Give how a receiver is spoken to."""
        kind = section["compression"]
        level = section["compression_level"] or (ZSTD_LEVEL if kind == "zstd" else GZIP_LEVEL)
        return self._over(section, HttpOptions(url=url.text, compression=kind, compression_level=level), url)

    def _over(self, section: Section, options: HttpOptions, url: Url) -> HttpOptions:
        """Put what a sink says over what holds without it."""
        values: dict[str, Any] = {key: section[key] for key in PLAIN_HTTP if key in section}
        values |= {key: Path(section[key]) for key in FILES if key in section}
        values["headers"] = headers(self._report, self._environment, section["headers"])
        values["username"] = section["username"] or url.username
        values["password"] = (
            choose(self._report, self._environment, section, "password", "password_file") or url.password
        )
        values["token"] = choose(self._report, self._environment, section, "token", "token_file")
        if "proxy" in section:
            proxy = read_url(self._report, self._environment, section["proxy"], section.at("proxy"))
            if proxy is not None:
                values |= {"proxy": proxy.text, "proxy_username": proxy.username, "proxy_password": proxy.password}
        self._level(section, values, options)
        made = replace(options, **values)
        self._notes(section, made, url)
        return made

    def _level(self, section: Section, values: dict[str, Any], options: HttpOptions) -> None:
        kind = values.get("compression", options.compression)
        level = section["compression_level"]
        if level is None:
            if kind != options.compression:
                values["compression_level"] = ZSTD_LEVEL if kind == "zstd" else GZIP_LEVEL
            return
        if kind == "gzip" and level > HIGHEST_GZIP:
            self._report.error(section.at("compression_level"), f"gzip has no level {level}", "write 1 to 9")
        values["compression_level"] = level

    def _notes(self, section: Section, options: HttpOptions, url: Url) -> None:
        if bool(options.client_cert_file) != bool(options.client_key_file):
            name, other = (
                ("client_cert_file", "client_key_file")
                if options.client_cert_file
                else ("client_key_file", "client_cert_file")
            )
            self._report.error(section.at(name), f"{name} is of no use without {other}", f"add {other}")
        if options.token and (options.username or options.password):
            self._report.error(
                section.at("token"), "a receiver takes a token or a name and password, not both", "remove one"
            )
        if not options.verify:
            self._report.warning(
                section.at("verify"),
                "the receiver's certificate is not checked: anybody on the way can read the events",
                "name who signs it in ca_file",
            )
        if url.parts.scheme == "http" and url.parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
            self._report.warning(
                section.at("url"), "events, and secrets in them, go over the network in plain text", "write https://"
            )

    def _columns(self, section: Section) -> dict[str, Any]:
        """Give the columns of a table, all of which there have to be."""
        columns = section["columns"]
        if columns is None:
            return {"bodies": section["bodies"]}
        if not columns:
            self._report.error(section.at("columns"), "there is no column in it", "remove it to have all")
        from auditwake import schema

        try:
            schema(list(columns), bodies=section["bodies"])
        except ColumnError as error:
            self._report.error(section.at("columns"), str(error), "see docs/schema.md")
        return {"columns": tuple(columns), "bodies": section["bodies"]}

    # --- sinks -------------------------------------------------------------------------------------------------------

    def _datadog(self, section: Section) -> DatadogSink | None:
        key = choose(self._report, self._environment, section, "api_key", "api_key_file")
        if "api_key" in section or "api_key_file" in section:
            api_key(self._report, key, section.at("api_key"))
        else:
            key = self._intake.key()
            if key is None:
                self._report.error(
                    section.place.key("api_key"),
                    "there is no API key",
                    "set DD_API_KEY or DD_API_KEY_FILE, or add api_key or api_key_file",
                )
        if "url" in section:
            url = self._url(section)
            url = intake_url(url) if url else None
        else:
            url = self._intake.site_url(section["site"], section) if "site" in section else self._intake.url()
        if url is None or key is None:
            return None
        batching = self._batching(section, self._intake.batching())
        http = self._over(section, self._intake.options(url), url)
        return DatadogSink(http=http, api_key=key, batching=batching, backoff=self._intake.backoff())

    def _http(self, section: Section) -> HttpSink | None:
        url = self._url(section)
        if url is None:
            return None
        return HttpSink(http=self._options(section, url), body=section["body"], batching=self._of("http", section))

    def _of(self, name: str, section: Section) -> Batching:
        return self._batching(section, _default(name))

    def _otlp(self, section: Section) -> OtlpSink | None:
        url = self._url(section)
        if url is None:
            return None
        attributes = {name: text for name, (text, _) in section["resource_attributes"].items()}
        http = self._options(section, with_path(url, OTLP_PATH))
        return OtlpSink(http=http, resource_attributes=attributes, batching=self._of("otlp", section))

    def _elasticsearch(self, section: Section) -> ElasticsearchSink | None:
        url = self._url(section)
        if url is None:
            return None
        if url.parts.query:
            why = "the URL of a cluster has no query"
            self._report.error(section.at("url"), why, "set a pipeline in the index: index.default_pipeline")
            return None
        bare = url._replace(text=url.text.rstrip("/").removesuffix(BULK))
        http = self._options(section, bare)
        return ElasticsearchSink(http=http, index=section["index"], batching=self._of("elasticsearch", section))

    def _splunk(self, section: Section) -> SplunkSink | None:
        url = self._url(section)
        token = choose(self._report, self._environment, section, "hec_token", "hec_token_file")
        if token is None and "hec_token" not in section and "hec_token_file" not in section:
            self._report.error(section.place.key("hec_token"), "is missing", "add hec_token or hec_token_file")
        if url is None or token is None:
            return None
        return SplunkSink(
            http=self._options(section, with_path(url, HEC_PATH)),
            hec_token=token,
            index=section["index"],
            sourcetype=section["sourcetype"],
            ack=section["ack"],
            batching=self._of("splunk", section),
        )

    def _file(self, section: Section) -> FileSink | None:
        path = section["path"]
        return None if path is None else FileSink(path=Path(path), batching=self._of("file", section))

    def _stdout(self, section: Section) -> StdoutSink:
        return StdoutSink(batching=self._of("stdout", section))

    def _parquet(self, section: Section) -> ParquetSink | None:
        if section["directory"] is None:
            return None
        return ParquetSink(
            directory=Path(section["directory"]),
            compression=section["compression"],
            roll_bytes=section["roll_bytes"],
            roll_seconds=section["roll_seconds"],
            **self._columns(section),
        )

    def _delta(self, section: Section) -> DeltaSink | None:
        if section["table"] is None:
            return None
        table = self._environment.resolve(section["table"], section.at("table"))
        if table is None:
            return None
        if not table.strip():
            self._report.error(section.at("table"), "is empty", "write a path, or a URI such as s3://bucket/table")
            return None
        columns = self._columns(section)
        self._partitions(section, columns)
        return DeltaSink(
            table=table,
            storage_options=secrets(self._environment, section["storage_options"]),
            partition_by=tuple(section["partition_by"]),
            roll_bytes=section["roll_bytes"],
            roll_seconds=section["roll_seconds"],
            **columns,
        )

    def _partitions(self, section: Section, columns: Mapping[str, Any]) -> None:
        """Check that a table can be partitioned as it is asked: by columns that it has."""
        from auditwake import schema

        asked = columns.get("columns")
        try:
            names = schema(None if asked is None else list(asked), bodies=columns["bodies"]).names
        except ColumnError:
            return  # It was complained of.
        for name in section["partition_by"]:
            if name == DATE and "ts_stage" not in names:
                self._report.error(
                    section.at("partition_by"), f"{DATE} is the day of ts_stage", "add ts_stage to the columns"
                )
            elif name != DATE and name not in names:
                remedy = meant(name, [*names, DATE]) or "name a column of the table, or date"
                self._report.error(section.at("partition_by"), f"the table has no column {name!a}", remedy)


def _default(name: str) -> Batching:
    """Give how a type of sink batches when nobody says it."""
    default: Batching = MODELS[name].__dataclass_fields__["batching"].default
    return default
