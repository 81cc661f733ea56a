"""`auditwake agent run`: the agent, in the foreground."""

import argparse

from auditwake.cli.agent.local import add_config
from auditwake.cli.exits import Exit

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "run the agent in the foreground"
DESCRIPTION = (
    "Read the logs that the configuration names and send their events, until SIGTERM or Ctrl-C: then what was begun is "
    "finished and committed. A second one ends at once. SIGHUP reads the configuration again. Exit code 78 when the "
    "configuration cannot be used, 1 when another agent has the state directory."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_config(parser)


def run(args: argparse.Namespace) -> Exit:
    """Run until a signal."""
    from auditwake.forwarder.config import default_paths
    from auditwake.forwarder.log import setup_logging
    from auditwake.forwarder.service import Forwarder

    forwarder = Forwarder.from_config(args.config or default_paths())
    config = forwarder.agent.config
    setup_logging(config.log_level, config.log_format)
    forwarder.run()
    return Exit.FINE
