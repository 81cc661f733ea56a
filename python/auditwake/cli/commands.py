"""What makes a module a command, and how commands are put under a parser."""

import argparse
from collections.abc import Iterable
from typing import Protocol

from auditwake.cli.exits import Exit

__all__ = ["EXIT_CODES", "Command", "add_commands"]

EXIT_CODES = (
    "exit codes: 0 fine, 1 failure, 2 usage, 3 finished but lines were rejected or something was found, "
    "78 a policy that the server would refuse or a configuration that is wrong, 130 interrupted"
)


class Command(Protocol):
    """A module that is a command; it is called like the command."""

    __name__: str
    HELP: str
    DESCRIPTION: str

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None:
        """Add the arguments of this command."""

    def run(self, args: argparse.Namespace, /) -> Exit:
        """Run it."""


def add_commands(parser: argparse.ArgumentParser, modules: Iterable[Command], dest: str) -> None:
    """Add commands to a parser, one of which has to be given.

    Args:
        parser: The parser.
        modules: The commands.
        dest: Where the arguments have the module that was chosen.
    """
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in modules:
        name = module.__name__.rpartition(".")[2].replace("_", "-")
        one = commands.add_parser(name, help=module.HELP, description=module.DESCRIPTION, epilog=EXIT_CODES)
        module.add_arguments(one)
        one.set_defaults(**{dest: module})
