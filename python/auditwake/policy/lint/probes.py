"""Kinds of requests that matter more than others, each as the rule that matches it.

Rules can ask for more than requests have: a secret in no namespace, a create with a name in its path. What no request
that succeeds has is put into kinds of its own, ahead of the others, so that a witness is a request that happens.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from auditwake.policy.model import GroupResources, Level, Rule

__all__ = ["PROBES", "Probe"]


class Probe(NamedTuple):
    """A kind of request.

    Attributes:
        what: What it is called; empty for what does not happen.
        rule: What matches it.
        data: The first level at which secret data of it is in the log; None where there is none.
        is_sensitive: Whether it should be recorded.
    """

    what: str
    rule: Rule
    data: Level | None = None
    is_sensitive: bool = False


def _rule(
    resources: Mapping[str, Sequence[str]],
    verbs: Sequence[str] = (),
    *,
    namespaces: Sequence[str] = (),
    names: Sequence[str] = (),
) -> Rule:
    entries = tuple(GroupResources(group, tuple(some), tuple(names)) for group, some in resources.items())
    return Rule("Metadata", verbs=tuple(verbs), resources=entries, namespaces=tuple(namespaces))


RBAC: Final = "rbac.authorization.k8s.io"
CERTIFICATES: Final = {"certificates.k8s.io": ["certificatesigningrequests/approval"]}
REVIEWS: Final = {"authentication.k8s.io": ["tokenreviews"]}
OBJECTS: Final = {"": ["secrets", "configmaps"], RBAC: ["roles", "rolebindings"]}
CLUSTER_OBJECTS: Final = {RBAC: ["clusterroles", "clusterrolebindings"]}
CONNECTED: Final = ("pods/exec", "pods/attach", "pods/portforward")
PROXIES: Final = ("pods/proxy", "services/proxy")
PARTS: Final = {"": [*CONNECTED, *PROXIES, "serviceaccounts/token"]}
NAMED: Final = ("get", "update", "patch", "delete")
"""Verbs whose requests have a name."""

NONE: Final = ("",)

DOES_NOT_HAPPEN: Final = (
    Probe("", _rule(OBJECTS, [*NAMED, "create", "deletecollection"], namespaces=NONE)),
    Probe("", _rule({**OBJECTS, RBAC: [*OBJECTS[RBAC], *CLUSTER_OBJECTS[RBAC]]}, NAMED, names=NONE)),
    Probe("", _rule(PARTS, namespaces=NONE)),
    Probe("", _rule({**PARTS, "": [*PARTS[""], "nodes/proxy"], **CERTIFICATES}, names=NONE)),
)


def _objects(resource: str, *, is_sensitive: bool) -> tuple[Probe, ...]:
    """Give the kinds of requests for objects with secret data: a body of it is sent, or comes back, or neither."""
    one = {"": [resource]}
    return (
        Probe(resource, _rule(one, ["create"], names=NONE), "Request", is_sensitive),
        Probe(resource, _rule(one, ["update", "patch"]), "Request", is_sensitive),
        Probe(resource, _rule(one, ["get", "list", "delete"]), "RequestResponse", is_sensitive),
        Probe(resource, _rule(one, ["deletecollection"], names=NONE), "RequestResponse", is_sensitive),
        # A watch has no bodies in the log.
        Probe(resource, _rule(one, ["watch"]), None, is_sensitive),
    )


def _changes(resources: Mapping[str, Sequence[str]], namespaces: Sequence[str] = ()) -> tuple[Probe, ...]:
    unnamed = _rule(resources, ["create", "deletecollection"], names=NONE, namespaces=namespaces)
    named = _rule(resources, ["update", "patch", "delete"], namespaces=namespaces)
    return tuple(Probe("changes of RBAC", rule, None, is_sensitive=True) for rule in (unnamed, named))


PROBES: Final = (
    *DOES_NOT_HAPPEN,
    *_objects("secrets", is_sensitive=True),
    *_objects("configmaps", is_sensitive=False),
    Probe("tokenreviews", _rule(REVIEWS, ["create"], names=NONE, namespaces=NONE), "Request"),
    # The token is in the response alone.
    Probe(
        "serviceaccounts/token",
        _rule({"": ["serviceaccounts/token"]}, ["create"]),
        "RequestResponse",
        is_sensitive=True,
    ),
    *(Probe(one, _rule({"": [one]}, ["get", "create"]), None, is_sensitive=True) for one in CONNECTED),
    *(Probe(one, _rule({"": [one]}), None, is_sensitive=True) for one in PROXIES),
    Probe("nodes/proxy", _rule({"": ["nodes/proxy"]}, namespaces=NONE), None, is_sensitive=True),
    *_changes({RBAC: OBJECTS[RBAC]}),
    *_changes(CLUSTER_OBJECTS, NONE),
    Probe(
        "approval of certificates",
        _rule(CERTIFICATES, ["update", "patch"], namespaces=NONE),
        None,
        is_sensitive=True,
    ),
)
"""Every kind. The first that matches a request is the one that it is of."""
