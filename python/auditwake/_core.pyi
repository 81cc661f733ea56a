"""The Rust core behind `auditwake`. All classes are frozen: threads can share them, what changes is behind a lock."""

import builtins
from collections.abc import Callable, Sequence
from typing import Self, TypeAlias, final

from auditwake import types as t

__all__ = ["Applied", "AuditwakeError", "Batch", "Column", "ColumnError", "Converted", "Encoder", "Evaluator"]
__all__ += ["InputError", "Keys", "Lines", "Outcome", "Outcomes", "OutputError", "Payload", "Prepared", "Progress"]
__all__ += ["Reader", "Rejected", "RejectedError", "Schema", "SourceError", "SourceNotFoundError", "StateError"]
__all__ += ["Tail", "TailBatch", "Verdicts", "__version__", "apply", "columns", "convert", "discover", "lines"]
__all__ += ["policy_columns", "repeated", "requests", "schema", "simd_level", "stored_rows", "survey"]

__version__: str
_Sources: TypeAlias = list[str | t.BinaryReadable]
_Stream: TypeAlias = t.ArrowStreamExportable

class AuditwakeError(Exception):
    """The root of all errors of auditwake."""

class SourceError(AuditwakeError):
    """A source names nothing that can be opened."""

class SourceNotFoundError(SourceError, FileNotFoundError):
    """A file is not there, or a pattern or directory matches no file."""

class InputError(AuditwakeError):
    """An input broke off and `on_error="raise"` was asked for: a cut gzip, a disk that fails."""

    file: str
    """The input, as it was named."""
    offset: int
    """Where it broke off, in bytes of the decompressed input."""

class RejectedError(AuditwakeError):
    """A line was rejected and `on_error="raise"` was asked for."""

class ColumnError(AuditwakeError, ValueError):
    """There is no such column or group; the message names the nearest one."""

class OutputError(AuditwakeError):
    """The output cannot be written."""

class StateError(AuditwakeError):
    """The state of a tail is locked, or cannot be read or written."""

@final
class Column:
    """One column of the schema.

    Example:
        >>> import auditwake as aw
        >>> next(column.source for column in aw.columns() if column.name == "verb")
        'verb'
    """

    name: str
    """Its name."""
    type: str
    """Its Arrow type, as text."""
    source: str
    """Where in the event it is from, or what it derives from."""
    meaning: str
    """What it says, in one line."""
    groups: tuple[str, ...]
    """The groups it is in: of `core`, `derived`, `bodies`, `all`."""

@final
class Schema:
    """An Arrow schema to hand on, as a capsule."""

    def __arrow_c_schema__(self) -> object: ...

def columns() -> list[Column]:
    """Give the table of columns, in the order in which they stand in a batch."""

def schema(columns: list[str] | None = None, *, bodies: bool = True, raw: bool = False) -> Schema:
    """Give the Arrow schema of a selection; `ColumnError` where there is no such column or group."""

def discover(spec: str) -> list[str]:
    """Give the files that a path, a directory or a pattern names, in the order of time; `SourceError` for none."""

def simd_level() -> str:
    """Give the SIMD level in use: `avx512`, `avx2`, `neon` or `portable`.

    It is the one that `AUDITWAKE_SIMD` names, or the best of this machine where that names none that the machine has.
    """

@final
class Outcome:
    """How many lines ended in one outcome, and how long they are.

    Example:
        >>> import auditwake as aw
        >>> reader = aw.read(aw.demo.LOG)
        >>> len(list(aw.lines(reader))) == reader.outcomes.ok.lines
        True
    """

    lines: int
    """Lines of the decompressed input."""
    bytes: int
    """Their bytes, newlines included."""

@final
class Outcomes:
    """What became of the lines: each ends in one of four outcomes, and the bytes of the four are all bytes read.

    Example:
        >>> import auditwake as aw
        >>> reader = aw.read(aw.demo.LOG)
        >>> seen = (sum(batch.num_rows for batch in reader), reader.outcomes)[1]
        >>> seen.ok.bytes + seen.repaired.bytes + seen.skipped.bytes + seen.rejected.bytes == seen.bytes
        True
    """

    def __new__(cls) -> Self: ...
    def __add__(self, value: Outcomes, /) -> Outcomes: ...
    def __radd__(self, value: Outcomes, /) -> Outcomes: ...
    ok: Outcome
    """Lines whose events are in the rows, whole."""
    repaired: Outcome
    """Lines whose events are in the rows, with the repair named in the column `repairs`."""
    skipped: Outcome
    """Lines that are whole and well formed, but are no audit event."""
    rejected: Outcome
    """Lines that hold no event that could be read; see `Rejected`."""
    events: int
    """Rows: a line can hold several events."""
    filtered: int
    """Events that `where` left out: they are no rows, and their lines count as if they were."""
    bytes: int
    """Bytes of the decompressed input: the sum over the four outcomes."""
    reasons: dict[str, dict[str, tuple[int, int]]]
    """Outcome -> reason -> (lines, bytes), for every outcome but `ok`."""
    lanes: dict[str, int]
    """Lane of the parser -> events that it parsed."""

