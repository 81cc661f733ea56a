"""`auditwake cat`: events as a table, as themselves, or as rows."""

import argparse
import shutil
import sys
from itertools import islice

import auditwake
from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.options import add_columns, add_sources, add_threads, positive
from auditwake.cli.summary import finish
from auditwake.cli.wanted import add_where, where_of

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "print events: a table on a terminal, NDJSON in a pipe"
DESCRIPTION = (
    "Print events. ndjson without --columns gives the events themselves, as they stood in the log "
    "(on a terminal, controls are escapes); "
    "json, csv, arrow and ndjson with --columns give rows."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_sources(parser)
    parser.add_argument(
        "--output",
        choices=("table", "json", "ndjson", "csv", "arrow"),
        help="form (default: table on a terminal, ndjson in a pipe)",
    )
    add_columns(parser)
    add_where(parser)
    parser.add_argument("-n", "--limit", type=positive, metavar="N", help="stop after so many events")
    add_threads(parser)


def run(args: argparse.Namespace) -> Exit:
    """Print the events in the form that was asked for."""
    form = args.output or ("table" if sys.stdout.isatty() else "ndjson")
    if form == "ndjson" and args.columns is None and args.bodies:
        return _print_events(args)
    return _print_rows(args, form)


def _print_events(args: argparse.Namespace) -> Exit:
    reader = auditwake.read(args.sources, threads=args.threads, where=where_of(args))
    out = sys.stdout.buffer
    escaped = sys.stdout.isatty()
    for line in islice(auditwake.lines(reader), args.limit):
        out.write((_for_terminal(line) if escaped else line) + b"\n")
    return finish(reader.outcomes)


def _for_terminal(line: bytes) -> bytes:
    from auditwake.cli.harmless import for_terminal

    return for_terminal(line)


def _print_rows(args: argparse.Namespace, form: str) -> Exit:
    from auditwake.cli import rows

    if form == "arrow" and sys.stdout.isatty():
        message = "arrow is a binary form: send it to a file or a pipe"
        raise UsageError(message)
    fitted = form == "table" and args.columns is None
    columns = list(rows.GLANCE) if fitted else args.columns
    reader = auditwake.read(
        args.sources, columns=columns, bodies=args.bodies, threads=args.threads, where=where_of(args)
    )
    schema = rows.in_order(reader.schema, columns)
    batches = rows.limited((batch.select(schema.names) for batch in reader), args.limit)
    if form == "table":
        rows.write_table(batches, sys.stdout, shutil.get_terminal_size().columns, drop=fitted)
    else:
        rows.WRITERS[form](batches, schema, sys.stdout.buffer)
    return finish(reader.outcomes)
