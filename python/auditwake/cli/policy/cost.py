"""`auditwake policy cost`: what a policy makes of a log, in events and bytes."""

import argparse
import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from auditwake.cli.exits import Exit
from auditwake.cli.options import add_kube_version, add_policy, only_one_stdin, whole
from auditwake.cli.style import Style, human_bytes
from auditwake.cli.summary import finish
from auditwake.cli.table import terminal_width, text_table

if TYPE_CHECKING:
    from auditwake.policy import Cost, Part, RuleCost

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "say what a policy costs: events and bytes of a log, by rule"
DESCRIPTION = (
    "Say for each rule what a log has under it, as recorded and under this policy: events, stages, bytes on the wire, "
    "bytes a day, users and resources. Exact, from the sizes that were recorded; what the log does not hold cannot be "
    "priced, and is said. Parquet that `auditwake convert` wrote does as well."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_policy(parser)
    parser.add_argument("logs", nargs="+", metavar="LOG", help="logs as for `auditwake cat`, or Parquet files")
    add_kube_version(parser)
    parser.add_argument("--output", choices=("table", "json"), default="table", help="form (default: table)")
    parser.add_argument(
        "--top", type=whole, default=3, metavar="N", help="users and resources of each rule (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> Exit:
    """Read the log once and print what it costs."""
    from auditwake.policy import Keys, Policy
    from auditwake.policy.plain import plain

    only_one_stdin(args.policy, *args.logs)
    policy = Policy.load(args.policy, kube_version=args.kube_version)
    keys = Keys(args.logs)
    cost = policy.cost(keys, top=args.top)
    if args.output == "json":
        print(json.dumps(plain(cost)))
    else:
        _print(cost)
    return Exit.FINE if keys.outcomes is None else finish(keys.outcomes)


def _print(cost: "Cost") -> None:
    names = ["rule", "line", "level", "events", "kept", "bytes", "kept bytes", "share", "a day"]
    rows = [_row(rule) for rule in cost.rules]
    rows.append(["all", "", "", *_figures(cost.total), "", _size(cost.new_bytes_per_day)])
    _table(names, rows)
    print()
    _table(["stage", "events", "kept", "bytes", "kept bytes"], [[part.name, *_figures(part)] for part in cost.stages])
    parts = [
        [rule.name, kind, part.name, *_figures(part)]
        for rule in cost.rules
        for kind, found in (("user", rule.users), ("resource", rule.resources))
        for part in found
    ]
    if parts:
        print()
        _table(["rule", "by", "who or what", "events", "kept", "bytes", "kept bytes"], parts)
    for note in cost.notes:
        print(f"note: {note}", file=sys.stderr)


def _row(rule: "RuleCost") -> list[object]:
    line = "" if rule.mark is None else rule.mark.line
    share = f"{rule.share:.1%}"
    return [rule.name, line, rule.level, *_figures(rule), share, _size(rule.new_bytes_per_day)]


def _figures(part: "Part") -> list[object]:
    return [f"{part.events:,}", f"{part.new_events:,}", f"{part.bytes:,}", f"{part.new_bytes:,}"]


def _size(count: int | None) -> str:
    return "?" if count is None else human_bytes(count)


def _table(names: list[str], rows: Iterable[list[object]]) -> None:
    texts = {"rule", "level", "stage", "by", "who or what"}
    numbers = [name for name in names if name not in texts]
    for line in text_table(names, list(rows), Style(sys.stdout), right=numbers, width=terminal_width(sys.stdout)):
        print(line)
