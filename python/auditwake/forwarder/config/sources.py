"""From `logs:` and `webhook:` to what is read."""

import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Final, NamedTuple

from auditwake.forwarder.config.check import Section
from auditwake.forwarder.config.credentials import choose
from auditwake.forwarder.config.environment import Environment
from auditwake.forwarder.config.model import LogSource, ProcessingRule, WebhookSource
from auditwake.forwarder.config.report import Report
from auditwake.forwarder.config.rules import OTHER_RULES

__all__ = ["Shared", "address_of", "logs", "rules", "twice", "webhooks"]

HIGHEST_PORT: Final = 65535
URL_PATH: Final = re.compile(r"[!$-.0-9:;=@A-Z_a-z~%&'()*+,/-]+")
# An address is a name too.
NAME: Final = re.compile(r"[A-Za-z0-9._:\[\]-]{1,260}")


class Shared(NamedTuple):
    """What all logs have: tags, and rules in front of their own."""

    tags: tuple[str, ...]
    rules: tuple[ProcessingRule, ...]


def rules(report: Report, given: Iterable[Section]) -> tuple[ProcessingRule, ...]:
    """Give the rules that are applied here; warn of those that are not."""
    found = []
    for one in given:
        kind, pattern = one["type"], one["pattern"]
        if kind is None:
            continue
        if kind in OTHER_RULES:
            report.warning(one.at("type"), f"the rule {kind} has no effect: {OTHER_RULES[kind]}", "remove the rule")
        elif pattern is not None and one["name"] is not None:
            rule = ProcessingRule(
                name=one["name"], type=kind, pattern=pattern, replace_placeholder=one["replace_placeholder"]
            )
            if _compiles(report, rule, one):
                found.append(rule)
    return tuple(found)


def _compiles(report: Report, rule: ProcessingRule, section: Section) -> bool:
    """Let the core say whether a pattern is one, in the very language in which it will be used."""
    if not rule.pattern:
        report.error(section.at("pattern"), "the pattern is empty, and so matches everything", "write what is to match")
        return False
    from auditwake import _core
    from auditwake.forwarder.encoding import Encoding

    encoder = getattr(_core, "Encoder", None)
    if encoder is None:
        return True
    try:
        encoder(Encoding(format="ndjson"), rules=(rule,))
    except ValueError as error:
        report.error(
            section.at("pattern"),
            _one_line(error),
            "patterns are in RE2's language: no look-around, no back-references",
        )
        return False
    return True


def _one_line(error: ValueError) -> str:
    return " ".join(str(error).split())


def logs(report: Report, given: Iterable[Section], integration: str, shared: Shared) -> list[LogSource]:
    """Give the logs of a file.

    Args:
        report: Takes what is wrong.
        given: The entries of `logs:`.
        integration: Name of the integration.
        shared: What all logs have.
    """
    found = []
    for one in given:
        own = rules(report, one["log_processing_rules"])
        kind, path = one["type"], one["path"]
        if kind is not None and kind != "file":
            report.warning(
                one.at("type"),
                f"an entry with type: {kind} is left out: this agent only follows files",
                "leave it for Datadog's Agent",
            )
            continue
        if kind is None or path is None:
            continue
        if not path.strip():
            report.error(
                one.at("path"), "the path is empty", "write where kube-apiserver has its log: --audit-log-path"
            )
            continue
        _notes(report, one, path)
        category = (f"sourcecategory:{one['sourcecategory']}",) if one["sourcecategory"] else ()
        found.append(
            LogSource(
                integration=integration,
                file=Path(one.place.name),
                path=path,
                exclude_paths=tuple(one["exclude_paths"]),
                start_position=one["start_position"],
                service=one["service"],
                source=one["source"],
                sourcecategory=one["sourcecategory"],
                tags=tuple(dict.fromkeys((*one["tags"], *category, *shared.tags))),
                rules=(*shared.rules, *own),
            )
        )
    return found


def _notes(report: Report, entry: Section, path: str) -> None:
    """Warn of what is likely to be a mistake in an entry."""
    place = entry.at("path")
    if not path.startswith("/") and not Path(path).is_absolute():
        what = "~ is no home here, and " if path.startswith("~") else ""
        message = f"{what}the path is relative: it depends on where the agent is started"
        report.warning(place, message, "write the whole path")
    elif path == "-":
        report.warning(place, "a dash is the name of a file here", "write --audit-log-path to a file")
    if path.endswith((".gz", ".zst")):
        report.warning(
            place, "a compressed file does not grow", "name the live log: its rotated files are found beside it"
        )
    if entry["start_position"] in {"forceBeginning", "forceEnd"}:
        what = "reads everything again" if entry["start_position"] == "forceBeginning" else "skips what was not read"
        report.warning(
            entry.at("start_position"),
            f"{entry['start_position']} {what} at each start",
            "write beginning or end once that is not wanted",
        )
    if entry["exclude_paths"] and not any(char in path for char in "*?["):
        report.warning(entry.at("exclude_paths"), "has no effect: the path is no pattern", "remove it")