@final
class Rejected:
    r"""One rejected line, or piece of a line.

    Example:
        >>> import auditwake as aw, io
        >>> reader = aw.read(io.BytesIO(b"no event\n"))
        >>> rows = sum(batch.num_rows for batch in reader)
        >>> [(line.offset, line.length) for line in reader.rejected]
        [(0, 9)]
    """

    file: str
    """The input, as it was named."""
    offset: int
    """Where it starts in the decompressed input, in bytes."""
    length: int
    """Its length in bytes, newline included; of a piece of a record that is kept otherwise, the length of that."""
    reason: str
    """Why, in a word or two: the key in `Outcomes.reasons`."""
    detail: str
    """Why, in a sentence that quotes nothing from the line."""
    bytes: builtins.bytes | None
    """The line as it stood in the log, or the piece as it was unwrapped; None beyond the limit of what is kept."""

@final
class Reader:
    """The reader behind `auditwake.Reader`; each stream taken from it opens the sources anew."""

    def __new__(
        cls,
        sources: _Sources,
        *,
        columns: list[str] | None = None,
        bodies: bool = True,
        raw: bool = False,
        on_error: str = "collect",
        threads: int | None = None,
        batch_rows: int = 65536,
        batch_bytes: int = 33554432,
        buffer_bytes: int = 1048576,
        max_line_bytes: int = 268435456,
        labels: tuple[str | None, str | None] = ...,
        rows: t.RowConditions | None = None,
    ) -> Self: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    outcomes: Outcomes
    rejected: list[Rejected]
    failure: BaseException | None

@final
class Progress:
    """How far `convert` or `Policy.apply` is.

    Example:
        >>> import auditwake as aw, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     seen: list[aw.Progress] = []
        ...     done = aw.convert(aw.demo.LOG, f"{folder}/audit.parquet", progress=seen.append)
        >>> all(step.rows <= done.rows for step in seen)
        True
    """

    bytes_done: int
    """Bytes read of the inputs, as they stand on disk."""
    bytes_total: int | None
    """Bytes of all inputs; None when one is a stream."""
    rows: int
    """Rows so far."""
    rejected: int
    """Lines rejected so far."""

_Tell: TypeAlias = Callable[[Progress], None]

@final
class Converted:
    """What `convert` wrote.

    Example:
        >>> import auditwake as aw, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     done = aw.convert(aw.demo.LOG, f"{folder}/lake")
        >>> done.rows == done.outcomes.events
        True
    """

    out: str
    """The file or directory."""
    files: list[str]
    """The Parquet files written by this run."""
    rows: int
    """Rows in them."""
    bytes_written: int
    """Bytes of them."""
    outcomes: Outcomes
    """What became of the lines."""
    rejects_file: str | None
    """Where the rejected lines are; None when there were none."""
    skipped_inputs: list[str]
    """Inputs left out because the output has them already."""

def convert(
    sources: _Sources,
    out: str,
    *,
    columns: list[str] | None,
    bodies: bool,
    partition_by: list[str],
    compression: str,
    compression_level: int | None,
    threads: int | None,
    row_group_rows: int,
    max_line_bytes: int,
    on_error: str,
    labels: tuple[str | None, str | None],
    rows: t.RowConditions | None,
    progress: _Tell | None,
) -> Converted:
    """Convert to Parquet; see `auditwake.convert`."""

