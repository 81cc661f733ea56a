"""The one table of metrics, and the text in which Prometheus reads them."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["FAMILIES", "Family", "Page"]

Labels: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric.

    Attributes:
        kind: As Prometheus calls it.
        help: What it counts or measures.
        merge: What becomes of two values with the same labels, as two entries for one log have them.
    """

    kind: Literal["counter", "gauge", "histogram"]
    help: str
    merge: Literal["sum", "max", "min"] = "sum"


def _counter(text: str) -> Family:
    return Family("counter", text)


def _gauge(text: str, merge: Literal["sum", "max", "min"] = "max") -> Family:
    return Family("gauge", text, merge)


FAMILIES: Mapping[str, Family] = {
    "auditwake_build_info": _gauge("The version of the agent; always 1."),
    "auditwake_enabled": _gauge("Whether logs are collected at all."),
    "auditwake_ready": _gauge("Whether the agent is ready, as /readyz says it."),
    "auditwake_config_reloads_total": _counter("Configurations that took effect after the first."),
    "auditwake_config_errors": _gauge("Errors of the newest reload; while there are any the former one goes on."),
    "auditwake_config_warnings": _gauge("Warnings of the configuration."),
    # Of a log on its way to a sink: each sink has offsets of its own.
    "auditwake_read_bytes_total": _counter("Bytes of a log that were read, decompressed."),
    "auditwake_events_total": _counter("Lines of a log that were read, by what became of them."),
    "auditwake_offset_bytes": _gauge("Offset in the file that is being read, decompressed."),
    "auditwake_lag_bytes": _gauge("Bytes of a log that were not read yet, in all its files."),
    "auditwake_lag_seconds": _gauge("For how long there have been bytes that were not read yet."),
    "auditwake_uncommitted_bytes": _gauge("Bytes that were read and not acknowledged."),
    "auditwake_time_to_loss_seconds": _gauge(
        "Time until rotation deletes unread bytes at the present rate; absent while nothing says that it will.", "min"
    ),
    "auditwake_rotations_total": _counter("Rotations seen."),
    "auditwake_truncations_total": _counter("Times that a file was cut or written anew."),
    "auditwake_replays_total": _counter("Times that something was read again."),
    "auditwake_gaps_total": _counter("Losses, and times when there may have been one."),
    "auditwake_lost_bytes_total": _counter("Bytes that were deleted unread, as far as is known."),
    "auditwake_held_deleted_bytes": _gauge("Bytes on disk of deleted files that are held open."),
    "auditwake_unreadable": _gauge("Whether a log cannot be read at present."),
    # Of an entry of the configuration on its way to a sink; `path` is what the entry says, which may be a pattern.
    "auditwake_route_state": _gauge("The state of a route: 1 for the one it is in."),
    "auditwake_quarantined_events_total": _counter("Events that the sink never takes; they are kept aside."),
    "auditwake_quarantined_lines_total": _counter("Lines that hold no event; they are kept aside."),
    "auditwake_in_flight_bytes": _gauge("Bytes of events that were read and are not acknowledged.", "sum"),
    "auditwake_in_flight_payloads": _gauge("Payloads that wait for an answer.", "sum"),
    "auditwake_last_ack_timestamp_seconds": _gauge("When the sink last took a payload."),
    "auditwake_last_commit_timestamp_seconds": _gauge("When an offset was last saved."),
    "auditwake_last_event_timestamp_seconds": _gauge("Time of the newest event that was acknowledged."),
    # Of a sink.
    "auditwake_sink_events_total": _counter("Events by what became of them on their way to a sink."),
    "auditwake_sink_read_events_total": _counter("Events that were read for a sink."),
    "auditwake_sink_changed_events_total": _counter("Events that were changed on their way to a sink."),
    "auditwake_sink_bytes_total": _counter("Bytes of acknowledged payloads before compression."),
    "auditwake_sink_encoded_bytes_total": _counter("Bytes of acknowledged payloads as they were sent."),
    "auditwake_sink_payloads_total": _counter("Acknowledged payloads."),
    "auditwake_sink_replayed_payloads_total": _counter("Payloads that were sent again after a restart."),
    "auditwake_sink_retries_total": _counter("Tries that did not succeed, by reason."),
    "auditwake_sink_request_duration_seconds": Family("histogram", "Duration of requests to a sink."),
    # Of a webhook; `path` is its address.
    "auditwake_webhook_batches_total": _counter(
        "Batches that a webhook has received, by whether they were sent before."
    ),
    "auditwake_webhook_events_total": _counter("Events in the new ones of them."),
    "auditwake_webhook_refused_total": _counter("Requests and connections that were not answered with 200."),
    "auditwake_webhook_backlog_bytes": _gauge("Bytes of a webhook's log that are not deleted yet."),
    # Of the process, by the names that every exporter has.
    "process_cpu_seconds_total": _counter("CPU time of the process."),
    "process_resident_memory_bytes": _gauge("Resident memory of the process."),
    "process_virtual_memory_bytes": _gauge("Virtual memory of the process."),
    "process_open_fds": _gauge("Open file descriptors."),
    "process_max_fds": _gauge("Most open file descriptors."),
    "process_start_time_seconds": _gauge("When the process was started."),
}

MERGES: Mapping[str, Callable[[float, float], float]] = {"sum": operator.add, "max": max, "min": min}


class Page:
    r"""Samples on their way to text.

    Example:
        >>> page = Page()
        >>> page.add("auditwake_lag_bytes", 5, path='a"b', sink="s")
        >>> print(page.text().splitlines()[-1])
        auditwake_lag_bytes{path="a\"b",sink="s"} 5
    """

    def __init__(self) -> None:
        self._values: dict[str, dict[tuple[str, Labels], float]] = {}

    def add(self, name: str, value: float | None, suffix: str = "", **labels: str) -> None:
        """Add a sample.

        Args:
            name: A name of `FAMILIES`.
            value: The value; None for none.
            suffix: Of a part of a histogram, such as `_bucket`.
            **labels: Its labels.
        """
        if value is None:
            return
        samples = self._values.setdefault(name, {})
        key = (suffix, tuple(labels.items()))
        samples[key] = MERGES[FAMILIES[name].merge](samples[key], value) if key in samples else value

    def text(self) -> str:
        """Give the text, each family with what it is in front of its samples."""
        lines: list[str] = []
        for name, family in FAMILIES.items():
            samples = self._values.get(name)
            if samples:
                lines += [f"# HELP {name} {_escape(family.help)}", f"# TYPE {name} {family.kind}"]
                lines += [
                    f"{name}{suffix}{_braces(labels)} {_number(value)}" for (suffix, labels), value in samples.items()
                ]
        return "\n".join(lines) + "\n"


def _braces(labels: Labels) -> str:
    inner = ",".join(f'{name}="{_quoted(value)}"' for name, value in labels)
    return f"{{{inner}}}" if inner else ""


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    # A name on a file system need not be UTF-8, but the page has to be.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return _escape(whole).replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
