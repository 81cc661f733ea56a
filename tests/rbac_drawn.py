"""Roles and bindings drawn at random, small enough that they often meet."""

from typing import Any

from hypothesis import strategies as st

from tests.rbac_evaluator import Manifest, Request

__all__ = ["API", "clusters", "requests", "role", "role_binding", "rules"]

API = "rbac.authorization.k8s.io"
VERBS = ("get", "list", "create", "*")
GROUPS = ("", "apps", "*")
RESOURCES = ("pods", "pods/log", "nodes", "*/log", "*")
NAMES = ("a", "b")
URLS = ("/metrics", "/metrics/*", "/m*", "/m**", "/logs/", "*", "/*")
PLACES = ("web", "db")
USERS = ("alice", "bob", "system:serviceaccount:web:builder")


def role(name: str, rules: list[Manifest], namespace: str = "", **more: Any) -> Manifest:  # noqa: ANN401  # any field
    place = {"namespace": namespace} if namespace else {}
    labels = more.pop("labels", {})
    metadata = {"name": name, **place, **({"labels": labels} if labels else {})}
    kind = "Role" if namespace else "ClusterRole"
    return {"apiVersion": f"{API}/v1", "kind": kind, "metadata": metadata, "rules": rules, **more}


def role_binding(name: str, role_kind: str, role_name: str, subjects: list[Manifest], namespace: str = "") -> Manifest:
    place = {"namespace": namespace} if namespace else {}
    return {
        "apiVersion": f"{API}/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": {"name": name, **place},
        "roleRef": {"apiGroup": API, "kind": role_kind, "name": role_name},
        "subjects": subjects,
    }


def some(values: tuple[str, ...], least: int = 1) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=2, unique=True)


@st.composite
def rules(draw: st.DrawFn, *, paths: bool) -> Manifest:
    if paths and draw(st.booleans()):
        return {"verbs": draw(some(VERBS)), "nonResourceURLs": draw(some(URLS))}
    names = draw(some(NAMES, 0))
    rule = {"verbs": draw(some(VERBS)), "apiGroups": draw(some(GROUPS)), "resources": draw(some(RESOURCES))}
    return {**rule, "resourceNames": names} if names else rule


SUBJECTS = st.sampled_from(
    [
        *({"kind": "User", "name": name} for name in USERS),
        {"kind": "Group", "name": "dev"},
        {"kind": "Group", "name": "system:authenticated"},
        {"kind": "ServiceAccount", "name": "builder", "namespace": "web"},
        {"kind": "ServiceAccount", "name": "builder"},
    ]
)


@st.composite
def clusters(draw: st.DrawFn) -> list[Manifest]:
    """Roles of both kinds, one that aggregates, and bindings of both, some of them to a role that is not there."""
    found = [
        role(name, draw(st.lists(rules(paths=True), max_size=2)), labels=draw(st.sampled_from([{}, {"to": "all"}])))
        for name in ("one", "two")
    ]
    aggregation = {"clusterRoleSelectors": [{"matchLabels": {"to": "all"}}]}
    found.append(role("all", [], aggregationRule=aggregation, labels=draw(st.sampled_from([{}, {"to": "all"}]))))
    found += [role("here", draw(st.lists(rules(paths=False), max_size=2)), place) for place in PLACES]
    for at in range(draw(st.integers(0, 4))):
        namespace = draw(st.sampled_from(["", *PLACES]))
        kind = draw(st.sampled_from(["ClusterRole", "Role"])) if namespace else "ClusterRole"
        name = "here" if kind == "Role" else draw(st.sampled_from(["one", "two", "all", "none"]))
        found.append(role_binding(f"b{at}", kind, name, draw(st.lists(SUBJECTS, max_size=2)), namespace))
    return found


@st.composite
def requests(draw: st.DrawFn) -> Request:
    verb = draw(st.sampled_from(["get", "list", "create", "delete"]))
    if draw(st.integers(0, 3)) == 0:
        return Request(verb, path=draw(st.sampled_from(["/metrics", "/metrics/cadvisor", "/logs/", "/", "/m*"])))
    return Request(
        verb,
        draw(st.sampled_from(["", "apps", "batch"])),
        draw(st.sampled_from(["pods", "nodes", "jobs"])),
        draw(st.sampled_from(["", "log", "status"])),
        draw(st.sampled_from(["", *PLACES])),
        draw(st.sampled_from(["", *NAMES, "c"])),
    )
