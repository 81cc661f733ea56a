"""`auditwake report`: one page about a log, to attach to a ticket."""

import argparse
import sys
from pathlib import Path

from auditwake.cli.asking import add_scope, scope_of
from auditwake.cli.exits import Exit
from auditwake.cli.options import add_kube_version, add_sources, add_threads, only_one_stdin
from auditwake.cli.style import escape, human_bytes
from auditwake.errors import QuestionError

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "one page about a log, with charts and tables, to attach to a ticket"
DESCRIPTION = (
    "Write one HTML page about a log: what the detection rules found, requests over time, actors, denials, latency, "
    "the slowest requests, secrets and ways into containers, and with --policy the bytes of each rule. The page needs "
    "no other file and no network."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_sources(parser)
    parser.add_argument("-o", "--out", required=True, metavar="FILE", help="the page, or - for standard output")
    parser.add_argument("--title", default="Kubernetes audit report", help="its heading")
    parser.add_argument("--policy", metavar="POLICY", help="an audit policy: what it would keep of the log, by rule")
    add_kube_version(parser)
    parser.add_argument(
        "--no-detections", dest="detections", action="store_false", help="leave out the detection rules: one read less"
    )
    add_scope(parser)
    add_threads(parser)


def run(args: argparse.Namespace) -> Exit:
    """Write the page, and say on standard error how large it is."""
    from auditwake import Policy, detect, report

    source = args.sources[0] if len(args.sources) == 1 else args.sources
    scope = scope_of(args)
    # A policy is priced with a read of its own, and standard input can be read once.
    only_one_stdin(*([args.policy, *args.sources] if args.policy else []), *args.sources)
    once = next((one for one in args.sources if _is_read_once(one)), None)
    if args.policy and once:
        print(f"auditwake: {escape(once)} can be read once, and --policy reads twice: save it first", file=sys.stderr)
        return Exit.USAGE
    policy = None if args.policy is None else Policy.load(args.policy, kube_version=args.kube_version)
    cost = None if policy is None else report.price(policy, source, scope=scope, threads=args.threads)
    found = None
    if args.detections and once:
        called = "standard input" if once == "-" else escape(once)
        print(f"auditwake: {called} can be read once: the page has no detections", file=sys.stderr)
    elif args.detections:
        try:
            found = detect(source, policy=policy, scope=scope, threads=args.threads)
        except QuestionError as error:
            # Such as Parquet without the places of events in the log, which the page itself does not need.
            print(f"auditwake: the page has no detections: {escape(str(error))}", file=sys.stderr)
    page = report.make(source, cost=cost, detections=found, scope=scope, threads=args.threads, title=args.title)
    if args.out == "-":
        sys.stdout.write(page.html)
    else:
        written = page.write(args.out)
        size = human_bytes(len(page.html.encode()))
        print(f"auditwake: {escape(str(written))}: {size}, {page.coverage.events:,} events", file=sys.stderr)
    return Exit.REJECTED if page.coverage.rejected else Exit.FINE


def _is_read_once(source: str) -> bool:
    """Tell whether a source is standard input or a pipe."""
    path = Path(source)
    return source == "-" or (path.exists() and not path.is_file() and not path.is_dir())
