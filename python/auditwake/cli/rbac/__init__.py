"""`auditwake rbac`: roles from use, what is missing, what is unused, which bindings count. One small file a command."""

import argparse

from auditwake.cli.commands import Command, add_commands
from auditwake.cli.exits import Exit
from auditwake.cli.rbac import fix, generate, unused, usage

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "roles from what was used, what is missing, what is not used, and which bindings allowed something"
DESCRIPTION = "RBAC from the audit log: exact by default, and never from what was denied unless that is asked for."

COMMANDS: tuple[Command, ...] = (generate, fix, unused, usage)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    add_commands(parser, COMMANDS, "rbac_command")


def run(args: argparse.Namespace) -> Exit:
    """Run the subcommand."""
    command: Command = args.rbac_command
    return command.run(args)
