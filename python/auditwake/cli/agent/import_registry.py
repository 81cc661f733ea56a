"""`auditwake agent import-registry`: go on where a Datadog Agent stopped."""

import argparse
import sys

from auditwake.cli.agent.local import add_config, config_of
from auditwake.cli.exits import Exit
from auditwake.cli.style import escape

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "take over the offsets of a Datadog Agent's registry.json, once"
DESCRIPTION = (
    "Takes over the offsets of a Datadog Agent, so that shipping goes on where it stopped. Stop the Agent first, and "
    "do it before the first start of auditwake: what has a state already keeps it. Where it cannot be known which file "
    "an offset is of, the earliest counts: events may be sent twice, and none is lost. Exit code 1 says that an offset "
    "of a configured log was not taken over."
)

FAILED = frozenset({"refused", "absent", "empty", "no-sink"})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("registry", metavar="REGISTRY", help="registry.json in the Agent's run_path")
    add_config(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")


def run(args: argparse.Namespace) -> Exit:
    """Take them over, and say what became of each."""
    from auditwake.forwarder.registry import take_over

    done = take_over(config_of(args), args.registry, dry_run=args.dry_run)
    for one in done:
        to = f" to {one.sink}" if one.sink else ""
        print(escape(f"{one.outcome}: {one.path}{to}: {one.message}"))
    if not done:
        print("the registry has no offset of a file", file=sys.stderr)
    return Exit.FAILURE if any(one.outcome in FAILED for one in done) else Exit.FINE
