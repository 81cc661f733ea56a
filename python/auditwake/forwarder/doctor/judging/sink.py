"""The sinks: whether they are there, and take our key."""

from collections.abc import Iterator
from typing import Final

from auditwake.forwarder.doctor.facts import Facts, SinkFacts
from auditwake.forwarder.doctor.finding import Check, Code, Finding

__all__ = ["CODES", "find"]

SECTION: Final = "sink"
SOME: Final = Check(SECTION, "sinks")
REACHED: Final = Check(SECTION, "reachable")
TAKEN: Final = Check(SECTION, "key")
SAFE: Final = Check(SECTION, "tls")

NONE: Final = Code(
    "AWD600",
    "no-sink",
    "error",
    SOME,
    "Events go nowhere: nothing is read, and rotation deletes it unread.",
    "export DD_API_KEY=...    # or, in a file of the configuration:\n"
    "auditwake:\n  sinks:\n  - {type: parquet, directory: /var/lib/auditwake/parquet}",
)
UNREACHABLE: Final = Code(
    "AWD601",
    "sink-unreachable",
    "error",
    REACHED,
    "Nothing is shipped until it can be reached; the log waits, and rotation deletes what waits too long.",
    "curl -v URL    # from this machine, as the user of the agent",
)
REFUSED: Final = Code(
    "AWD602",
    "key-refused",
    "error",
    TAKEN,
    "The sink answers each payload with 401 or 403: the agent holds, nothing is lost yet, and nothing is shipped.",
    "# Datadog: Organization Settings, API Keys, of the site in DD_SITE; a file is read again when it changes\n"
    "export DD_API_KEY=...    # or write it to the file that DD_API_KEY_FILE names",
)
NO_KEY: Final = Code(
    "AWD603",
    "no-key",
    "error",
    TAKEN,
    "Without its key the agent holds, and nothing is shipped.",
    "kubectl create secret generic auditwake --from-literal=api-key=...    # and mount it where the configuration says",
)
UNPROVED: Final = Code(
    "AWD604",
    "key-not-proved",
    "warning",
    TAKEN,
    "The sink is there and did not say whether it takes our key: if it does not, the agent holds.",
    "start the agent and see: auditwake agent status",
)
NOT_VERIFIED: Final = Code(
    "AWD605",
    "not-private",
    "warning",
    SAFE,
    "Whoever is on the way can read the events and the key.",
    "    url: https://...    # instead of http://\n    ca_file: /etc/ssl/receiver-ca.pem    # instead of verify: false",
)
NOT_WRITABLE: Final = Code(
    "AWD606",
    "sink-not-writable",
    "error",
    REACHED,
    "The sink cannot write, so nothing is shipped.",
    "install -d -m 0700 DIRECTORY    # as the user of the agent",
)
NO_CLIENT: Final = Code(
    "AWD607",
    "extra-missing",
    "error",
    REACHED,
    "The sink needs a package that is not installed, and the agent does not start.",
    'pip install "auditwake[agent]"    # for Delta: "auditwake[agent,delta]"',
)
CODES: Final = (NONE, UNREACHABLE, REFUSED, NO_KEY, UNPROVED, NOT_VERIFIED, NOT_WRITABLE, NO_CLIENT)

REASONS: Final = {
    "tls": "its certificate is not trusted here, or it speaks no TLS on that port",
    "timeout": "it does not answer in time, as behind a firewall that drops packets",
    "proxy": "the proxy does not let us through",
    "connection": "the name is not known, or nothing listens there",
    "protocol": "what answers speaks no HTTP",
}


def find(facts: Facts) -> Iterator[Finding]:
    """Judge the sinks."""
    config = facts.config.config
    if config is None:
        return
    if not config.sinks:
        yield NONE.at("the configuration has no sink", _file(facts))
        return
    yield SOME.fine(", ".join(f"{one.name} ({one.type})" for one in facts.sinks))
    for sink in facts.sinks:
        yield from _sink(sink)


def _file(facts: Facts) -> str | None:
    config = facts.config.config
    return str(config.files[0]) if config and config.files else None


def _sink(sink: SinkFacts) -> Iterator[Finding]:
    through = f" through the proxy {sink.proxy}" if sink.proxy else ""
    if sink.state == "skipped":
        yield REACHED.skipped(f"{sink.name}: {sink.target} was not asked")
        yield TAKEN.skipped(f"{sink.name}: its key was not shown to it")
    elif sink.state == "unreachable":
        reason = REASONS.get(sink.reason, sink.reason)
        more = f" ({sink.detail})" if sink.detail else ""
        message = f"{sink.name}: {sink.target} cannot be reached{through}: {reason}{more}"
        yield UNREACHABLE.at(message, fix=_reach(sink))
    elif sink.state == "no-client":
        yield NO_CLIENT.at(f"{sink.name}: {sink.detail}")
    elif sink.state == "not-writable":
        fix = f"install -d {sink.target}    # as the user of the agent"
        yield NOT_WRITABLE.at(f"{sink.name}: {sink.detail}", sink.target, fix=fix)
    else:
        if sink.state != "no-key":
            yield REACHED.fine(f"{sink.name}: {sink.target} is there{through}")
        yield from _key(sink)
    if sink.state != "no-client":
        yield from _safe(sink)


def _reach(sink: SinkFacts) -> str:
    proxy = f" --proxy {sink.proxy}" if sink.proxy else ""
    scheme = sink.scheme or "https"
    lines = [f"curl -v{proxy} {scheme}://{sink.target}/    # from this machine, as the agent's user"]
    if not sink.proxy:
        # Most programs, curl among them, read the small form for http alone.
        name = "HTTPS_PROXY" if scheme == "https" else "http_proxy"
        lines.append(f"export {name}=http://proxy.example:3128    # where the way out is a proxy")
    return "\n".join(lines)


def _key(sink: SinkFacts) -> Iterator[Finding]:
    if sink.state == "refused":
        yield REFUSED.at(f"{sink.name}: {sink.detail}")
    elif sink.state == "no-key":
        yield NO_KEY.at(f"{sink.name}: {sink.detail}")
    elif sink.state == "unproved":
        yield UNPROVED.at(f"{sink.name}: {sink.detail}")
    else:
        yield TAKEN.fine(f"{sink.name}: {sink.detail}")


def _safe(sink: SinkFacts) -> Iterator[Finding]:
    if not sink.encrypted:
        yield NOT_VERIFIED.at(f"{sink.name}: {sink.target} is spoken to without TLS")
    elif not sink.verified:
        yield NOT_VERIFIED.at(f"{sink.name}: the certificate of {sink.target} is not checked")
    else:
        yield SAFE.fine(f"{sink.name}: what is sent is encrypted, or does not leave this machine")
