"""`auditwake report`: one page about a log, to attach to a ticket."""

import argparse
import sys

from auditwake.cli.asking import add_scope, scope_of
from auditwake.cli.exits import Exit
from auditwake.cli.options import add_kube_version, add_sources, add_threads, only_one_stdin
from auditwake.cli.style import escape, human_bytes

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "one page about a log, with charts and tables, to attach to a ticket"
DESCRIPTION = (
    "Write one HTML page about a log: requests over time, actors, denials, latency, the slowest requests, secrets and "
    "ways into containers, and with --policy the bytes of each rule. The page needs no other file and no network."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_sources(parser)
    parser.add_argument("-o", "--out", required=True, metavar="FILE", help="the page, or - for standard output")
    parser.add_argument("--title", default="Kubernetes audit report", help="its heading")
    parser.add_argument("--policy", metavar="POLICY", help="an audit policy: what it would keep of the log, by rule")
    add_kube_version(parser)
    add_scope(parser)
    add_threads(parser)


def run(args: argparse.Namespace) -> Exit:
    """Write the page, and say on standard error how large it is."""
    from auditwake import Policy, report

    cost = None
    if args.policy is not None:
        # A policy and the page need one read each, and standard input can be read once.
        only_one_stdin(args.policy, *args.sources, *args.sources)
        cost = Policy.load(args.policy, kube_version=args.kube_version).cost(args.sources)
    only_one_stdin(*args.sources)
    source = args.sources[0] if len(args.sources) == 1 else args.sources
    page = report.make(source, cost=cost, scope=scope_of(args), threads=args.threads, title=args.title)
    if args.out == "-":
        sys.stdout.write(page.html)
    else:
        written = page.write(args.out)
        size = human_bytes(len(page.html.encode()))
        print(f"auditwake: {escape(str(written))}: {size}, {page.coverage.events:,} events", file=sys.stderr)
    return Exit.REJECTED if page.coverage.rejected else Exit.FINE
