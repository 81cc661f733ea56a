"""Options that say which events are read, called and meant as the questions have them."""

import argparse
from typing import TYPE_CHECKING

from auditwake.cli.asking import LISTS, add_which
from auditwake.cli.exits import UsageError

if TYPE_CHECKING:
    from auditwake import Where

__all__ = ["add_where", "where_of"]

OWN = (
    ("code", "CODES", "status codes and ranges such as 403,500-599"),
    ("stage", "STAGES", "RequestReceived, ResponseStarted, ResponseComplete or Panic"),
    ("level", "LEVELS", "None, Metadata, Request or RequestResponse"),
)
WANTED = (*(entry for entry in LISTS if entry[0] != "name"), *OWN)


def add_where(parser: argparse.ArgumentParser) -> None:
    """Add what narrows down which events are read."""
    add_which(parser, WANTED, None)


def where_of(args: argparse.Namespace) -> "Where | None":
    """Give what the arguments ask for; None for all events.

    Raises:
        UsageError: Nothing can be what they ask for.
    """
    from auditwake import Where

    asked = {name: getattr(args, name) for name in ("since", "until", *(name for name, _, _ in WANTED))}
    if all(value is None for value in asked.values()):
        return None
    try:
        return Where(**asked)
    except ValueError as error:
        raise UsageError(str(error)) from error
