"""What a question can group by: short words for expressions over the columns of a request."""

from collections.abc import Iterable
from typing import Final

from auditwake.errors import QuestionError

__all__ = ["BY", "grouping"]

BY: Final = {
    "user": "eff_user",
    "actor": "actor",
    "agent": "agent_name",
    "version": "agent_version",
    "verb": "verb",
    "resource": "what(resource, api_group, subresource, null)",
    "what": "what(resource, api_group, subresource, path)",
    "path": "path",
    "namespace": "namespace",
    "scope": "case when resource is null then 'path' when namespace is null then 'cluster' else 'namespace' end",
    "code": "code",
    "outcome": "outcome",
    "address": "source_ip",
    "server": "apiserver",
    "minute": "time_bucket(interval '1 minute', ts_received)",
    "hour": "time_bucket(interval '1 hour', ts_received)",
    "day": "time_bucket(interval '1 day', ts_received)",
}
"""Word -> expression."""


def grouping(words: Iterable[str]) -> str:
    """Give the expressions of the words, each under its word.

    Raises:
        QuestionError: A word is none of `BY`.

    Example:
        >>> grouping(["user", "verb"])
        'eff_user as "user", verb as "verb"'
    """
    unknown = [word for word in words if word not in BY]
    if unknown:
        message = f"{unknown[0]!r} is nothing to group by; there are {', '.join(BY)}"
        raise QuestionError(message)
    return ", ".join(f'{BY[word]} as "{word}"' for word in words)
