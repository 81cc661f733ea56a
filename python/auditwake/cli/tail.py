"""`auditwake tail`: the events of a log as they are written."""

import argparse
import sys
from typing import TYPE_CHECKING, Literal

import auditwake
from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.happened import Happened
from auditwake.cli.options import add_columns, positive, when, whole
from auditwake.cli.stopping import Stopping, reader_left
from auditwake.cli.summary import finish
from auditwake.cli.where import Filter

if TYPE_CHECKING:
    from auditwake.cli.sinks import Sink
    from auditwake.tail import Retention, Tail

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "follow a log: a line an event on a terminal, NDJSON in a pipe"
DESCRIPTION = (
    "Print the events of a log as they are written, through rotation and compression. ndjson without --columns gives "
    "the events themselves, as they stood in the log; arrow and ndjson with --columns give rows. With --state, the "
    "place is kept up to which all was written out, and the next run goes on there."
)

POLL_SECONDS = 0.25
"""How long it takes at most until the end that was asked for is noticed, and what happened is said."""

SOON, SEVERAL = 0.05, 0.25
"""Seconds until a line is put out; more where each batch is followed by a commit, which waits for the disk."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="PATH",
        help="the log that is written, a directory or a pattern; its rotated files are found beside it",
    )
    parser.add_argument("--state", metavar="DIR", help="directory that keeps the place; made if it is not there")
    parser.add_argument(
        "--start",
        choices=("beginning", "end"),
        help="where to begin without a kept place (default: beginning with --state, --since or --once, else end)",
    )
    parser.add_argument(
        "--since", type=when, metavar="WHEN", help="leave out what is older: a time (RFC 3339), or 15m, 2h, 3d"
    )
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="EXPR",
        help="show what matches, such as 'code >= 400 and not verb in (get, list)'; several have to match all",
    )
    parser.add_argument("--once", action="store_true", help="read what is there, and end")
    parser.add_argument(
        "--output",
        choices=("pretty", "ndjson", "arrow"),
        help="form (default: pretty on a terminal, ndjson in a pipe and with --columns)",
    )
    add_columns(parser)
    parser.add_argument("-n", "--limit", type=positive, metavar="N", help="stop after so many events")
    parser.add_argument("--utc", action="store_true", help="pretty: times in UTC, not in the zone of this machine")
    parser.add_argument(
        "--backups", metavar="GLOB", help="names of the rotated files, where they are not named after the log"
    )
    for name, metavar, meaning in (
        ("--maxsize", "MB", "--audit-log-maxsize of the server: a better forecast of when unread bytes are deleted"),
        ("--maxbackup", "N", "--audit-log-maxbackup of the server"),
        ("--maxage", "DAYS", "--audit-log-maxage of the server"),
    ):
        parser.add_argument(name, type=whole, metavar=metavar, help=meaning)


def run(args: argparse.Namespace) -> Exit:
    """Follow the log in the form that was asked for."""
    form = args.output or ("pretty" if sys.stdout.isatty() and args.columns is None else "ndjson")
    _check(args, form)
    wanted = Filter(args.where, args.since)
    shown = _shown(args, form)
    columns = None if shown is None else list(dict.fromkeys([*shown, *wanted.columns]))
    with (
        Stopping() as stop,
        auditwake.tail(
            args.sources,
            state=args.state,
            start=_start(args),
            follow=not args.once,
            columns=columns,
            batch_age=SOON if args.state is None else SEVERAL,
            backups=args.backups,
            retention=_retention(args),
        ) as tail,
    ):
        sink = _sink(args, form, tail, shown)
        _follow(args, tail, wanted, sink, stop)
        sink.close()
        if args.once and not stop.asked:
            return max((finish(stream.outcomes) for stream in tail.stats.streams), default=Exit.FINE)
    return Exit.INTERRUPTED if stop.interrupted else Exit.FINE


def _follow(args: argparse.Namespace, tail: "Tail", wanted: Filter, sink: "Sink", stop: Stopping) -> None:
    """Hand on batches until the end. One is committed when all of it has been written, and not before."""
    happened = Happened()
    left: int | None = args.limit
    while not stop.asked and left != 0:
        batch = tail.next(None if args.once else POLL_SECONDS)
        happened.say(tail.events)
        if batch is None:
            if args.once:
                break
            if reader_left(sys.stdout):
                raise BrokenPipeError
            continue
        rows = wanted.keep(batch.to_pyarrow())
        whole = left is None or rows.num_rows <= left
        if left is not None:
            rows = rows.slice(0, left)
            left -= rows.num_rows
        if rows.num_rows:
            sink.write(rows)
        if not args.once:
            finish(batch.outcomes)
        if whole:
            batch.commit()


def _check(args: argparse.Namespace, form: str) -> None:
    if form == "pretty" and args.columns is not None:
        message = "pretty lines have columns of their own: --columns goes with ndjson or arrow"
        raise UsageError(message)
    if form == "arrow" and sys.stdout.isatty():
        message = "arrow is a binary form: send it to a file or a pipe"
        raise UsageError(message)
    if args.since is not None and args.start == "end":
        message = "--since looks back, and --start end does not: give one of them"
        raise UsageError(message)


def _start(args: argparse.Namespace) -> Literal["beginning", "end"]:
    looks_back = args.state is not None or args.once or args.since is not None
    asked = args.start or ("beginning" if looks_back else "end")
    return "end" if asked == "end" else "beginning"


def _retention(args: argparse.Namespace) -> "Retention | None":
    if args.maxsize is None and args.maxbackup is None and args.maxage is None:
        return None
    return auditwake.Retention(maxsize=args.maxsize, maxbackup=args.maxbackup, maxage=args.maxage)


def _shown(args: argparse.Namespace, form: str) -> list[str] | None:
    """Give the columns that are put out; None for the events themselves, which need all."""
    if form == "ndjson" and args.columns is None and args.bodies:
        return None
    if form == "pretty":
        from auditwake.cli.glance import COLUMNS

        return list(COLUMNS)
    from auditwake.cli.rows import in_order

    names: list[str] = in_order(auditwake.schema(args.columns, bodies=args.bodies), args.columns).names
    return names


def _sink(args: argparse.Namespace, form: str, tail: "Tail", shown: list[str] | None) -> "Sink":
    import pyarrow as pa

    from auditwake.cli import sinks

    if shown is None:
        return sinks.event_lines(sys.stdout.buffer)
    if form == "pretty":
        return sinks.pretty_lines(sys.stdout, utc=args.utc)
    schema = pa.schema([tail.schema.field(name) for name in shown], tail.schema.metadata)
    return (sinks.arrow_stream if form == "arrow" else sinks.row_lines)(schema, sys.stdout.buffer)
