"""`auditwake sql`: a question of your own."""

import argparse
import sys

from auditwake.cli.asking import add_asked, print_answer, scope_of
from auditwake.cli.exits import Exit, UsageError

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "a question of your own, in SQL over the views events and requests"
DESCRIPTION = (
    "Ask in DuckDB's SQL. The view `requests` has one row a request, `events` has all events; both have the columns of "
    "`auditwake schema`, and `requests` has `state`: ended, open or refused. A file of SQL is given as @FILE."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("query", metavar="SQL", help="the query, or @FILE, or @- for standard input")
    add_asked(parser, limit=False)


def run(args: argparse.Namespace) -> Exit:
    """Ask and print."""
    from auditwake.questions import sql

    return print_answer(sql(_text(args.query), args.sources, scope=scope_of(args), threads=args.threads), args)


def _text(query: str) -> str:
    if not query.startswith("@"):
        return query
    if query == "@-":
        return sys.stdin.read()
    try:
        with open(query[1:], encoding="utf-8") as file:  # noqa: PTH123
            return file.read()
    except UnicodeDecodeError as error:
        message = f"{query[1:]} is no text: {error}"
        raise UsageError(message) from error
