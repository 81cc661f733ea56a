"""Requests to show: of all that would do, the plainest, and the same one every time."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from auditwake.policy.lint.values import METHODS, RESOURCE_VERBS
from auditwake.policy.model import Document
from auditwake.policy.request import Request

__all__ = ["plain"]

TARGETS: Final = (
    ("", "pods", ""),
    ("apps", "deployments", ""),
    ("", "secrets", ""),
    ("", "nodes", ""),
    ("", "pods", "log"),
    ("apps", "deployments", "status"),
    ("example.com", "widgets", ""),
    ("example.com", "widgets", "status"),
)
"""Resources that people know, the best known first."""

UNNAMED: Final = frozenset({"list", "watch", "create", "deletecollection"})
"""Verbs whose requests most often have no name."""

PATHS: Final = ("/healthz", "/version", "/metrics", "/", "/somewhere")


def plain(document: Document, request: Request, does: Callable[[Request], bool]) -> Request:
    r"""Make a request as plain as it can be.

    Args:
        document: The policy, whose own values are tried after those that everybody knows.
        request: A request that does.
        does: Whether a request does.

    Example:
        >>> from auditwake.policy import loads
        >>> document = loads("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n")
        >>> odd = Request("proxy", "x", ("y",), "z.io", "things", "part", "here", "thing")
        >>> str(plain(document, odd, lambda request: request.verb != "get"))
        "'somebody': list pods in namespace 'default'"
    """
    for changes in _candidates(document, request):
        request = next((changed for one in changes if does(changed := replace(request, **one))), request)
    return request


def _candidates(document: Document, request: Request) -> Iterator[list[dict[str, Any]]]:
    """Give what each part of a request may be instead, the plainest first."""
    rules = document.rules
    users = sorted({user for rule in rules for user in rule.users})
    groups = sorted({group for rule in rules for group in rule.user_groups})
    people = [
        {"user": user, "groups": some}
        for some in [(), *((group,) for group in groups)]
        for user in ("somebody", *users)
    ]
    yield [*people, {"user": None, "groups": ()}]
    if request.path is not None:
        yield [{"path": path} for path in PATHS]
        yield [{"verb": verb} for verb in METHODS]
        return
    yield [{"api_group": group, "resource": name, "subresource": part} for group, name, part in TARGETS]
    names = sorted({name for rule in rules for entry in rule.resources for name in entry.resource_names} - {""})
    usual = [(verb, "" if verb in UNNAMED else "something") for verb in RESOURCE_VERBS]
    verbs = [*usual, *((verb, name) for verb in RESOURCE_VERBS for name in ("something", "", *names))]
    namespaces = ["default", "", *sorted({namespace for rule in rules for namespace in rule.namespaces} - {""})]
    # Together, as what is plain for the one may not do with the other.
    yield [{"verb": verb, "name": name, "namespace": where} for verb, name in verbs for where in namespaces]
