"""What the commands have in common that read what was asked of the authorizer."""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from auditwake.cli.asking import add_scope, scope_of
from auditwake.cli.exits import Exit
from auditwake.cli.options import add_threads, positive
from auditwake.cli.style import escape, shorten

if TYPE_CHECKING:
    from auditwake.rbac import Grounded, Observed

__all__ = ["add_names", "add_observed", "add_rbac", "comments", "observed_of", "print_notes"]

MOST_NAMES = 64
LONGEST_ID = 48


def add_observed(parser: argparse.ArgumentParser) -> None:
    """Add the sources, the scope and the names that are kept."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="logs (file, directory, pattern, URL, or - for standard input), or Parquet files that convert wrote",
    )
    add_scope(parser)
    add_names(parser)
    parser.add_argument("--output", choices=("yaml", "json"), default="yaml", help="form (default: yaml)")
    add_threads(parser)


def add_names(parser: argparse.ArgumentParser) -> None:
    """Add how many names of one question are kept."""
    parser.add_argument(
        "--most-names",
        type=positive,
        default=MOST_NAMES,
        metavar="N",
        help="names that are kept of each verb on each resource; above, they are given up (default: %(default)s)",
    )


def add_rbac(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the roles and bindings of the cluster."""
    parser.add_argument(
        "--rbac",
        required=required,
        metavar="DUMP",
        help="what `kubectl get clusterroles,roles,clusterrolebindings,rolebindings -A -o yaml` wrote, or a directory",
    )


def observed_of(args: argparse.Namespace) -> "Observed":
    """Read what the arguments ask for. Whose it is is looked for in both users of an event, not by the scope."""
    from auditwake.rbac import observe

    scope = replace(scope_of(args), user=())
    return observe(args.sources, scope=scope, users=tuple(args.user), most_names=args.most_names, threads=args.threads)


def print_notes(observed: "Observed", notes: Iterable[str] = ()) -> Exit:
    """Print what has to be known to standard error.

    Returns:
        `Exit.REJECTED` where lines of the log hold no event, else `Exit.FINE`.
    """
    for note in (*observed.notes, *notes):
        print(f"auditwake: {escape(note)}", file=sys.stderr)
    return Exit.REJECTED if observed.coverage.rejected else Exit.FINE


def comments(rules: Iterable["Grounded"]) -> str:
    """Say in comments what each rule stands on."""
    lines = []
    for number, one in enumerate(rules, 1):
        rule = one.rule
        what = f"{', '.join(rule.verbs)} {', '.join(rule.urls or rule.resources)}"
        times = f", {one.first:%Y-%m-%dT%H:%M:%SZ} to {one.last:%Y-%m-%dT%H:%M:%SZ}" if one.first and one.last else ""
        ids = f", such as {', '.join(map(_id, one.audit_ids))}" if one.audit_ids else ""
        lines.append(f"# {number}. {what}: requests: {one.requests:,}{times}{ids}; {one.why}")
    return "".join(f"{escape(line)}\n" for line in lines)


def _id(audit_id: str) -> str:
    """Show an audit ID; a client may choose any text for it."""
    shown = shorten(audit_id, LONGEST_ID)
    return shown if shown.replace("-", "").isalnum() else json.dumps(shown)
