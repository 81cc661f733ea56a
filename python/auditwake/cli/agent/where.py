"""Where the configuration of the agent is, if nobody says so."""

import argparse
import os
from pathlib import Path

__all__ = ["add_config", "config_paths"]

PLACES = (Path("/etc/auditwake/conf.d"), Path("/conf.d"))


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the option for it."""
    parser.add_argument(
        "-c",
        "--config",
        action="append",
        type=Path,
        metavar="PATH",
        help="conf.d, a file, or several by saying it again (default: $AUDITWAKE_CONFIG, else "
        f"{PLACES[0]} if it is there, else {PLACES[1]})",
    )


def config_paths(args: argparse.Namespace) -> list[Path]:
    """Give the paths that are meant.

    Example:
        >>> config_paths(argparse.Namespace(config=[Path("conf.d")]))[0].name
        'conf.d'
    """
    given = os.environ.get("AUDITWAKE_CONFIG", "")
    if args.config:
        return list(args.config)
    if given:
        return [Path(given)]
    return [PLACES[0] if PLACES[0].exists() else PLACES[1]]
