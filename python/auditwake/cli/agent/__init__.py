"""`auditwake agent`: collect audit logs and ship them. One small file a subcommand."""

import argparse

from auditwake.cli.agent import configcheck, import_registry, status, stream_logs
from auditwake.cli.agent import run as run_command
from auditwake.cli.commands import Command, add_commands
from auditwake.cli.exits import Exit

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "collect audit logs and ship them, as Datadog's Agent is configured"
DESCRIPTION = "Follow audit logs and ship every event; an offset moves only when the receiver has acknowledged it."

COMMANDS: tuple[Command, ...] = (run_command, status, configcheck, stream_logs, import_registry)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    add_commands(parser, COMMANDS, "agent_command")


def run(args: argparse.Namespace) -> Exit:
    """Run the subcommand."""
    command: Command = args.agent_command
    return command.run(args)
