"""`auditwake demo`: what can be seen in a real log, in a few seconds."""

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import auditwake
from auditwake.cli.exits import Exit
from auditwake.cli.style import Style, human_bytes, human_micros
from auditwake.cli.summary import finish, outcome_table
from auditwake.cli.table import terminal_width, text_table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "read a bundled real log: who acted, who was denied what, what was slow"
DESCRIPTION = "Read the real audit log that comes with the package, answer three questions of it, write it as Parquet."

INDENT = "  "
PARTS = 2  # of a slow request, the largest ones: they hold nearly all of its time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "--out",
        default="auditwake-demo.parquet",
        metavar="FILE",
        help="the Parquet file to write (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> Exit:
    """Read the log, print the answers, write the Parquet file."""
    import pyarrow as pa

    style = Style(sys.stdout)
    reader = auditwake.read(auditwake.demo.LOG)
    log = pa.table(reader)
    _section(style, f"{log.num_rows:,} events of a real kube-apiserver, every byte accounted for")
    _print(outcome_table(reader.outcomes, style))
    _answer(log, style)
    _write(args.out, style)
    return finish(reader.outcomes)


def _answer(log: "pa.Table", style: Style) -> None:
    from auditwake.demo import questions

    _section(style, "Who acted")
    _print_table(questions.who_acted(log), style, right=["requests", "users", "denied"])
    _section(style, "Who was denied what")
    _print_table(questions.denials(log), style, right=["requests"])
    _section(style, "The slowest requests, and where their time went")
    names = ["took", "verb", "path", "user", "code", "of which"]
    rows = [_slow(record, questions.LATENCIES) for record in questions.slowest(log).to_pylist()]
    _print(text_table(names, rows, style, right=["took"], width=_width()))


def _slow(record: dict[str, object], latencies: dict[str, str]) -> list[object]:
    parts = [(micros, part) for name, part in latencies.items() if isinstance(micros := record[name], int)]
    largest = sorted(parts, reverse=True)[:PARTS]
    where = ", ".join(f"{human_micros(micros)} {part}" for micros, part in largest) or "not annotated"
    took = record["duration_us"]
    said = human_micros(took) if isinstance(took, int) else "?"
    return [said, record["verb"], record["path"], record["eff_user"], record["code"], where]


def _write(out: str, style: Style) -> None:
    from auditwake.demo.recipes import recipes

    converted = auditwake.convert(auditwake.demo.LOG, out)
    _section(style, f"{out}: {human_bytes(converted.bytes_written)} of Parquet; try")
    for library, source in recipes(out).items():
        print(style.dim(f"# {library}"))
        print(source)


def _width() -> int | None:
    columns = terminal_width(sys.stdout)
    return columns and columns - len(INDENT)


def _section(style: Style, title: str) -> None:
    print("\n" + style.bold(title))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(INDENT + line)


def _print_table(table: "pa.Table", style: Style, right: list[str]) -> None:
    rows = [["-" if cell in (None, "") else cell for cell in record.values()] for record in table.to_pylist()]
    _print(text_table(table.column_names, rows, style, right=right, width=_width()))
