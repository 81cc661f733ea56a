"""`auditwake agent status`: how the agent that runs here stands."""

import argparse
import json

from auditwake.cli.agent.local import add_config, add_socket, socket_of, write_any_text
from auditwake.cli.exits import Exit

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "show how the running agent stands: offsets, lag, what was sent, what is wrong"
DESCRIPTION = (
    "Shows how the running agent stands: Datadog's Logs section, then of each log its offset, its lag, the time that "
    "is left until something is lost, and of each sink its state."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_config(parser)
    add_socket(parser)
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> Exit:
    """Ask, and print the answer."""
    from auditwake.forwarder.status import ask_status, status_text

    write_any_text()
    snapshot = ask_status(socket_of(args))
    if args.json:
        print(json.dumps(snapshot.to_dict(), indent=2))
    else:
        print(status_text(snapshot), end="")
    return Exit.FINE
