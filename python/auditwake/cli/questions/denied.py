"""`auditwake denied`: who was denied what."""

import argparse
import sys
from typing import TYPE_CHECKING

from auditwake.cli.asking import add_asked, answer_of, print_answer, print_notes
from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.style import counted, escape

if TYPE_CHECKING:
    from auditwake.questions import Answer

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "who was denied what, and what is missing"
DESCRIPTION = (
    "List what authorizers refused, by who asked for what. Code 403 alone does not mean that: what admission refused, "
    "and who could not be authenticated, is counted apart."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_asked(parser)
    parser.add_argument("--why", action="store_true", help="say in words which permission is missing")
    parser.add_argument("--all", action="store_true", help="list what admission and authentication refused as well")


def run(args: argparse.Namespace) -> Exit:
    """Ask and print."""
    if args.why and args.all:
        message = "--why is about missing permissions, and --all about refusals that no permission mends: use one"
        raise UsageError(message)
    name = "denied_why" if args.why else "denied"
    answer = answer_of(name, args, all=int(args.all))
    in_words = args.why and (args.output == "table" or (args.output is None and sys.stdout.isatty()))
    return _print_why(answer) if in_words else print_answer(answer, args)


def _print_why(answer: "Answer") -> Exit:
    """Print a sentence for each permission that is missing: a table would cut it."""
    for row in answer.table.to_pylist():
        print(escape(f"{row['subject']} {row['missing']} ({counted(row['requests'], 'request')})"))
    return print_notes(answer)
