"""`auditwake rbac fix`: what would have allowed what was denied."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.options import only_one_stdin
from auditwake.cli.rbac.observing import add_observed, add_rbac, comments, observed_of, print_notes
from auditwake.cli.style import escape

if TYPE_CHECKING:
    from auditwake.rbac import Change, Fix

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "write the rules that would have allowed what was denied"
DESCRIPTION = (
    "Write the rules that would have allowed what somebody was denied, and nothing beside it. With the roles and "
    "bindings of the cluster, a role that nobody else has is patched, one that grants just this is bound, and what is "
    "allowed by now is left out; a role that others have is never widened. Each rule says how many requests and which "
    "audit IDs stand behind it."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_observed(parser)
    add_rbac(parser, required=False)


def run(args: argparse.Namespace) -> Exit:
    """Read the log and print the manifests."""
    from auditwake.rbac import fix, load_rbac

    if not args.user:
        message = "say whose denials are to be mended: --user NAME"
        raise UsageError(message)
    only_one_stdin(*args.sources, args.rbac or "")
    cluster = load_rbac(args.rbac) if args.rbac else None
    observed = observed_of(args)
    fixes = fix(observed, cluster)
    if args.output == "json":
        document = {
            "answerable": observed.answerable,
            "notes": list(observed.notes),
            "coverage": observed.coverage.as_json(),
            "fixes": [one.as_json() for one in fixes],
        }
        print(json.dumps(document, indent=1, default=str))
        return print_notes(observed)
    sys.stdout.write("---\n".join(_text(change) for one in fixes for change in one.changes))
    return print_notes(observed, _notes(fixes))


def _text(change: "Change") -> str:
    from auditwake.rbac import to_yaml

    first = escape(f"# {change.patched}, with these rules added:") + "\n" if change.patched else ""
    if change.bound:
        first = escape(f"# {change.bound} grants just this, so it is bound:") + "\n"
    return first + comments(change.added.rules) + to_yaml(change.manifests)


def _notes(fixes: "tuple[Fix, ...]") -> Iterator[str]:
    if not fixes:
        yield "nothing was denied by the authorizer: there is nothing to mend"
    for one in fixes:
        yield from (f"{one.subject}: {note}" for note in one.notes)
