"""`auditwake admission`: what admission refused, let through with a warning, or could not check."""

import argparse

from auditwake.cli.asking import add_asked, answer_of, print_answer
from auditwake.cli.exits import Exit

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "what admission refused, let through with a warning, or could not check"
DESCRIPTION = (
    "List what admission webhooks, policies, quota and Pod Security refused, although the authorizer had allowed it; "
    "what they would have refused; and which webhooks did not answer and were ignored."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_asked(parser)


def run(args: argparse.Namespace) -> Exit:
    """Ask and print."""
    return print_answer(answer_of("admission", args), args)
