"""A decision told in full: the rule as it stands in the file, and what each stage's event contains."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from auditwake.policy.model import Document, Stage
from auditwake.policy.request import Decision, Request

if TYPE_CHECKING:
    from auditwake.policy.policy import Policy

__all__ = ["Explanation", "SourceLine", "StageEvent", "explanation"]

STREAMS: Final = ("watch", "proxy")
"""Verbs whose requests last, and so have a stage ResponseStarted."""
CONNECTS: Final = ("attach", "exec", "log", "portforward", "proxy")
"""Subresources whose requests last, and whose bodies are nobody's objects."""
PROFILES: Final = "/debug/pprof/"
DISCOVERY: Final = ("/api", "/apis")

REQUESTS: Final = ("create", "update", "patch")
DELETES: Final = ("delete", "deletecollection")
REQUEST_LEVELS: Final = ("Request", "RequestResponse")


@dataclass(frozen=True, slots=True)
class StageEvent:
    """The event of one stage of a request.

    Attributes:
        stage: The stage.
        occurs: When a request as this one comes to that stage, in words; `""` if it never does.
        written: Whether the policy has its event written.
        contains: What is in it, in words; empty if it is not written.
    """

    stage: Stage
    occurs: str
    written: bool
    contains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of the policy's file.

    Attributes:
        line: Its number, from 1.
        text: The line.
    """

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision told in full.

    Attributes:
        decision: The decision, with the first failed condition of each earlier rule.
        source: The rule as it stands in the file; empty when no rule matches.
        stages: What becomes of each stage.
    """

    decision: Decision
    source: tuple[SourceLine, ...]
    stages: tuple[StageEvent, ...]


def explanation(policy: "Policy", decision: Decision) -> Explanation:
    """Tell a decision in full.

    Args:
        policy: The policy that decided.
        decision: What it decided.

    Example:
        >>> import auditwake as aw
        >>> policy = aw.Policy.load(\"\"\"
        ... apiVersion: audit.k8s.io/v1
        ... kind: Policy
        ... omitStages: [RequestReceived]
        ... rules:
        ... - level: Request
        ...   resources: [{group: ""}]
        ... \"\"\")
        >>> told = explanation(policy, policy.decide(verb="create", resource="pods", user="alice"))
        >>> [line.text for line in told.source]
        ['- level: Request', '  resources: [{group: ""}]']
        >>> [stage.stage for stage in told.stages if stage.written and stage.occurs]
        ['ResponseComplete', 'Panic']
        >>> told.stages[2].contains[-1]
        'requestObject'
    """
    source = () if decision.rule is None else _source(policy.document, decision.rule)
    return Explanation(decision, source, _stages(decision))


def _source(document: Document, rule: int) -> tuple[SourceLine, ...]:
    """Give the lines of a rule: from where it begins to where the last thing in it stands."""
    path = f"rules[{rule}]"
    inside = [
        mark.line for name, mark in document.marks.items() if name == path or name.startswith((f"{path}.", f"{path}["))
    ]
    if not inside:
        return ()
    return tuple(SourceLine(number, document.line(number)) for number in range(min(inside), max(inside) + 1))


def _stages(decision: Decision) -> tuple[StageEvent, ...]:
    occurs = _occurs(decision.request)
    return tuple(
        StageEvent(stage, when, decision.emits(stage), _contains(decision, stage) if decision.emits(stage) else ())
        for stage, when in occurs.items()
    )


def _occurs(request: Request) -> dict[Stage, str]:
    """Say when a request comes to each stage (`WithAudit` of k8s.io/apiserver)."""
    if request.user is None:
        failed = "with code 401: that is all there is of a request whose authentication failed"
        return {"RequestReceived": "", "ResponseStarted": failed, "ResponseComplete": "", "Panic": ""}
    return {
        "RequestReceived": "as soon as the request is there",
        "ResponseStarted": "when the answer begins, since this request lasts" if _lasts(request) else "",
        "ResponseComplete": "when the answer is complete",
        "Panic": "in its place, when the server's code panics",
    }


def _lasts(request: Request) -> bool:
    if request.path is not None:
        return request.path.startswith(PROFILES)
    return request.verb in STREAMS or request.subresource in CONNECTS


def _contains(decision: Decision, stage: Stage) -> tuple[str, ...]:
    has = ["metadata (who, what, when, from where)"]
    if stage == "RequestReceived":
        return tuple(has)
    has.append("responseStatus")
    request = decision.request
    managed = ", without managed fields" if decision.omit_managed_fields else ""
    if stage != "ResponseStarted" and decision.level in REQUEST_LEVELS:
        has.extend(_request_object(request, managed))
    if decision.level == "RequestResponse" and stage != "Panic":
        has.append(_response_object(request, stage, managed))
    return tuple(has)


def _request_object(request: Request, managed: str) -> Iterator[str]:
    """Name the object that the request carries. What cannot be decoded, or is denied before, is in no event."""
    if request.path is not None or request.subresource in CONNECTS:
        return
    if request.verb in REQUESTS:
        yield "requestObject" + ("" if request.verb == "patch" else managed)
    elif request.verb in DELETES:
        yield "requestObject, if the request has delete options"


def _response_object(request: Request, stage: Stage, managed: str) -> str:
    """Name the object in the answer: of a failure it is a Status, even where a success has none."""
    if request.user is None:
        return "responseObject"
    if stage == "ResponseStarted" or (request.path is None and _lasts(request)):
        return "responseObject, if the request fails"
    if request.path is None:
        return f"responseObject{managed}"
    if request.path in DISCOVERY:
        return "responseObject, unless the client asks for all of discovery at once"
    if request.path.startswith(tuple(f"{path}/" for path in DISCOVERY)):
        return "responseObject"
    return "responseObject, if the request fails"
