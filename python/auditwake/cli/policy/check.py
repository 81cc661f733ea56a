"""`auditwake policy check`: what the author of a policy should know."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from auditwake.cli.exits import Exit
from auditwake.cli.options import add_kube_version, add_policy, names
from auditwake.cli.style import Style, counted, escape, shorten
from auditwake.errors import PolicyError

if TYPE_CHECKING:
    from auditwake.policy import Document, Finding

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "find what the author of a policy should know"
DESCRIPTION = (
    "Find what kube-apiserver accepts in an audit policy and its author did not mean: dropped keys, rules that match "
    "nothing, rules that are never reached, secrets in the log. docs/policy.md has every code. Notes do not fail."
)

SEVERITIES = ("note", "warning", "error")
WIDEST = 120
COMMANDS = {"note": "notice", "warning": "warning", "error": "error"}
"""What GitHub calls the severities."""


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

    try:
        policy = Policy.load(args.policy, kube_version=args.kube_version)
    except PolicyError as error:
        if args.output == "text":
            raise
        _refused(error, args)
        return Exit.CONFIG
    found = [finding for finding in policy.check() if _wanted(finding, args)]
    if args.output == "json":
        print(json.dumps(_as_json(policy.document.name, args.kube_version, [_finding(one) for one in found])))
    elif args.output == "github":
        for finding in found:
            _annotate(policy.document.name, finding)
    else:
        _print_text(policy.document, found)
    return Exit.FOUND if any(finding.severity != "note" for finding in found) else Exit.FINE


def _wanted(finding: "Finding", args: argparse.Namespace) -> bool:
    left_out = {name.lower() for name in args.ignore}
    return left_out.isdisjoint({finding.code.lower(), finding.name}) and SEVERITIES.index(
        finding.severity
    ) >= SEVERITIES.index(args.severity)


# --- text ------------------------------------------------------------------------------------------------------------


def _print_text(document: "Document", found: Sequence["Finding"]) -> None:
    style = Style(sys.stdout)
    for finding in found:
        for line in _text(document, finding, style):
            print(line)
    worst = ", ".join(
        counted(number, severity)
        for severity in reversed(SEVERITIES)
        if (number := sum(finding.severity == severity for finding in found))
    )
    print(f"{escape(document.name)}: {worst or 'nothing found'}", file=sys.stderr)


def _text(document: "Document", finding: "Finding", style: Style) -> list[str]:
    line, column = (finding.mark.line, finding.mark.column) if finding.mark else (1, 1)
    # A long line is shown around the place.
    first = max(column - WIDEST // 2, 0)
    source = "".join(one if one.isprintable() else " " for one in document.line(line)[first:])
    place = f"{escape(document.name)}:{line}:{column}"
    return [
        f"{place}: {finding.code} {finding.severity}: {style.bold(escape(finding.message))}",
        f"  | {shorten(source, WIDEST)}",
        f"  | {' ' * (column - 1 - first)}^",
        f"  why: {escape(finding.why)}",
        f"  fix: {escape(finding.fix)}",
        "",
    ]


# --- GitHub ----------------------------------------------------------------------------------------------------------


def _annotate(name: str, finding: "Finding") -> None:
    message = f"{finding.message}\nwhy: {finding.why}\nfix: {finding.fix}"
    place = (finding.mark.line, finding.mark.column) if finding.mark else (1, 1)
    _command(COMMANDS[finding.severity], (name, *place), f"{finding.code} {finding.name}", message)


def _command(command: str, place: tuple[str, int, int], title: str, message: str) -> None:
    """Print a workflow command of GitHub Actions."""
    name, line, column = place
    where = f"file={_property(name)},line={line},col={column},title={_property(title)}"
    print(f"::{command} {where}::{_data(message)}")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


# --- JSON ------------------------------------------------------------------------------------------------------------


def _as_json(name: str, kube_version: str, findings: Sequence[object], error: object = None) -> dict[str, object]:
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


# --- a policy that is refused ----------------------------------------------------------------------------------------


def _refused(error: PolicyError, args: argparse.Namespace) -> None:
    if args.output == "github":
        for one in error.errors:
            message = f"{one.server_message}\nfix: {one.remedy}"
            place = (one.name, one.line or 1, one.column or 1)
            _command("error", place, "kube-apiserver refuses this policy", message)
        return
    errors = [
        {"message": one.server_message, "fix": one.remedy, "path": one.path, "line": one.line, "column": one.column}
        for one in error.errors
    ]
    said = {"message": error.server_message, "errors": errors}
    print(json.dumps(_as_json(error.name, args.kube_version, [], said)))
