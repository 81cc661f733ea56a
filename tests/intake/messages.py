"""What is asked of a fake receiver, and what it does."""

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Literal

import pyarrow as pa

NUMBER = re.compile(rb"00000000-0000-4000-8000-(\d{12})")

Fault = Literal["", "reset", "half_closed", "garbage"]


@dataclass(frozen=True)
class Request:
    """A request, as it was read.

    Attributes:
        order: How many were begun before it.
        method: Its method.
        path: Its path, with the query.
        headers: Names in lower case.
        wire: The body, as it came.
    """

    order: int
    method: str
    path: str
    headers: Mapping[str, str]
    wire: bytes = b""

    @cached_property
    def body(self) -> bytes:
        """The body, decompressed."""
        return decompressed(self.wire, self.headers.get("content-encoding", ""))

    @cached_property
    def numbers(self) -> list[int]:
        """The numbers of the events in it, in their order: of those of `tests.tailing.lines`, in any format."""
        return [int(found) for found in NUMBER.findall(self.body)]

    @cached_property
    def digest(self) -> str:
        """What two requests share that have the same bytes."""
        return sha256(self.wire).hexdigest()


def decompressed(wire: bytes, coding: str) -> bytes:
    """Undo `Content-Encoding`."""
    if coding == "gzip":
        return gzip.decompress(wire)
    if coding == "zstd":
        body: bytes = pa.CompressedInputStream(pa.BufferReader(wire), "zstd").read()
        return body
    assert coding in {"", "identity"}, coding
    return wire


@dataclass(frozen=True)
class Reply:
    """What is done with a request.

    Attributes:
        status: Status of the answer.
        headers: Its headers.
        body: Its body.
        delay: Seconds before it.
        fault: What is done instead of answering.
        taken: Whether the payload counts as taken, as far as the receiver is concerned; None: with a status of 2xx.
    """

    status: int = 202
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    delay: float = 0.0
    fault: Fault = ""
    taken: bool | None = None

    @property
    def takes(self) -> bool:
        """Whether the receiver has the events afterwards."""
        return 200 <= self.status < 300 and not self.fault if self.taken is None else self.taken
