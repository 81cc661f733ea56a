"""Verdicts: what a policy says of every event of a source, as a stream of record batches."""

from typing import TYPE_CHECKING, final

from auditwake import _core
from auditwake.policy.source import Events

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

__all__ = ["Verdicts"]


@final
class Verdicts:
    """One row an event, in the order of the source; made by `Policy.evaluate`.

    | column | type | meaning |
    | --- | --- | --- |
    | `rule` | `int32` | index of the rule that matches the request first; null when none does |
    | `level` | `dictionary<int32, utf8>` | the level that the policy gives the request |
    | `omit_stages` | `list<dictionary<int32, utf8>>` | stages of which no event is written |
    | `omit_managed_fields` | `bool` | whether `metadata.managedFields` is left out of bodies |
    | `emitted` | `bool` | whether a server under this policy would have written this event |

    A log holds what another policy let through: what that one dropped, or wrote without bodies, no policy brings back.

    Each pass opens the source anew; a stream that can be read once gives one pass. Anything that takes Arrow takes
    verdicts as they are: `pyarrow.table(verdicts)`, `polars.DataFrame(verdicts)`, `duckdb.sql("from verdicts")`.

    Example:
        >>> import auditwake as aw
        >>> import pyarrow as pa
        >>> policy = aw.Policy.load(\"\"\"
        ... apiVersion: audit.k8s.io/v1
        ... kind: Policy
        ... rules: [{level: None, verbs: [watch]}, {level: Metadata}]
        ... \"\"\")
        >>> table = pa.table(policy.evaluate(aw.demo.LOG))
        >>> sorted(set(table["level"].to_pylist()))
        ['Metadata', 'None']
    """

    __slots__ = ("_core", "_events")

    def __init__(self, core: _core.Evaluator, events: Events) -> None:
        self._core = core
        self._events = events

    @property
    def schema(self) -> "pa.Schema":
        """The Arrow schema of the batches."""
        import pyarrow as pa

        return pa.schema(_core.Verdicts.schema())

    def to_reader(self) -> "pa.RecordBatchReader":
        """Start a pass, as a pyarrow reader.

        Raises:
            ColumnError: The source lacks a column that policies look at, or it has another type.
        """
        import pyarrow as pa

        return pa.RecordBatchReader.from_stream(self._pass())

    def __iter__(self) -> "Iterator[pa.RecordBatch]":
        with self.to_reader() as stream:
            while True:
                try:
                    batch = stream.read_next_batch()
                except StopIteration:
                    return
                except OSError as error:
                    raise self._events.failed(error) from None
                yield batch

    def _pass(self) -> _core.Verdicts:
        return self._core.evaluate(self._events.open())

    def __arrow_c_schema__(self) -> object:
        return _core.Verdicts.schema().__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._pass().__arrow_c_stream__(requested_schema)
