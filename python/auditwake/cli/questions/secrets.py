"""`auditwake secrets`: who got at secrets, tokens and certificates."""

import argparse

from auditwake.cli.asking import add_asked, answer_of, print_answer
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
    return print_answer(answer_of("secrets", args), args)
