"""Events as they are, a line each: what the file and standard output are given."""

from typing import TYPE_CHECKING

from auditwake.forwarder.encoding import Encoding

if TYPE_CHECKING:
    from auditwake.forwarder.config.model import Batching

__all__ = ["plain_lines", "whole_lines"]


def plain_lines(batching: "Batching") -> Encoding:
    """Say how events are encoded: as they are, a line each.

    Example:
        >>> from auditwake.forwarder.config.model import Batching
        >>> plain_lines(Batching()).format
        'ndjson'
    """
    return Encoding(
        format="ndjson",
        max_events=batching.max_events,
        max_bytes=batching.max_bytes,
        max_event_bytes=batching.max_event_bytes,
    )


def whole_lines(body: bytes) -> bytes:
    r"""Give a payload whose last line has its end.

    Example:
        >>> whole_lines(b"{}"), whole_lines(b"")
        (b'{}\n', b'')
    """
    return body if body.endswith(b"\n") or not body else body + b"\n"
