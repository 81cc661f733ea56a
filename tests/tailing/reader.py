"""A process that tails a log: it records the numbers that it is handed, then commits; SIGTERM ends it in good order.

`python -m tests.tailing.reader '{"log": …, "state": …, "record": …}'` runs one. Without an argument it reads commands
from its standard input and forks: a reader is there within milliseconds, and can be killed hundreds of times.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow  # noqa: F401, ICN001  # once, before the first fork

import auditwake as aw
from tests.tailing.lines import number_of, runs
from tests.tailing.record import Recorder

HUNG = 30  # seconds


@dataclass
class Options:
    """What a reader is asked to do; `sleep` is seconds for each batch, `patient` tries refused commits again."""

    log: str
    state: str
    record: str
    batch_rows: int = 65_536
    batch_age: float = 0.25
    follow: bool = True
    patient: bool = False
    sleep: float = 0.0
    pace: str | None = None


@dataclass
class Reader:
    """One tail and what is recorded of it."""

    options: Options
    tail: aw.Tail
    record: Recorder
    closing: bool = False
    last: int = 0
    owed: bool = False
    events: int = 0
    pace: int | None = field(init=False)

    def __post_init__(self) -> None:
        pace = self.options.pace
        self.pace = None if pace is None else os.open(pace, os.O_WRONLY | os.O_CREAT, 0o600)

    def close(self, *_: object) -> None:
        """Handle SIGTERM."""
        self.closing = True
        self.tail.close()

    def run(self) -> None:
        """Read to the end, or until it is told to stop."""
        for batch in self.batches():
            if batch is not None:
                self.take(batch)
            if batch is not None or self.owed:
                self.commit(batch)
            if self.options.patient:
                self.say_events()
        while self.owed and self.options.patient:
            time.sleep(0.05)
            self.commit(None)
        self.say_events()
        self.record.say(report=report(self.tail))

    def batches(self) -> Iterator[aw.TailBatch | None]:
        """Iterate as a user does; a patient reader gets None when nothing came."""
        if not (self.options.patient and self.options.follow):
            yield from self.tail
            return
        while not self.closing:
            yield self.tail.next(timeout=0.1)

    def take(self, batch: aw.TailBatch) -> None:
        """Record the numbers: from here on they count as delivered."""
        names = batch.to_pyarrow().column("name")
        numbers = [number_of(name) for name in names.to_pylist()]
        self.last = max([self.last, *numbers])
        if numbers:
            self.record.say(rows=runs(numbers))
        if batch.rejected:
            self.record.say(rejected=len(batch.rejected), first=str(batch.rejected[0]))
        if self.options.sleep:
            time.sleep(self.options.sleep)

    def commit(self, batch: aw.TailBatch | None) -> None:
        """Commit, and tell the writer how far it may go on."""
        try:
            (self.tail if batch is None else batch).commit()
        except aw.errors.StateError as error:
            self.owed = True
            self.record.say(refused=str(error))
            return
        self.owed = False
        self.record.say(committed=self.last)
        if self.pace is not None and self.last:
            os.pwrite(self.pace, b"%020d\n" % self.last, 0)

    def say_events(self) -> None:
        """Record what has happened since the last time."""
        happened = self.tail.events
        for event in happened[self.events :]:
            self.record.say(event=(event.kind, str(event.file), event.offset, event.message))
        self.events = len(happened)


def report(tail: aw.Tail) -> dict[str, object]:
    """Take what a tail says of itself at its end."""
    stats = tail.stats
    names = ("bytes", "lines", "rotations", "replays", "truncations", "lost_bytes", "lag_bytes", "uncommitted_bytes")
    return {
        **{name: sum(getattr(stream, name) for stream in stats.streams) for name in names},
        "gaps": [[gap.bytes, gap.certain, gap.reason, gap.message] for gap in tail.gaps],
        "errors": [stream.error for stream in stats.streams if stream.error is not None],
    }


def read(options: Options) -> int:
    """Run a reader; return the exit status."""
    record = Recorder(Path(options.record))
    try:
        tail = aw.tail(
            options.log,
            state=options.state,
            follow=options.follow,
            columns=["name"],
            batch_rows=options.batch_rows,
            batch_age=options.batch_age,
            threads=1,
        )
    except aw.errors.AuditwakeError as error:
        record.say(failed=f"{type(error).__name__}: {error}")
        return 3
    with tail:
        reader = Reader(options, tail, record)
        signal.signal(signal.SIGTERM, reader.close)
        record.say(opened=True)
        reader.run()
    return 0


def serve() -> None:
    """Fork a reader for each `start`; `signal` and `wait` end it and answer with its exit status."""
    child = 0
    for text in sys.stdin:
        command = json.loads(text)
        if "start" in command:
            child = os.fork()
            if child == 0:
                fork_and_leave(Options(**command["start"]))
            answer: object = child
        else:
            # The child is not waited for before it is told to end, so its id cannot be another process's.
            if command["signal"]:
                os.kill(child, command["signal"])
            answer = status_of(child)
        print(json.dumps(answer), flush=True)  # noqa: T201  # the answer


def fork_and_leave(options: Options) -> None:
    """Run a reader in a forked process and end that, with no way back."""
    status = 1
    try:
        status = read(options)
    except BaseException:  # noqa: BLE001  # whatever it is, it must not go on as the parent would
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(status)


def status_of(child: int) -> int | str:
    """Wait for the child; `hung` when it does not end."""
    deadline = time.monotonic() + HUNG
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hung"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(read(Options(**json.loads(sys.argv[1]))))
    serve()
