"""`auditwake secrets`: who got at secrets, tokens and certificates."""

import argparse

from auditwake.cli.asking import add_asked, print_answer, scope_of
from auditwake.cli.exits import Exit

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "who got at secrets, tokens and certificates"
DESCRIPTION = (
    "List who read or changed secrets, had tokens made, or asked for certificates; people and workloads first."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_asked(parser)


def run(args: argparse.Namespace) -> Exit:
    """Ask and print."""
    from auditwake.questions import ask

    return print_answer(
        ask("secrets", args.sources, scope=scope_of(args), limit=args.limit, threads=args.threads), args
    )
