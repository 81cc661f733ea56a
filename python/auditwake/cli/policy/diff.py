"""`auditwake policy diff`: where two policies decide differently, and what that does to a log."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from auditwake.cli.exits import Exit
from auditwake.cli.options import add_kube_version, add_policy, only_one_stdin, whole
from auditwake.cli.style import Style, counted, escape
from auditwake.cli.summary import finish
from auditwake.cli.table import terminal_width, text_table

if TYPE_CHECKING:
    from auditwake.policy import Change, Decision, Diff, Difference, Effect, Keys, Policy

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "say where two policies decide differently, and what that does to a log"
DESCRIPTION = (
    "Say where two policies decide differently: every pair of rules that do, each with one such request, and none "
    "missing. With a log, also the events and bytes that the new policy loses and gains there. Exit code 3 when they "
    "differ, 0 when they do not, or only on requests that kube-apiserver never builds (such as those with the verb *)."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_policy(parser, name="old", metavar="OLD")
    add_policy(parser, name="new", metavar="NEW")
    parser.add_argument("logs", nargs="*", metavar="LOG", help="logs as for `auditwake cat`, or Parquet files")
    add_kube_version(parser)
    parser.add_argument("--output", choices=("text", "json"), default="text", help="form (default: text)")
    parser.add_argument(
        "--top", type=whole, default=10, metavar="N", help="users and resources that are shown (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> Exit:
    """Compare, and read the log once for both."""
    from auditwake.policy import Keys, Policy
    from auditwake.policy.plain import plain

    only_one_stdin(args.old, args.new, *args.logs)
    old, new = (Policy.load(path, kube_version=args.kube_version) for path in (args.old, args.new))
    keys = Keys(args.logs) if args.logs else None
    found = old.diff(new, keys, top=args.top)
    if args.output == "json":
        differences = [{**plain(one), "changes": one.changes, "visible": one.visible} for one in found.differences]
        print(json.dumps({**plain(found), "equal": found.equal, "differences": differences}))
    else:
        _print(old, new, found)
    return _exit(found, keys)


def _exit(found: "Diff", keys: "Keys | None") -> Exit:
    rejected = Exit.FINE if keys is None or keys.outcomes is None else finish(keys.outcomes)
    return Exit.FOUND if any(one.possible for one in found.differences) else rejected


def _print(old: "Policy", new: "Policy", found: "Diff") -> None:
    style = Style(sys.stdout)
    for one in found.differences:
        for line in _text(old, new, one, style):
            print(line)
    if found.effect is not None:
        _print_effect(found.effect, style)
        for note in found.effect.notes:
            print(f"note: {note}", file=sys.stderr)
    print(_said(found), file=sys.stderr)


def _said(found: "Diff") -> str:
    impossible = sum(not one.possible for one in found.differences)
    if found.equal:
        return "the policies decide alike about every request"
    rest = f", {impossible:,} of them on requests that kube-apiserver never builds" if impossible else ""
    number = len(found.differences)
    return f"{counted(number, 'pair')} of rules decide{'s' if number == 1 else ''} differently{rest}"


def _text(old: "Policy", new: "Policy", one: "Difference", style: Style) -> Iterator[str]:
    yield style.bold(escape(f"{_place(old, one.old)} -> {_place(new, one.new)}"))
    for name in one.changes:
        before, after = (_value(getattr(decision, name)) for decision in (one.old, one.new))
        yield f"  {name.replace('_', ' ')}: {before} -> {after}"
    yield escape(f"  such as {one.request}")
    if not one.possible:
        yield style.dim("  kube-apiserver never builds such a request")
    elif not one.visible:
        yield style.dim("  what is written does not differ")
    yield ""


def _place(policy: "Policy", decision: "Decision") -> str:
    if decision.rule is None:
        return f"{policy.document.name}: no rule"
    line = decision.mark.line if decision.mark else "?"
    return f"{policy.document.name}:{line} rules[{decision.rule}]"


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _print_effect(effect: "Effect", style: Style) -> None:
    _table("rules (old -> new)", [effect.total, *effect.rules], style)
    for title, changes in (("user", effect.users), ("resource", effect.resources)):
        if changes:
            _table(title, changes, style)


def _table(title: str, changes: Iterable["Change"], style: Style) -> None:
    names = [title, "events", "lost", "gained", "bytes", "bytes lost", "bytes gained", "unpriced"]
    rows = [
        [
            one.name or "all",
            *(
                f"{number:,}"
                for number in (
                    one.old_events,
                    one.events_lost,
                    one.events_gained,
                    one.old_bytes,
                    one.bytes_lost,
                    one.bytes_gained,
                    one.unpriced_events,
                )
            ),
        ]
        for one in changes
    ]
    for line in text_table(names, rows, style, right=names[1:], width=terminal_width(sys.stdout)):
        print(line)
    print()
