"""`auditwake who`: who acted."""

import argparse

from auditwake.cli.asking import add_asked, answer_of, print_answer
from auditwake.cli.exits import Exit

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "who acted: users, service accounts, who was anonymous, who acted as somebody else"
DESCRIPTION = "List who acted, and what became of their requests; people and workloads first."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_asked(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--anonymous", action="store_true", help="what was asked without logging in, and what came of it")
    how.add_argument("--impersonated", action="store_true", help="who acted as whom, and what they did")


def run(args: argparse.Namespace) -> Exit:
    """Ask and print."""
    name = "who_anonymous" if args.anonymous else "who_impersonated" if args.impersonated else "who"
    return print_answer(answer_of(name, args), args)
