"""Resources that are not where a rule looks for them."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from auditwake.policy.lint.builtin import GROUPS, REMOVED, Builtin, builtins, by_alias, by_resource, by_subresource
from auditwake.policy.lint.finding import Code, Finding
from auditwake.policy.lint.subject import Subject
from auditwake.policy.lint.values import is_pattern
from auditwake.policy.model import Document, GroupResources

__all__ = ["CODES", "find"]

GROUP: Final = Code(
    code="AWP301",
    name="wrong-group",
    severity="error",
    why="The group is compared as well, so the rule does not cover the resource at all.",
    fix="name the group that has the resource",
    bad="rules:\n- {level: Metadata, resources: [{group: '', resources: [deployments]}]}\n",
    good="rules:\n- {level: Metadata, resources: [{group: apps, resources: [deployments]}]}\n",
)
SPELLING: Final = Code(
    code="AWP302",
    name="resource-spelling",
    severity="error",
    why="Resources are compared as they stand in the path of a request: in the plural and in lower case.",
    fix="write the plural in lower case",
    bad="rules:\n- {level: Metadata, resources: [{group: '', resources: [Pod]}]}\n",
    good="rules:\n- {level: Metadata, resources: [{group: '', resources: [pods/*]}]}\n",
)
UNKNOWN: Final = Code(
    code="AWP303",
    name="unknown-resource",
    severity="warning",
    why="Kubernetes has all resources of this group itself, and this is none of them.",
    fix="take it out, or name a resource that is there",
    bad="rules:\n- {level: Metadata, resources: [{group: batch, resources: [cronjob/status, crons]}]}\n",
    good="rules:\n- {level: Metadata, resources: [{group: batch, resources: [cronjobs/status]}]}\n",
)
UNKNOWN_GROUP: Final = Code(
    code="AWP304",
    name="unknown-group",
    severity="warning",
    why="Groups are compared as they stand in apiVersion, before the slash; a group of custom resources has a dot.",
    fix="write the group as in apiVersion",
    bad="rules:\n- {level: Metadata, resources: [{group: rbac, resources: [roles]}]}\n",
    good="rules:\n- {level: Metadata, resources: [{group: rbac.authorization.k8s.io, resources: [roles]}]}\n",
)
SCOPE: Final = Code(
    code="AWP305",
    name="cluster-scoped",
    severity="error",
    why="A request for it has no namespace, so a list of namespaces without '' never matches it.",
    fix="put it in a rule without namespaces, or add '' to them",
    bad="rules:\n- {level: Metadata, namespaces: [default], resources: [{resources: [nodes]}]}\n",
    good="rules:\n- {level: Metadata, namespaces: [''], resources: [{resources: [nodes]}]}\n",
)
ANY_GROUP: Final = Code(
    code="AWP306",
    name="any-group",
    severity="note",
    why="Kubernetes 1.36 is the first that takes group '*': an older kube-apiserver refuses the whole policy and does "
    "not start.",
    fix="name each group, as long as older servers may load the file",
    bad="rules:\n- {level: Metadata, resources: [{group: '*'}]}\n",
    good="rules:\n- {level: Metadata, resources: [{group: apps}]}\n",
)
CODES: Final = (GROUP, SPELLING, UNKNOWN, UNKNOWN_GROUP, SCOPE, ANY_GROUP)

KUBELET: Final = frozenset(
    {"checkpoint", "configz", "healthz", "log", "metrics", "pods", "runningpods", "spec", "stats"}
)
"""Subresources of nodes that a kubelet asks RBAC about: its own requests, and none of kube-apiserver."""


def find(subject: Subject) -> Iterator[Finding]:
    """Find resources that no request for them would match."""
    document = subject.document
    for path, rule in subject.rules():
        for index, entry in enumerate(rule.resources):
            where = f"{path}.resources[{index}]"
            yield from _group(document, where, entry)
            for at, spec in enumerate(entry.resources):
                if is_pattern(spec) and spec != "*":
                    yield from _resource(document, f"{where}.resources[{at}]", entry.group, spec)
            if rule.namespaces and "" not in rule.namespaces:
                yield from _scope(document, where, entry)


def _group(document: Document, where: str, entry: GroupResources) -> Iterator[Finding]:
    group = entry.group
    if group == "*":
        yield ANY_GROUP.at(document, f"{where}.group", "group '*' covers all groups only since Kubernetes 1.36")
        return
    if group in GROUPS or group in {group for group, _ in REMOVED}:
        return
    meant = _group_meant(group)
    if meant is not None or "." not in group:
        shown = "''" if meant == "" else meant
        fix = f"write group: {shown}" if meant is not None else None
        yield UNKNOWN_GROUP.at(document, f"{where}.group", f"Kubernetes has no group {group!r}", fix=fix)


def _group_meant(group: str) -> str | None:
    """Give the group that a text stands for that is none of Kubernetes."""
    if group in {"core", "v1", "api", "core.k8s.io"}:
        return ""
    by_start = sorted(one for one in GROUPS if one.partition(".")[0] == group.partition(".")[0])
    if by_start and group in {by_start[0][: len(group)], group.partition(".")[0], f"{by_start[0]}.k8s.io"}:
        return by_start[0]
    # Only where nothing but a slip tells them apart: groups of custom resources have names of their own.
    close = get_close_matches(group, [one for one in GROUPS if one], n=1, cutoff=0.9)
    return close[0] if close else None


def _resource(document: Document, where: str, group: str, spec: str) -> Iterator[Finding]:
    name, _, subresource = spec.partition("/")
    if name == "*":
        if group in GROUPS and not any(subresource in one.subresources for one in _of(group)):
            message = f"no resource of {_called(group)} has a subresource {subresource!r}"
            yield UNKNOWN.at(document, where, message)
        return
    if any(one.resource == name for one in _of(group)):
        yield from _subresource(document, where, next(one for one in _of(group) if one.resource == name), subresource)
    elif (group, name) in REMOVED:
        yield UNKNOWN.at(
            document, where, f"there are no {name} in {_called(group)}", why=_sentence(REMOVED[group, name])
        )
    elif group in GROUPS:
        yield from _elsewhere(document, where, group, spec)
    elif name != name.lower():
        yield SPELLING.at(document, where, f"no resource is called {name!r}", fix=f"write {name.lower()!r}")


def _of(group: str) -> list[Builtin]:
    return [one for one in builtins() if group in {one.group, "*"}]


def _subresource(document: Document, where: str, one: Builtin, subresource: str) -> Iterator[Finding]:
    if not subresource or subresource == "*" or subresource in one.subresources:
        return
    message = f"{one.resource} have no subresource {subresource!r}"
    if one.resource == "nodes" and subresource in KUBELET:
        why = "A kubelet asks RBAC about it, for its own requests; what goes through kube-apiserver is nodes/proxy."
        yield UNKNOWN.at(document, where, message, why=why, fix="write 'nodes/proxy', or take it out")
        return
    close = get_close_matches(subresource, one.subresources, n=1)
    known = f"use one of {', '.join(one.subresources)}" if one.subresources else f"write {one.resource!r}"
    yield UNKNOWN.at(document, where, message, fix=f"write '{one.resource}/{close[0]}'" if close else known)


def _elsewhere(document: Document, where: str, group: str, spec: str) -> Iterator[Finding]:
    """Say where a resource is that is not in the group."""
    name, slash, subresource = spec.partition("/")
    others = by_resource(name)
    if others:
        has = " and ".join(_called(one.group) for one in others)
        fix = f"put it in an item of its own with group: {others[0].group or repr('')}"
        yield GROUP.at(document, where, f"{name} are in {has}, not in {_called(group)}", fix=fix)
        return
    aliases = sorted(by_alias(name), key=lambda one: one.group != group)
    if aliases:
        meant = aliases[0]
        in_group = "" if meant.group == group else f", in an item with group: {meant.group or repr('')}"
        fix = f"write {meant.resource + slash + subresource!r}{in_group}"
        yield SPELLING.at(document, where, f"no resource is called {name!r}", fix=fix)
        return
    owners = by_subresource(name)
    if owners and not slash:
        fix = f"write '{owners[0].resource}/{name}'"
        yield UNKNOWN.at(document, where, f"{name!r} is a subresource and no resource", fix=fix)
        return
    known = [one.resource for one in _of(group)]
    close = get_close_matches(name.lower(), known, n=1, cutoff=0.8)
    fix = f"write {close[0] + slash + subresource!r}" if close else f"use one of {', '.join(sorted(known))}"
    yield UNKNOWN.at(document, where, f"there are no {name!r} in {_called(group)}", fix=fix)


def _scope(document: Document, where: str, entry: GroupResources) -> Iterator[Finding]:
    """Find what is in no namespace. `GET /api/v1/namespaces/a` has the namespace a, so that namespaces are left out."""
    for at, spec in enumerate(entry.resources):
        name = spec.partition("/")[0]
        found = [one for one in _of(entry.group) if one.resource == name]
        if entry.group != "*" and found and not found[0].namespaced and name != "namespaces":
            message = f"{name} are in no namespace, and the rule asks for one"
            yield SCOPE.at(document, f"{where}.resources[{at}]", message)
    if not entry.resources and entry.group in GROUPS and not any(one.namespaced for one in _of(entry.group)):
        message = f"nothing in {_called(entry.group)} is in a namespace, and the rule asks for one"
        yield SCOPE.at(document, f"{where}.group", message)


def _called(group: str) -> str:
    return f"group {group!r}" if group else "the core group ''"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
