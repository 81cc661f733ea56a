"""`auditwake top`: who loads the server."""

import argparse

from auditwake.cli.asking import add_asked, print_answer, scope_of
from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.options import names

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "who loads the server: requests, time, bytes, lists, requests at a time"
DESCRIPTION = "List who loads the server, by whoever asks."

SUMS = {"requests": "requests", "busy": "busy_ms", "bytes": "bytes", "failed": "failed"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_asked(parser)
    parser.add_argument(
        "--by",
        type=names,
        default=(),
        metavar="WORDS",
        help="group by these (default: user, agent): user, actor, agent, version, verb, resource, what, path, "
        "namespace, scope, code, outcome, address, server, minute, hour, day",
    )
    parser.add_argument("--sum", choices=SUMS, help="what comes first when largest (default: requests)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--lists", action="store_true", help="lists: from etcd, without pages, over all namespaces")
    how.add_argument("--at-work", action="store_true", help="how many requests were at work at a time, by minute")


def run(args: argparse.Namespace) -> Exit:
    """Ask and print."""
    from auditwake.questions import ask

    if (args.lists or args.at_work) and (args.by or args.sum):
        message = "--by and --sum are of neither --lists nor --at-work"
        raise UsageError(message)
    name = "top_lists" if args.lists else "top_busy" if args.at_work else "top"
    answer = ask(
        name,
        args.sources,
        scope=scope_of(args),
        by=tuple(args.by),
        order=SUMS[args.sum] if args.sum else "",
        limit=args.limit,
        threads=args.threads,
    )
    return print_answer(answer, args)
