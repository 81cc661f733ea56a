"""Splunk's HTTP event collector, with or without acknowledgement by the indexer."""

import json
import threading
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from auditwake.forwarder.answers import Ack, Hold, Reject, Retry
from auditwake.forwarder.config.secret import Secret, SecretFile
from auditwake.forwarder.encoding import Encoding
from auditwake.forwarder.sinks.http import HttpClient, classify
from auditwake.forwarder.sinks.outcome import Failure, Response
from auditwake.forwarder.sinks.receiver import agent, gzip_only, shown, with_path

if TYPE_CHECKING:
    from auditwake._core import Payload
    from auditwake.forwarder.answers import Answer
    from auditwake.forwarder.config.model import Source, SplunkSink
    from auditwake.forwarder.sinks.http import HeaderValue

__all__ = ["SplunkCollector"]

FOR_A_PERSON: Mapping[int, str] = {
    1: "the token is disabled: enable it",
    2: "it wants a token: set hec_token",
    3: "the Authorization header is not one of HEC: is the URL that of the collector?",
    4: "the token is wrong: correct it; a token file is read again when it changes",
    7: "the index is not one that the token may write to: correct index, or the rights of the token",
    10: "the token wants a channel, as with acknowledgement: set ack: true, or switch it off for the token",
    11: "the channel is not taken",
    14: "acknowledgement is off for the token: set ack: false, or switch it on",
    16: "the collector takes no token in the query",
    21: "the token is not valid any more: correct it",
}
FOR_AN_EVENT: Mapping[int, str] = {
    6: "invalid data format",
    12: "event field is required",
    13: "event field cannot be blank",
    15: "error in handling indexed fields",
}
LATER: Mapping[int, str] = {
    8: "internal server error",
    9: "server is busy",
    18: "a queue is full",
    19: "queues are full",
    20: "a queue is full, and acknowledgement not available",
    23: "server is shutting down",
}
NO_DATA = 5
NO_COLLECTOR = "the answer is none of the collector's: is the URL the one of HEC?"
ACK_PATH = "/services/collector/ack"
HEALTH_PATH = "/services/collector/health"
POLL, LONGEST_POLL = 0.1, 2.0  # seconds between two questions; it doubles
PATIENCE = 12  # times the timeout of a request: an indexer under load takes a minute or two


