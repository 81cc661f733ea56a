"""How kube-apiserver hands events to its backends: what it drops, cuts or holds up."""

from collections.abc import Iterator
from typing import Final

from auditwake.forwarder.doctor.facts import Facts
from auditwake.forwarder.doctor.finding import Check, Code, Finding
from auditwake.forwarder.doctor.flags import Flags
from auditwake.forwarder.doctor.judging.settings import MIB, flags_of, rotation_of
from auditwake.forwarder.doctor.judging.words import octets

__all__ = ["CODES", "find"]

SECTION: Final = "apiserver"
MODE: Final = Check(SECTION, "log-mode")
TRUNCATION: Final = Check(SECTION, "log-truncation")
WEBHOOK: Final = Check(SECTION, "webhook")

BATCH: Final = Code(
    "AWD120",
    "log-mode-batch",
    "warning",
    MODE,
    "In batch mode events wait in a buffer, and those that find it full are dropped (`audit buffer queue blocked`); "
    "what is in it when the server dies is lost.",
    "- --audit-log-mode=blocking",
)
STRICT: Final = Code(
    "AWD121",
    "log-mode-strict",
    "warning",
    MODE,
    "When the log cannot be written, as on a full disk, every request fails with 500: the cluster stands still rather "
    "than lose an event, which has to be meant.",
    "- --audit-log-mode=blocking    # counts the error and lets the request go on",
)
TRUNCATES: Final = Code(
    "AWD122",
    "log-truncates",
    "warning",
    TRUNCATION,
    "Events that are too large lose both bodies, and an event that is too large even so is discarded; auditwake takes "
    "lines of any length and shrinks them for a sink that needs it.",
    "- --audit-log-truncate-enabled=false",
)
SIZES: Final = Code(
    "AWD123",
    "truncation-sizes",
    "error",
    TRUNCATION,
    "kube-apiserver refuses to start when a batch is to be smaller than an event, or an event to have no bytes.",
    "- --audit-log-truncate-max-batch-size=10485760\n- --audit-log-truncate-max-event-size=102400",
)
OVER_MAXSIZE: Final = Code(
    "AWD124",
    "event-over-maxsize",
    "warning",
    TRUNCATION,
    "An event that is larger than a whole log file is refused by the writer (`write length exceeds maximum file size`) "
    "and lost.",
    "- --audit-log-maxsize=100",
)
WEBHOOK_WHOLE: Final = Code(
    "AWD130",
    "webhook-not-truncated",
    "warning",
    WEBHOOK,
    "A batch of 400 events with their bodies can be hundreds of MB: receivers refuse it, and after 5 tries all of its "
    "events are lost.",
    "- --audit-webhook-truncate-enabled=true\n- --audit-webhook-truncate-max-batch-size=10485760",
)
WEBHOOK_BLOCKING: Final = Code(
    "AWD131",
    "webhook-blocking",
    "warning",
    WEBHOOK,
    "Every request waits for the receiver, up to 30 s a try: a slow receiver is a slow cluster.",
    "- --audit-webhook-mode=batch",
)
CODES: Final = (BATCH, STRICT, TRUNCATES, SIZES, OVER_MAXSIZE, WEBHOOK_WHOLE, WEBHOOK_BLOCKING)

BUFFER: Final = 10_000
BATCH_BYTES, EVENT_BYTES = 10 << 20, 100 << 10
LEAST_MAXSIZE: Final = 10
"""MiB. The largest request is 3 MiB; with its response, and what escaping adds, an event can be three times that."""


def find(facts: Facts) -> Iterator[Finding]:
    """Judge the modes."""
    flags = flags_of(facts)
    if flags.text("audit-log-path"):
        yield from _mode(flags)
        yield from _truncation(facts, flags)
    if flags.text("audit-webhook-config-file"):
        yield from _webhook(flags)


def _mode(flags: Flags) -> Iterator[Finding]:
    mode, place = flags.text("audit-log-mode", "blocking"), flags.place("audit-log-mode")
    if mode == "batch":
        size = flags.number("audit-log-batch-buffer-size", BUFFER)
        yield BATCH.at(f"--audit-log-mode=batch with a buffer of {size:,} events", place)
    elif mode == "blocking-strict":
        yield STRICT.at("--audit-log-mode=blocking-strict", place)
    else:
        yield MODE.fine("blocking: an event that cannot be written is counted in apiserver_audit_error_total")


def _truncation(facts: Facts, flags: Flags) -> Iterator[Finding]:
    event = flags.number("audit-log-truncate-max-event-size", EVENT_BYTES)
    place = flags.place("audit-log-truncate-max-event-size", "audit-log-truncate-enabled")
    rotation = rotation_of(facts)
    maxsize = rotation.maxsize if rotation else None
    if flags.true("audit-log-truncate-enabled"):
        refused = _sizes(flags, "log")
        yield refused or TRUNCATES.at(f"events over {octets(event)} lose their bodies", place)
    elif maxsize is not None and maxsize < LEAST_MAXSIZE:
        place = flags.place("audit-log-maxsize")
        yield OVER_MAXSIZE.at(f"an event over {octets(maxsize * MIB)} is larger than a whole log file", place)
    else:
        yield TRUNCATION.fine("events are written whole")


def _sizes(flags: Flags, backend: str) -> Finding | None:
    """Say what the server says to the sizes to which a backend truncates."""
    names = [f"audit-{backend}-truncate-max-{what}-size" for what in ("event", "batch")]
    event, batch = flags.number(names[0], EVENT_BYTES), flags.number(names[1], BATCH_BYTES)
    fix = f"- --{names[1]}={BATCH_BYTES}\n- --{names[0]}={EVENT_BYTES}"
    if event <= 0:
        return SIZES.at(f"--{names[0]}={event} is not larger than 0", flags.place(names[0]), fix=fix)
    if batch < event:
        message = f"a batch of {octets(batch)} is smaller than an event of {octets(event)}"
        return SIZES.at(message, flags.place(*names), fix=fix)
    return None


def _webhook(flags: Flags) -> Iterator[Finding]:
    mode = flags.text("audit-webhook-mode", "batch")
    faults = []
    if not flags.true("audit-webhook-truncate-enabled"):
        faults.append(
            WEBHOOK_WHOLE.at("the webhook sends events of any size", flags.place("audit-webhook-config-file"))
        )
    elif (refused := _sizes(flags, "webhook")) is not None:
        faults.append(refused)
    if mode != "batch":
        faults.append(WEBHOOK_BLOCKING.at(f"--audit-webhook-mode={mode}", flags.place("audit-webhook-mode")))
    size = flags.number("audit-webhook-batch-buffer-size", BUFFER)
    also = "the log has what it drops" if flags.text("audit-log-path") else "what it drops is lost"
    yield from faults or [WEBHOOK.fine(f"batches, truncated, from a buffer of {size:,} events; {also}")]
