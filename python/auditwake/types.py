"""What the public functions take and give, said as protocols: neither pyarrow nor any engine is imported for it."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, TypedDict, runtime_checkable

__all__ = [
    "ArrowStreamExportable",
    "AskedRequest",
    "BinaryReadable",
    "Columns",
    "Compression",
    "OnError",
    "PayloadEncoding",
    "PayloadRule",
    "PolicyRequest",
    "PolicyResources",
    "PolicyRule",
    "RowConditions",
    "Source",
    "Sources",
    "Survey",
    "TailOptions",
    "TailStanding",
]


@runtime_checkable
class BinaryReadable(Protocol):
    """A binary file object: anything with a `read` that gives bytes, and `b""` at the end.

    With a `seek` it can be read more than once, and with a `name` errors and `src_file` say where a row is from.
    """

    def read(self, size: int, /) -> bytes:
        """Give at most `size` bytes, or `b""` at the end."""


@runtime_checkable
class ArrowStreamExportable(Protocol):
    """Anything that gives record batches through the Arrow PyCapsule interface: a table, a reader, a frame."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give a capsule named `arrow_array_stream`."""


Source: TypeAlias = str | os.PathLike[str] | BinaryReadable
"""A file, a directory, a glob pattern, `-` (standard input), a URL, or a binary file object."""

Sources: TypeAlias = Source | Iterable[Source]
"""One source or several; several are read in the order given."""

Columns: TypeAlias = str | Iterable[str]
"""Names of columns or of groups of columns (`core`, `derived`, `bodies`, `all`)."""

Compression: TypeAlias = Literal["zstd", "snappy", "lz4", "none"]
"""Compression of Parquet pages."""

OnError: TypeAlias = Literal["collect", "raise"]
"""What a rejected line does: it is kept in `rejected`, or it ends the reading with `RejectedError`."""


class PolicyResources(Protocol):
    """What the core reads of an entry of a rule's `resources`."""

    @property
    def group(self) -> str: ...  # noqa: D102  # as the core calls it
    @property
    def resources(self) -> Sequence[str]: ...  # noqa: D102  # as the core calls it
    @property
    def resource_names(self) -> Sequence[str]: ...  # noqa: D102  # as the core calls it


class PolicyRule(Protocol):
    """What the core reads of a rule of an audit policy."""

    @property
    def level(self) -> str: ...  # noqa: D102  # as the core calls it
    @property
    def users(self) -> Sequence[str]: ...  # noqa: D102  # as the core calls it
    @property
    def user_groups(self) -> Sequence[str]: ...  # noqa: D102  # as the core calls it
    @property
    def verbs(self) -> Sequence[str]: ...  # noqa: D102  # as the core calls it
    @property
    def resources(self) -> Sequence[PolicyResources]: ...  # noqa: D102  # as the core calls it
    @property
    def namespaces(self) -> Sequence[str]: ...  # noqa: D102  # as the core calls it
    @property
    def non_resource_urls(self) -> Sequence[str]: ...  # noqa: D102  # as the core calls it
    @property
    def omit_stages(self) -> Sequence[str]: ...  # noqa: D102  # as the core calls it
    @property
    def omit_managed_fields(self) -> bool | None: ...  # noqa: D102  # as the core calls it


class AskedRequest(Protocol):
    """What the core reads of a request: a path, or else a resource."""

    @property
    def user(self) -> str | None: ...  # noqa: D102  # as the core calls it
    @property
    def groups(self) -> Sequence[str]: ...  # noqa: D102  # as the core calls it
    @property
    def verb(self) -> str: ...  # noqa: D102  # as the core calls it
    @property
    def api_group(self) -> str: ...  # noqa: D102  # as the core calls it
    @property
    def resource(self) -> str: ...  # noqa: D102  # as the core calls it
    @property
    def subresource(self) -> str: ...  # noqa: D102  # as the core calls it
    @property
    def namespace(self) -> str: ...  # noqa: D102  # as the core calls it
    @property
    def name(self) -> str: ...  # noqa: D102  # as the core calls it
    @property
    def path(self) -> str | None: ...  # noqa: D102  # as the core calls it


class PolicyRequest(TypedDict):
    """A request as the core gives it."""

    user: str | None
    groups: list[str]
    verb: str
    api_group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    path: str | None


class PayloadEncoding(Protocol):
    """What the core reads of an encoding; `auditwake.forwarder.encoding.Encoding` says what is what."""

    @property
    def format(self) -> str: ...  # noqa: D102  # as the core calls it
    @property
    def compression(self) -> str: ...  # noqa: D102  # as the core calls it
    @property
    def compression_level(self) -> int: ...  # noqa: D102  # as the core calls it
    @property
    def max_events(self) -> int: ...  # noqa: D102  # as the core calls it
    @property
    def max_bytes(self) -> int: ...  # noqa: D102  # as the core calls it
    @property
    def max_event_bytes(self) -> int | None: ...  # noqa: D102  # as the core calls it
    @property
    def attributes(self) -> Mapping[str, str]: ...  # noqa: D102  # as the core calls it


