"""`auditwake deprecated`: who calls APIs that go away."""

import argparse

from auditwake.cli.asking import add_asked, answer_of, print_answer
from auditwake.cli.exits import Exit
from auditwake.cli.options import release

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "who calls deprecated APIs, and in which release they go"
DESCRIPTION = "List calls of deprecated APIs by who makes them, with the release that removes each."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_asked(parser)
    parser.add_argument("--target", type=release, metavar="RELEASE", help="only what this release no longer has: 1.36")


def run(args: argparse.Namespace) -> Exit:
    """Ask and print."""
    return print_answer(answer_of("deprecated", args, target=args.target or ""), args)
