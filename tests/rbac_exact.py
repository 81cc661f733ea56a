"""What a log needs to be granted, and that some roles grant just that: all of it, and nothing that lies beside it."""

import dataclasses
import itertools
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.rbac_evaluator import Request, allows
from tests.rbac_log import Event, event, resource_event

__all__ = ["Neighbours", "assert_exact", "events_of_a_log", "is_seen", "needed"]

PUBLIC = {"/healthz", "/livez", "/readyz", "/version", "/version/"}
FIELDS = {
    True: ("verb", "path"),
    False: ("verb", "group", "resource", "subresource", "namespace", "name"),
}
DISCOVERY = {"/api", "/apis", "/openapi", *PUBLIC}
REVIEWS = {
    ("authorization.k8s.io", "selfsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectrulesreviews"),
    ("authentication.k8s.io", "selfsubjectreviews"),
}

Asked = tuple[str, tuple[str, ...], Request, bool]


def is_everybodys(groups: Sequence[str], request: Request) -> bool:
    """What system:discovery, system:public-info-viewer and system:basic-user grant."""
    if request.path:
        if request.verb != "get":
            return False
        if "system:authenticated" not in groups:
            return request.path in PUBLIC
        return request.path in DISCOVERY or request.path.startswith(("/api/", "/apis/", "/openapi/"))
    create = request.verb == "create" and not request.subresource
    return create and (request.group, request.resource) in REVIEWS and "system:authenticated" in groups


def is_beyond_rbac(user: str, groups: Sequence[str]) -> bool:
    return "system:masters" in groups or ("system:nodes" in groups and user.startswith("system:node:"))


def needed(found: Sequence[Asked], decided: str) -> dict[str, set[Request]]:
    """User -> what has to be granted."""
    wanted: defaultdict[str, set[Request]] = defaultdict(set)
    for user, groups, request, allowed in found:
        odd = not request.verb or "*" in (request.verb, request.group, request.resource) or request.path.endswith("*")
        if decided != "all" and allowed != (decided == "allowed"):
            continue
        if odd or is_beyond_rbac(user, groups) or (allowed and is_everybodys(groups, request)):
            continue
        wanted[user].add(request)
    return wanted


def is_seen(request: Request, seen: set[Request]) -> bool:
    """Whether a request is one of those seen, or follows from one: a grant for the cluster is one for each namespace,
    and one for no name is one for each name."""
    wider = itertools.product({"", request.namespace}, {"", request.name})
    return any(dataclasses.replace(request, namespace=namespace, name=name) in seen for namespace, name in wider)


class Neighbours:
    """Requests that differ in one word from one that was seen: by a word of another, or by one that nobody has.

    Args:
        requests: Those that were seen.
    """

    def __init__(self, requests: Sequence[Request]) -> None:
        self._draw = random.Random(7)  # noqa: S311  # which neighbours are looked at
        self._words = {
            is_path: {
                name: sorted({"other", *(getattr(one, name) for one in requests if bool(one.path) == is_path)})
                for name in fields
            }
            for is_path, fields in FIELDS.items()
        }

    def of(self, request: Request, count: int) -> Iterator[Request]:
        """Draw some neighbours of a request."""
        words = self._words[bool(request.path)]
        for _ in range(count):
            name = self._draw.choice(sorted(words))
            changed = dataclasses.replace(request, **{name: self._draw.choice(words[name])})
            if changed.resource or changed.path:
                yield changed


def assert_exact(objects: list[dict[str, Any]], wanted: dict[str, set[Request]]) -> None:
    """All that was seen is allowed, and of what lies beside it nothing."""
    neighbours = Neighbours([one for seen in wanted.values() for one in seen])
    for user, seen in wanted.items():
        assert [one for one in seen if not allows(objects, user, (), one)] == []
        beside = [one for request in sorted(seen, key=str) for one in neighbours.of(request, 6)]
        assert [one for one in beside if allows(objects, user, (), one) and not is_seen(one, seen)] == []


WORDS = st.sampled_from(["a", "b", "c"])
PLACES = st.sampled_from(["", "web", "db"])
NAMED = st.sampled_from(["get", "update", "patch", "delete", "list", "watch", "create"])


@st.composite
def events_of_a_log(draw: st.DrawFn) -> Event:
    user = draw(st.sampled_from(["alice", "system:serviceaccount:web:builder", "system:node:n1"]))
    allowed = draw(st.booleans())
    at = draw(st.integers(0, 3000))
    if draw(st.integers(0, 5)) == 0:
        path = draw(st.sampled_from(["/metrics", "/healthz", "/api/v1", "/logs/", "/metrics/x?verbose"]))
        return event(user, draw(st.sampled_from(["get", "post"])), path, allowed=allowed, at=at)
    verb = draw(NAMED)
    subresource = draw(st.sampled_from(["", "", "/log"]))
    name = draw(WORDS) if verb not in {"list", "watch"} or draw(st.booleans()) else ""
    code = draw(st.sampled_from([200, 201, 404])) if allowed else 403
    more: dict[str, Any] = {"code": code}
    if draw(st.integers(0, 4)) == 0:
        account = draw(st.booleans())
        added = ["system:serviceaccounts", "system:serviceaccounts:web"] if account else []
        groups = draw(st.sampled_from([added, [*added, "ops"], ["ops"]]))
        who = "system:serviceaccount:web:other" if account else "bob"
        more["impersonatedUser"] = {"username": who, "groups": [*groups, "system:authenticated"]}
    group, kind = draw(st.sampled_from(["", "apps"])), draw(WORDS)
    return resource_event(
        user, verb, kind + subresource, group=group, namespace=draw(PLACES), name=name, allowed=allowed, at=at, **more
    )
