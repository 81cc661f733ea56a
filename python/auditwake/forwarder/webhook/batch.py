"""A posted `EventList` to the lines that the server's log backend would have written."""

import hashlib
import io
from dataclasses import dataclass

from auditwake._core import lines as restored
from auditwake.read import read

__all__ = ["Batch", "NotABatchError", "digest_of", "to_batch"]


class NotABatchError(ValueError):
    """A body that holds no audit event."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request brought.

    Attributes:
        digest: SHA-256 of the body, in hex: a batch that is sent again has the same bytes.
        lines: One event a line. What could not be read stands between them as it came, for the quarantine.
        events: How many events.
        rejected: How many pieces hold no event.
    """

    digest: str
    lines: bytes
    events: int
    rejected: int


def digest_of(body: bytes) -> str:
    """Give the digest that a batch is known by: of all that was sent, never of the audit ids, which clients choose."""
    return hashlib.sha256(body).hexdigest()


def to_batch(body: bytes) -> Batch:
    r"""Make lines of a body.

    Args:
        body: An `EventList` of `audit.k8s.io/v1`; also one event, or several lines of them.

    Returns:
        The lines; the items of a list get the `kind` and `apiVersion` that the log backend writes.

    Raises:
        NotABatchError: There is no audit event in it, and why.

    Example:
        >>> body = b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{"auditID":"1","stage":"Panic"}]}'
        >>> to_batch(body).lines[:61]
        b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"1",'
    """
    # A line end can only stand between values; without it, no part of a list is taken for a line of its own.
    reader = read(io.BytesIO(body.replace(b"\r", b" ").replace(b"\n", b" ")))
    events = list(restored(reader))
    outcomes, rejected = reader.outcomes, reader.rejected
    if not events:
        why = rejected[0].detail if rejected else "it is no list of audit events, or an empty one"
        raise NotABatchError(why)
    torn = [b" ".join(one.bytes.splitlines()) for one in rejected if one.bytes]
    text = b"".join(line + b"\n" for line in [*events, *torn] if line)
    return Batch(digest_of(body), text, outcomes.events, len(rejected))
