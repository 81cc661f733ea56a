"""Parquet files that are there as a whole or not at all, each with the place in the log that its rows end at."""

import contextlib
import json
import os
import re
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from auditwake.errors import SinkError
from auditwake.forwarder.files import sync_directory
from auditwake.forwarder.sinks.disk import OWN_DIRECTORY, OWN_FILE, failure, replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from pyarrow import parquet as pq

    from auditwake.forwarder.config.model import ParquetSink
    from auditwake.tail import TailBatch
    from auditwake.types import ArrowStreamExportable

__all__ = ["CHECKPOINT", "ParquetFiles"]

CHECKPOINT = "auditwake.checkpoint"
"""Key in the footer of a file: the text of `Tail.checkpoint` behind its last row."""

ROUTE = "auditwake.route"
GROUP_BYTES = 16 << 20  # of Arrow in memory; a row group is written when so much has come
GROUP_ROWS = 131_072
UNFINISHED = "unfinished"


class ParquetFiles:
    """Rolling Parquet files in a directory.

    Rows go into `.events-….parquet.unfinished` as they come. `flush` writes the footer, which has the checkpoint in it,
    and renames the file: rows and checkpoint are there at once. A file that a crash left unfinished is removed by
    `resume`, and its rows are written again from the checkpoint of the newest finished one.

    The checkpoint also stands in `.auditwake-<id>.json`. That one counts where it is newer than any file: because the
    files were moved elsewhere, or because lines were read that became no rows, for which no file is made.

    Args:
        config: The sink.
        route: Whose files they are, such as machine and log: several may write into one directory.

    Example:
        >>> import tempfile, auditwake as aw
        >>> from auditwake.forwarder.config.model import ParquetSink
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sink = ParquetFiles(ParquetSink(directory=Path(folder)), "node-1/audit.log")
        ...     sink.resume(), sink.write(aw.read(aw.demo.LOG, columns=["verb"])), sink.flush("a place")
        ...     sink.resume(), len(list(Path(folder).glob("*.parquet")))
        (None, None, None)
        ('a place', 1)
    """

    def __init__(self, config: "ParquetSink", route: str) -> None:
        self._config = config
        self._directory = config.directory
        self._route = route
        self._id = sha256(route.encode()).hexdigest()[:8]
        self._beside = self._directory / f".auditwake-{self._id}.json"
        self._sequence: int | None = None
        self._file: _File | None = None
        self._fresh = True

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self._config.name

    def resume(self) -> str | None:
        """Give the checkpoint of the newest rows, and remove what a crash left unfinished.

        Raises:
            SinkError: The directory or its newest file cannot be read.
        """
        self.close()
        try:
            self._directory.mkdir(mode=OWN_DIRECTORY, parents=True, exist_ok=True)
            for left in self._directory.glob(f".events-*-{self._id}-*.{UNFINISHED}"):
                left.unlink()
            newest = max(map(self._number, self._directory.glob(f"events-*-{self._id}-*.parquet")), default=(0, None))
            noted, checkpoint = self._noted()
        except OSError as error:
            raise failure(error, self._directory) from None
        sequence, path = newest
        self._sequence = max(sequence, noted)
        if path is not None and sequence > noted:
            # A crash came between the rename and the note.
            return _checkpoint(path)
        return checkpoint

    def write(self, batch: "TailBatch | ArrowStreamExportable") -> None:
        """Take rows.

        Raises:
            SinkError: They cannot be written. All rows since the last `flush` are gone: call `resume`.
        """
        import pyarrow as pa

        with self._failing():
            for rows in pa.RecordBatchReader.from_stream(batch):
                if rows.num_rows:
                    self._opened(rows.schema).add(rows)

    def flush(self, checkpoint: str) -> None:
        """Finish the file, with the checkpoint in it. Without rows no file is made; the checkpoint is noted.

        Raises:
            SinkError: The file is not there, or may not be there after a power failure: call `resume`.
        """
        with self._failing():
            sequence = self._ready()
            if self._file is not None:
                self._file.finish({CHECKPOINT: checkpoint, ROUTE: self._route})
                self._file, self._sequence = None, sequence + 1
            note = {"route": self._route, "sequence": self._sequence, "checkpoint": checkpoint}
            replace(self._beside, json.dumps(note).encode() + b"\n")

    def describe(self) -> str:
        """Say where the files go."""
        return f"Parquet files ({self._config.compression}) in {self._directory}"

    def close(self) -> None:
        """Let go of what is not flushed."""
        if self._file is not None:
            self._file.discard()
            self._file = None
        self._sequence, self._fresh = None, False

    @contextlib.contextmanager
    def _failing(self) -> "Iterator[None]":
        """Turn whatever goes wrong into a `SinkError`, after which only `resume` helps."""
        import pyarrow as pa

        try:
            yield
        except OSError as error:
            self.close()
            raise failure(error, self._directory) from None
        except (pa.ArrowException, ValueError) as error:
            self.close()
            message = f"{self._directory}: rows cannot be written as Parquet: {str(error)[:300]!a}"
            raise SinkError(message, needs_a_person=True) from None

    def _ready(self) -> int:
        if self._fresh:
            # Whoever begins elsewhere than where the files end, as told, does not ask for it.
            self.resume()
        if self._sequence is None:
            message = f"{self._directory}: rows are missing in front of these: resume comes first"
            raise SinkError(message)
        return self._sequence

    def _opened(self, schema: "pa.Schema") -> "_File":
        sequence = self._ready()
        if self._file is None:
            moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            path = self._directory / f"events-{moment}-{self._id}-{sequence + 1:08}.parquet"
            self._file = _File(path, schema, self._config.compression)
        return self._file

    def _number(self, path: Path) -> tuple[int, Path]:
        found = re.search(r"-(\d+)\.parquet$", path.name)
        return (int(found[1]) if found else 0, path)

    def _noted(self) -> tuple[int, str | None]:
        try:
            note = json.loads(self._beside.read_bytes())
            return int(note["sequence"]), str(note["checkpoint"])
        except FileNotFoundError:
            return 0, None
        except (ValueError, KeyError, TypeError):
            # It is replaced as a whole, so this is no crash of ours.
            message = f"{self._beside} is damaged: remove it, and the checkpoint of the newest file counts"
            raise SinkError(message, needs_a_person=True) from None


