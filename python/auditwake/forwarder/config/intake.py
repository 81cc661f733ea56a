"""Datadog's intake: from `datadog.yaml`, `logs_config` and the environment to sinks."""

from typing import Any, Final, Literal, NamedTuple

from auditwake.forwarder.config.check import Section
from auditwake.forwarder.config.credentials import api_key, choose, one_secret
from auditwake.forwarder.config.environment import Environment
from auditwake.forwarder.config.model import MB, Backoff, Batching, DatadogSink, HttpOptions
from auditwake.forwarder.config.naming import Endpoint, endpoint_names
from auditwake.forwarder.config.report import Report
from auditwake.forwarder.config.secret import Secret, SecretFile
from auditwake.forwarder.config.urls import Url, read_url

__all__ = ["Intake", "Settings", "intake_url"]

PATH: Final = "/api/v2/logs"


class Settings(NamedTuple):
    """The three maps of `datadog.yaml` that an intake is made of, the environment put over them."""

    main: Section
    logs: Section
    proxy: Section


class Intake:
    """What all sinks of Datadog share."""

    def __init__(self, report: Report, environment: Environment, settings: Settings) -> None:
        self._report, self._environment, self._settings = report, environment, settings

    def sinks(self) -> list[DatadogSink]:
        """Give the sink that there is when no other is named, and those of further endpoints."""
        if not self._settings.logs["use_v2_api"]:
            self._report.error(
                self._settings.logs.at("use_v2_api"),
                "the intake before version 2 is not spoken: it gives no answer for each event",
                "remove it, or write true",
            )
        key, url = self.key(), self.url()
        if key is None and not self._key_given():
            self._report.error(
                self._settings.main.at("api_key"),
                "there is no API key, and logs_enabled is true",
                "set DD_API_KEY or DD_API_KEY_FILE, or name other sinks in an auditwake: block",
            )
        others = self._endpoints()
        if key is None or url is None:
            return []
        first = DatadogSink(http=self.options(url), api_key=key, batching=self.batching(), backoff=self.backoff())
        names = endpoint_names(others)
        return [first, *(self._further(one, name) for one, name in zip(others, names, strict=True))]

    def _key_given(self) -> bool:
        main = self._settings.main
        return "api_key" in main or "api_key_file" in main or "api_key" in self._settings.logs

    def key(self) -> Secret | SecretFile | None:
        """Give the key; None where there is none."""
        main, logs = self._settings.main, self._settings.logs
        if "api_key" in logs:
            place = logs.at("api_key")
            key: Secret | SecretFile | None = one_secret(self._report, self._environment, logs["api_key"], place)
        else:
            place = main.at("api_key")
            key = choose(self._report, self._environment, main, "api_key", "api_key_file")
        api_key(self._report, key, place)
        return key

    def url(self) -> Url | None:
        """Give the whole address of the intake; None where it is wrong."""
        logs = self._settings.logs
        address = logs["logs_dd_url"]
        if not address:
            return self.site_url(self._settings.main["site"], self._settings.main)
        text = address if "://" in address else f"{'http' if logs['logs_no_ssl'] else 'https'}://{address}"
        url = read_url(self._report, self._environment, text, logs.at("logs_dd_url"))
        return None if url is None else intake_url(url)

    def site_url(self, site: str, section: Section) -> Url | None:
        """Give the address of a site."""
        place = section.at("site")
        if not site.strip() or any(not (char.isalnum() or char in ".-") for char in site):
            self._report.error(place, "is no name of a site", "write it as datadoghq.eu, without https:// and app.")
            return None
        return Url(f"https://agent-http-intake.logs.{site}{PATH}")

    def options(self, url: Url) -> HttpOptions:
        """Give how the intake is spoken to."""
        logs = self._settings.logs
        kind: Literal["zstd", "gzip", "none"] = logs["compression_kind"] if logs["use_compression"] else "none"
        level = logs["zstd_compression_level"] if kind == "zstd" else logs["compression_level"]
        if self._settings.main["skip_ssl_validation"]:
            self._report.warning(
                self._settings.main.at("skip_ssl_validation"),
                "the intake's certificate is not checked: anybody on the way can read the events and the key",
                "remove it",
            )
        return HttpOptions(
            url=url.text,
            username=url.username,
            password=url.password,
            verify=not self._settings.main["skip_ssl_validation"],
            http2=logs["http_protocol"] != "http1",
            timeout=logs["http_timeout"],
            compression=kind,
            compression_level=level if kind != "none" else 1,
            **self._proxy(url),
        )

    def _proxy(self, url: Url) -> dict[str, Any]:
        """Give the fields of a proxy."""
        proxy = self._settings.proxy
        name = url.parts.scheme
        host = url.parts.hostname or ""
        without = [one.strip(".*").lower() for one in proxy["no_proxy"]]
        if "*" in proxy["no_proxy"] or any(host == one or host.endswith(f".{one}") for one in without if one):
            return {"proxy": ""}
        way = read_url(self._report, self._environment, proxy[name], proxy.at(name)) if proxy[name] else None
        if way is None:
            return {}
        return {"proxy": way.text, "proxy_username": way.username, "proxy_password": way.password}

    def batching(self) -> Batching:
        """Give when a payload is full."""
        logs = self._settings.logs
        largest = logs["max_message_size_bytes"]
        if largest > MB:
            self._report.warning(
                logs.at("max_message_size_bytes"),
                "the intake cuts what is larger than 1,000,000 bytes: that holds",
                "write no more",
            )
        return Batching(
            wait=logs["batch_wait"],
            max_events=logs["batch_max_size"],
            max_bytes=logs["batch_max_content_size"],
            max_event_bytes=min(largest, MB),
            concurrency=max(logs["batch_max_concurrent_send"], 1),
        )

    def backoff(self) -> Backoff:
        """Give how long to wait for the next try."""
        logs = self._settings.logs
        return Backoff(
            base=logs["sender_backoff_base"], factor=logs["sender_backoff_factor"], max=logs["sender_backoff_max"]
        )

    def _endpoints(self) -> list[Endpoint]:
        """Give the further endpoints, each once."""
        found: dict[Endpoint, Section] = {}
        for one in self._settings.logs["additional_endpoints"]:
            endpoint = self._endpoint(one)
            if endpoint is None:
                continue
            if endpoint in found:
                message = "the same endpoint with the same key is named already: this one is left out"
                self._report.warning(one.place, message, "remove one of the two")
            elif endpoint.url in {other.url for other in found}:
                self._report.warning(
                    one.place,
                    "two endpoints at one address are told apart by their keys: with another key, one of them begins "
                    "at the beginning of the log",
                    "to change a key later, name each endpoint as a sink of its own, with auditwake: sinks: and name:",
                )
            found.setdefault(endpoint, one)
        return list(found)

    def _endpoint(self, one: Section) -> Endpoint | None:
        host = one["host"] or one["Host"]
        if not host:
            self._report.error(one.place.key("Host"), "is missing", "add Host: the name of the further intake")
            return None
        if one["api_key"] is None:
            return None
        scheme = "https" if one["use_ssl"] else "http"
        port = one["port"] or one["Port"]
        text = host if "://" in host else f"{scheme}://{host}" + (f":{port}" if port else "")
        place = one.at("host" if "host" in one else "Host")
        url = read_url(self._report, self._environment, text, place)
        key = one_secret(self._report, self._environment, one["api_key"], one.at("api_key"))
        api_key(self._report, key, one.at("api_key"))
        return None if url is None or key is None else Endpoint(url, key)

    def _further(self, endpoint: Endpoint, name: str) -> DatadogSink:
        return DatadogSink(
            name=name,
            http=self.options(intake_url(endpoint.url)),
            api_key=endpoint.key,
            batching=self.batching(),
            backoff=self.backoff(),
        )


def intake_url(url: Url) -> Url:
    """Put the intake's path behind an address.

    Example:
        >>> intake_url(Url("https://proxy.example:8443/datadog/")).text
        'https://proxy.example:8443/datadog/api/v2/logs'
    """
    path = url.parts.path.rstrip("/")
    return url if path.endswith(PATH) else url._replace(text=url.parts._replace(path=path + PATH).geturl())
