"""The agent that runs on this machine: its configuration, and the socket that it answers at."""

import argparse
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditwake.forwarder.config.model import AgentConfig

__all__ = ["add_config", "add_socket", "config_of", "socket_of", "write_any_text"]


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add `--config`."""
    parser.add_argument(
        "-c",
        "--config",
        metavar="PATH",
        action="append",
        help="a file or directory of the configuration, may be repeated (default: AUDITWAKE_CONFIG, "
        "/etc/auditwake/conf.d if it is there, else /conf.d)",
    )


def add_socket(parser: argparse.ArgumentParser) -> None:
    """Add `--socket`."""
    parser.add_argument("--socket", metavar="PATH", help="the agent's socket (default: the one of the configuration)")


def config_of(args: argparse.Namespace) -> "AgentConfig":
    """Load the configuration that the arguments name."""
    from auditwake.forwarder.config import default_paths, load

    return load(args.config or default_paths())


def socket_of(args: argparse.Namespace) -> Path:
    """Give the socket that the arguments name; the configuration is read only if they name none."""
    return Path(args.socket) if args.socket else config_of(args).socket


def write_any_text() -> None:
    """Have standard output show what its encoding lacks as escapes: what a log holds is never an error of ours."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
