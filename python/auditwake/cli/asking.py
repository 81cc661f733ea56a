"""What the commands that ask a log have in common: what is asked of, and how the answer is shown."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.options import add_threads, names, when, whole
from auditwake.cli.style import escape
from auditwake.cli.table import terminal_width

if TYPE_CHECKING:
    import pyarrow as pa

    from auditwake.questions import Answer, Scope

__all__ = [
    "add_asked",
    "add_by",
    "add_output",
    "add_scope",
    "add_which",
    "answer_of",
    "print_answer",
    "print_notes",
    "scope_of",
]

WIDE = 1000
"""Characters of a line where no terminal sets them."""
LISTS = (
    ("user", "NAMES", "effective users: who was impersonated, or else who was authenticated"),
    ("authenticated", "NAMES", "who was authenticated, whoever they acted as"),
    ("actor", "KINDS", "control-plane, node, cluster-service, user, apiserver, workload or anonymous"),
    ("namespace", "NAMES", "namespaces; '' for the scope of the cluster"),
    ("resource", "NAMES", "resources such as deployments, deployments.apps or pods/exec"),
    ("name", "NAMES", "names of objects"),
    ("verb", "VERBS", "verbs"),
)


def add_asked(parser: argparse.ArgumentParser, *, limit: bool = True) -> None:
    """Add the sources, the scope and the output of a question.

    Args:
        parser: The parser.
        limit: Whether rows can be limited.
    """
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="logs (file, directory, pattern, URL, or - for standard input), or Parquet files that convert wrote",
    )
    add_scope(parser)
    if limit:
        parser.add_argument("-n", "--limit", type=whole, metavar="N", help="most rows; 0 for all")
    add_output(parser)
    add_threads(parser)


def add_scope(parser: argparse.ArgumentParser) -> None:
    """Add what narrows down which events are asked of."""
    add_which(parser, LISTS, ())


def add_which(
    parser: argparse.ArgumentParser, lists: Iterable[tuple[str, str, str]], unasked: Sequence[str] | None
) -> None:
    """Add options for times and for lists of values.

    Args:
        parser: The parser.
        lists: Name, metavar and meaning of each list.
        unasked: What a list is that is not given.
    """
    group = parser.add_argument_group(
        "which events", "Lists have commas between their values; * stands for any characters, a - in front leaves out."
    )
    group.add_argument(
        "--since", type=when, metavar="WHEN", help="received at or after: a time (RFC 3339), or 15m, 2h, 3d"
    )
    group.add_argument("--until", type=when, metavar="WHEN", help="received before")
    for name, metavar, meaning in lists:
        group.add_argument(f"--{name}", type=_values, default=unasked, metavar=metavar, help=meaning)


def add_by(parser: argparse.ArgumentParser, default: str) -> None:
    """Add what a question groups by.

    Args:
        parser: The parser.
        default: What it groups by unless somebody says otherwise, in words.
    """
    parser.add_argument(
        "--by",
        type=names,
        default=(),
        metavar="WORDS",
        help=f"group by these (default: {default}): user, actor, agent, version, verb, resource, what, path, "
        "namespace, scope, code, outcome, address, server, minute, hour, day",
    )


def add_output(parser: argparse.ArgumentParser, extra: Sequence[str] = ()) -> None:
    """Add the form of the rows.

    Args:
        parser: The parser.
        extra: Further forms beside the common ones.
    """
    parser.add_argument(
        "--output",
        choices=("table", "json", "ndjson", "csv", "arrow", *extra),
        help="form (default: table on a terminal, ndjson in a pipe); json has what has to be known with the rows",
    )


def scope_of(args: argparse.Namespace) -> "Scope":
    """Give the scope that the arguments ask for."""
    from auditwake.questions import Scope

    return Scope(since=args.since, until=args.until, **{name: tuple(getattr(args, name)) for name, _, _ in LISTS})


def answer_of(
    name: str,
    args: argparse.Namespace,
    *,
    by: Sequence[str] = (),
    order: str = "",
    **parameters: int | str,
) -> "Answer":
    """Ask a question as the arguments ask for it.

    Args:
        name: The question.
        args: The arguments; `add_asked` has added them.
        by: What it groups by.
        order: What comes first when largest.
        parameters: Values of its other parameters.
    """
    from auditwake.questions import ask

    return ask(
        name,
        args.sources,
        scope=scope_of(args),
        by=tuple(by),
        order=order,
        limit=args.limit,
        threads=args.threads,
        **parameters,
    )


def print_answer(answer: "Answer", args: argparse.Namespace) -> Exit:
    """Print the rows to standard output, and what has to be known with them to standard error.

    Returns:
        `Exit.REJECTED` where lines of the log hold no event, else `Exit.FINE`.
    """
    from auditwake.cli import rows
    from auditwake.cli.harmless import in_json

    form = args.output or ("table" if sys.stdout.isatty() else "ndjson")
    if form == "json":
        print(in_json(_document(answer), indent=1))
    elif form == "table":
        _print_table(answer.table)
    else:
        if form == "arrow" and sys.stdout.isatty():
            message = "arrow is a binary form: send it to a file or a pipe"
            raise UsageError(message)
        rows.WRITERS[form](answer.table.to_batches(), answer.table.schema, sys.stdout.buffer)
    return print_notes(answer, quiet=form == "json")


def print_notes(answer: "Answer", *, quiet: bool = False) -> Exit:
    """Print what has to be known with the rows to standard error.

    Args:
        answer: The answer.
        quiet: Whether the notes are printed elsewhere.

    Returns:
        `Exit.REJECTED` where lines of the log hold no event, else `Exit.FINE`.
    """
    for note in () if quiet else answer.notes:
        print(f"auditwake: {escape(note)}", file=sys.stderr)
    return Exit.REJECTED if answer.coverage.rejected else Exit.FINE


def _print_table(table: "pa.Table") -> None:
    """Print the columns that say something, as many as there is room for, with times to the second."""
    import pyarrow as pa

    from auditwake.cli import rows

    filled = table.select([name for name in table.column_names if table[name].null_count < table.num_rows])
    if not filled.num_columns:
        print("auditwake: there is none", file=sys.stderr)
        return
    seconds = pa.timestamp("s", "UTC")
    fields = [field.with_type(seconds) if pa.types.is_timestamp(field.type) else field for field in filled.schema]
    shown = filled.cast(pa.schema(fields), safe=False)
    rows.write_table(shown.to_batches(), sys.stdout, terminal_width(sys.stdout) or WIDE, drop=True)


def _document(answer: "Answer") -> dict[str, object]:
    from auditwake.cli import rows

    return {
        "question": answer.question,
        "title": answer.title,
        "answerable": answer.answerable,
        "notes": list(answer.notes),
        "coverage": answer.coverage.as_json(),
        "rows": [record for batch in answer.table.to_batches() for record in rows.records(batch)],
    }


def _values(text: str) -> list[str]:
    """Split a list; an empty text is the empty value, such as the scope of the cluster."""
    return names(text) or [""]
