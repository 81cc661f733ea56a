"""The agent's configuration, beside that of the server."""

import posixpath
from collections import Counter
from collections.abc import Iterator
from typing import Final

from auditwake.forwarder.config.model import AgentConfig, LogSource, WebhookSource
from auditwake.forwarder.doctor.facts import Facts
from auditwake.forwarder.doctor.finding import Check, Code, Finding
from auditwake.forwarder.doctor.judging.settings import rotation_of

__all__ = ["CODES", "find"]

SECTION: Final = "configuration"
LOADED: Final = Check(SECTION, "loaded")
WARNED: Final = Check(SECTION, "warnings")
ENABLED: Final = Check(SECTION, "enabled")
PATHS: Final = Check(SECTION, "paths")
START: Final = Check(SECTION, "start")
ONCE: Final = Check(SECTION, "once")
KEPT: Final = Check(SECTION, "retention-known")

NONE: Final = Code(
    "AWD700",
    "no-configuration",
    "warning",
    LOADED,
    "Without a configuration the agent does not start, and nothing about sinks can be checked.",
    "mkdir -p /etc/auditwake/conf.d/kubernetes_audit.d\n"
    "cat > /etc/auditwake/conf.d/kubernetes_audit.d/conf.yaml <<'EOF'\nlogs:\n- type: file\n  path: "
    "/var/log/kubernetes/apiserver/audit.log\n  source: kubernetes.audit\n  service: audit\nEOF",
)
REFUSED: Final = Code(
    "AWD701",
    "configuration-refused",
    "error",
    LOADED,
    "The agent does not start with it; one that runs goes on with what it had.",
    "auditwake agent configcheck",
)
WARNINGS: Final = Code(
    "AWD702",
    "configuration-warnings",
    "warning",
    WARNED,
    "What is there has no effect, or another one than was meant.",
    "auditwake agent configcheck",
)
DISABLED: Final = Code(
    "AWD703",
    "logs-disabled",
    "error",
    ENABLED,
    "Logs are not collected at all until they are enabled.",
    "export DD_LOGS_ENABLED=true",
)
OTHER_PATH: Final = Code(
    "AWD704",
    "path-differs",
    "error",
    PATHS,
    "The agent waits for a file that nobody writes, and the log that the server writes is never read.",
    "    path: /var/log/kubernetes/apiserver/audit.log    # the --audit-log-path of the server, as it is called here",
)
AT_END: Final = Code(
    "AWD705",
    "starts-at-end",
    "warning",
    START,
    "Everything that was written before the first start is left out.",
    "    start_position: beginning",
)
BOTH: Final = Code(
    "AWD706",
    "log-and-webhook",
    "warning",
    ONCE,
    "Each event comes by both ways, so the receiver has it twice.",
    "keep one of them: the log, which outlives an outage, rather than the webhook",
)
TWICE: Final = Code(
    "AWD707",
    "path-twice",
    "warning",
    ONCE,
    "Of two entries with one path the second has no effect; of a log named in two ways each event is shipped twice.",
    "leave one of the entries",
)
RETENTION: Final = Code(
    "AWD708",
    "retention-differs",
    "warning",
    KEPT,
    "The forecast of losses is made with other limits than those of the server, and comes too late.",
    "write the limits of the server into the auditwake block, or leave them out: they are learned from the files",
)
CODES: Final = (NONE, REFUSED, WARNINGS, DISABLED, OTHER_PATH, AT_END, BOTH, TWICE, RETENTION)


def find(facts: Facts) -> Iterator[Finding]:
    """Judge the configuration."""
    asked, config = facts.config, facts.config.config
    if not asked.found:
        yield NONE.at(f"there is no configuration at {' or '.join(asked.asked)}", None)
        return
    if config is None:
        for place, message, remedy in asked.problems:
            yield REFUSED.at(message, place, fix=remedy)
        return
    files = ", ".join(map(str, config.files)) or ", ".join(asked.asked)
    yield LOADED.fine(f"{files}: {len(config.sources)} sources")
    yield from [WARNINGS.at(one, None) for one in config.warnings] or [WARNED.fine("it has no warnings")]
    if config.enabled:
        yield ENABLED.fine("logs are collected")
    else:
        yield DISABLED.at("DD_LOGS_ENABLED is not true, and no sink stands in an auditwake block", _file(config))
    yield from _paths(facts, config)
    yield from _start(config)
    yield from _once(config)
    yield from _kept(facts, config)


def _file(config: AgentConfig) -> str | None:
    return str(config.files[0]) if config.files else None


def _logs(config: AgentConfig) -> list[LogSource]:
    return [source for source in config.sources if isinstance(source, LogSource)]


def _paths(facts: Facts, config: AgentConfig) -> Iterator[Finding]:
    log = next((one for one in facts.logs if one.of_server), None)
    if log is None:
        return
    sources = _logs(config)
    if log.read_by:
        yield PATHS.fine(f"the log that the server writes is read, {log.path}")
        return
    named = ", ".join(source.path for source in sources) or "no log"
    file = str(sources[0].file) if sources else _file(config)
    yield OTHER_PATH.at(
        f"the server writes {log.path}, and the configuration reads {named}", file, fix=f"    path: {log.path}"
    )


def _start(config: AgentConfig) -> Iterator[Finding]:
    late = [source for source in _logs(config) if source.start_position in {"end", "forceEnd"}]
    for source in late:
        yield AT_END.at(f"{source.path} begins at its end (start_position: {source.start_position})", source.file)
    if not late:
        yield START.fine("logs are read from their beginning, or from where the agent was")


def _once(config: AgentConfig) -> Iterator[Finding]:
    logs = _logs(config)
    webhooks = [source for source in config.sources if isinstance(source, WebhookSource)]
    counts = Counter(posixpath.normpath(source.path) for source in logs)
    faults = [
        TWICE.at(
            f"{path} is named {count} times", next(one.file for one in logs if posixpath.normpath(one.path) == path)
        )
        for path, count in counts.items()
        if count > 1
    ]
    if logs and webhooks:
        message = f"the configuration reads {logs[0].path} and takes a webhook at {webhooks[0].address}"
        faults.append(BOTH.at(message, webhooks[0].file))
    yield from faults or [ONCE.fine("each event has one way into the agent")]


def _kept(facts: Facts, config: AgentConfig) -> Iterator[Finding]:
    rotation = rotation_of(facts) if facts.server else None
    if rotation is None:
        return
    pairs = (
        ("maxsize", config.maxsize, rotation.maxsize or 0),
        ("maxbackup", config.maxbackup, rotation.maxbackup),
        ("maxage", config.maxage, rotation.maxage),
    )
    wrong = [(name, ours, theirs) for name, ours, theirs in pairs if ours is not None and ours != theirs]
    if wrong:
        told = ", ".join(f"{name} {ours:g} instead of {theirs}" for name, ours, theirs in wrong)
        fix = "auditwake:\n  retention:\n" + "\n".join(f"    {name}: {theirs}" for name, _, theirs in wrong)
        yield RETENTION.at(f"the configuration says {told}", _file(config), fix=fix)
    else:
        yield KEPT.fine("the configuration says nothing else about rotation than the server")
