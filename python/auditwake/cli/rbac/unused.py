"""`auditwake rbac unused`: granted minus used."""

import argparse

from auditwake.cli.asking import add_output, print_answer
from auditwake.cli.exits import Exit
from auditwake.cli.options import add_kube_version, add_threads, only_one_stdin, when
from auditwake.cli.rbac.observing import add_names, add_rbac

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "say what is granted and was not used"
DESCRIPTION = (
    "Say for each verb of each rule that somebody has whether the log shows a use of it. Notes say which time the log "
    "covers. With the audit policy that the log was written under, what it does not record is unknown, not unused."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="logs (file, directory, pattern, URL, or - for standard input), or Parquet files that convert wrote",
    )
    add_rbac(parser, required=True)
    parser.add_argument("--policy", metavar="POLICY", help="the audit policy that the log was written under")
    add_kube_version(parser)
    parser.add_argument(
        "--since", type=when, metavar="WHEN", help="received at or after: a time (RFC 3339), or 15m, 2h, 3d"
    )
    parser.add_argument("--until", type=when, metavar="WHEN", help="received before")
    parser.add_argument("--all", action="store_true", help="what is used as well")
    add_names(parser)
    add_output(parser)
    add_threads(parser)


def run(args: argparse.Namespace) -> Exit:
    """Read the log and print what is not used."""
    from auditwake.policy import Policy
    from auditwake.questions import Scope
    from auditwake.rbac import load_rbac, observe, unused

    only_one_stdin(*args.sources, args.rbac, args.policy or "")
    cluster = load_rbac(args.rbac)
    policy = Policy.load(args.policy, kube_version=args.kube_version) if args.policy else None
    scope = Scope(since=args.since, until=args.until)
    observed = observe(args.sources, scope=scope, most_names=args.most_names, threads=args.threads)
    return print_answer(unused(observed, cluster, policy, everything=args.all), args)
