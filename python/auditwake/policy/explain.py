"""Why a rule does not match, in words."""

from collections.abc import Iterable, Sequence

from auditwake.policy.model import Document, Rule
from auditwake.policy.request import Request, Step

__all__ = ["steps"]

FIELDS = {
    "resource request": "resources",
    "non-resource request": "nonResourceURLs",
    "resourceNames": "resources",
}
"""Where a condition stands that is not called like its field."""

SHOWN = 4
"""Values of a list that are shown."""


def steps(document: Document, request: Request, failed: Iterable[str | None]) -> tuple[Step, ...]:
    """Say for each rule why it does not match.

    Args:
        document: The rules and their places.
        request: What was asked.
        failed: For each rule, the first condition that fails.
    """
    return tuple(
        _step(document, request, index, condition) for index, condition in enumerate(failed) if condition is not None
    )


def _step(document: Document, request: Request, index: int, condition: str) -> Step:
    rule = document.rules[index]
    field = FIELDS.get(condition, condition)
    if condition == "resource request" and not rule.resources:
        field = "namespaces"
    return Step(index, condition, _text(rule, request, condition), document.mark(f"rules[{index}].{field}"))


def _text(rule: Rule, request: Request, condition: str) -> str:
    what = request.resource + (f"/{request.subresource}" if request.subresource else "")
    match condition:
        case "users" if request.user is None:
            text = f"users: there is no user, and the rule asks for {_one_of(rule.users)}"
        case "users":
            text = f"users: {request.user!r} is not {_one_of(rule.users)}"
        case "userGroups":
            groups = _listed(request.groups) if request.groups else "no group"
            text = f"userGroups: in {groups}, not in {_one_of(rule.user_groups)}"
        case "verbs":
            text = f"verbs: {request.verb!r} is not {_one_of(rule.verbs)}"
        case "resource request":
            text = "the rule is for resources, and the request is for a path"
        case "non-resource request":
            text = "the rule is for paths, and the request is for a resource"
        case "namespaces":
            text = f"namespaces: {request.namespace!r} is not {_one_of(rule.namespaces)}"
        case "resources":
            group = request.api_group or "the core group"
            text = f"resources: {what!r} of {group} is not among {_resources(rule)}"
        case "resourceNames":
            names = [name for entry in rule.resources for name in entry.resource_names]
            name = repr(request.name) if request.name else "a request without a name"
            text = f"resourceNames: {name} is not {_one_of(names)}"
        case _:
            text = f"nonResourceURLs: {request.path!r} is not {_one_of(rule.non_resource_urls)}"
    return text


def _resources(rule: Rule) -> str:
    entries = [f"{entry.group or 'core'}: {_listed(entry.resources) or 'all'}" for entry in rule.resources]
    return "; ".join(entries)


def _one_of(values: Sequence[str]) -> str:
    return _listed(values) if len(values) == 1 else f"one of {_listed(values)}"


def _listed(values: Sequence[str]) -> str:
    more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return ", ".join(map(repr, values[:SHOWN])) + more
