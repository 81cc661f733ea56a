"""`auditwake rbac generate`: roles and bindings from what was observed."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.options import names
from auditwake.cli.rbac.observing import add_observed, comments, observed_of, print_notes

if TYPE_CHECKING:
    from auditwake.rbac import Observed, SubjectRoles

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "write the roles that allow just what was used"
DESCRIPTION = (
    "Write the roles and bindings that allow each user and service account just what it was seen to use: in the "
    "namespaces where it used it, with names where they were known to the authorizer, with subresources, paths and "
    "impersonation. What the server's own roles grant to everybody is left out. Notes say what cannot be granted."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_observed(parser)
    parser.add_argument(
        "--from",
        dest="decided",
        choices=("allowed", "denied", "all"),
        default="allowed",
        help="what is granted: what was allowed, what was denied, or both (default: allowed)",
    )
    parser.add_argument(
        "--expand",
        choices=("none", "read", "audit2rbac"),
        default="none",
        help="what is added: nothing; get, list and watch with each other; what audit2rbac adds (default: none)",
    )
    parser.add_argument(
        "--keep-built-in",
        action="store_true",
        help="grant again what system:discovery, system:basic-user and system:public-info-viewer grant to everybody",
    )
    parser.add_argument(
        "--by",
        choices=("user", "group"),
        default="user",
        help="who is bound: each user and service account by itself, or a group where all of its members that were "
        "seen, two or more, need the same (default: user)",
    )
    parser.add_argument(
        "--groups",
        type=names,
        default=(),
        metavar="NAMES",
        help="with --by group: which groups, * for any characters (default: all but system:authenticated, "
        "system:unauthenticated and system:serviceaccounts)",
    )


def run(args: argparse.Namespace) -> Exit:
    """Read the log and print the manifests."""
    from auditwake.rbac import generate

    _check(args)
    observed = observed_of(args)
    found = generate(
        observed,
        decided=args.decided,
        expand=args.expand,
        keep_built_in=args.keep_built_in,
        by=args.by,
        groups=args.groups,
    )
    if args.output == "json":
        print(json.dumps(_document(found, observed, args.decided), indent=1))
        return print_notes(observed)
    _print_yaml(found, observed, args.decided)
    notes = [f"{one.subject}: {note}" for one in found for note in one.notes]
    return print_notes(observed, [*notes, *([] if found else ["nobody was seen: there is nothing to grant"])])


def _check(args: argparse.Namespace) -> None:
    if args.by == "user":
        if args.groups:
            message = "--groups says which groups are bound: it needs --by group"
            raise UsageError(message)
        return
    narrowing = next((name for name in ("user", "authenticated", "actor") if getattr(args, name)), None)
    if narrowing:
        message = f"--by group has to see all members of a group, and --{narrowing} leaves some out: leave it out"
        raise UsageError(message)


def _print_yaml(found: "tuple[SubjectRoles, ...]", observed: "Observed", decided: str) -> None:
    from dataclasses import replace

    from auditwake.rbac import manifests, to_yaml

    texts = [
        comments(place.rules) + to_yaml(manifests([replace(one, roles=(place,))], observed, decided))
        for one in found
        for place in one.roles
    ]
    sys.stdout.write("---\n".join(texts))


def _document(found: "tuple[SubjectRoles, ...]", observed: "Observed", decided: str) -> dict[str, object]:
    from auditwake.rbac import manifests

    return {
        "answerable": observed.answerable,
        "notes": list(observed.notes),
        "coverage": observed.coverage.as_json(),
        "subjects": [one.as_json() for one in found],
        "manifests": manifests(found, observed, decided),
    }