@final
class Lines:
    """The lines of a stream of batches, one at a time."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> builtins.bytes: ...

def lines(batches: t.ArrowStreamExportable) -> Lines:
    """Write the events back from their rows; see `auditwake.lines`."""

@final
class Evaluator:
    """An audit policy, ready to answer."""
    def __new__(cls, rules: Sequence[t.PolicyRule], omit_stages: Sequence[str], omit_managed_fields: bool) -> Self: ...
    def explain(self, request: t.AskedRequest) -> list[str | None]: ...
    def evaluate(self, batches: t.ArrowStreamExportable) -> Verdicts: ...
    def reach(self, possible: bool) -> list[tuple[list[int | None], t.PolicyRequest]]: ...
    def pairs(self, other: Evaluator, possible: bool) -> list[tuple[list[int | None], t.PolicyRequest]]: ...

@final
class Applied:
    """What `Policy.apply` wrote; `auditwake.policy.apply` says what is what."""

    out: str
    events: int
    event_bytes: int
    written: int
    bytes_written: int
    bodies: int
    dropped_by_level: int
    dropped_by_stage: int
    unreduced: int
    outcomes: Outcomes
    rejects_file: str | None
    rejected: list[Rejected]

def apply(sources: _Sources, evaluator: Evaluator, out: str, *, threads: int | None, progress: _Tell | None) -> Applied:
    """Write what a log would have been; see `auditwake.policy.apply`."""

@final
class Verdicts:
    """Verdicts on a stream, to be read once."""
    @staticmethod
    def schema() -> Schema: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Keys:
    """Distinct keys of streams."""
    def __new__(cls, rows: bool) -> Self: ...
    def add(self, batches: t.ArrowStreamExportable) -> None: ...
    @property
    def span(self) -> tuple[int, int] | None: ...
    def keys(self) -> Batch: ...
    def rows(self) -> Batch | None: ...
    def __len__(self) -> int: ...

@final
class Batch:
    """One batch as a stream."""
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Encoder:
    """Makes payloads of the batches of a tail that reads with `raw=True`; any number of threads can use one."""

    columns: list[str]  # to read, `raw` with them
    def __new__(
        cls, encoding: t.PayloadEncoding, rules: Sequence[t.PayloadRule] = ..., policy: Evaluator | None = None
    ) -> Self: ...
    def prepare(self, batch: t.ArrowStreamExportable, made: int) -> Prepared: ...  # `made`: ms since the epoch

@final
class Prepared:
    """Events left by policy and rules, in order; `rejected` are to be shipped but cannot be reduced safely."""

    events: int
    bytes: int
    read: int
    policy_dropped: int
    policy_reduced: int
    excluded: int
    masked: int
    rejected: list[Rejected]
    last_event: float | None
    def payloads(
        self, start: int = 0, stop: int | None = None, max_event_bytes: int | None = None
    ) -> list[Payload]: ...
    def event(self, index: int) -> builtins.bytes: ...
    def place(self, index: int) -> tuple[str | None, int]: ...
    def lines(self) -> builtins.bytes: ...

@final
class Payload:
    """A payload of the events from `start` to `stop` but those of `oversized`; `body` is empty where none is left."""

    body: builtins.bytes
    bytes: int
    start: int
    stop: int
    events: int
    shrunk: list[int]
    oversized: list[int]
    indexes: list[int]

@final
class Tail:
    """Logs that are followed; see `auditwake.Tail`."""
    def __new__(cls, specs: list[str], asked: t.TailOptions) -> Self: ...
    def __arrow_c_schema__(self) -> object: ...
    def next(self, timeout: float | None) -> TailBatch | None: ...
    def close(self) -> None: ...
    def release(self) -> None: ...
    def commit(self) -> None: ...
    def checkpoint(self) -> str: ...
    def standings(self) -> list[t.TailStanding]: ...
    def gaps(self) -> list[tuple[str, str, int, int, bool, str, str]]: ...
    def events(self) -> list[tuple[int, str, str, str, int, str]]: ...

@final
class TailBatch:
    """A batch of a tail; see `auditwake.TailBatch`."""

    num_rows: int
    outcomes: Outcomes
    rejected: list[Rejected]
    place: tuple[str, str, int, int]
    lag_bytes: int
    def release(self) -> None: ...
    def commit(self) -> None: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

def requests(batches: _Stream) -> list[t.PolicyRequest]: ...
def policy_columns() -> tuple[list[str], list[str]]: ...  # those that a policy cannot do without, and others that help
def repeated(marks: _Stream) -> list[int]: ...  # those that occur more than once, ascending
def survey(files: list[str], *, suspects: bool, received: bool, open_ones: bool, threads: int | None) -> t.Survey: ...
def stored_rows(files: list[str], columns: list[str], positions: _Stream, *, threads: int | None) -> _Stream: ...
