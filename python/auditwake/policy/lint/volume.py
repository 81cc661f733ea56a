"""What is written, and how much of it."""

from collections.abc import Callable, Iterator
from typing import Final

from auditwake.policy.lint.finding import Code, Finding
from auditwake.policy.lint.subject import Subject
from auditwake.policy.model import STAGES, Rule

__all__ = ["CODES", "find"]

NOTHING: Final = Code(
    code="AWP521",
    name="nothing-recorded",
    severity="error",
    why="Every request gets level None, so the log stays empty.",
    fix="add '- level: Metadata' at the end",
    bad="rules:\n- level: None\n",
    good="rules:\n- {level: None, resources: [{resources: [events]}]}\n- level: Metadata\n",
)
ALL_STAGES: Final = Code(
    code="AWP522",
    name="all-stages-omitted",
    severity="error",
    why="An event is written at a stage, and none is left: nothing is ever written, whatever the level says.",
    fix="keep ResponseComplete and Panic, or say 'level: None' if that is meant",
    bad="omitStages: [RequestReceived, ResponseStarted, ResponseComplete, Panic]\nrules:\n- level: Metadata\n",
    good="omitStages: [RequestReceived, ResponseStarted]\nrules:\n- level: Metadata\n",
)
RECEIVED: Final = Code(
    code="AWP523",
    name="request-received",
    severity="note",
    why="Each request is then written twice: half of the events, which say nothing that the last stage of the same "
    "request does not say as well, unless the server dies in between.",
    fix="add omitStages: [RequestReceived] to the policy",
    bad="rules:\n- level: Metadata\n",
    good="omitStages: [RequestReceived]\nrules:\n- level: Metadata\n",
)
MANAGED: Final = Code(
    code="AWP524",
    name="managed-fields",
    severity="note",
    why="metadata.managedFields is often the larger part of a body, and says who set which field last, which the log "
    "itself says better.",
    fix="add omitManagedFields: true to the policy",
    bad="rules:\n- {level: Request, resources: [{group: apps}]}\n",
    good="omitManagedFields: true\nrules:\n- {level: Request, resources: [{group: apps}]}\n",
)
NO_COMPLETION: Final = Code(
    code="AWP525",
    name="completion-omitted",
    severity="warning",
    why="ResponseComplete is the one stage that every request reaches which does not panic, and the first that has the "
    "status code, the response and the time that it took.",
    fix="keep ResponseComplete, and omit RequestReceived if it is too much",
    bad="rules:\n- {level: Metadata, omitStages: [ResponseComplete]}\n",
    good="rules:\n- {level: Metadata, omitStages: [RequestReceived]}\n",
)
CODES: Final = (NOTHING, ALL_STAGES, RECEIVED, MANAGED, NO_COMPLETION)

MANY: Final = frozenset({"get", "list", "watch"})
"""Verbs that most requests have."""


def find(subject: Subject) -> Iterator[Finding]:
    """Find that nothing is written, or more than need be."""
    document = subject.document
    if all(rule.level == "None" for rule in document.rules):
        yield NOTHING.at(document, "rules", "all rules have level None")
    if set(STAGES) <= set(document.omit_stages):
        yield ALL_STAGES.at(document, "omitStages", "the policy omits all four stages")
    else:
        yield from _stages(subject)
    reached = subject.reached
    active = {index for index, rule in enumerate(document.rules) if rule.level != "None"}
    if reached is not None:
        active &= {index for index in reached if index is not None}
    active -= {index for index in active if set(STAGES) <= subject.effect(index)[1]}
    yield from _completion(subject, active)
    yield from _received(subject, active)
    yield from _managed(subject, active)


def _stages(subject: Subject) -> Iterator[Finding]:
    for index, (path, rule) in enumerate(subject.rules()):
        if rule.level != "None" and set(STAGES) <= subject.effect(index)[1]:
            yield ALL_STAGES.at(subject.document, f"{path}.omitStages", "the rule omits all that the policy does not")


def _completion(subject: Subject, active: set[int]) -> Iterator[Finding]:
    document = subject.document
    if "ResponseComplete" in document.omit_stages:
        if active:
            yield NO_COMPLETION.at(document, "omitStages", "the policy omits the stage ResponseComplete")
        return
    for index in sorted(active):
        if "ResponseComplete" in document.rules[index].omit_stages:
            path = f"rules[{index}].omitStages"
            yield NO_COMPLETION.at(document, path, "the rule omits the stage ResponseComplete")


def _received(subject: Subject, active: set[int]) -> Iterator[Finding]:
    kept = {index for index in active if "RequestReceived" not in subject.effect(index)[1]}
    if kept and kept == active:
        message = "no rule omits the stage RequestReceived"
        yield RECEIVED.at(subject.document, "rules", message)
        return
    yield from _each(subject, kept, RECEIVED, "the rule keeps the stage RequestReceived", _is_high_volume)


def _managed(subject: Subject, active: set[int]) -> Iterator[Finding]:
    bodies = {index for index in active if subject.effect(index)[0] != "Metadata"}
    rules = subject.document.rules
    kept = {index for index in bodies if not subject.effect(index)[2] and rules[index].omit_managed_fields is None}
    if kept and kept == bodies:
        yield MANAGED.at(subject.document, "rules", "bodies are recorded with their managedFields")
        return
    yield from _each(subject, kept, MANAGED, "the rule records bodies with their managedFields", lambda _: True)


def _each(
    subject: Subject, kept: set[int], code: Code, message: str, wanted: Callable[[Rule], bool]
) -> Iterator[Finding]:
    for index in sorted(kept):
        if wanted(subject.document.rules[index]):
            fix = code.fix.replace("the policy", "the policy or the rule")
            yield code.at(subject.document, f"rules[{index}].level", message, fix=fix)


def _is_high_volume(rule: Rule) -> bool:
    return not rule.verbs or not MANY.isdisjoint(rule.verbs)
