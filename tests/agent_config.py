"""What the tests of the agent's configuration share: where each key of the table stands, and values for it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from auditwake.errors import ConfigError, ConfigProblem
from auditwake.forwarder.config import AgentConfig, load
from auditwake.forwarder.config.check import check
from auditwake.forwarder.config.document import Document
from auditwake.forwarder.config.key import Group, Key
from auditwake.forwarder.config.keys import DATADOG, ENDPOINT, FILE, LOG, LOGS_CONFIG, PROXY
from auditwake.forwarder.config.own import BACKOFF, BATCHING, OWN, RETENTION, SINK, WEBHOOK
from auditwake.forwarder.config.report import Report
from auditwake.forwarder.config.rules import RULE
from auditwake.forwarder.config.yamltext import decode, parse

API_KEY = "0123456789abcdef0123456789abcdef"
SHIPPING = {"DD_LOGS_ENABLED": "true", "DD_API_KEY": API_KEY}

INTEGRATION = """\
logs:
  - type: file
    path: /var/log/kubernetes/apiserver/audit.log
    source: kubernetes.audit
    service: audit
"""

Wrap = Callable[[dict[str, Any]], dict[str, Any]]

LOG_ENTRY = {"type": "file", "path": "/a.log"}
RULE_ENTRY = {"name": "n", "type": "exclude_at_match", "pattern": "x"}


def own(values: dict[str, Any]) -> dict[str, Any]:
    return {"auditwake": values}


def sink(values: dict[str, Any]) -> dict[str, Any]:
    return own({"sinks": [values]})


# Each map of the table: the name of its kind of file, how to put keys into it, and the path of its keys.
PLACES: tuple[tuple[Group, str | None, Wrap, str], ...] = (
    (FILE, None, lambda values: values, ""),
    (LOG, None, lambda values: {"logs": [LOG_ENTRY | values]}, "logs[0]."),
    (
        RULE,
        None,
        lambda values: {"logs": [LOG_ENTRY | {"log_processing_rules": [RULE_ENTRY | values]}]},
        "logs[0].log_processing_rules[0].",
    ),
    (DATADOG, None, lambda values: values, ""),
    (LOGS_CONFIG, None, lambda values: {"logs_config": values}, "logs_config."),
    (
        ENDPOINT,
        None,
        lambda values: {"logs_config": {"additional_endpoints": [{"api_key": "k"} | values]}},
        "logs_config.additional_endpoints[0].",
    ),
    (PROXY, None, lambda values: {"proxy": values}, "proxy."),
    (OWN, None, own, "auditwake."),
    (RETENTION, None, lambda values: own({"retention": values}), "auditwake.retention."),
    (
        WEBHOOK,
        None,
        lambda values: own({"webhook": [{"address": "127.0.0.1:1"} | values]}),
        "auditwake.webhook[0].",
    ),
    (SINK, "stdout", lambda values: sink({"type": "stdout"} | values), "auditwake.sinks[0]."),
    (
        BATCHING,
        None,
        lambda values: sink({"type": "stdout", "batching": values}),
        "auditwake.sinks[0].batching.",
    ),
    (
        BACKOFF,
        None,
        lambda values: sink({"type": "stdout", "backoff": values}),
        "auditwake.sinks[0].backoff.",
    ),
    *(
        (
            group,
            None,
            lambda values, name=name, group=group: sink({"type": name} | needed(group) | values),
            "auditwake.sinks[0].",
        )
        for name, group in SINK.variants.items()
    ),
)


def needed(group: Group) -> dict[str, Any]:
    return {key.name: right(key) for key in group.keys if key.required}


def is_main(group: Group) -> bool:
    """Whether the map stands in `datadog.yaml`."""
    return any(group is one for one in (DATADOG, LOGS_CONFIG, ENDPOINT, PROXY))


def right(key: Key) -> Any:  # noqa: ANN401  # whatever the key takes
    """A value that the key takes."""
    if key.choices:
        return key.choices[0]
    number = key.default if isinstance(key.default, int | float) else max(key.least or 1, 1)
    return {
        "text": "x",
        "word": 5,
        "words": ["a", 1],
        "whole": int(number) if key.kind == "whole" else 1,
        "number": number,
        "flag": True,
        "path": "/x",
        "url": "https://host",
        "secret": "s",
        "map": {"a": 1},
        "secrets": {"a": "b"},
        "group": {},
        "groups": [],
        "any": [{"a": 1}],
    }[key.kind]


def wrong(key: Key) -> Any:  # noqa: ANN401  # whatever the key does not take
    """A value that the key does not take."""
    return {"text": 5, "path": 5, "url": 5, "flag": 5, "word": [], "secret": {}, "words": {}}.get(key.kind, "x")


def problems(document: Any, *, main: bool = False) -> tuple[tuple[ConfigProblem, ...], tuple[ConfigProblem, ...]]:  # noqa: ANN401  # a document, be it one or not
    """Check the shape of a document; give errors and warnings."""
    text = json.dumps(document)
    read = Document(Path("conf.yaml"), "x", [text], parse(decode(text.encode())))
    report = Report()
    check(report, read, DATADOG if main else FILE)
    return report.errors, report.warnings


def loaded(folder: Path, text: str, environment: Mapping[str, str] = SHIPPING, name: str = "conf.yaml") -> AgentConfig:
    """Load a single file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load(path, environment)


def refused(folder: Path, text: str, environment: Mapping[str, str] = SHIPPING) -> list[str]:
    """Load a single file that is wrong; give the first lines of its problems, without the folder."""
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text, environment)
    return [str(one).split("\n")[0].removeprefix(f"{folder}/") for one in caught.value.problems]


def warned(config: AgentConfig, folder: Path) -> list[str]:
    """Give the first lines of the warnings, without the folder."""
    return [one.split("\n")[0].replace(f"{folder}/", "") for one in config.warnings]
