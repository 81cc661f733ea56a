"""What should be in the log and is not, and what should not be and is.

Exact: each kind of request is met with every rule, by the evaluator.
"""

from collections.abc import Iterator
from typing import Final

from auditwake.policy.lint.finding import Code, Finding
from auditwake.policy.lint.probes import PROBES, Probe
from auditwake.policy.lint.subject import Subject
from auditwake.policy.model import Document, Level, Rule
from auditwake.policy.policy import Policy
from auditwake.policy.request import Request

__all__ = ["CODES", "find"]

SECRETS: Final = Code(
    code="AWP501",
    name="secrets-in-log",
    severity="error",
    why="The data stands in the body that this level records: who reads the log has the passwords and tokens (CIS "
    "Kubernetes Benchmark 3.2.2).",
    fix="put a rule with level Metadata for these resources above this one",
    bad="rules:\n- level: RequestResponse\n",
    good="rules:\n- level: Metadata\n  resources:\n  - {resources: [secrets, configmaps, serviceaccounts/token]}\n"
    "  - {group: authentication.k8s.io, resources: [tokenreviews]}\n- level: RequestResponse\n",
)
CONFIGMAPS: Final = Code(
    code="AWP502",
    name="configmaps-in-log",
    severity="warning",
    why="Many keep passwords in ConfigMaps, and the data stands in the body that this level records (CIS Kubernetes "
    "Benchmark 3.2.2).",
    fix="put a rule with level Metadata for configmaps above this one",
    bad="rules:\n- level: Metadata\n  resources: [{resources: [secrets]}]\n"
    "- {level: Request, resources: [{group: ''}]}\n",
    good="rules:\n- level: Metadata\n  resources: [{resources: [secrets, configmaps]}]\n"
    "- {level: Request, resources: [{group: ''}]}\n",
)
ABOVE: Final = Code(
    code="AWP503",
    name="above-metadata",
    severity="note",
    why="The CIS Kubernetes Benchmark 3.2.2 asks for level Metadata here; this level records no data of theirs, as the "
    "data stands in the other body.",
    fix="put a rule with level Metadata for these resources above this one",
    bad="rules:\n- {level: Request, verbs: [get, list], resources: [{resources: [secrets]}]}\n",
    good="rules:\n- {level: Metadata, verbs: [get, list], resources: [{resources: [secrets]}]}\n",
)
UNRECORDED: Final = Code(
    code="AWP511",
    name="sensitive-not-recorded",
    severity="warning",
    why="These are what attackers do first and what an investigation asks for (CIS Kubernetes Benchmark 3.2.2).",
    fix="put a rule with level Metadata for these resources above this one",
    bad="rules:\n- {level: None, verbs: [get, list, watch]}\n- level: Metadata\n",
    good="rules:\n- {level: None, verbs: [watch], resources: [{resources: [services]}]}\n- level: Metadata\n",
)
UNRECORDED_FOR_SOME: Final = Code(
    code="AWP512",
    name="sensitive-not-recorded-for-some",
    severity="note",
    why="Whoever takes over one of these users, or impersonates others as one of them, does this unseen: rules look at "
    "the user who asks, not at the one who is impersonated.",
    fix="name the resources that make the noise, or put a rule with level Metadata for the sensitive ones above",
    bad="rules:\n- {level: None, users: [system:apiserver]}\n- level: Metadata\n",
    good="rules:\n- {level: None, users: [system:apiserver], resources: [{resources: [events]}]}\n- level: Metadata\n",
)
CODES: Final = (SECRETS, CONFIGMAPS, ABOVE, UNRECORDED, UNRECORDED_FOR_SOME)

BROAD: Final = frozenset({"system:authenticated", "system:unauthenticated", "system:masters", "system:serviceaccounts"})
"""Groups that are no narrow circle."""

LEVELS: Final[tuple[Level, ...]] = ("None", "Metadata", "Request", "RequestResponse")


def find(subject: Subject) -> Iterator[Finding]:
    """Find rules that record too much of what is secret, or nothing of what is sensitive."""
    try:
        met = subject.policy.pairs(Policy(Document("", "", tuple(probe.rule for probe in PROBES))))
    except ValueError:
        return
    by_rule: dict[int | None, list[tuple[Probe, Request]]] = {}
    for (index, probe), request in sorted(met.items(), key=lambda one: one[0][1] or 0):
        if probe is not None:
            by_rule.setdefault(index, []).append((PROBES[probe], request))
    for index, probes in by_rule.items():
        level = "None" if index is None else subject.document.rules[index].level
        path = "rules" if index is None else f"rules[{index}]"
        if level == "None":
            yield from _unrecorded(subject, index, path, [one for one in probes if one[0].is_sensitive])
        elif level != "Metadata":
            yield from _recorded(subject, level, path, probes)


def _recorded(subject: Subject, level: Level, path: str, probes: list[tuple[Probe, Request]]) -> Iterator[Finding]:
    """Say what a rule records of what is secret."""
    has_data = [one for one in probes if one[0].data and LEVELS.index(level) >= LEVELS.index(one[0].data)]
    for code, is_configmap in ((SECRETS, False), (CONFIGMAPS, True)):
        some = [one for one in has_data if (one[0].what == "configmaps") is is_configmap]
        if some:
            message = f"level {level} records the data of {_names(some)}, as of {some[0][1]}"
            yield code.at(subject.document, f"{path}.level", message)
    seen = {probe.what for probe, _ in has_data}
    rest = [one for one in probes if one[0].data and one[0].what not in seen]
    if rest:
        message = f"level {level} is above Metadata for {_names(rest)}, as for {rest[0][1]}"
        yield ABOVE.at(subject.document, f"{path}.level", message)


def _unrecorded(
    subject: Subject, index: int | None, path: str, probes: list[tuple[Probe, Request]]
) -> Iterator[Finding]:
    """Say what nothing is recorded of."""
    if not probes:
        return
    rule = None if index is None else subject.document.rules[index]
    who = "no rule matches them, so nothing" if rule is None else "nothing"
    message = f"{who} is recorded of {_names(probes)}, as of {probes[0][1]}"
    code = UNRECORDED_FOR_SOME if rule is not None and _is_narrow(rule) else UNRECORDED
    where = path if rule is None else f"{path}.level"
    yield code.at(subject.document, where, message)


def _is_narrow(rule: Rule) -> bool:
    """Say whether a rule is about some users or some objects."""
    names_users = bool(rule.users) or (bool(rule.user_groups) and BROAD.isdisjoint(rule.user_groups))
    return names_users or (bool(rule.resources) and all(entry.resource_names for entry in rule.resources))


def _names(probes: list[tuple[Probe, Request]]) -> str:
    return ", ".join(dict.fromkeys(probe.what for probe, _ in probes))