class PayloadRule(Protocol):
    """What the core reads of a processing rule."""

    @property
    def name(self) -> str: ...  # noqa: D102  # as the core calls it
    @property
    def type(self) -> str: ...  # noqa: D102  # as the core calls it
    @property
    def pattern(self) -> str: ...  # noqa: D102  # as the core calls it
    @property
    def replace_placeholder(self) -> str: ...  # noqa: D102  # as the core calls it


class TailOptions(Protocol):
    """What the core reads of the arguments of `auditwake.tail`: they are named alike, in bytes and seconds."""

    @property
    def state(self) -> str | None: ...  # noqa: D102  # as the core calls it
    @property
    def from_end(self) -> bool: ...  # noqa: D102  # as the core calls it
    @property
    def follow(self) -> bool: ...  # noqa: D102  # as the core calls it
    @property
    def columns(self) -> Sequence[str] | None: ...  # noqa: D102  # as the core calls it
    @property
    def bodies(self) -> bool: ...  # noqa: D102  # as the core calls it
    @property
    def raw(self) -> bool: ...  # noqa: D102  # as the core calls it
    @property
    def batch_rows(self) -> int: ...  # noqa: D102  # as the core calls it
    @property
    def batch_bytes(self) -> int: ...  # noqa: D102  # as the core calls it
    @property
    def batch_age(self) -> float: ...  # noqa: D102  # as the core calls it
    @property
    def max_line_bytes(self) -> int: ...  # noqa: D102  # as the core calls it
    @property
    def threads(self) -> int | None: ...  # noqa: D102  # as the core calls it
    @property
    def backups(self) -> str | None: ...  # noqa: D102  # as the core calls it
    @property
    def exclude(self) -> list[str]: ...  # noqa: D102  # as the core calls it
    @property
    def resume(self) -> str | None: ...  # noqa: D102  # as the core calls it
    @property
    def max_size(self) -> int | None: ...  # noqa: D102  # as the core calls it
    @property
    def max_backups(self) -> int | None: ...  # noqa: D102  # as the core calls it
    @property
    def max_age(self) -> float | None: ...  # noqa: D102  # as the core calls it
    @property
    def cluster(self) -> str | None: ...  # noqa: D102  # as the core calls it
    @property
    def apiserver(self) -> str | None: ...  # noqa: D102  # as the core calls it


class RowConditions(Protocol):
    """What the core reads of `auditwake.Where`: times in microseconds from 1970, first and last code of each range."""

    @property
    def since(self) -> Any: ...  # noqa: ANN401, D102  # microseconds, as the core calls it
    @property
    def until(self) -> Any: ...  # noqa: ANN401, D102  # microseconds, as the core calls it
    @property
    def codes(self) -> Sequence[tuple[int, int]]: ...  # noqa: D102  # as the core calls it
    @property
    def verb(self) -> Sequence[str] | None: ...  # noqa: D102  # as the core calls it
    @property
    def stage(self) -> Sequence[str] | None: ...  # noqa: D102  # as the core calls it
    @property
    def level(self) -> Sequence[str] | None: ...  # noqa: D102  # as the core calls it
    @property
    def user(self) -> Sequence[str] | None: ...  # noqa: D102  # as the core calls it
    @property
    def authenticated(self) -> Sequence[str] | None: ...  # noqa: D102  # as the core calls it
    @property
    def actor(self) -> Sequence[str] | None: ...  # noqa: D102  # as the core calls it
    @property
    def namespace(self) -> Sequence[str] | None: ...  # noqa: D102  # as the core calls it
    @property
    def resource(self) -> Sequence[str] | None: ...  # noqa: D102  # as the core calls it


class Survey(TypedDict):
    """What the events of Parquet files amount to, as the core gives it."""

    events: int
    stages: dict[str | None, int]
    levels: dict[str | None, int]
    first: int | None
    last: int | None
    decisions: int
    latencies: int
    suspects: ArrowStreamExportable
    open: ArrowStreamExportable


class TailStanding(TypedDict):
    """How a log stands, as the core gives it; `auditwake.StreamStats` says what is what."""

    path: str
    file: str | None
    offset: int
    committed_file: str | None
    committed_offset: int
    bytes: int
    lines: int
    outcomes: Any  # of the core, which uses this module
    rotations: int
    replays: int
    truncations: int
    gaps: int
    lost_bytes: int
    lag_bytes: int
    lag_seconds: float
    held_deleted_files: int
    held_deleted_bytes: int
    uncommitted_bytes: int
    error: str | None
    time_to_loss: float | None
