"""Elasticsearch and OpenSearch by `_bulk`."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from auditwake.errors import SinkError
from auditwake.forwarder.answers import Ack, Hold, Partial, Retry
from auditwake.forwarder.encoding import Encoding
from auditwake.forwarder.sinks.http import HttpClient, classify
from auditwake.forwarder.sinks.outcome import Response
from auditwake.forwarder.sinks.receiver import agent, gzip_only, shown

if TYPE_CHECKING:
    from auditwake._core import Payload
    from auditwake.forwarder.answers import Answer
    from auditwake.forwarder.config.model import ElasticsearchSink, Source

__all__ = ["ElasticsearchBulk", "check_index", "read_items"]

ASKED = "errors,items.*.status,items.*.error"  # of an answer that is otherwise half as long as what was sent
ALREADY_THERE, BUSY, FIRST_ERROR, SERVER_ERROR = 409, 429, 300, 500
FOR_A_PERSON = {401, 403, 404}
LONGEST_NAME = 255  # bytes
SHOWN = 200  # characters


class ElasticsearchBulk:
    """Sends payloads to a cluster.

    Documents are created under an id that is made of the event (`create`, the only operation that a data stream takes),
    so an event that is sent again is answered with 409, and counts as taken.

    Raises:
        SinkError: The index has a name that none can have.

    Example:
        >>> from auditwake.forwarder.config.model import ElasticsearchSink, HttpOptions
        >>> ElasticsearchBulk(ElasticsearchSink(http=HttpOptions(url="https://es:9200"))).describe()
        'Elasticsearch _bulk to https://es:9200/logs-kubernetes.audit-default/_bulk (gzip)'
    """

    def __init__(self, config: "ElasticsearchSink") -> None:
        check_index(config.index)
        self._config = config
        base = gzip_only(config.http)
        self._root = base.url.rstrip("/")
        self._options = replace(base, url=f"{self._root}/{quote(config.index)}/_bulk?filter_path={ASKED}")
        self._http = HttpClient(self._options)
        self._headers = {"Content-Type": "application/x-ndjson", **agent()}

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self._config.name

    def encoding(self, source: "Source", stream: str) -> Encoding:  # noqa: ARG002  # the same for all
        """Say how the events of a stream are encoded: as actions and documents."""
        batching = self._config.batching
        return Encoding(
            format="elasticsearch",
            compression=self._options.compression,
            compression_level=self._options.compression_level,
            max_events=batching.max_events,
            max_bytes=batching.max_bytes,
            max_event_bytes=batching.max_event_bytes,
            attributes={"index": self._config.index},
        )

    def send(self, payload: "Payload") -> "Answer":
        """Send a payload once."""
        outcome = self._http.post(payload.body, self._headers)
        answer = classify(outcome)
        if isinstance(answer, Ack) and isinstance(outcome, Response):
            return read_items(outcome.body, payload.events)
        return answer

    def check(self) -> "Answer":
        """Ask for the cluster's name: it is there and knows our key. Whether that one may write shows when it does."""
        return classify(self._http.get(self._root or "/", self._headers))

    def describe(self) -> str:
        """Say where to."""
        return f"Elasticsearch _bulk to {shown(self._options)}"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def read_items(body: bytes, events: int) -> "Answer":
    """Read the answer to a `_bulk` request that was taken as a whole.

    Args:
        body: JSON with an item for each action, in their order.
        events: Actions that were sent.

    Example:
        >>> body = b'{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":429}}]}'
        >>> read_items(body, 2)
        Partial(rejected=(), retry=(1,), reason='1 of 2 events: 429')
    """
    try:
        said = json.loads(body)
        if said["errors"] is False and len(said["items"]) == events:
            return Ack()
        items = [next(iter(item.values())) for item in said["items"]]
        statuses = [int(item["status"]) for item in items]
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError):
        # Something between us answers for the cluster, such as a proxy with a page of its own.
        return Hold("the answer is none of _bulk's: is the URL the one of the cluster?")
    if len(items) != events:
        return Retry(f"the answer has {len(items)} items for {events} events")
    return _sorted_out(items, statuses)


def _sorted_out(items: list[dict[str, Any]], statuses: list[int]) -> "Answer":
    rejected, retry = [], []
    for at, (item, status) in enumerate(zip(items, statuses, strict=True)):
        if status < FIRST_ERROR or status == ALREADY_THERE:
            continue
        if status in FOR_A_PERSON:
            # A right that is missing or an index that cannot be made: no fault of the event.
            return Hold(f"an event was answered with {_why(item, status)}: correct the index or the rights of the key")
        if status == BUSY or status >= SERVER_ERROR:
            retry.append(at)
        else:
            rejected.append((at, _why(item, status)))
    if not rejected and not retry:
        return Ack()
    if len(retry) == len(items):
        return Retry(f"all events: {_counted(statuses[at] for at in retry)}")
    reason = f"{len(retry)} of {len(items)} events: {_counted(statuses[at] for at in retry)}" if retry else ""
    return Partial(tuple(rejected), tuple(retry), reason)


def _counted(statuses: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(set(statuses))))


def _why(item: dict[str, Any], status: int) -> str:
    """Give type and reason of an error: cut, and nothing in it that a terminal acts on."""
    error = item.get("error")
    if not isinstance(error, dict):
        return str(status)
    text = ": ".join(str(error[key]) for key in ("type", "reason") if error.get(key))
    return f"{status} {ascii(text[:SHOWN])[1:-1]}"


def check_index(name: str) -> None:
    """Hold that an index or a data stream can have this name.

    Raises:
        SinkError: It cannot; the message says why.

    Example:
        >>> check_index("logs-kubernetes.audit-default")
        >>> check_index("Audit")
        Traceback (most recent call last):
        ...
        auditwake.errors.SinkError: index 'Audit': it has capital letters: write 'audit'
    """
    why = ""
    if name != name.lower():
        why = f"it has capital letters: write {name.lower()!r}"
    elif not name or name in (".", ".."):
        why = "it is none: write logs-kubernetes.audit-default or another name"
    elif name[0] in "-_+":
        why = f"it begins with {name[0]!r}: begin it with a letter"
    elif re.search(r'[\\/*?"<>| ,#:\s]', name):
        why = r"""it has one of \ / * ? " < > | , # : or white space: leave them out"""
    elif len(name.encode()) > LONGEST_NAME:
        why = f"it is longer than {LONGEST_NAME} bytes: shorten it"
    if why:
        message = f"index {name!r}: {why}"
        raise SinkError(message, needs_a_person=True)