@dataclass(slots=True)
class _File:
    """A file on its way."""

    path: Path
    schema: "pa.Schema"
    compression: str
    handle: BinaryIO
    writer: "pq.ParquetWriter"
    waiting: "list[pa.RecordBatch]"
    bytes: int

    def __init__(self, path: Path, schema: "pa.Schema", compression: str) -> None:
        from pyarrow import parquet as pq

        self.path = path
        self.waiting, self.bytes = [], 0
        self.handle = open(self._unfinished, "xb", opener=lambda name, flags: os.open(name, flags, OWN_FILE))  # noqa: SIM115
        self.writer = pq.ParquetWriter(self.handle, schema, compression=compression)

    @property
    def _unfinished(self) -> Path:
        return self.path.with_name(f".{self.path.name}.{UNFINISHED}")

    def add(self, rows: "pa.RecordBatch") -> None:
        """Take rows; what has come is a row group when it is large enough."""
        self.waiting.append(rows)
        self.bytes += rows.nbytes
        if self.bytes >= GROUP_BYTES:
            self._group()

    def finish(self, metadata: dict[str, str]) -> None:
        """Write the footer, and give the file its name."""
        if self.waiting:
            self._group()
        self.writer.add_key_value_metadata(metadata)
        self.writer.close()
        self.handle.flush()
        os.fsync(self.handle.fileno())
        self.handle.close()
        self._unfinished.rename(self.path)
        sync_directory(self.path.parent)

    def discard(self) -> None:
        """Remove it."""
        with contextlib.suppress(Exception):  # the footer does not matter any more
            self.writer.close()
        with contextlib.suppress(OSError):
            self.handle.close()
        with contextlib.suppress(OSError):
            self._unfinished.unlink(missing_ok=True)

    def _group(self) -> None:
        import pyarrow as pa

        # Every batch has dictionaries of its own; a column chunk that meets a second one goes on without.
        table = pa.Table.from_batches(self.waiting).unify_dictionaries()
        self.waiting, self.bytes = [], 0
        self.writer.write_table(table, row_group_size=GROUP_ROWS)


def _checkpoint(path: Path) -> str:
    """Read the checkpoint out of a footer."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    try:
        found = (pq.read_metadata(path).metadata or {}).get(CHECKPOINT.encode())
    except OSError as error:
        raise failure(error, path) from None
    except pa.ArrowException:
        found = None
    if found is None:
        message = (
            f"{path} is damaged or not ours, and the next rows follow its checkpoint: move it out of the directory"
        )
        raise SinkError(message, needs_a_person=True)
    return str(found, "utf-8")
