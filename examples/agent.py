"""An agent in thirty lines: follow a log, hand batches on, commit what was taken."""

import signal
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa

import auditwake as aw


def handed_on(batch: aw.TailBatch, out: Path) -> bool:
    """Hand a batch on, all or nothing: here it becomes a file; yours goes to where your agent sends things."""
    rows = pa.record_batch(batch)
    part = out / f"{time.time_ns()}.part"
    with pa.ipc.new_file(part, rows.schema) as file:
        file.write_batch(rows)
    part.rename(part.with_suffix(".arrow"))
    return True


def main(log: str, state: str, out: str, *, follow: bool) -> None:
    """Follow a log until SIGTERM, or drain what is there."""
    with aw.tail(log, state=state, follow=follow, columns="core", batch_age=1.0) as tail:
        signal.signal(signal.SIGTERM, lambda *_: tail.close())
        for batch in tail:
            while not handed_on(batch, Path(out)):  # meanwhile nothing is read: the log itself is the buffer
                print(f"seconds until unread bytes are deleted: {tail.stats.time_to_loss}", file=sys.stderr)
                time.sleep(1)
            batch.commit()
        print(f"{tail.stats.lines:,} lines handed on, {tail.stats.lag_bytes:,} bytes behind")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        given = sys.argv[1:]
        main(*(given or [str(aw.demo.LOG), f"{folder}/state", folder]), follow=bool(given))
