"""`auditwake policy`: audit policies, with kube-apiserver's own answers. One small file a subcommand."""

import argparse

from auditwake.cli.commands import Command, add_commands
from auditwake.cli.exits import Exit
from auditwake.cli.policy import apply, check, cost, diff, explain

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "check, explain, price and compare audit policies, with kube-apiserver's own answers"
DESCRIPTION = "Audit policies, with the answers that kube-apiserver itself gives."

COMMANDS: tuple[Command, ...] = (check, explain, cost, diff, apply)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    add_commands(parser, COMMANDS, "policy_command")


def run(args: argparse.Namespace) -> Exit:
    """Run the subcommand."""
    command: Command = args.policy_command
    return command.run(args)
