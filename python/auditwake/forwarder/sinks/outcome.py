"""What comes back from a receiver, and what it means: one table a sink, from status to answer."""

import email.utils
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from auditwake.forwarder.answers import Ack, Answer, Hold, Reject, Retry, Split

__all__ = ["Failure", "Meaning", "Outcome", "Response", "classify", "excerpt", "retry_after"]

Meaning: TypeAlias = Literal["ack", "retry", "hold", "split", "reject"]

LONGEST_WAIT = 3600.0  # seconds: a receiver that asks for more has a clock or a unit that is wrong
SHOWN = 200  # characters of an answer

COMMON: Mapping[int, Meaning] = {400: "reject", 408: "retry", 413: "split", 425: "retry", 429: "retry"}
"""What a status means where a sink says nothing else; 2xx is `ack`, 5xx `retry`, all others `hold`."""

WHAT_TO_DO: Mapping[int, str] = {
    401: "the key is missing or wrong: correct it; a key file is read again when it changes",
    403: "the key is not accepted for this: correct it, or its rights; a key file is read again when it changes",
    404: "there is nothing at this URL: correct it",
    405: "this URL does not take POST: correct it",
    407: "the proxy asks for a name and a password: put them into its URL",
}


@dataclass(frozen=True, slots=True)
class Response:
    """A receiver has answered.

    Attributes:
        status: Its status.
        headers: Its headers, names in lower case.
        body: Its body, decompressed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after(self) -> float | None:
        """Seconds that it asks us to wait, an hour at most; None if it does not."""
        return retry_after(self.headers.get("retry-after"), time.time())


@dataclass(frozen=True, slots=True)
class Failure:
    """There was no answer: whether the receiver has taken the body is not known.

    Attributes:
        reason: In one word: `timeout`, `connection`, `tls`, `proxy`, `protocol` or `credentials`.
        detail: More for people, without secrets.
        needs_a_person: Whether trying again is of no use until somebody has changed something.
    """

    reason: str
    detail: str = ""
    needs_a_person: bool = False


Outcome: TypeAlias = Response | Failure


def classify(outcome: Outcome, table: Mapping[int, Meaning] | None = None) -> Answer:
    """Say what an outcome means for a payload.

    Args:
        outcome: What came back.
        table: What a sink means otherwise than `COMMON`, by status.

    Example:
        >>> classify(Response(202, {}, b"")), classify(Response(503, {"retry-after": "7"}, b""))
        (Ack(), Retry(reason='503', after=7.0))
        >>> classify(Failure("timeout"))
        Retry(reason='timeout', after=None)
    """
    if isinstance(outcome, Failure):
        why = f"{outcome.reason}: {outcome.detail}" if outcome.detail else outcome.reason
        return Hold(why) if outcome.needs_a_person else Retry(outcome.reason)
    status = outcome.status
    answers: Mapping[Meaning, Answer] = {
        "ack": Ack(),
        "retry": Retry(str(status), outcome.retry_after),
        "hold": Hold(_why(outcome)),
        "split": Split(str(status)),
        "reject": Reject(str(status)),
    }
    return answers[{**COMMON, **(table or {})}.get(status) or _by_class(status)]


def _by_class(status: int) -> Meaning:
    if 200 <= status < 300:  # noqa: PLR2004  # the classes of HTTP
        return "ack"
    return "retry" if status >= 500 else "hold"  # noqa: PLR2004


def _why(response: Response) -> str:
    """Say what a person has to change. Answers that depend on the events are not shown: they may quote them."""
    if 300 <= response.status < 400:  # noqa: PLR2004
        return f"{response.status}: the receiver points elsewhere, and redirects are not followed: correct the URL"
    advice = WHAT_TO_DO.get(response.status, "the receiver does not take what it is sent: look at its configuration")
    shown = excerpt(response.body) if response.status in WHAT_TO_DO else ""
    return f"{response.status}: {advice}" + (f" (it says {shown})" if shown else "")


def excerpt(body: bytes) -> str:
    r"""Give the first 200 characters of an answer, with nothing in them that a terminal acts on.

    Example:
        >>> excerpt(b"no\x1b[31m")
        "'no\\x1b[31m'"
    """
    text = body[: 4 * SHOWN].decode("utf-8", "replace").strip()
    return ascii(text)[:SHOWN] if text else ""


def retry_after(value: str | None, now: float) -> float | None:
    """Read `Retry-After`: seconds, or a date.

    Args:
        value: Of the header; None if there was none.
        now: Seconds since the epoch.

    Returns:
        Seconds from now, from 0 to an hour; None for what is neither.

    Example:
        >>> retry_after("120", 0), retry_after("Thu, 01 Jan 1970 00:00:10 GMT", 4.0), retry_after("soon", 0)
        (120.0, 6.0, None)
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        until = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return min(max(until - now, 0.0), LONGEST_WAIT)
