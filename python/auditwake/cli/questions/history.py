"""`auditwake history`: what happened to an object."""

import argparse

from auditwake.cli.asking import add_asked, print_answer, scope_of
from auditwake.cli.exits import Exit

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "who created, changed or deleted an object, and what changed"
DESCRIPTION = (
    "List who created, changed or deleted an object, in order of time; --resource, --namespace and --name say which: "
    "--resource deployments.apps --namespace web --name shop."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_asked(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--diff", action="store_true", help="what each change did, from the bodies that the policy recorded"
    )
    how.add_argument("--reads", action="store_true", help="list who read it as well")


def run(args: argparse.Namespace) -> Exit:
    """Ask and print."""
    from auditwake.questions import changes, history

    asked = {"scope": scope_of(args), "limit": args.limit, "threads": args.threads}
    answer = changes(args.sources, **asked) if args.diff else history(args.sources, reads=args.reads, **asked)
    return print_answer(answer, args)
