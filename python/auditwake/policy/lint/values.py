"""Values that match no request: wildcards where there are none, verbs that no request has, paths of resources."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from auditwake.policy.lint.finding import Code, Finding
from auditwake.policy.lint.subject import Subject
from auditwake.policy.model import Document, GroupResources, Rule

__all__ = ["CODES", "METHODS", "RESOURCE_VERBS", "find", "is_pattern"]

WILDCARD: Final = Code(
    code="AWP201",
    name="literal-wildcard",
    severity="error",
    why="Verbs, users, groups, namespaces and names are compared as they are: a * is the letter *, and nothing has it.",
    fix="write each value out, or leave the list out to cover all",
    bad="rules:\n- {level: Metadata, verbs: ['*']}\n",
    good="rules:\n- {level: Metadata}\n",
)
PATTERN: Final = Code(
    code="AWP202",
    name="resource-pattern",
    severity="error",
    why="A resource is '*', 'resource', 'resource/subresource', 'resource/*' or '*/subresource'; anything else is a "
    "name that no resource has.",
    fix="'*' covers everything in the group, subresources as well",
    bad="rules:\n- {level: Metadata, resources: [{group: apps, resources: ['*/*']}]}\n",
    good="rules:\n- {level: Metadata, resources: [{group: apps, resources: ['*']}]}\n",
)
VERB: Final = Code(
    code="AWP203",
    name="unknown-verb",
    severity="error",
    why="Verbs are compared as they are, and no request has this one.",
    fix="use a verb that requests have",
    bad="rules:\n- {level: Metadata, verbs: [GET]}\n",
    good="rules:\n- {level: Metadata, verbs: [get]}\n",
)
PATH: Final = Code(
    code="AWP204",
    name="path-of-resource",
    severity="error",
    why="nonResourceURLs are compared with the paths of requests that are for no resource; no such path begins so.",
    fix="cover it with resources",
    bad="rules:\n- {level: Metadata, nonResourceURLs: ['/api/v1/pods*']}\n",
    good="rules:\n- {level: Metadata, resources: [{group: '', resources: [pods]}]}\n",
)
NAMELESS: Final = Code(
    code="AWP205",
    name="names-without-name",
    severity="warning",
    why="The server looks for the name in the path. A create or a deletecollection has none there, so resourceNames "
    "never match it.",
    fix="take the verb out, or put it in a rule without resourceNames",
    bad="rules:\n- {level: Metadata, verbs: [create], resources: [{resources: [configmaps], resourceNames: [a]}]}\n",
    good="rules:\n- {level: Metadata, verbs: [update], resources: [{resources: [configmaps], resourceNames: [a]}]}\n",
)
CODES: Final = (WILDCARD, PATTERN, VERB, PATH, NAMELESS)

RESOURCE_VERBS: Final = (
    "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "proxy", "",
)  # fmt: skip
"""What kube-apiserver makes of HTTP for a resource; the empty one is for a method that it does not know."""

METHODS: Final = ("get", "post", "put", "patch", "delete", "head", "options", "connect", "trace")
"""The methods of HTTP in lower case: the verbs of a path."""

MEANT: Final = {
    "post": "create", "put": "update", "head": "get", "read": "get", "view": "get", "write": "update",
    "modify": "update", "edit": "update", "replace": "update", "apply": "patch", "remove": "delete",
    "connect": "get", "exec": "get",
}  # fmt: skip
"""What is meant by what is no verb of a resource."""

MEANT_OF_PATH: Final = {"create": "post", "update": "put", "list": "get", "watch": "get", "deletecollection": "delete"}

RBAC: Final = frozenset({"use", "bind", "escalate", "impersonate", "approve", "sign", "attest"})
"""Verbs that RBAC asks about beside those of requests."""

UNNAMED_VERBS: Final = frozenset({"create", "deletecollection"})


def find(subject: Subject) -> Iterator[Finding]:
    """Find values that match no request."""
    for path, rule in subject.rules():
        yield from _wildcards(subject.document, path, rule)
        yield from _verbs(subject.document, path, rule)
        yield from _paths(subject.document, path, rule)
        yield from _names(subject.document, path, rule)
        for index, entry in enumerate(rule.resources):
            yield from _patterns(subject.document, f"{path}.resources[{index}].resources", entry)


def _wildcards(document: Document, path: str, rule: Rule) -> Iterator[Finding]:
    lists = [("users", rule.users), ("userGroups", rule.user_groups), ("verbs", rule.verbs)]
    lists.append(("namespaces", rule.namespaces))
    lists += [(f"resources[{index}].resourceNames", entry.resource_names) for index, entry in enumerate(rule.resources)]
    for where, values in lists:
        for index, value in enumerate(values):
            if "*" in value:
                field = where.rpartition(".")[2]
                message = f"{value!r} is no wildcard in {field}: it matches only what is called just so"
                yield WILDCARD.at(document, f"{path}.{where}[{index}]", message, fix=_instead(field, value))


def _instead(field: str, value: str) -> str:
    """Say what to write in place of a wildcard."""
    if value.strip("*") == "":
        return f"leave {field} out: without it, all are covered"
    parts = value.split(":")
    if field == "users" and value == "system:node:*":
        return "write userGroups: ['system:nodes']"
    if field == "users" and parts[:2] == ["system", "serviceaccount"] and parts[-1] == "*":
        group = ":".join(["system", "serviceaccounts", *parts[2:-1]]).removesuffix(":*")
        return f"write userGroups: [{group!r}]"
    if field == "userGroups" and value.startswith("system:serviceaccounts:"):
        return "write 'system:serviceaccounts', in which all service accounts are"
    return "write each one out: the server knows no patterns here"


# --- resources -------------------------------------------------------------------------------------------------------


def is_pattern(spec: str) -> bool:
    """Say whether a text can match a resource at all.

    Example:
        >>> [spec for spec in ("pods", "pods/log", "pods/*", "*/scale", "*", "*/*", "pod*") if not is_pattern(spec)]
        ['*/*', 'pod*']
    """
    resource, slash, subresource = spec.partition("/")
    if spec == "*" or not slash:
        return bool(spec) and (spec == "*" or "*" not in spec)
    whole = [part for part in (resource, subresource) if part == "*"]
    parts = [part for part in (resource, subresource) if part != "*"]
    return len(whole) < 2 and all(part and "*" not in part and "/" not in part for part in parts)  # noqa: PLR2004


def _patterns(document: Document, path: str, entry: GroupResources) -> Iterator[Finding]:
    for index, spec in enumerate(entry.resources):
        if not is_pattern(spec):
            yield PATTERN.at(document, f"{path}[{index}]", f"{spec!r} matches no resource", fix=_plain(spec))


def _plain(spec: str) -> str | None:
    """Say what to write in place of a pattern that matches nothing."""
    resource = spec.strip("*/").partition("/")[0]
    if spec.count("/") > 1 and resource and "*" not in resource:
        return f"a request has one subresource: write {'/'.join(spec.split('/')[:2])!r}"
    if resource and "*" not in resource and spec.startswith(resource) and spec.endswith("*"):
        return f"write {resource + '/*'!r} for a resource and its subresources, or each resource out"
    return None


# --- verbs -----------------------------------------------------------------------------------------------------------


def _verbs(document: Document, path: str, rule: Rule) -> Iterator[Finding]:
    of_resources = bool(rule.resources or rule.namespaces)
    of_paths = not of_resources and bool(rule.non_resource_urls)
    known = RESOURCE_VERBS if of_resources else METHODS if of_paths else (*RESOURCE_VERBS, *METHODS)
    about = "a resource" if of_resources else "a path" if of_paths else "anything"
    for index, verb in enumerate(rule.verbs):
        if verb not in known and "*" not in verb:
            message = f"no request for {about} has the verb {verb!r}"
            why = "RBAC asks about it, but no request has it as its verb." if verb.lower() in RBAC else None
            fix = _verb_fix(verb, known, of_paths=of_paths)
            yield VERB.at(document, f"{path}.verbs[{index}]", message, why=why, fix=fix)


def _verb_fix(verb: str, known: tuple[str, ...], *, of_paths: bool) -> str:
    lower = verb.lower().strip()
    meant = (MEANT_OF_PATH if of_paths else MEANT).get(lower)
    if lower in RBAC:
        return "take it out; the request is recorded with its own verb, and who was impersonated in impersonatedUser"
    if lower in known:
        return f"write {lower!r}: verbs are in lower case"
    if lower in {"exec", "connect"} and not of_paths:
        return "write 'get' and 'create', with the subresource in resources, such as pods/exec"
    if meant:
        return f"write {meant!r}"
    if of_paths:
        return f"write a method of HTTP in lower case: {', '.join(METHODS)}"
    close = get_close_matches(lower, [one for one in known if one], n=1)
    return f"write {close[0]!r}" if close else f"use one of {', '.join(RESOURCE_VERBS[:8])}"


# --- paths and names -------------------------------------------------------------------------------------------------


def _paths(document: Document, path: str, rule: Rule) -> Iterator[Finding]:
    if rule.resources or rule.namespaces:
        return
    for index, url in enumerate(rule.non_resource_urls):
        parts = [part for part in url.rstrip("*").split("/") if part]
        # Fewer parts than these, and the server takes the request for one that is for no resource.
        fewest = {"api": 3, "apis": 4}.get(parts[0] if parts else "", len(parts) + 1)
        where = f"{path}.nonResourceURLs[{index}]"
        if len(parts) >= fewest:
            yield PATH.at(document, where, f"{url!r} is the path of a resource, so it matches nothing here")
        elif "?" in url:
            fix = f"write {url.partition('?')[0]!r}"
            yield PATH.at(document, where, f"{url!r} has a query, which is not part of the path", fix=fix)


def _names(document: Document, path: str, rule: Rule) -> Iterator[Finding]:
    """Find verbs that come without a name, where every entry asks for one. Subresources are created under a name."""
    if not rule.resources or not all(_asks_name(entry) for entry in rule.resources):
        return
    for index, verb in enumerate(rule.verbs):
        if verb in UNNAMED_VERBS:
            message = f"a {verb} has no name in its path, so resourceNames never match it"
            yield NAMELESS.at(document, f"{path}.verbs[{index}]", message)


def _asks_name(entry: GroupResources) -> bool:
    plain = all("/" not in spec and spec != "*" for spec in entry.resources)
    return bool(entry.resource_names) and "" not in entry.resource_names and plain
