"""What the tests of questions share: events to ask of, and requests counted by hand."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Event = dict[str, Any]

RECEIVED = "2026-11-24T00:08:18.000000Z"
LONG_RUNNING_SUBRESOURCES = {"attach", "exec", "proxy", "log", "portforward"}
WATCHES = {"watch", "proxy"}


def event(**changed: Any) -> Event:  # noqa: ANN401  # fields of an event
    """An event as kube-apiserver writes one, with what is changed."""
    made: Event = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": "6f998e66-9829-4b03-bb5b-593ec1e05ae5",
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/web/pods/shop",
        "verb": "get",
        "user": {"username": "alice@example.com", "groups": ["system:authenticated"]},
        "sourceIPs": ["10.0.0.7"],
        "userAgent": "kubectl/v1.37.2 (linux/amd64) kubernetes/0123456",
        "objectRef": {"resource": "pods", "namespace": "web", "name": "shop", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": RECEIVED,
        "stageTimestamp": "2026-11-24T00:08:18.001500Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
    }
    made.update(changed)
    return {key: value for key, value in made.items() if value is not None}


def write(path: Path, events: Iterable[Event]) -> Path:
    """Write a log of events."""
    path.write_text("".join(json.dumps(one, separators=(",", ":")) + "\n" for one in events))
    return path


def effective(one: Event) -> str | None:
    user = one.get("impersonatedUser") or one.get("user") or {}
    return user.get("username") or None


def decision(one: Event) -> str | None:
    return (one.get("annotations") or {}).get("authorization.k8s.io/decision")


def code(one: Event) -> int | None:
    return (one.get("responseStatus") or {}).get("code")


def is_long_running(one: Event) -> bool:
    return one.get("verb") in WATCHES or (one.get("objectRef") or {}).get("subresource") in LONG_RUNNING_SUBRESOURCES


def key(one: Event) -> tuple[Any, ...]:
    return (one["auditID"], one["requestReceivedTimestamp"], effective(one))


def requests(events: Iterable[Event]) -> Iterator[tuple[Event, str]]:
    """Give one event a request and its state, in the plainest way: look through all the others for its end."""
    distinct = list({json.dumps(one): one for one in events}.values())
    ended = {key(one) for one in distinct if one["stage"] in {"ResponseComplete", "Panic"} and is_long_running(one)}
    for one in distinct:
        if one["stage"] in {"ResponseComplete", "Panic"}:
            yield one, "ended"
        elif one["stage"] == "ResponseStarted" and (not is_long_running(one) or effective(one) is None):
            yield one, "refused"
        elif one["stage"] == "ResponseStarted" and key(one) not in ended:
            yield one, "open"
