"""Audit events made for the tests of RBAC, and what they ask of the authorizer, counted with plain Python."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.rbac_evaluator import Request

__all__ = ["Event", "asked", "event", "resource_event", "write_log"]

Event = dict[str, Any]
EVERYBODY = {"system:authenticated", "system:unauthenticated"}


def event(user: str, verb: str, uri: str, *, allowed: bool = True, at: int = 0, **more: Any) -> Event:  # noqa: ANN401  # any JSON
    code = more.pop("code", 200 if allowed else 403)
    time = f"2026-11-24T00:{at // 60 % 60:02}:{at % 60:02}.{at % 1_000_000:06}Z"
    made = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": f"id-{at}",
        "stage": "ResponseComplete",
        "requestURI": uri,
        "verb": verb,
        "user": {"username": user, "groups": ["system:authenticated"]},
        "sourceIPs": ["10.0.0.1"],
        "responseStatus": {"metadata": {}, "code": code},
        "requestReceivedTimestamp": time,
        "stageTimestamp": time,
        "annotations": {
            "authorization.k8s.io/decision": "allow" if allowed else "forbid",
            "authorization.k8s.io/reason": "",
        },
    }
    return {**made, **more}


def resource_event(
    user: str,
    verb: str,
    resource: str,
    *,
    group: str = "",
    namespace: str = "",
    name: str = "",
    **more: Any,  # noqa: ANN401  # any JSON
) -> Event:
    """An event about a resource, or about `resource/subresource`, as the server writes it."""
    resource, _, subresource = resource.partition("/")
    root = f"/apis/{group}/v1" if group else "/api/v1"
    place = f"/namespaces/{namespace}" if namespace else ""
    last = f"/{name}" if name and verb not in {"list", "watch", "deletecollection"} else ""
    in_path = "" if verb == "create" and not subresource else last
    uri = f"{root}{place}/{resource}{in_path}" + (f"/{subresource}" if subresource else "")
    words = {"resource": resource, "namespace": namespace, "name": name, "apiGroup": group, "subresource": subresource}
    reference = {key: word for key, word in words.items() if word}
    return event(user, verb, uri, objectRef={**reference, "apiVersion": "v1"}, **more)


def write_log(path: Path, events: Iterable[Event]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in events))
    return path


def asked(events: Iterable[Event]) -> Iterator[tuple[str, tuple[str, ...], Request, bool]]:
    """What the authorizer was asked and what it said: user, groups, request, answer. Nothing of it is the product's."""
    found = list(events)
    ended = {one["auditID"] for one in found if one["stage"] == "ResponseComplete"}
    for one in found:
        if one["stage"] == "ResponseStarted" and one["auditID"] in ended:
            continue
        if one["stage"] == "RequestReceived" or not one["user"].get("username"):
            continue
        decision = (one.get("annotations") or {}).get("authorization.k8s.io/decision")
        impersonated = one.get("impersonatedUser")
        who = impersonated or one["user"]
        if impersonated:
            groups = tuple(sorted(one["user"].get("groups", [])))
            for request in impersonations(impersonated):
                yield one["user"]["username"], groups, request, True
        if decision:
            request = of_event(one)
            yield who["username"], tuple(sorted(who.get("groups", []))), request, decision == "allow"
            if one["verb"] in {"patch", "update"} and one["responseStatus"].get("code") == 201 and decision == "allow":
                made = Request("create", request.group, request.resource, request.subresource, request.namespace)
                yield who["username"], tuple(sorted(who.get("groups", []))), made, True


def of_event(one: Event) -> Request:
    reference = one.get("objectRef")
    if not reference or "resource" not in reference:
        return Request(one["verb"], path=one["requestURI"].partition("?")[0])
    subresource = reference.get("subresource", "")
    nameless = one["verb"] == "deletecollection" or (one["verb"] == "create" and not subresource)
    return Request(
        one["verb"],
        reference.get("apiGroup", ""),
        reference["resource"],
        subresource,
        reference.get("namespace", ""),
        "" if nameless else reference.get("name", ""),
    )


def impersonations(user: Event) -> Iterator[Request]:
    """What the legacy impersonation filter asks: each identity by itself, but for the groups that it adds."""
    name = user["username"]
    groups = [group for group in user.get("groups", []) if group not in EVERYBODY]
    if name.startswith("system:serviceaccount:"):
        namespace, account = name.split(":")[2:]
        yield Request("impersonate", "", "serviceaccounts", "", namespace, account)
        if sorted(groups) == ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]:
            groups = []
    else:
        yield Request("impersonate", "", "users", "", "", name)
    for group in groups:
        yield Request("impersonate", "", "groups", "", "", group)
    if "uid" in user:
        yield Request("impersonate", "authentication.k8s.io", "uids", "", "", user["uid"])
    for key, values in user.get("extra", {}).items():
        for value in values:
            yield Request("impersonate", "authentication.k8s.io", "userextras", key, "", value)
