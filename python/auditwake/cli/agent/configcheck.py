"""`auditwake agent configcheck`: what the configuration says, and what is wrong with it."""

import argparse
import json

from auditwake.cli.agent.local import add_config
from auditwake.cli.exits import Exit
from auditwake.errors import ConfigError

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "show the configuration as it is understood, and everything that is wrong with it"
DESCRIPTION = (
    "Read the configuration and show what is collected and where it goes, secrets masked. Exit code 78 when it "
    "cannot be used; with --strict, 3 when there are warnings."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of a conf.yaml, for editors")
    parser.add_argument("--strict", action="store_true", help="exit code 3 when there are warnings")


def run(args: argparse.Namespace) -> Exit:
    """Check the configuration."""
    from auditwake.forwarder.config import default_paths, load
    from auditwake.forwarder.config.configcheck import configcheck, report
    from auditwake.forwarder.config.schema import schema

    if args.schema:
        print(json.dumps(schema(), indent=2))
        return Exit.FINE
    try:
        config = load(args.config or default_paths())
    except ConfigError as error:
        print(json.dumps(report(error)) if args.json else configcheck(error))
        return Exit.CONFIG
    print(json.dumps(report(config)) if args.json else configcheck(config))
    return Exit.FOUND if args.strict and config.warnings else Exit.FINE
