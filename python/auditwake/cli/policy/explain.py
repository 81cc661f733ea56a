"""`auditwake policy explain`: the decision about one request, and the way to it."""

import argparse
import io
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import auditwake
from auditwake.cli.exits import Exit, UsageError
from auditwake.cli.options import add_kube_version, add_policy, only_one_stdin
from auditwake.cli.style import Style, escape, shorten
from auditwake.cli.table import terminal_width
from auditwake.errors import AuditwakeError

if TYPE_CHECKING:
    from auditwake.policy import Decision, Policy
    from auditwake.policy.explanation import Explanation, StageEvent

__all__ = ["DESCRIPTION", "HELP", "add_arguments", "run"]

HELP = "say what a policy decides about a request or a logged event, and why"
DESCRIPTION = (
    "Say what a policy decides about one request, and why: for each earlier rule the first condition that fails, then "
    "the rule that matches, and what the event of each stage contains. The request is given by options, or is that of "
    "an event in a log."
)

Event = dict[str, object]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_policy(parser)
    asked = parser.add_argument_group("the request")
    asked.add_argument("--verb", metavar="V", help="the verb; for --path the HTTP method in lower case")
    asked.add_argument("--resource", metavar="R[/SUB]", help="the resource, such as pods or pods/log")
    asked.add_argument("--api-group", default="", metavar="G", help="its API group (default: the core group)")
    asked.add_argument("--namespace", default="", metavar="NS", help="the namespace (default: none, or all)")
    asked.add_argument("--name", default="", metavar="NAME", help="the name in the path; none on create and list")
    asked.add_argument("--path", metavar="P", help="the path of a request for no resource, such as /healthz")
    asked.add_argument("--user", metavar="U", help="who asks (default: nobody, authentication failed)")
    asked.add_argument("--group", action="append", default=[], metavar="G", help="a group of the user; once for each")
    asked.add_argument(
        "--http",
        metavar="REQUEST",
        help="in place of all but --user and --group: a method and a URI, as sent",
    )
    asked.add_argument("--event", metavar="LOG:LINE", help="in place of all these: a line of a log, counted from 1")
    add_kube_version(parser)
    parser.add_argument("--output", choices=("text", "json"), default="text", help="form (default: text)")


def run(args: argparse.Namespace) -> Exit:
    """Decide, and tell the decision in full."""
    from auditwake.policy import Policy
    from auditwake.policy.explanation import explanation

    _check(args)
    policy = Policy.load(args.policy, kube_version=args.kube_version)
    event: Event | None = None
    if args.event is not None:
        decision, event = _of_event(policy, args.event)
    elif args.http is not None:
        method, _, uri = args.http.partition(" ")
        decision = policy.decide_http(method, uri.strip(), user=args.user, groups=args.group)
    else:
        decision = policy.decide(
            verb=args.verb,
            resource=args.resource or "",
            api_group=args.api_group,
            namespace=args.namespace,
            name=args.name,
            path=args.path,
            user=args.user,
            groups=args.group,
        )
    told = explanation(policy, decision)
    if args.output == "json":
        print(json.dumps(_as_json(policy, told, event)))
    else:
        for line in _text(policy, told, event):
            print(line)
    return Exit.FINE


def _check(args: argparse.Namespace) -> None:
    target = _given(args, "verb", "resource", "api_group", "namespace", "name", "path")
    who = _given(args, "user", "group")
    message = ""
    if args.event is not None and (target or who or args.http is not None):
        message = f"--event is in place of {', '.join(target + who + _given(args, 'http'))}"
    elif args.event is not None and not args.event.rpartition(":")[2].isdecimal():
        message = f"--event {args.event}: a log and the number of a line, such as audit.log:12"
    elif args.http is not None and target:
        message = f"--http is in place of {', '.join(target)}"
    elif args.http is not None and not args.http.partition(" ")[2].strip():
        message = f"--http {args.http}: a method and a URI, such as 'GET /api/v1/pods?watch=1'"
    elif args.event is args.http is None and (args.verb is None or (args.resource is None) == (args.path is None)):
        message = "give --verb with either --resource or --path, or --http REQUEST, or --event LOG:LINE"
    if message:
        raise UsageError(message)
    only_one_stdin(args.policy, (args.event or "").rpartition(":")[0])


def _given(args: argparse.Namespace, *names: str) -> list[str]:
    """Give the options among these that were given."""
    return [f"--{name.replace('_', '-')}" for name in names if getattr(args, name) not in (None, "", [])]


def _of_event(policy: "Policy", place: str) -> tuple["Decision", Event]:
    from auditwake.policy.lines import line_at

    log, _, number = place.rpartition(":")
    line = line_at(log, int(number))
    try:
        decision = policy.decide_event(line)
    except AuditwakeError as error:
        message = f"{place}: {error}"
        raise AuditwakeError(message) from error
    (batch,) = auditwake.read(io.BytesIO(line), columns=["stage", "level"])
    (row,) = batch.to_pylist()
    recorded = {"stage": row["stage"], "level": row["level"]}
    return decision, {"log": log, "line": int(number), **recorded, "emitted": decision.emits(row["stage"])}


# --- JSON ------------------------------------------------------------------------------------------------------------


def _as_json(policy: "Policy", told: "Explanation", event: Event | None) -> dict[str, object]:
    from auditwake.policy.plain import plain

    decision: dict[str, object] = plain(told.decision)
    rest = {"source": plain(told.source), "stages": plain(told.stages), "event": event}
    return {"policy": policy.document.name, "kube_version": policy.document.kube_version, **decision, **rest}


# --- text ------------------------------------------------------------------------------------------------------------


def _text(policy: "Policy", told: "Explanation", event: Event | None) -> Iterator[str]:
    style, width = Style(sys.stdout), terminal_width(sys.stdout)
    decision = told.decision
    yield style.bold(escape(str(decision.request)))
    if event is not None:
        yield f"  {escape(str(event['log']))}:{event['line']}, recorded at {event['stage']} with level {event['level']}"
    yield ""
    for step in decision.why:
        yield escape(f"  {_place(policy, step.rule)}  no   {step.text}")
    if decision.rule is None:
        yield "  no rule matches, and so nothing is written"
    else:
        yield escape(f"  {_place(policy, decision.rule)}  yes")
    for line in told.source:
        text = f"    {line.line:>5} | {escape(line.text)}"
        yield style.dim(text if width is None else shorten(text, width))
    yield ""
    yield f"level           {style.bold(decision.level)}"
    yield f"omitted stages  {', '.join(decision.omit_stages) or 'none'}"
    yield f"managed fields  {'left out of bodies' if decision.omit_managed_fields else 'kept'}"
    yield ""
    for stage in told.stages:
        yield f"{stage.stage:<16}  {_stage(stage, decision)}"
    if event is not None:
        yield ""
        yield f"this event would{'' if event['emitted'] else ' not'} be written"


def _place(policy: "Policy", rule: int) -> str:
    mark = policy.document.mark(f"rules[{rule}]")
    return f"rules[{rule}] {policy.document.name}:{mark.line if mark else '?'}"


def _stage(stage: "StageEvent", decision: "Decision") -> str:
    if not stage.occurs:
        return "this request has no such stage"
    if stage.written:
        return f"{stage.occurs}: {', '.join(stage.contains)}"
    return "not written: level None" if decision.level == "None" else "not written: omitted"
