"""What should be in the log and is not, and what should not be and is.

Exact: each kind of request is met with every rule, by the evaluator.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from auditwake.policy.lint.finding import Code, Finding
from auditwake.policy.lint.probes import PROBES, Probe
from auditwake.policy.lint.reach import NOT_COMPARED
from auditwake.policy.lint.subject import Subject
from auditwake.policy.lint.witness import plain
from auditwake.policy.model import LEVELS, Document, Level, Rule
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


class Met(NamedTuple):
    """A rule that decides about requests of a kind.

    Attributes:
        rule: Index of the rule; None where no rule matches them.
        kind: Index of the kind.
        request: One of them.
    """

    rule: int | None
    kind: int
    request: Request

    @property
    def probe(self) -> Probe:
        """The kind."""
        return PROBES[self.kind]


@cache
def _probes() -> Policy:
    """Give the kinds as a policy."""
    return Policy(Document("", "", tuple(probe.rule for probe in PROBES)))


def find(subject: Subject) -> Iterator[Finding]:
    """Find rules that record too much of what is secret, or nothing of what is sensitive."""
    try:
        pairs = subject.policy.pairs(_probes())
    except ValueError:
        message = "the rules could not be compared with the requests that are sensitive"
        yield NOT_COMPARED.at(subject.document, "rules", message)
        return
    by_rule: dict[int | None, list[Met]] = {}
    for (index, kind), request in pairs.items():
        if kind is not None:
            by_rule.setdefault(index, []).append(Met(index, kind, request))
    for index, met in by_rule.items():
        met.sort(key=lambda one: one.kind)
        level = "None" if index is None else subject.document.rules[index].level
        if level == "None":
            yield from _unrecorded(subject, [one for one in met if one.probe.is_sensitive])
        elif level != "Metadata":
            yield from _recorded(subject, level, f"rules[{index}].level", [one for one in met if one.probe.data])


def _recorded(subject: Subject, level: Level, path: str, met: list[Met]) -> Iterator[Finding]:
    """Say what a rule records of what is secret."""
    has_data = [one for one in met if one.probe.data and LEVELS.index(level) >= LEVELS.index(one.probe.data)]
    for code, is_configmap in ((SECRETS, False), (CONFIGMAPS, True)):
        some = [one for one in has_data if (one.probe.what == "configmaps") is is_configmap]
        if some:
            message = f"level {level} records the data of {_names(some)}, as of {_shown(subject, some[0])}"
            yield code.at(subject.document, path, message)
    seen = {one.probe.what for one in has_data}
    rest = [one for one in met if one.probe.what not in seen]
    if rest:
        message = f"level {level} is above Metadata for {_names(rest)}, as for {_shown(subject, rest[0])}"
        yield ABOVE.at(subject.document, path, message)


def _unrecorded(subject: Subject, met: list[Met]) -> Iterator[Finding]:
    """Say what nothing is recorded of."""
    if not met:
        return
    index = met[0].rule
    recorded = f"recorded of {_names(met)}, as of {_shown(subject, met[0])}"
    if index is None:
        yield UNRECORDED.at(subject.document, "rules", f"no rule matches them, so nothing is {recorded}")
        return
    code = UNRECORDED_FOR_SOME if _is_narrow(subject.document.rules[index]) else UNRECORDED
    yield code.at(subject.document, f"rules[{index}].level", f"nothing is {recorded}")


def _shown(subject: Subject, met: Met) -> Request:
    """Give a plain request of the kind that the rule decides about."""

    def does(request: Request) -> bool:
        decided = subject.policy.decide_request(request).rule
        return decided == met.rule and _probes().decide_request(request).rule == met.kind

    return plain(subject.document, met.request, does)


def _is_narrow(rule: Rule) -> bool:
    """Say whether a rule is about some users or some objects."""
    names_users = bool(rule.users) or (bool(rule.user_groups) and BROAD.isdisjoint(rule.user_groups))
    return names_users or (bool(rule.resources) and all(entry.resource_names for entry in rule.resources))


def _names(met: list[Met]) -> str:
    return ", ".join(dict.fromkeys(one.probe.what for one in met))
