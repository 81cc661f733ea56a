"""`auditwake detect`: what should not have happened, and which rules cannot say so."""

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auditwake.cli.asking import add_output, add_scope, print_answer, scope_of
from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.options import add_kube_version, add_threads, names, only_one_stdin, whole
from auditwake.cli.style import escape

if TYPE_CHECKING:
    import pyarrow as pa

    from auditwake.detections import Detections, Rule
    from auditwake.policy import Policy

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "look for what should not have happened; say which rules cannot fire, and why"
DESCRIPTION = (
    "Run detection rules over a log. Each fires, is silent, or cannot fire: the log, or the policy, does not record "
    "what it needs. A table has one row a rule; the other forms have one row a finding, with its evidence; json has "
    "both. docs/detections.md has every rule. Exit code 3 when a rule fired."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="logs (file, directory, pattern, URL, or - for standard input), or Parquet files that convert wrote",
    )
    group = parser.add_argument_group("which rules")
    group.add_argument("--rule", type=names, default=[], metavar="RULES", help="rules to run, by id or name")
    group.add_argument(
        "--severity", choices=("low", "medium", "high", "critical"), default="low", help="what is run at the least"
    )
    group.add_argument(
        "--rules", metavar="DIR", help="run the rules of this directory or file beside the built-in ones"
    )
    group.add_argument("--list", action="store_true", help="list the rules, and do nothing else")
    group = parser.add_argument_group("what is recorded")
    group.add_argument("--policy", metavar="POLICY", help="the audit policy of the server: what it keeps from firing")
    group.add_argument(
        "--coverage", action="store_true", help="say which rules can fire under the policy, without a log"
    )
    add_kube_version(parser)
    add_scope(parser)
    parser.add_argument("-n", "--limit", type=whole, metavar="N", help="most findings of a rule; 0 for all (1000)")
    add_output(parser, extra=("sarif",))
    add_threads(parser)


def run(args: argparse.Namespace) -> Exit:
    """Detect, and say what was found."""
    _refuse(args)
    rules = _chosen(args)
    if args.list:
        _print(_listed(rules), "the rules", args)
        return Exit.FINE
    only_one_stdin(*args.sources, *([args.policy] if args.policy else []))
    policy = _policy(args)
    if args.coverage and policy is not None:
        return _cover(policy, rules, args)
    from auditwake.detections import detect

    limit = {} if args.limit is None else {"limit": args.limit}
    found = detect(args.sources, rules=rules, policy=policy, scope=scope_of(args), threads=args.threads, **limit)
    _show(found, args)
    if found.fired:
        return Exit.FOUND
    return Exit.REJECTED if found.coverage.rejected else Exit.FINE


def _refuse(args: argparse.Namespace) -> None:
    """Refuse what makes no sense together."""
    if args.coverage and (args.sources or not args.policy):
        message = "--coverage asks a policy and no log: give --policy POLICY, and no SOURCE"
        raise UsageError(message)
    if not (args.sources or args.coverage or args.list):
        message = "nothing to look at: give a SOURCE, or --policy with --coverage, or --list"
        raise UsageError(message)
    if args.output == "sarif" and (args.coverage or args.list):
        message = "sarif is a form of findings: use json"
        raise UsageError(message)


def _chosen(args: argparse.Namespace) -> "tuple[Rule, ...]":
    from auditwake.detections import SEVERITIES, load_rules, rules

    known = (*rules(), *(load_rules(args.rules) if args.rules else ()))
    by_word = {word: rule for rule in known for word in (rule.id, rule.name)}
    unknown = [one for one in args.rule if one not in by_word and one.upper() not in by_word]
    if unknown:
        message = f"there is no rule {unknown[0]!r}; auditwake detect --list has them all"
        raise UsageError(message)
    wanted = {by_word.get(one) or by_word[one.upper()] for one in args.rule} or set(known)
    least = SEVERITIES.index(args.severity)
    chosen = tuple(rule for rule in known if rule in wanted and SEVERITIES.index(rule.severity) >= least)
    if not chosen:
        message = f"no rule is left: none of those that were named is at least {args.severity}"
        raise UsageError(message)
    return chosen


def _policy(args: argparse.Namespace) -> "Policy | None":
    from auditwake.policy import Policy

    return Policy.load(args.policy, kube_version=args.kube_version) if args.policy else None


# --- what is shown ---------------------------------------------------------------------------------------------------


def _show(found: "Detections", args: argparse.Namespace) -> None:
    form = args.output or ("table" if sys.stdout.isatty() else "ndjson")
    if form == "sarif":
        print(found.sarif())
    elif form == "json":
        from auditwake.cli.harmless import in_json

        print(in_json(_document(found), indent=1))
        return
    elif form == "table":
        _print(found.summary.drop_columns(["notes"]), found.said, args)
    else:
        _print(found.table, found.said, args)
    for said in _said(found):
        print(f"auditwake: {escape(said)}", file=sys.stderr)


def _said(found: "Detections") -> Iterator[str]:
    for outcome in found.outcomes:
        if outcome.outcome != "silent" and outcome.notes:
            yield f"{outcome.rule.id} {outcome.rule.name} {outcome.outcome}: {'; '.join(outcome.notes)}"
    yield from found.notes
    yield found.said


def _document(found: "Detections") -> dict[str, Any]:
    return {
        "outcomes": [outcome.as_json() for outcome in found.outcomes],
        "notes": list(found.notes),
        "coverage": found.coverage.as_json(),
        "findings": _records(found.table),
    }


def _cover(policy: "Policy", rules: "tuple[Rule, ...]", args: argparse.Namespace) -> Exit:
    import pyarrow as pa

    from auditwake.detections import coverage

    recorded = coverage(policy, rules)
    rows = [
        {
            "rule": one.rule.id,
            "title": one.rule.title,
            "severity": one.rule.severity,
            "level": one.rule.level,
            "outcome": one.outcome,
            "why": "; ".join(one.notes),
        }
        for one in recorded
    ]
    fields = [(name, pa.string()) for name in ("rule", "title", "severity", "level", "outcome", "why")]
    _print(pa.Table.from_pylist(rows, pa.schema(fields)), "what the policy records", args)
    never = sum(one.never for one in recorded)
    print(f"auditwake: {never} of {len(recorded)} rules cannot fire with this policy", file=sys.stderr)
    return Exit.FINE


def _listed(rules: "tuple[Rule, ...]") -> "pa.Table":
    import pyarrow as pa

    return pa.table(
        {
            "rule": [rule.id for rule in rules],
            "name": [rule.name for rule in rules],
            "severity": [rule.severity for rule in rules],
            "level": [rule.level for rule in rules],
            "attack": [" ".join(rule.attack) for rule in rules],
            "title": [rule.title for rule in rules],
        }
    )


def _print(table: "pa.Table", title: str, args: argparse.Namespace) -> None:
    from auditwake.questions import Answer, Coverage

    print_answer(Answer(question="detect", title=title, table=table, coverage=Coverage()), args)


def _records(table: "pa.Table") -> list[dict[str, Any]]:
    from auditwake.cli import rows

    return [record for batch in table.to_batches() for record in rows.records(batch)]
