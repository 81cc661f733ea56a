"""Exit codes: what a script can tell from `$?`."""

from enum import IntEnum

__all__ = ["Exit", "UsageError"]


class Exit(IntEnum):
    """How the command ended."""

    FINE = 0
    FAILURE = 1
    USAGE = 2
    REJECTED = 3  # finished, but some lines hold no event
    FOUND = 3  # finished, and something was found that is to be looked at
    CONFIG = 78  # kube-apiserver would refuse the policy, or the agent its configuration
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class UsageError(Exception):
    """The arguments ask for something that makes no sense together."""
