"""`auditwake policy apply`: a log as it would have been under a policy."""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING

from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.options import add_kube_version, add_policy, add_sources, add_threads
from auditwake.cli.progress import progress_line
from auditwake.cli.style import Style, counted, escape, human_bytes
from auditwake.cli.summary import finish, outcomes_as_json
from auditwake.cli.table import text_table

if TYPE_CHECKING:
    from auditwake.policy import Applied

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "write what a log would have been under a policy"
DESCRIPTION = (
    "Write what a log would have been under a policy: events and stages that it does not keep are left out, bodies and "
    "managed fields go where kube-apiserver would not have written them, all else stays byte for byte. What was never "
    "recorded cannot come back: the level of an event is the lower one of its own and the policy's."
)

LIMITS = "what was not recorded is not brought back: an event has the lower one of its own level and the policy's"
MOST_PLACES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_policy(parser)
    add_sources(parser)
    parser.add_argument(
        "-o",
        "--out",
        required=True,
        metavar="OUT",
        help="the file to write, whole or not at all; NAME.gz or NAME.zst is compressed, - is standard output",
    )
    add_kube_version(parser)
    add_threads(parser)
    parser.add_argument("--output", choices=("table", "json"), default="table", help="how to say what was written")
    parser.add_argument("--no-progress", dest="progress", action="store_false", help="no progress line")
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors")


def run(args: argparse.Namespace) -> Exit:
    """Apply, with a progress line on a terminal and a summary at the end."""
    from auditwake.policy import Policy

    if args.out == "-" and args.output == "json":
        message = "standard output has the events: name a file with -o, or leave out --output json"
        raise UsageError(message)
    if args.policy == "-" and "-" in args.sources:
        message = "standard input is the policy or a log, and not both: name a file for one of them"
        raise UsageError(message)
    policy = Policy.load(args.policy, kube_version=args.kube_version)
    line = progress_line(wanted=args.progress and not args.quiet)
    with closing(line) if line else nullcontext():
        applied = policy.apply(args.sources, args.out, threads=args.threads, progress=line)
    if args.output == "json":
        print(json.dumps(_as_json(applied)))
    elif not args.quiet:
        for said in _summary(applied):
            print(said, file=sys.stderr)
    code = finish(applied.outcomes, quiet=args.quiet)
    if applied.unreduced:
        print(
            f"auditwake: {counted(applied.unreduced, 'event')} not written: no valid JSON, so that nobody can say "
            "where their bodies end",
            file=sys.stderr,
        )
        code = Exit.REJECTED
    if code == Exit.REJECTED and applied.rejects_file is None:
        _print_places(applied)
    return code


def _summary(applied: "Applied") -> Iterator[str]:
    """Say on standard error what was written; standard output is for data."""
    rows = [
        ["written", f"{applied.written:,}"],
        ["dropped: level None", f"{applied.dropped_by_level:,}"],
        ["dropped: stage omitted", f"{applied.dropped_by_stage:,}"],
        ["not written: no valid JSON", f"{applied.unreduced:,}"],
        ["all events read", f"{applied.events:,}"],
    ]
    yield from text_table(["what became of them", "events"], rows, Style(sys.stderr), right=["events"])
    yield (
        f"\n{counted(applied.written, 'event')}, {human_bytes(applied.bytes_written)} from "
        f"{human_bytes(applied.event_bytes)} of events; bodies left out: {applied.bodies:,}: {escape(applied.out)}"
    )
    yield LIMITS
    if applied.rejects_file:
        yield f"rejected lines, as they stood in the log: {escape(applied.rejects_file)}"


def _print_places(applied: "Applied") -> None:
    """Say where the rejected lines are: there is no file for them beside a stream."""
    total = applied.outcomes.rejected.lines + applied.unreduced
    for line in applied.rejected[:MOST_PLACES]:
        place = f"{line.file or 'standard input'}: byte {line.offset}, {counted(line.length, 'byte')}"
        print(f"auditwake: {escape(f'{place}: {line.reason}: {line.detail}')}", file=sys.stderr)
    if total > MOST_PLACES:
        print(f"auditwake: and {total - MOST_PLACES:,} more: name a file with -o to have them all", file=sys.stderr)


def _as_json(applied: "Applied") -> dict[str, object]:
    return {
        "out": applied.out,
        "events": applied.events,
        "event_bytes": applied.event_bytes,
        "written": applied.written,
        "bytes_written": applied.bytes_written,
        "bodies": applied.bodies,
        "dropped_by_level": applied.dropped_by_level,
        "dropped_by_stage": applied.dropped_by_stage,
        "unreduced": applied.unreduced,
        "bytes_read": applied.outcomes.bytes,
        "outcomes": outcomes_as_json(applied.outcomes),
        "rejects_file": applied.rejects_file,
        "limits": LIMITS,
    }