def twice(report: Report, given: Iterable[Section]) -> None:
    """Warn of one log in two entries: with the same path the first counts, else each event is sent twice."""
    before: list[Section] = []
    for one in given:
        if one["type"] != "file" or one["path"] is None:
            continue
        other = next((other for other in before if _same(other, one) or _same(one, other)), None)
        if other is not None:
            place = other.at("path")
            where = f"{place.name}:{place.mark.line}" if place.mark else place.name
            leads_to = "this entry is left out" if other["path"] == one["path"] else "each event is sent twice"
            message = f"the log is named already, in {where}: {leads_to}"
            report.warning(one.at("path"), message, "remove one of the two entries, or add exclude_paths")
        before.append(one)


def _same(pattern: Section, one: Section) -> bool:
    """Say whether the path of an entry is that of another, or matches its pattern and is not left out there."""
    path = PurePath(one["path"])
    if pattern["path"] == one["path"]:
        return True
    return _matches(path, pattern["path"]) and not any(_matches(path, one) for one in pattern["exclude_paths"])


def _matches(path: PurePath, pattern: str) -> bool:
    try:
        return path.match(pattern)
    except ValueError:  # A pattern of nothing.
        return False


def webhooks(
    report: Report,
    environment: Environment,
    given: Iterable[Section],
    integration: str,
    shared: Shared,
) -> list[WebhookSource]:
    """Give the receivers of a block."""
    found: list[WebhookSource] = []
    for one in given:
        own = rules(report, one["log_processing_rules"])
        address = address_of(report, one, "address")
        token = choose(report, environment, one, "token", "token_file")
        if not _certificates(report, one, address) or address is None:
            continue
        if not one["path"].startswith("/"):
            report.error(one.at("path"), "the path of a URL begins with /", f"write /{one['path']}")
            continue
        if not URL_PATH.fullmatch(one["path"]):
            report.error(
                one.at("path"), "no request has such a path", "write it without a query, and encoded as in a URL"
            )
            continue
        if address in {other.address for other in found}:
            report.error(one.at("address"), "two receivers cannot listen on one address", "write another port")
        name = one["name"] or ""
        taken = {other.name or other.address for other in found if other.address != address}
        if name and not NAME.fullmatch(name):
            report.error(one.at("name"), "is no name for a receiver", "write letters, digits, - . : and _")
        elif (name or address) in taken:
            report.error(one.at("name"), "another receiver has this name", "its log is kept under it: write another")
        if not (one["client_ca_file"] or token or _loopback(address.rpartition(":")[0])):
            report.warning(
                one.at("address"),
                "whoever reaches it can send events, and they are taken for the server's",
                "add client_ca_file, or token_file",
            )
        found.append(
            WebhookSource(
                integration=integration,
                file=Path(one.place.name),
                address=address,
                name=name,
                path=one["path"],
                cert_file=_path(one["cert_file"]),
                key_file=_path(one["key_file"]),
                client_ca_file=_path(one["client_ca_file"]),
                token=token,
                max_body_bytes=one["max_body_bytes"],
                max_backlog_bytes=one["max_backlog_bytes"],
                service=one["service"],
                source=one["source"],
                tags=tuple(dict.fromkeys((*one["tags"], *shared.tags))),
                rules=(*shared.rules, *own),
            )
        )
    return found


def _certificates(report: Report, one: Section, address: str | None) -> bool:
    if bool(one["cert_file"]) != bool(one["key_file"]):
        given, other = ("cert_file", "key_file") if one["cert_file"] else ("key_file", "cert_file")
        report.error(one.at(given), f"{given} is of no use without {other}", f"add {other}")
        return False
    if one["client_ca_file"] and not one["cert_file"]:
        report.error(one.at("client_ca_file"), "certificates of clients need TLS", "add cert_file and key_file")
        return False
    if address is not None and not one["cert_file"] and not _loopback(address.rpartition(":")[0]):
        report.error(
            one.at("address"),
            "without TLS it may listen on loopback only: events hold secrets",
            "add cert_file and key_file, or listen on 127.0.0.1",
        )
        return False
    return True


def address_of(report: Report, section: Section, name: str) -> str | None:
    """Give `host:port`; None where there is none, or a wrong one."""
    address = section[name]
    if address is None:
        return None
    host, colon, port = str(address).rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit() and int(port) <= HIGHEST_PORT):
        report.error(section.at(name), "expected host:port", "write it as 127.0.0.1:8686 or [::1]:8686")
        return None
    return str(address)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
