"""`auditwake top`: who loads the server."""

import argparse

from auditwake.cli.asking import add_asked, add_by, answer_of, print_answer
from auditwake.cli.exits import Exit, UsageError

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "who loads the server: requests, time, bytes, lists, requests at a time"
DESCRIPTION = "List who loads the server, by whoever asks."

SUMS = {"requests": "requests", "busy": "busy_ms", "bytes": "bytes", "failed": "failed"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_asked(parser)
    add_by(parser, "user, agent")
    parser.add_argument("--sum", choices=SUMS, help="what comes first when largest (default: requests)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--lists", action="store_true", help="lists: from etcd, without pages, over all namespaces")
    how.add_argument("--at-work", action="store_true", help="how many requests were at work at a time, by minute")


def run(args: argparse.Namespace) -> Exit:
    """Ask and print."""
    if (args.lists or args.at_work) and (args.by or args.sum):
        message = "--by and --sum are of neither --lists nor --at-work"
        raise UsageError(message)
    name = "top_lists" if args.lists else "top_busy" if args.at_work else "top"
    order = SUMS[args.sum] if args.sum else ""
    return print_answer(answer_of(name, args, by=args.by, order=order), args)
