"""`auditwake slow`: which requests are slow, and why."""

import argparse

from auditwake.cli.asking import add_asked, add_by, answer_of, print_answer
from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.options import micros

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "which requests are slow, and where their time goes"
DESCRIPTION = (
    "List how long requests take, most time in all first. Watches and other requests that are meant to be long are "
    "left out."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_asked(parser)
    add_by(parser, "verb, what, scope, agent")
    parser.add_argument(
        "--min", type=micros, metavar="DURATION", help="only requests that took so long or longer: 500ms, 1s"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--explain", action="store_true", help="which share of the time went where, from the annotations")
    how.add_argument("--requests", action="store_true", help="the slowest requests one by one")
    how.add_argument("--long-running", action="store_true", help="watches and the like, in place of the others")


def run(args: argparse.Namespace) -> Exit:
    """Ask and print."""
    if args.requests and args.by:
        message = "--requests lists requests one by one: it groups by nothing"
        raise UsageError(message)
    if args.explain and args.min is not None:
        message = "--explain is about the requests that the server annotated, which took more than 500 ms: no --min"
        raise UsageError(message)
    name = "slow_explain" if args.explain else "slow_requests" if args.requests else "slow"
    long_running = int(args.long_running)
    return print_answer(answer_of(name, args, by=args.by, min_us=args.min or 0, long_running=long_running), args)
