"""What the server's own roles grant to everybody, so that nobody needs it once more."""

from functools import cache
from typing import Final

from auditwake.rbac.evaluate import Binding, Rbac, Role
from auditwake.rbac.rule import Rule
from auditwake.rbac.subject import Subject

__all__ = ["everybodys"]

INFO: Final = ("/healthz", "/livez", "/readyz", "/version", "/version/")
DISCOVERY: Final = ("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", *INFO)
REVIEWS: Final = ("selfsubjectaccessreviews", "selfsubjectrulesreviews")
AUTHENTICATED: Final = Subject("Group", "system:authenticated")
UNAUTHENTICATED: Final = Subject("Group", "system:unauthenticated")

RULES: Final = {
    "system:discovery": (Rule(verbs=("get",), urls=DISCOVERY),),
    "system:public-info-viewer": (Rule(verbs=("get",), urls=INFO),),
    "system:basic-user": (
        Rule(verbs=("create",), api_groups=("authorization.k8s.io",), resources=REVIEWS),
        Rule(verbs=("create",), api_groups=("authentication.k8s.io",), resources=("selfsubjectreviews",)),
    ),
}
BOUND: Final = {
    "system:discovery": (AUTHENTICATED,),
    "system:public-info-viewer": (AUTHENTICATED, UNAUTHENTICATED),
    "system:basic-user": (AUTHENTICATED,),
}


@cache
def everybodys() -> Rbac:
    """Give system:discovery, system:public-info-viewer and system:basic-user with their bindings.

    Example:
        >>> from auditwake.rbac import Attributes
        >>> everybodys().allows("alice", ["system:authenticated"], Attributes(verb="get", path="/apis/apps/v1"))
        True
    """
    roles = [Role(kind="ClusterRole", name=name, rules=rules) for name, rules in RULES.items()]
    bindings = [
        Binding(kind="ClusterRoleBinding", name=name, role_kind="ClusterRole", role_name=name, subjects=BOUND[name])
        for name in RULES
    ]
    return Rbac(roles, bindings)
