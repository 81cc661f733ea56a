"""What `configcheck` shows of a configuration, in the Agent's form and then what only this agent has."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import PurePath
from typing import Any, Final

from auditwake.errors import ConfigError
from auditwake.forwarder.config.document import masked_urls
from auditwake.forwarder.config.model import AgentConfig, LogSource, Source
from auditwake.forwarder.config.secret import Secret, SecretFile

__all__ = ["configcheck", "plain", "report"]

# Of an API key the last characters are shown, as the Agent does; of other secrets nothing.
RECOGNISED: Final = {"api_key"}
# What may hold credentials that a receiver or a store wants in its address.
ADDRESSES: Final = {"url", "proxy", "table"}
AGENT: Final = (
    "enabled",
    "state",
    "socket",
    "hostname",
    "policy",
    "kube_version",
    "metrics_address",
    "grace",
    "backups",
    "maxsize",
    "maxbackup",
    "maxage",
    "cluster",
    "log_level",
    "log_format",
)


def configcheck(config: AgentConfig | ConfigError) -> str:
    """Give the text for people.

    Args:
        config: The configuration, or why there is none.

    Example:
        >>> from auditwake.errors import ConfigProblem
        >>> print(configcheck(ConfigError([ConfigProblem(file="conf.yaml", message="is empty", remedy="add logs:")])))
        === Configuration errors ===
        conf.yaml: is empty
          add logs:
        ===
    """
    if isinstance(config, ConfigError):
        return "\n".join(["=== Configuration errors ===", *map(str, config.problems), "==="])
    lines = [*_checks(config), *_sinks(config), *_agent(config)]
    if config.environment:
        lines += ["", "=== Environment ===", *(f"{name}={value}" for name, value in config.environment), "==="]
    if config.warnings:
        lines += ["", "=== Configuration warnings ===", *config.warnings, "==="]
    return "\n".join(lines)


def _checks(config: AgentConfig) -> Iterator[str]:
    """Give each file with its logs, as the Agent shows it."""
    checks: dict[tuple[str, str], list[Source]] = {}
    for source in config.sources:
        checks.setdefault((source.integration, str(source.file)), []).append(source)
    for (integration, file), sources in checks.items():
        yield f"=== {integration} check ==="
        yield "Configuration provider: file"
        yield f"Configuration source: file:{file}"
        yield "Log Config:"
        yield json.dumps([_source(one) for one in sources])
        yield "==="
        yield ""


def _source(source: Source) -> dict[str, Any]:
    """Give an entry as it could stand in a file, what is empty left out."""
    kind = "file" if isinstance(source, LogSource) else "webhook"
    values: dict[str, Any] = {"type": kind, **plain(source)}
    values["log_processing_rules"] = values.pop("rules")
    hidden = {"integration", "file"}
    return {name: value for name, value in values.items() if name not in hidden and value not in ("", [], None)}


def _sinks(config: AgentConfig) -> Iterator[str]:
    yield "=== Sinks ==="
    for sink in config.sinks:
        yield f"{sink.name}: {json.dumps(plain(sink))}"
    if not config.sinks:
        yield "none: nothing is shipped"
    yield "==="


def _agent(config: AgentConfig) -> Iterator[str]:
    values = plain(config)
    yield ""
    yield "=== Agent ==="
    yield from (f"{name}: {json.dumps(values[name])}" for name in AGENT)
    yield "==="


def report(config: AgentConfig | ConfigError) -> dict[str, Any]:
    """Give it all for programs, as plain values.

    Args:
        config: The configuration, or why there is none.

    Example:
        >>> from auditwake.errors import ConfigProblem
        >>> report(ConfigError([ConfigProblem(file="conf.yaml", message="is empty")]))["errors"][0]["message"]
        'is empty'
    """
    if isinstance(config, ConfigError):
        return {"valid": False, "errors": [plain(one) for one in config.problems], "config": None, "warnings": []}
    values = plain(config)
    return {"valid": True, "errors": [], "warnings": values.pop("warnings"), "config": values}


def plain(value: Any, name: str = "") -> Any:  # noqa: ANN401  # whatever a configuration holds, and what JSON holds
    """Give plain values for JSON, secrets masked.

    Example:
        >>> plain((Secret("abc"), SecretFile("/run/key")))
        ['***', 'file:/run/key']
    """
    if isinstance(value, Secret | SecretFile):
        return _hidden(value, name)
    if isinstance(value, str) and name in ADDRESSES:
        return masked_urls(value)
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name), field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, PurePath) else value


def _hidden(secret: Secret | SecretFile, name: str) -> str:
    if isinstance(secret, SecretFile):
        return f"file:{secret.path}"
    return secret.masked if name in RECOGNISED else "***"