class SplunkCollector:
    """Sends payloads to HEC.

    With `ack` a payload counts as taken when the indexer says so: it is asked for until then. A payload that it does
    not confirm in time is sent again, so it may be there twice. Without, it counts as taken when the collector has it
    in its memory.

    Args:
        config: The sink.
        hostname: Field `host` of events.
        patience: Seconds that an acknowledgement is waited for; None for twelve times the timeout of a request.

    Example:
        >>> from auditwake.forwarder.config.model import HttpOptions, SplunkSink
        >>> http = HttpOptions(url="https://splunk:8088/services/collector/event")
        >>> SplunkCollector(SplunkSink(http=http, hec_token=Secret("0" * 36)), "node-1").describe()
        'Splunk HEC to https://splunk:8088/services/collector/event (gzip), token ***...00000'
    """

    def __init__(self, config: "SplunkSink", hostname: str, patience: float | None = None) -> None:
        self._config = config
        self._hostname = hostname
        self._options = gzip_only(config.http)
        self._http = HttpClient(self._options)
        self._patience = PATIENCE * config.http.timeout if patience is None else patience
        # The channel is ours as long as the process lives: acknowledgements are numbered in it.
        self._channel = {"X-Splunk-Request-Channel": str(uuid.uuid4())} if config.ack else {}
        self._closed = threading.Event()

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self._config.name

    def encoding(self, source: "Source", stream: str) -> Encoding:  # noqa: ARG002  # one index for all
        """Say how the events of a stream are encoded: as events of this host and file."""
        config = self._config
        index = {"index": config.index} if config.index else {}
        return Encoding(
            format="splunk",
            compression=self._options.compression,
            compression_level=self._options.compression_level,
            max_events=config.batching.max_events,
            max_bytes=config.batching.max_bytes,
            max_event_bytes=config.batching.max_event_bytes,
            attributes={"host": self._hostname, "source": stream, "sourcetype": config.sourcetype, **index},
        )

    def send(self, payload: "Payload") -> "Answer":
        """Send a payload once; with `ack`, wait for the indexer."""
        headers = self._headers()
        if isinstance(headers, Hold):
            return headers
        outcome = self._http.post(payload.body, headers)
        if isinstance(outcome, Failure):
            return classify(outcome)
        said = _said(outcome)
        answer = read_answer(outcome, said)
        if not isinstance(answer, Ack) or not self._config.ack:
            return answer
        number = said.get("ackId")
        if not isinstance(number, int):
            return Hold("the collector gives no number to ask for: switch acknowledgement on for the token")
        return self._wait(number, headers)

    def check(self) -> "Answer":
        """Ask for the collector's health, and send no events, which it refuses with code 5 when it takes the token."""
        headers = self._headers()
        if isinstance(headers, Hold):
            return headers
        health = classify(self._http.get(with_path(self._options.url, HEALTH_PATH), headers))
        if not isinstance(health, Ack):
            return health
        outcome = self._http.post(b"", headers, encoded=False)
        if isinstance(outcome, Response) and _said(outcome).get("code") == NO_DATA:
            return Ack()
        return classify(outcome) if isinstance(outcome, Failure) else read_answer(outcome, _said(outcome))

    def describe(self) -> str:
        """Say where to."""
        token = self._config.hec_token
        try:
            masked = (token.current() if isinstance(token, SecretFile) else token).masked
        except OSError:
            masked = "not readable"
        ack = ", acknowledged by the indexer" if self._config.ack else ""
        return f"Splunk HEC to {shown(self._options)}, token {masked}{ack}"

    def close(self) -> None:
        """Close the connections; who waits for an acknowledgement gets `Retry`."""
        self._closed.set()
        self._http.close()

    def _headers(self) -> "dict[str, HeaderValue] | Hold":
        token = self._config.hec_token
        try:
            text = (token.current() if isinstance(token, SecretFile) else token).reveal()
        except OSError as error:
            return Hold(f"{error.filename} cannot be read ({error.strerror}): put the token there")
        return {
            "Content-Type": "application/json",
            "Authorization": Secret(f"Splunk {text}"),
            **agent(),
            **self._channel,
        }

    def _wait(self, number: int, headers: "dict[str, HeaderValue]") -> "Answer":
        """Ask until the indexer has written the payload."""
        url = with_path(self._options.url, ACK_PATH)
        question = json.dumps({"acks": [number]}).encode()
        until, pause = time.monotonic() + self._patience, POLL
        while not self._closed.is_set():
            outcome = self._http.post(question, headers, url=url, encoded=False)
            if isinstance(outcome, Response):
                said = _said(outcome)
                acks = said.get("acks")
                if isinstance(acks, dict):
                    if acks.get(str(number)) is True:
                        return Ack()
                elif isinstance(answer := read_answer(outcome, said), Hold):
                    return answer
            if time.monotonic() + pause > until:
                break
            self._closed.wait(pause)
            pause = min(2 * pause, LONGEST_POLL)
        return Retry("the indexer has not acknowledged it in time")


def read_answer(response: Response, said: Mapping[str, Any]) -> "Answer":
    """Say what an answer of HEC means: its code, or the status where it has none.

    Args:
        response: The answer.
        said: The JSON in it.

    Example:
        >>> read_answer(Response(400, {}, b""), {"text": "Invalid data format", "code": 6, "invalid-event-number": 1})
        Reject(reason='code 6: invalid data format')
    """
    code = said.get("code")
    if not isinstance(code, int):
        answer = classify(response, {400: "hold"})
        # Something between us answers for the collector, such as a proxy with a page of its own.
        return Hold(NO_COLLECTOR) if isinstance(answer, Ack) else answer
    if code in FOR_A_PERSON:
        return Hold(f"{response.status}, code {code}: {FOR_A_PERSON[code]}")
    if code in LATER:
        return Retry(f"{response.status}, code {code}: {LATER[code]}", response.retry_after)
    if code in FOR_AN_EVENT:
        # It also says which event, counted from 0 by some versions and from 1 by others: that is found out by halves.
        return Reject(f"code {code}: {FOR_AN_EVENT[code]}")
    # HEC gives a code with every 400: one that is not known is no reason to give an event up.
    answer = classify(response, {400: "hold"})
    return Hold(NO_COLLECTOR) if isinstance(answer, Ack) and code != 0 else answer


def _said(response: Response) -> Mapping[str, Any]:
    try:
        said = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
