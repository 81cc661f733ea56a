"""`auditwake convert`: audit logs to Parquet."""

import argparse
import json
import sys
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING

import auditwake
from auditwake.cli.exits import Exit
from auditwake.cli.options import add_columns, add_sources, add_threads, names, positive
from auditwake.cli.progress import progress_line
from auditwake.cli.style import Style, counted, human_bytes
from auditwake.cli.summary import finish, outcome_table, outcomes_as_json
from auditwake.cli.wanted import add_where, where_of

if TYPE_CHECKING:
    from auditwake import Converted

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "convert audit logs to Parquet"
DESCRIPTION = (
    "Convert audit logs to one Parquet file (OUT ends in .parquet) or to a directory partitioned by date. "
    "The output appears whole or not at all; running it again adds nothing twice."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_sources(parser)
    parser.add_argument("out", metavar="OUT", help="a file NAME.parquet, or a directory")
    add_columns(parser)
    add_where(parser)
    parser.add_argument(
        "--partition-by",
        type=names,
        metavar="NAMES",
        help="columns that name the folders of a directory (default: date; an empty one writes one file)",
    )
    parser.add_argument("--compression", choices=("zstd", "snappy", "lz4", "none"), default="zstd", help="of the pages")
    parser.add_argument("--compression-level", type=positive, metavar="N", help="of zstd, 1 to 22")
    add_threads(parser)
    parser.add_argument("--on-error", choices=("collect", "raise"), default="collect", help="what a rejected line does")
    parser.add_argument("--output", choices=("table", "json"), default="table", help="how to say what was written")
    parser.add_argument("--no-progress", dest="progress", action="store_false", help="no progress line")
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors")


def run(args: argparse.Namespace) -> Exit:
    """Convert, with a progress line on a terminal and a summary at the end."""
    line = progress_line(wanted=args.progress and not args.quiet)
    with closing(line) if line else nullcontext():
        converted = auditwake.convert(
            args.sources,
            args.out,
            columns=args.columns,
            bodies=args.bodies,
            partition_by=args.partition_by,
            compression=args.compression,
            compression_level=args.compression_level,
            threads=args.threads,
            on_error=args.on_error,
            where=where_of(args),
            progress=line,
        )
    if args.output == "json":
        print(json.dumps(_as_json(converted)))
    elif not args.quiet:
        _summarize(converted)
    return finish(converted.outcomes, quiet=args.quiet)


def _summarize(converted: "Converted") -> None:
    """Say on standard error what was written; standard output is for data."""
    seen = converted.outcomes
    for line in outcome_table(seen, Style(sys.stderr)):
        print(line, file=sys.stderr)
    print(
        f"\n{counted(converted.rows, 'row')} in {counted(len(converted.files), 'file')}, "
        f"{human_bytes(converted.bytes_written)} from {human_bytes(seen.bytes)} of log: {converted.out}",
        file=sys.stderr,
    )
    if seen.filtered:
        print(f"{counted(seen.filtered, 'event')} left out: not asked for", file=sys.stderr)
    if converted.skipped_inputs:
        print(
            f"{counted(len(converted.skipped_inputs), 'input')} left out: converted before and unchanged",
            file=sys.stderr,
        )
    if converted.rejects_file:
        print(f"rejected lines: {converted.rejects_file}", file=sys.stderr)


def _as_json(converted: "Converted") -> dict[str, object]:
    seen = converted.outcomes
    return {
        "out": converted.out,
        "files": converted.files,
        "rows": converted.rows,
        "filtered": seen.filtered,
        "bytes_read": seen.bytes,
        "bytes_written": converted.bytes_written,
        "outcomes": outcomes_as_json(seen),
        "rejects_file": converted.rejects_file,
        "skipped_inputs": converted.skipped_inputs,
    }
