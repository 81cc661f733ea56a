"""`auditwake agent run`: the agent, in the foreground."""

import argparse
import sys

from auditwake.cli.agent.where import add_config, config_paths
from auditwake.cli.exits import Exit
from auditwake.cli.style import escape

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
    from auditwake.errors import ConfigError
    from auditwake.forwarder.log import setup_logging
    from auditwake.forwarder.service import Forwarder

    try:
        forwarder = Forwarder.from_config(config_paths(args))
    except ConfigError as error:
        print("auditwake: " + "\n".join(map(escape, str(error).splitlines())), file=sys.stderr)
        return Exit.CONFIG
    config = forwarder.agent.config
    setup_logging(config.log_level, config.log_format)
    forwarder.run()
    return Exit.FINE
