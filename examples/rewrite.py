"""The events of one user written back as the server wrote them, byte for byte."""

import sys

import pyarrow as pa
import pyarrow.compute as pc

import auditwake as aw


def main(log: str = str(aw.demo.LOG), user: str = "system:node:node-1") -> None:
    """Print the lines of one user."""
    events = pa.table(aw.read(log))
    for line in aw.lines(events.filter(pc.equal(events["user"], user))):
        sys.stdout.buffer.write(line + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
