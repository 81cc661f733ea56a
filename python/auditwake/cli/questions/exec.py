"""`auditwake exec`: sessions in containers: exec, attach, port-forward, ephemeral containers."""

import argparse

from auditwake.cli.asking import add_asked, answer_of, print_answer
from auditwake.cli.exits import Exit

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "sessions in containers: exec, attach, port-forward, ephemeral containers"
DESCRIPTION = (
    "List who was inside containers, session by session. What was typed stands in no audit log; the command with which "
    "an exec began does."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_asked(parser)


def run(args: argparse.Namespace) -> Exit:
    """Ask and print."""
    return print_answer(answer_of("exec", args), args)
