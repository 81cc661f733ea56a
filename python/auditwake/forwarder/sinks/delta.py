"""A Delta table, with the place in the log in the very commit that the rows are in: each event once, whatever dies."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditwake.errors import AuditwakeError, SinkError
from auditwake.forwarder.sinks import deltalog
from auditwake.forwarder.sinks.disk import OWN_DIRECTORY
from auditwake.forwarder.sinks.plain import DATE, PlainRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import deltalake
    import pyarrow as pa

    from auditwake.forwarder.config.model import DeltaSink
    from auditwake.tail import TailBatch
    from auditwake.types import ArrowStreamExportable

__all__ = ["DeltaRows"]


class DeltaRows:
    """Appends to a Delta table.

    Rows are kept in memory, compressed, until `flush` writes them in one commit. That commit has the checkpoint as text
    and a transaction number of this writer (Delta's `txn`, under `app_id`), one higher each time. A number that the
    table has already is never committed again: `flush` compares it on the same handle that it commits with, and of two
    that try at once, Delta refuses the second. So a commit that was made without our knowing it (a killed process, a
    lost answer) is found by `resume`, and nothing is written twice.

    Args:
        config: The sink.
        app_id: Who writes; no two writers of a table may have the same one, and it has to stay the same.

    Example:
        >>> import tempfile, auditwake as aw
        >>> from auditwake.forwarder.config.model import DeltaSink
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sink = DeltaRows(DeltaSink(table=f"{folder}/audit"), "auditwake/node-1/audit.log")
        ...     sink.resume(), sink.write(aw.read(aw.demo.LOG, columns=["verb"])), sink.flush("a place")
        ...     sink.resume()
        (None, None, None)
        'a place'
    """

    def __init__(self, config: "DeltaSink", app_id: str) -> None:
        self._delta = _deltalake()
        self._config = config
        self._app_id = app_id
        self._options = {name: secret.reveal() for name, secret in config.storage_options.items()}
        self._table: deltalake.DeltaTable | None = None
        self._log = deltalog.Log(app_id)
        self._rows: _Buffer | None = None
        self._ready = False
        self._fresh = True

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self._config.name

    def resume(self) -> str | None:
        """Give the checkpoint of our newest commit.

        Raises:
            SinkError: The table cannot be read, or the commit is there no more.
        """
        self.close()
        with self._failing():
            self._log = deltalog.Log(self._app_id)
            self._table = self._opened()
            checkpoint = None if self._table is None else self._log.read(self._table)
            self._ready = True
        return checkpoint

    def write(self, batch: "TailBatch | ArrowStreamExportable") -> None:
        """Take rows.

        Raises:
            SinkError: They do not fit the table. All rows since the last `flush` are gone: call `resume`.
        """
        import pyarrow as pa

        with self._failing():
            self._check_ready()
            for rows in pa.RecordBatchReader.from_stream(batch):
                if rows.num_rows:
                    if self._rows is None:
                        self._rows = _Buffer(PlainRows(rows.schema, with_date=DATE in self._config.partition_by))
                    self._rows.add(rows)

    def flush(self, checkpoint: str) -> None:
        """Commit the rows and the checkpoint; without rows the checkpoint alone, once there is a table.

        Raises:
            SinkError: Whether they are there is not known: call `resume`.
        """
        with self._failing():
            self._check_ready()
            rows, self._rows = self._rows, None
            if rows is not None:
                table = self._table = self._table or self._created(rows.rows.schema)
                self._commit(table, rows.reader(), checkpoint)
            elif self._table is not None and checkpoint != self._log.checkpoint:
                import pyarrow as pa

                schema = pa.schema(self._table.schema())
                self._commit(self._table, pa.RecordBatchReader.from_batches(schema, []), checkpoint)

    def describe(self) -> str:
        """Say which table."""
        by = f", partitioned by {', '.join(self._config.partition_by)}" if self._config.partition_by else ""
        return f"Delta table {deltalog.shown(self._config.table)}{by}"

    def close(self) -> None:
        """Let go of what is not flushed."""
        self._rows, self._table, self._ready, self._fresh = None, None, False, False

    def _commit(self, table: "deltalake.DeltaTable", rows: "pa.RecordBatchReader", checkpoint: str) -> None:
        table.update_incremental()
        self._log.follow(table)
        before = table.version()
        schema_mode = deltalog.fit(rows.schema, table, self._config.table)
        self._delta.write_deltalake(
            table,
            rows,
            mode="append",
            schema_mode=schema_mode,
            writer_properties=self._delta.WriterProperties(compression="ZSTD"),
            commit_properties=self._delta.CommitProperties(
                app_transactions=[self._delta.Transaction(self._app_id, self._log.version + 1)],
                custom_metadata=self._log.metadata(checkpoint),
            ),
        )
        self._log.committed(checkpoint)
        if deltalog.is_local(self._config.table):
            deltalog.sync(Path(self._config.table), range(before + 1, table.version() + 1))

    def _opened(self) -> "deltalake.DeltaTable | None":
        with contextlib.suppress(self._exceptions().TableNotFoundError):
            there: deltalake.DeltaTable = self._delta.DeltaTable(
                self._config.table, storage_options=self._options or None
            )
            return there
        return None

    def _created(self, schema: "pa.Schema") -> "deltalake.DeltaTable":
        missing = set(self._config.partition_by) - set(schema.names)
        if missing:
            message = f"partition_by names {', '.join(sorted(missing))}, which is none of the columns of this sink"
            raise SinkError(message, needs_a_person=True)
        if deltalog.is_local(self._config.table):
            Path(self._config.table).mkdir(mode=OWN_DIRECTORY, parents=True, exist_ok=True)
        made: deltalake.DeltaTable = self._delta.DeltaTable.create(
            self._config.table,
            schema=schema,
            mode="ignore",
            partition_by=list(self._config.partition_by) or None,
            name="kubernetes audit events",
            storage_options=self._options or None,
        )
        return made

    def _check_ready(self) -> None:
        if self._fresh:
            # Whoever begins elsewhere than where the table ends, as told, does not ask for it.
            self.resume()
        if not self._ready:
            message = f"{deltalog.shown(self._config.table)}: rows are missing in front of these: resume comes first"
            raise SinkError(message)

    def _exceptions(self) -> Any:  # noqa: ANN401  # the module
        from deltalake import exceptions

        return exceptions

    @contextlib.contextmanager
    def _failing(self) -> "Iterator[None]":
        """Turn whatever goes wrong into a `SinkError`, after which only `resume` helps."""
        try:
            yield
        except Exception as error:
            self.close()
            if isinstance(error, SinkError):
                raise
            # deltalake raises its own errors, OSError, and bare exceptions of what it is made of.
            raise deltalog.failure(error, self._config.table, self._options.values()) from None


class _Buffer:
    """Rows that wait, as a compressed Arrow stream in memory: a tenth of what they take uncompressed."""

    def __init__(self, rows: PlainRows) -> None:
        import pyarrow as pa

        self.rows = rows
        self._sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        self._writer = pa.ipc.new_stream(self._sink, rows.schema, options=options)

    def add(self, batch: "pa.RecordBatch") -> None:
        """Take rows."""
        self._writer.write_batch(self.rows.of(batch))

    def reader(self) -> "pa.RecordBatchReader":
        """Give all rows back; nothing can be added any more."""
        import pyarrow as pa

        self._writer.close()
        return pa.ipc.open_stream(self._sink.getvalue())


def _deltalake() -> Any:  # noqa: ANN401  # the module
    try:
        import deltalake
    except ImportError:
        message = 'the Delta sink needs deltalake: pip install "auditwake[delta]"'
        raise AuditwakeError(message) from None
    return deltalake
