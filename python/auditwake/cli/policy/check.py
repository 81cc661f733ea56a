"""`auditwake policy check`: what the author of a policy should know."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.options import add_kube_version, add_policy, names
from auditwake.cli.policy.github import annotation
from auditwake.cli.style import Style, counted, escape, shorten
from auditwake.errors import PolicyError

if TYPE_CHECKING:
    from auditwake.policy import Document, Finding

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "find what the author of a policy should know"
DESCRIPTION = (
    "Find what kube-apiserver accepts in an audit policy and its author did not mean: dropped keys, values that match "
    "nothing, rules that are never reached, secrets in the log. docs/policy.md has every code. Exit code 3 when there "
    "are warnings or errors; notes alone are fine."
)

SEVERITIES = ("note", "warning", "error")
WIDEST = 110


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_policy(parser)
    add_kube_version(parser)
    parser.add_argument(
        "--output", choices=("text", "json", "github"), default="text", help="form (default: text); github annotates"
    )
    parser.add_argument("--ignore", type=names, default=[], metavar="CODES", help="codes or names to leave out")
    parser.add_argument(
        "--severity", choices=SEVERITIES, default="note", help="what is shown at the least (default: note)"
    )


def run(args: argparse.Namespace) -> Exit:
    """Check, and say what was found. A policy that the server would refuse is said in the same form."""
    from auditwake.policy import Policy

    left_out = _codes(args.ignore)
    try:
        policy = Policy.load(args.policy, kube_version=args.kube_version)
    except PolicyError as error:
        if args.output == "text":
            raise
        {"json": _refused_as_json, "github": _refused_as_annotations}[args.output](error, args.kube_version)
        return Exit.CONFIG
    least = SEVERITIES.index(args.severity)
    found = [
        finding
        for finding in policy.check()
        if finding.code not in left_out and SEVERITIES.index(finding.severity) >= least
    ]
    {"text": _print_text, "json": _print_json, "github": _print_annotations}[args.output](policy.document, found)
    return Exit.FOUND if any(finding.severity != "note" for finding in found) else Exit.FINE


def _codes(given: Sequence[str]) -> set[str]:
    """Give the codes that are meant, by themselves or by their names."""
    from auditwake.policy.lint import CODES

    known = {code: code for code in CODES} | {code.name: code.code for code in CODES.values()}
    unknown = [one for one in given if one not in known and one.upper() not in known]
    if unknown:
        message = f"there is no code {unknown[0]!r}; they are {', '.join(CODES)}"
        raise UsageError(message)
    return {known.get(one) or known[one.upper()] for one in given}


# --- text ------------------------------------------------------------------------------------------------------------


def _print_text(document: "Document", found: Sequence["Finding"]) -> None:
    style = Style(sys.stdout)
    for finding in found:
        print("\n".join(_text(document, finding, style)), end="\n\n")
    numbers = [(sum(finding.severity == severity for finding in found), severity) for severity in reversed(SEVERITIES)]
    summary = ", ".join(counted(number, severity) for number, severity in numbers if number)
    print(f"{escape(document.name)}: {summary or 'nothing found'}", file=sys.stderr)


def _text(document: "Document", finding: "Finding", style: Style) -> Iterator[str]:
    line, column = (finding.mark.line, finding.mark.column) if finding.mark else (1, 1)
    # A long line is shown around the place.
    first = max(column - WIDEST // 2, 0)
    source = "".join(one if one.isprintable() else " " for one in document.line(line)[first:])
    yield f"{escape(document.name)}:{line}:{column}: {finding.code} {finding.severity}: {finding.name}"
    yield f"  {style.bold(escape(finding.message))}"
    yield f"  | {shorten(source, WIDEST)}"
    yield f"  | {' ' * (column - 1 - first)}^"
    yield from wrap(escape(finding.why), WIDEST, initial_indent="  why: ", subsequent_indent=" " * 7)
    yield f"  fix: {escape(finding.fix)}"


# --- GitHub ----------------------------------------------------------------------------------------------------------


def _print_annotations(document: "Document", found: Sequence["Finding"]) -> None:
    for finding in found:
        line, column = (finding.mark.line, finding.mark.column) if finding.mark else (None, None)
        lines = [finding.message, f"why: {finding.why}", f"fix: {finding.fix}"]
        print(annotation(finding.severity, (document.name, line, column), f"{finding.code} {finding.name}", lines))


def _refused_as_annotations(error: PolicyError, _kube_version: str) -> None:
    for one in error.errors:
        lines = [one.server_message, f"fix: {one.remedy}"]
        print(annotation("error", (one.name, one.line, one.column), "kube-apiserver refuses this policy", lines))


# --- JSON ------------------------------------------------------------------------------------------------------------


def _print_json(document: "Document", found: Sequence["Finding"]) -> None:
    print(json.dumps(_report(document.name, document.kube_version, [_finding(one) for one in found], None)))


def _refused_as_json(error: PolicyError, kube_version: str) -> None:
    errors = [
        {"message": one.server_message, "fix": one.remedy, "path": one.path, "line": one.line, "column": one.column}
        for one in error.errors
    ]
    print(json.dumps(_report(error.name, kube_version, [], {"message": error.server_message, "errors": errors})))


def _report(name: str, kube_version: str, findings: Sequence[object], error: object) -> dict[str, object]:
    return {
        "policy": name,
        "kube_version": kube_version,
        "accepted": error is None,
        "error": error,
        "findings": findings,
    }


def _finding(finding: "Finding") -> dict[str, object]:
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity,
        "message": finding.message,
        "why": finding.why,
        "fix": finding.fix,
        "path": finding.path,
        "line": finding.mark.line if finding.mark else None,
        "column": finding.mark.column if finding.mark else None,
        "rule": finding.rule,
    }
