"""Files and environment to one configuration, with all that is wrong at once."""

import os
import re
import socket
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from auditwake.errors import PolicyError, SourceError
from auditwake.forwarder.config.check import Section, check
from auditwake.forwarder.config.discover import Found, discover
from auditwake.forwarder.config.document import Document, Mark
from auditwake.forwarder.config.environment import Environment
from auditwake.forwarder.config.intake import Intake, Settings
from auditwake.forwarder.config.keys import DATADOG, FILE, words
from auditwake.forwarder.config.model import AgentConfig, SinkConfig, Source
from auditwake.forwarder.config.outputs import read_and_written
from auditwake.forwarder.config.own import OWN
from auditwake.forwarder.config.report import Place, Report
from auditwake.forwarder.config.sinks import Sinks
from auditwake.forwarder.config.sources import Shared, address_of, logs, rules, twice, webhooks
from auditwake.forwarder.config.yamltext import LARGEST, TextError, decode, parse

__all__ = ["load"]

LINE_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
SOCKET: Final = "agent.sock"


def load(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], environment: Mapping[str, str] = os.environ
) -> AgentConfig:
    """Read a configuration.

    Args:
        paths: `conf.d`, the folder of an integration, a single file, `datadog.yaml`, or several of them.
        environment: The variables; they win over the files.

    Returns:
        The configuration. Its warnings say what has no effect, and what is likely to be a mistake.

    Raises:
        ConfigError: It cannot be used; all that is wrong is in `problems`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "audit.yaml")
        ...     _ = file.write_text("logs: [{type: file, path: /var/log/audit.log, service: audit}]")
        ...     config = load(file, {"DD_LOGS_ENABLED": "true", "DD_API_KEY": "0" * 32, "DD_SITE": "datadoghq.eu"})
        >>> config.sources[0].path, config.sinks[0].http.url
        ('/var/log/audit.log', 'https://agent-http-intake.logs.datadoghq.eu/api/v2/logs')
    """
    report = Report()
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    loading = _Loading(report, Environment(report, environment))
    loading.read(discover(report, given))
    values = loading.values()
    report.check()
    return AgentConfig(**values, warnings=tuple(map(str, report.warnings)))


