"""Whole events, each built of the little that a case says of its request."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

__all__ = ["PEOPLE", "Text", "event", "line"]

KUBECTL = "kubectl/v1.37.2 (linux/amd64) kubernetes/0123456"
START = datetime(2027, 1, 1, 12, tzinfo=UTC)
CREATED = {"create"}
MARK = "a body as it was sent"
REASONS = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 500: None}


class Text(str):
    """A body that stands on the line as it is, as that of a patch does."""

    __slots__ = ()


def account(
    namespace: str, name: str, agent: str = "builder/1.0", extra: Mapping[str, list[str]] | None = None
) -> dict[str, Any]:
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    user = {"username": f"system:serviceaccount:{namespace}:{name}", "uid": "8e8c9a2e-5d0c-4a43-8d6e-0a51c1f9c6a1"}
    return {"user": user | {"groups": groups, **({"extra": dict(extra)} if extra else {})}, "agent": agent}


def component(name: str, *groups: str) -> dict[str, Any]:
    return {
        "user": {"username": name, "groups": [*groups, "system:authenticated"]},
        "agent": "kube-controller-manager/v1.37.2 (linux/amd64) kubernetes/0123456",
    }


PEOPLE: Mapping[str, dict[str, Any]] = {
    "alice": {"user": {"username": "alice@example.com", "groups": ["dev", "system:authenticated"]}, "agent": KUBECTL},
    "admin": {
        "user": {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]},
        "agent": KUBECTL,
    },
    "anonymous": {
        "user": {"username": "system:anonymous", "groups": ["system:unauthenticated"]},
        "agent": "curl/7.88.1",
    },
    "nobody": {"user": {}, "agent": "curl/7.88.1"},
    "builder": account("team-a", "builder"),
    "addon": account("kube-system", "aws-node"),
    "replicaset-controller": account("kube-system", "replicaset-controller", "kube-controller-manager/v1.37.2"),
    "namespace-controller": account("kube-system", "namespace-controller", "kube-controller-manager/v1.37.2"),
    "certificate-controller": account("kube-system", "certificate-controller", "kube-controller-manager/v1.37.2"),
    "cloud-controller": component("system:controller:glbc"),
    "kcm": component("system:kube-controller-manager"),
    "apiserver": component("system:apiserver", "system:masters"),
    "node": component("system:node:node-1", "system:nodes"),
    "joining": component("system:bootstrap:abcdef", "system:bootstrappers"),
    "pod": account(
        "team-a",
        "builder",
        extra={
            "authentication.kubernetes.io/credential-id": ["JTI=0e6d1b0e-9c9b-4b8e-8c1e-3b1b3f5a1c11"],
            "authentication.kubernetes.io/node-name": ["node-1"],
            "authentication.kubernetes.io/pod-name": ["builder-0"],
            "authentication.kubernetes.io/pod-uid": ["0b5c1a36-26c1-4a2e-9a0e-0a6a2b7f1d22"],
        },
    ),
}
"""Who asks: name -> user and agent."""


def event(case: str, index: int, said: Mapping[str, Any], *, after: timedelta = timedelta()) -> dict[str, Any]:
    """Build the event at the end of a request.

    Args:
        case: What it is of: the audit IDs of two cases differ.
        index: Which request of the case.
        said: What is said of it; see `tests/data/detect/README.md`.
        after: How long after the first of all events.
    """
    who = PEOPLE[said.get("as", "alice")]
    verb, code = said["verb"], said.get("code", 201 if said["verb"] in CREATED else 200)
    received = START + after + timedelta(seconds=said.get("at", index))
    body, response = said.get("body"), said.get("response")
    level = said.get("level") or ("RequestResponse" if response else "Request" if body else "Metadata")
    built: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": level,
        "auditID": said.get("audit_id") or str(uuid.uuid5(uuid.NAMESPACE_URL, f"{case}/{index}")),
        "stage": said.get("stage", "ResponseStarted" if who is PEOPLE["nobody"] else "ResponseComplete"),
        "requestURI": _uri(said),
        "verb": verb,
        "user": _user(who["user"], case),
    }
    if "impersonates" in said:
        built["impersonatedUser"] = said["impersonates"]
    built |= {"sourceIPs": said.get("from", ["10.0.0.9"]), "userAgent": said.get("agent", who["agent"])}
    if "resource" in said:
        built["objectRef"] = _reference(said)
    built["responseStatus"] = _status(code)
    built |= {key: value for key, value in (("requestObject", body), ("responseObject", response)) if value is not None}
    built |= {
        "requestReceivedTimestamp": _time(received),
        "stageTimestamp": _time(received + timedelta(milliseconds=4)),
    }
    if who is not PEOPLE["nobody"]:
        decision = said.get("decision", "allow")
        built["annotations"] = {
            "authorization.k8s.io/decision": decision,
            "authorization.k8s.io/reason": "",
            **said.get("annotations", {}),
        }
    return built


def line(built: Mapping[str, Any]) -> bytes:
    """Write an event as the server does."""
    bodies = {key: value for key, value in built.items() if isinstance(value, Text)}
    text = json.dumps({**built, **dict.fromkeys(bodies, MARK)}, separators=(",", ":"), ensure_ascii=False)
    for body in bodies.values():
        text = text.replace(f'"{MARK}"', body, 1)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e").encode() + b"\n"


def _user(user: dict[str, Any], case: str) -> dict[str, Any]:
    """Give each case a credential of its own."""
    credential = "authentication.kubernetes.io/credential-id"
    if credential not in user.get("extra", {}):
        return user
    return user | {"extra": user["extra"] | {credential: [f"JTI={uuid.uuid5(uuid.NAMESPACE_URL, case)}"]}}


def _uri(said: Mapping[str, Any]) -> str:
    if "path" in said:
        path = str(said["path"])
    else:
        group, resource = said.get("group", ""), said["resource"]
        resource, _, subresource = resource.partition("/")
        version = said.get("version", "v1")
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        if said.get("namespace") and resource != "namespaces":
            path += f"/namespaces/{said['namespace']}"
        path += f"/{resource}"
        if said.get("name") and (said["verb"] != "create" or subresource):
            path += f"/{said['name']}"
        path += f"/{subresource}" if subresource else ""
        path += said.get("below", "")
    query = said.get("query", {}) | ({"command": said["command"]} if "command" in said else {})
    return path + (f"?{urlencode(query, doseq=True)}" if query else "")


def _reference(said: Mapping[str, Any]) -> dict[str, str]:
    resource, _, subresource = said["resource"].partition("/")
    values = {
        "resource": resource,
        "namespace": said.get("namespace", ""),
        "name": said.get("name", ""),
        "apiGroup": said.get("group", ""),
        "apiVersion": said.get("version", "v1"),
        "subresource": subresource,
    }
    return {key: value for key, value in values.items() if value}


def _status(code: int) -> dict[str, Any]:
    status: dict[str, Any] = {"metadata": {}}
    if code in REASONS:
        status |= {"status": "Failure", "message": "refused"}
        reason = REASONS[code]
        status |= {"reason": reason} if reason else {}
    return status | {"code": code}


def _time(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
