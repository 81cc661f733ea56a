"""A process that reads a log into a table until it is killed, or until the end of the log."""

import random
from pathlib import Path

import deltalake  # noqa: F401  # imported before the fork
import pyarrow.parquet  # noqa: F401

import auditwake as aw
from auditwake.forwarder.config.model import DeltaSink, ParquetSink
from auditwake.forwarder.sinks.make import make
from auditwake.forwarder.sinks.sink import TableSink


def sink_of(kind: str, lake: Path) -> TableSink:
    """Make the sink, as an agent does."""
    config = DeltaSink(table=str(lake)) if kind == "delta" else ParquetSink(directory=lake)
    made = make(config, "node-1", route="audit.log")
    assert not hasattr(made, "send")
    return made


def run(kind: str, log: Path, folder: Path, life: int) -> None:
    """Go on where the table says, and flush after a few batches: rows, then the place, then the state."""
    dice = random.Random(life)  # noqa: S311  # no secrets
    sink = sink_of(kind, folder / "lake")
    checkpoint = sink.resume()
    options = {"columns": ["name"], "batch_rows": 40, "threads": 1}
    with aw.tail(log, state=folder / "state", follow=False, resume=checkpoint, **options) as tail:  # type: ignore[arg-type]
        record = (folder / f"life.{life}").open("wb", buffering=0)
        waiting = dice.randint(1, 4)
        for batch in tail:
            sink.write(batch)
            waiting -= 1
            if not waiting:
                sink.flush(tail.checkpoint())
                tail.commit()
                record.write(b".")
                waiting = dice.randint(1, 4)
        sink.flush(tail.checkpoint())
        tail.commit()
        record.close()
    sink.close()
