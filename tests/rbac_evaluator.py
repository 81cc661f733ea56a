"""RBAC as kube-apiserver's authorizer has it, over manifests, plain and slow: the twin of `auditwake.rbac.evaluate`.

Written from the rules of the authorizer (`plugin/pkg/auth/authorizer/rbac`, `pkg/registry/rbac/validation`) and of the
controller that fills aggregated roles. It shares no code with the product.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Request", "allows", "rule_allows", "rules_of"]

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """A request: a resource, or a path where `resource` is empty."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


def allows(objects: Sequence[Manifest], user: str, groups: Sequence[str], request: Request) -> bool:
    return any(rule_allows(rule, request) for rule in rules_of(objects, user, groups, request))


def rules_of(objects: Sequence[Manifest], user: str, groups: Sequence[str], request: Request) -> Iterator[Manifest]:
    """Visit what counts for a request: cluster-wide bindings always, those of a namespace for what is in it."""
    for binding in objects:
        kind, namespace = binding["kind"], binding["metadata"].get("namespace", "")
        if kind == "RoleBinding":
            if not request.resource or not request.namespace or request.namespace != namespace:
                continue
        elif kind != "ClusterRoleBinding":
            continue
        if any(applies(subject, user, groups, namespace) for subject in binding.get("subjects") or []):
            yield from referenced(objects, binding["roleRef"], namespace)


def applies(subject: Manifest, user: str, groups: Sequence[str], namespace: str) -> bool:
    if subject["kind"] == "User":
        return bool(user == subject["name"])
    if subject["kind"] == "Group":
        return subject["name"] in groups
    if subject["kind"] == "ServiceAccount":
        home = subject.get("namespace") or namespace
        return home != "" and user == f"system:serviceaccount:{home}:{subject['name']}"
    return False


def referenced(objects: Sequence[Manifest], reference: Manifest, namespace: str) -> Iterator[Manifest]:
    for role in objects:
        if role["kind"] != reference["kind"] or role["metadata"]["name"] != reference["name"]:
            continue
        if role["kind"] == "ClusterRole":
            yield from cluster_rules(objects, role, ())
        elif role["kind"] == "Role" and role["metadata"].get("namespace", "") == namespace:
            yield from role.get("rules") or []


def cluster_rules(objects: Sequence[Manifest], role: Manifest, seen: tuple[str, ...]) -> Iterator[Manifest]:
    selectors = (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or []
    name = role["metadata"]["name"]
    if role.get("rules") or not selectors:
        yield from role.get("rules") or []
        return
    for other in objects:
        if other["kind"] != "ClusterRole" or other["metadata"]["name"] in (*seen, name):
            continue
        labels = other["metadata"].get("labels") or {}
        for selector in selectors:
            if all(labels.get(key) == value for key, value in selector["matchLabels"].items()):
                yield from cluster_rules(objects, other, (*seen, name))


def rule_allows(rule: Manifest, request: Request) -> bool:
    verbs = rule["verbs"]
    if "*" not in verbs and request.verb not in verbs:
        return False
    if not request.resource:
        return any(path_matches(url, request.path) for url in rule.get("nonResourceURLs") or [])
    groups = rule.get("apiGroups") or []
    if "*" not in groups and request.group not in groups:
        return False
    combined = f"{request.resource}/{request.subresource}" if request.subresource else request.resource
    if not any(resource_matches(one, combined, request.subresource) for one in rule.get("resources") or []):
        return False
    names = rule.get("resourceNames") or []
    return len(names) == 0 or request.name in names


def resource_matches(granted: str, combined: str, subresource: str) -> bool:
    if granted in {"*", combined}:
        return True
    return len(subresource) > 0 and granted == "*/" + subresource


def path_matches(granted: str, path: str) -> bool:
    if granted in {"*", path}:
        return True
    return granted.endswith("*") and path.startswith(granted.rstrip("*"))