class _Loading:
    """One load."""

    def __init__(self, report: Report, environment: Environment) -> None:
        self.report, self.environment = report, environment
        self.files: list[tuple[Found, Section]] = []
        self.own = Section(OWN, Place("the auditwake: block", path="auditwake"))
        self.integration = "auditwake"
        self.main = Section(DATADOG, Place("datadog.yaml"))

    def read(self, found: Iterable[Found]) -> None:
        """Read the files, and find the one `datadog.yaml` and the one own block among them."""
        blocks: list[Section] = []
        mains: list[Section] = []
        for one in found:
            document = self.document(one)
            if document is None:
                continue
            section = check(self.report, document, DATADOG if one.main else FILE)
            self.files.append((one, section))
            if one.main:
                mains.append(section)
            if "auditwake" in section:
                blocks.append(section.section("auditwake"))
                self.integration = "auditwake" if one.main else one.integration
        for first, again in pairwise(blocks):
            line = first.place.mark.line if first.place.mark else 1
            message = f"there is an auditwake: block already, in {first.place.name}:{line}"
            self.report.error(again.place, message, "put everything into one of the two")
        for first, again in pairwise(mains):
            self.report.error(
                again.place, f"there is a datadog.yaml already, {first.place.name}", "name one of the two"
            )
        self.own, self.main = blocks[0] if blocks else self.own, mains[0] if mains else self.main

    def document(self, found: Found) -> Document | None:
        """Read a file; None where it is no YAML."""
        document = Document(found.path, found.integration)
        place = Place(str(found.path), document)
        try:
            with found.path.open("rb") as file:
                data = file.read(LARGEST + 1)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "its name holds a NUL"
            self.report.error(place, f"cannot be read: {why}", "mend it, or remove the file")
            return None
        try:
            text = decode(data)
            document.lines = LINE_BREAK.split(text)
            document.root = parse(text)
        except TextError as error:
            where = place.at(error.place, "") if error.place else place
            self.report.error(where, error.message, error.remedy, words())
            return None
        if document.root.kind == "null":
            self.report.warning(place.at(Mark(1, 1), ""), "the file is empty", "add logs:, or remove the file")
        return document

    def values(self) -> dict[str, Any]:
        """Make everything out of what was read."""
        own, main = self.own, self.main
        logs_config, proxy = main.section("logs_config"), main.section("proxy")
        for section in (main, logs_config, proxy, own):
            self.environment.over(section)
        self.environment.strangers()
        settings = Settings(main, logs_config, proxy)
        sources = self.sources(logs_config)
        sinks, enabled = self.sinks(settings)
        read_and_written(self.report, self.own.at("sinks"), sources, sinks)
        state = self.state(logs_config)
        if not sources:
            place = Place(str(self.files[0][0].path)) if self.files else Place("the configuration")
            self.report.warning(place, "there is nothing to read", "add an entry to logs:, with type: file and a path")
        return {
            "sources": tuple(sources),
            "sinks": sinks,
            "enabled": enabled,
            "state": state,
            "socket": Path(own["socket"]) if own["socket"] else state / SOCKET,
            "hostname": main["hostname"] or socket.gethostname(),
            **self.rest(logs_config),
            "files": tuple(one.path for one, _ in self.files),
            "environment": tuple(sorted(self.environment.used.items())),
        }

    def sources(self, logs_config: Section) -> list[Source]:
        """Give what is read, in the order of the files, the receivers last."""
        front = rules(self.report, (*logs_config["processing_rules"], *self.own["processing_rules"]))
        shared = Shared((*self.main["tags"], *self.main["extra_tags"]), front)
        found: list[Source] = []
        entries: list[Section] = []
        for one, section in self.files:
            if not one.main:
                entries += section["logs"]
                found += logs(self.report, section["logs"], one.integration, shared)
        twice(self.report, entries)
        receivers = self.own["webhook"]
        return [*found, *webhooks(self.report, self.environment, receivers, self.integration, shared)]

    def sinks(self, settings: Settings) -> tuple[tuple[SinkConfig, ...], bool]:
        """Give the sinks, and whether anything is shipped at all."""
        intake = Intake(self.report, self.environment, settings)
        if self.own["sinks"] is not None:
            if settings.logs["additional_endpoints"]:
                place = settings.logs.at("additional_endpoints")
                self.report.warning(place, "has no effect: auditwake: sinks: says where events go", "add a sink there")
            made = Sinks(self.report, self.environment, intake).make(self.own["sinks"])
            if not self.own["sinks"]:
                self.report.error(
                    self.own.at("sinks"), "there is no sink in it", "add one, or remove sinks: to ship to Datadog"
                )
            return made, True
        if settings.main["logs_enabled"]:
            return tuple(intake.sinks()), True
        message = "nothing is shipped: logs_enabled is false, and no sinks are named"
        remedy = "set DD_LOGS_ENABLED=true and DD_API_KEY, or name sinks in an auditwake: block"
        self.report.warning(settings.main.at("logs_enabled"), message, remedy)
        return (), False

    def state(self, logs_config: Section) -> Path:
        """Give the state directory: ours, or the Agent's, or the default."""
        if "state_dir" not in self.own and logs_config["run_path"]:
            return Path(logs_config["run_path"])
        return Path(self.own["state_dir"])

    def rest(self, logs_config: Section) -> dict[str, Any]:
        """Give what stands in our own block beside sinks and receivers."""
        own, retention = self.own, self.own.section("retention")
        policy = Path(own["policy"]) if own["policy"] else None
        self.policy(policy, own["kube_version"])
        if own["backups"] is not None and not own["backups"].strip():
            self.report.error(own.at("backups"), "the pattern is empty", "remove it, or write one such as audit-*.log*")
        return {
            "policy": policy,
            "kube_version": own["kube_version"],
            "metrics_address": address_of(self.report, own, "metrics_address"),
            "grace": own["grace"] if own["grace"] is not None else logs_config["stop_grace_period"],
            "backups": own["backups"],
            **{name: retention[name] for name in ("maxsize", "maxbackup", "maxage")},
            "cluster": own["cluster"],
            "log_level": own["log_level"],
            "log_format": own["log_format"],
        }

    def policy(self, path: Path | None, kube_version: str) -> None:
        """Check the policy and the version that it is meant for."""
        from auditwake.policy import Policy
        from auditwake.policy.loading.versions import find_server

        try:
            find_server(kube_version)
        except ValueError as error:
            self.report.error(self.own.at("kube_version"), str(error), "remove it to take the newest")
            return
        if path is None:
            return
        try:
            Policy.load(path, kube_version=kube_version)
        except PolicyError as error:
            message = f"kube-apiserver would refuse this policy: {error.server_message}"
            self.report.error(self.own.at("policy"), message, f"auditwake policy check {path}")
        except (OSError, SourceError) as error:
            cause = error.__cause__ if isinstance(error, SourceError) else error
            why = getattr(cause, "strerror", None) or str(error)
            self.report.error(self.own.at("policy"), f"the policy cannot be read: {why}", "mend the path")
