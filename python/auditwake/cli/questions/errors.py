"""`auditwake errors`: what went wrong, and when."""

import argparse

from auditwake.cli.asking import add_asked, answer_of, print_answer
from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.options import micros

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "what went wrong, and when: throttling, time-outs, server errors, panics"
DESCRIPTION = "List requests that did not succeed, by what became of them. Denials are apart: see `auditwake denied`."

SECOND = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_asked(parser)
    parser.add_argument("--timeline", action="store_true", help="requests and failures by time")
    parser.add_argument("--step", type=micros, metavar="DURATION", help="of --timeline: whole seconds (default: 1m)")


def run(args: argparse.Namespace) -> Exit:
    """Ask and print."""
    if args.step is not None and not args.timeline:
        message = "--step is the width of a step of --timeline: there is none without it"
        raise UsageError(message)
    if args.step is not None and (args.step < SECOND or args.step % SECOND):
        message = "--step takes whole seconds, one or more"
        raise UsageError(message)
    name = "errors_timeline" if args.timeline else "errors"
    seconds = 60 if args.step is None else args.step // SECOND
    return print_answer(answer_of(name, args, seconds=seconds), args)
