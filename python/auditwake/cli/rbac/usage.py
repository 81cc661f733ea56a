"""`auditwake rbac usage`: which bindings allowed something."""

import argparse

from auditwake.cli.asking import add_asked, print_answer, scope_of
from auditwake.cli.exits import Exit
from auditwake.cli.options import only_one_stdin
from auditwake.cli.rbac.observing import add_rbac

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "say which bindings allowed something"
DESCRIPTION = (
    "Count what each binding allowed, by the reason that the authorizer gave: requests, the first and the last, users. "
    "With the roles and bindings of the cluster, those that were never named are rows as well."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_asked(parser, limit=False)
    add_rbac(parser, required=False)


def run(args: argparse.Namespace) -> Exit:
    """Read the log and print the bindings."""
    from auditwake.rbac import load_rbac, usage

    only_one_stdin(*args.sources, args.rbac or "")
    cluster = load_rbac(args.rbac) if args.rbac else None
    return print_answer(usage(args.sources, cluster, scope=scope_of(args), threads=args.threads), args)
