"""What a sink answers to a payload. The engine acts on it; no sink retries, waits or drops on its own."""

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Ack", "Answer", "Counted", "Hold", "Partial", "Reject", "Retry", "Split"]


@dataclass(frozen=True, slots=True)
class Ack:
    """Every event of the payload is durable where it was sent."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The receiver has taken the payload but for some events, does not say which, and wants none of them again.

    Attributes:
        rejected: How many; fewer than all.
    """

    rejected: int


@dataclass(frozen=True, slots=True)
class Retry:
    """The same bytes may be taken later.

    Attributes:
        reason: Why not now; without secrets and without log text.
        after: Seconds that the receiver asks us to wait (`Retry-After`); None leaves it to the backoff.
    """

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A person has to change something first, such as the key: nothing is dropped, the alarm is raised, tries go on.

    Attributes:
        reason: What is wrong, and what to do.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Split:
    """The payload is too large as a whole: its halves may be taken. Of a single event it is `Reject`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Some event of the payload is never taken: it is looked for by halves, and the one that is left is quarantined."""

    reason: str


@dataclass(frozen=True, slots=True)
class Partial:
    """The receiver has answered for each event.

    Attributes:
        rejected: Positions in the payload, from 0, of events that are never taken, with why; all others are durable
            unless they are in `retry`. Where a receiver only counts them, it is `Counted`.
        retry: Positions of events that may be taken later.
        reason: Why those are to be tried again.
    """

    rejected: tuple[tuple[int, str], ...] = ()
    retry: tuple[int, ...] = ()
    reason: str = ""


Answer: TypeAlias = Ack | Counted | Retry | Hold | Split | Reject | Partial
