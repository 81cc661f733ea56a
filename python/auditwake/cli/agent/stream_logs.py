"""`auditwake agent stream-logs`: the events that the agent that runs here sends."""

import argparse
import sys

from auditwake.cli.agent.local import add_config, add_socket, socket_of, write_any_text
from auditwake.cli.exits import Exit
from auditwake.cli.style import counted, escape

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "show the events that the running agent sends"
DESCRIPTION = (
    "Shows the events that the running agent sends, until Ctrl-C. It never slows the agent: where it is too slow "
    "itself, events are left out, and it says how many."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_config(parser)
    add_socket(parser)
    parser.add_argument("--name", help="only events of the integration of this name")
    parser.add_argument("--type", help="only events of entries of this type: file or webhook")
    parser.add_argument("--source", help="only events with this source")
    parser.add_argument("--service", help="only events with this service")


def run(args: argparse.Namespace) -> Exit:
    """Print what comes."""
    from auditwake.forwarder.status import Filters, Unheard, follow

    write_any_text()
    filters = Filters(name=args.name, type=args.type, source=args.source, service=args.service)
    for line in follow(socket_of(args), filters):
        if isinstance(line, str):
            print(line, flush=True)
        elif isinstance(line, Unheard):
            sinks = escape(", ".join(line.sinks))
            print(f"auditwake: events for {sinks} are not shown: they go there as rows", file=sys.stderr)
        else:
            print(f"auditwake: {counted(line.events, 'event')} left out here: too slow", file=sys.stderr)
    print("auditwake: the agent has stopped", file=sys.stderr)
    return Exit.FINE
