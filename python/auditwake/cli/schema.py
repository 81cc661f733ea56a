"""`auditwake schema`: the table of columns."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import auditwake
from auditwake.cli.exits import Exit
from auditwake.cli.options import names
from auditwake.cli.style import Style
from auditwake.cli.table import terminal_width, text_table
from auditwake.errors import ColumnError

if TYPE_CHECKING:
    from auditwake import Column

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "print the table of columns"
DESCRIPTION = "Print the columns: name, Arrow type, source in the event, meaning, groups."

HEADINGS = ("name", "type", "source", "meaning", "groups")

PREAMBLE = """\
# Columns

What `auditwake.read` and `auditwake convert` give, in this order. This page is written by `make docs` from the one
table in the core. A selection takes names and groups: `core` (for wide scans), `derived`, `bodies`, `all`.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--columns", type=names, metavar="NAMES", help="only these columns and groups")
    parser.add_argument(
        "--output", choices=("table", "json", "markdown"), default="table", help="form (default: table)"
    )


def run(args: argparse.Namespace) -> Exit:
    """Print the columns in the form that was asked for."""
    chosen = _chosen(args.columns)
    {"table": _print_table, "json": _print_json, "markdown": _print_markdown}[args.output](chosen)
    return Exit.FINE


def _chosen(selection: list[str] | None) -> list["Column"]:
    every = auditwake.columns()
    if selection is None:
        return every
    known = {name for column in every for name in (column.name, *column.groups)}
    unknown = [name for name in selection if name not in known]
    if unknown:
        message = f"there is no column or group {unknown[0]!r}; `auditwake schema` lists them"
        raise ColumnError(message)
    return [column for column in every if not {column.name, *column.groups}.isdisjoint(selection)]


def _cells(column: "Column") -> list[str]:
    return [column.name, column.type, column.source, column.meaning, ", ".join(column.groups)]


def _print_table(columns: Sequence["Column"]) -> None:
    rows = [_cells(column) for column in columns]
    for line in text_table(HEADINGS, rows, Style(sys.stdout), width=terminal_width(sys.stdout)):
        print(line)


def _print_json(columns: Sequence["Column"]) -> None:
    keys = ("name", "type", "source", "meaning", "groups")
    print(json.dumps([{key: getattr(column, key) for key in keys} for column in columns]))


def _print_markdown(columns: Sequence["Column"]) -> None:
    print(PREAMBLE)
    print("| column | type | source | meaning | groups |\n| --- | --- | --- | --- | --- |")
    for column in columns:
        name, *others = (cell.replace("|", "\\|") for cell in _cells(column))
        print("| " + " | ".join([f"`{name}`", *others]) + " |")
