"""Resources and their subresources: which of the two a rule covers."""

from collections.abc import Iterator
from typing import Final

from auditwake.policy.lint.builtin import builtins
from auditwake.policy.lint.finding import Code, Finding
from auditwake.policy.lint.subject import Subject
from auditwake.policy.model import LEVELS, GroupResources, Level, Rule
from auditwake.policy.request import Request

__all__ = ["CODES", "find"]

WITHOUT: Final = Code(
    code="AWP311",
    name="without-subresources",
    severity="note",
    why="A resource and its subresources are matched apart: what the rule says of the one does not hold for the other.",
    fix="name the subresources as well, or 'resource/*' for the resource and all of them",
    bad="rules:\n- {level: Metadata, resources: [{resources: [pods]}]}\n",
    good="rules:\n- {level: Metadata, resources: [{resources: ['pods/*']}]}\n- level: None\n",
)
AND_PLAIN: Final = Code(
    code="AWP312",
    name="subresources-and-more",
    severity="note",
    why="The documentation of Kubernetes says that 'pods/*' is the subresources of pods; the server takes it for pods "
    "themselves too.",
    fix="name the subresources one by one if they alone are meant; otherwise add the resource, so that it is plain",
    bad="rules:\n- {level: Metadata, resources: [{resources: ['pods/*']}]}\n",
    good="rules:\n- {level: Metadata, resources: [{resources: [pods, 'pods/*']}]}\n",
)
CONNECT: Final = Code(
    code="AWP313",
    name="connect-as-create",
    severity="warning",
    why="kubectl and other clients open exec, attach and portforward over WebSocket since Kubernetes 1.31, and that is "
    "a get; only older clients create.",
    fix="add 'get' to the verbs",
    bad="rules:\n- {level: Request, verbs: [create], resources: [{resources: [pods/exec]}]}\n- level: Metadata\n",
    good="rules:\n- {level: Request, verbs: [create, get], resources: [{resources: [pods/exec]}]}\n- level: Metadata\n",
)
CODES: Final = (WITHOUT, AND_PLAIN, CONNECT)

CONNECTED: Final = frozenset({"attach", "exec", "portforward"})
COMMON: Final = frozenset({"finalize", "scale", "status"})
"""Subresources that say little more than their resource: nobody misses them."""


def find(subject: Subject) -> Iterator[Finding]:
    """Find rules that cover a resource without its subresources, or with them by surprise."""
    named = frozenset(spec for _, rule in subject.rules() for entry in rule.resources for spec in entry.resources)
    for index, (path, rule) in enumerate(subject.rules()):
        for at, entry in enumerate(rule.resources):
            where = f"{path}.resources[{at}].resources"
            yield from _and_plain(subject, where, entry)
            if rule.level != "None":
                yield from _without(subject, where, rule, entry, named)
        yield from _connected(subject, index, path, rule)


def _and_plain(subject: Subject, where: str, entry: GroupResources) -> Iterator[Finding]:
    for index, spec in enumerate(entry.resources):
        name, _, subresource = spec.partition("/")
        if subresource == "*" and name != "*" and not {name, "*"} & {*entry.resources}:
            message = f"{spec!r} covers {name} themselves as well, not their subresources alone"
            yield AND_PLAIN.at(subject.document, f"{where}[{index}]", message)


def _without(
    subject: Subject, where: str, rule: Rule, entry: GroupResources, named: frozenset[str]
) -> Iterator[Finding]:
    for index, spec in enumerate(entry.resources):
        found = [one for one in builtins() if one.resource == spec and one.group == entry.group]
        more = [sub for one in found for sub in one.subresources if sub not in COMMON]
        # Where the policy names any of them, its author knows.
        if not more or "*" in entry.resources or any(f"{spec}/{sub}" in named for sub in ["*", *more]):
            continue
        less = [sub for sub in more if _is_less(subject, rule, entry, f"{spec}/{sub}")]
        if less:
            message = f"{spec!r} does not cover {', '.join(f'{spec}/{sub}' for sub in less)}, of which less is recorded"
            yield WITHOUT.at(subject.document, f"{where}[{index}]", message)


def _is_less(subject: Subject, rule: Rule, entry: GroupResources, spec: str) -> bool:
    """Say whether a subresource gets a lower level than the rule has, with all else as the rule asks."""
    verbs = rule.verbs or ("get", "create")
    levels = [_decided(subject, rule, entry, spec, verb)[1] for verb in verbs]
    return any(LEVELS.index(level) < LEVELS.index(rule.level) for level in levels)


def _connected(subject: Subject, index: int, path: str, rule: Rule) -> Iterator[Finding]:
    """Find verbs that miss half of the requests: those that get where the rule says create."""
    if "create" not in rule.verbs or "get" in rule.verbs:
        return
    for entry in rule.resources:
        for spec in entry.resources:
            resource, _, subresource = spec.partition("/")
            if subresource in CONNECTED and entry.group in {"", "*"} and _differs(subject, index, entry, spec):
                message = f"{'pods' if resource == '*' else resource}/{subresource} is mostly a get, and the rule "
                where = f"{path}.verbs[{rule.verbs.index('create')}]"
                yield CONNECT.at(subject.document, where, message + "covers create alone")
                return


def _differs(subject: Subject, index: int, entry: GroupResources, spec: str) -> bool:
    """Say whether a get gets another level than a create that the rule decides about."""
    rule = subject.document.rules[index]
    pods = f"pods/{spec.partition('/')[2]}"
    first, level = _decided(subject, rule, entry, pods, "create")
    return first == index and _decided(subject, rule, entry, pods, "get")[1] != level


def _decided(subject: Subject, rule: Rule, entry: GroupResources, spec: str, verb: str) -> tuple[int | None, Level]:
    """Give the rule and the level for a subresource, with all else as a rule asks."""
    resource, _, subresource = spec.partition("/")
    asked = Request(
        verb=verb,
        user=next(iter(rule.users), "somebody"),
        groups=rule.user_groups[:1],
        api_group="" if entry.group == "*" else entry.group,
        resource=resource,
        subresource=subresource,
        namespace=next(iter(rule.namespaces), "default"),
        name=next(iter(entry.resource_names), "something"),
    )
    decided = subject.policy.decide_request(asked)
    return decided.rule, decided.level
