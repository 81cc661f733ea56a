"""What kube-apiserver's validation refuses, in its words."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from auditwake.policy.loading.gotext import json_string, quote
from auditwake.policy.loading.versions import Server
from auditwake.policy.model import LEVELS, STAGES, GroupResources, Rule

__all__ = ["Invalid", "aggregate", "validate"]

LONGEST_NAME: Final = 253
LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN: Final = rf"{LABEL}(\.{LABEL})*"
NO_SUBDOMAIN: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{SUBDOMAIN}')"
)


class Invalid(NamedTuple):
    """One thing that is invalid.

    Attributes:
        path: Where, as the server names it.
        body: What the server says of it.
        place: Where, by the key or item itself: the server leaves some indexes out.
        remedy: What to do.
    """

    path: str
    body: str
    place: str
    remedy: str

    @property
    def message(self) -> str:
        """The server's words."""
        return f"{self.path}: {self.body}"


def validate(rules: tuple[Rule, ...], omit_stages: tuple[str, ...], server: Server) -> list[Invalid]:
    """Check a policy as the server does.

    Args:
        rules: The rules.
        omit_stages: The stages of the policy.
        server: The server.

    Returns:
        What is invalid, in the server's order; nothing when all is well.

    Example:
        >>> [invalid.message for invalid in validate((Rule(level=""),), (), Server(1, 37))]
        ['rules[0].level: Required value']
    """
    found = list(_stages(omit_stages, "omitStages"))
    for index, rule in enumerate(rules):
        found += _rule(rule, f"rules[{index}]", server)
    return found


def aggregate(messages: list[str]) -> str:
    """Say several errors as one, as the server does: each once.

    Example:
        >>> aggregate(["a", "b", "a"]), aggregate(["a", "a"])
        ('[a, b]', 'a')
    """
    several = list(dict.fromkeys(messages))
    return several[0] if len(several) == 1 else f"[{', '.join(several)}]"


def _rule(rule: Rule, path: str, server: Server) -> Iterator[Invalid]:
    yield from _level(rule.level, f"{path}.level", path, server)
    yield from _urls(rule.non_resource_urls, f"{path}.nonResourceURLs")
    for index, resources in enumerate(rule.resources):
        yield from _resources(resources, f"{path}.resources", index, server)
    yield from _stages(rule.omit_stages, f"{path}.omitStages")
    if rule.non_resource_urls and (rule.resources or rule.namespaces):
        where = f"{path}.nonResourceURLs"
        problem = "rules cannot apply to both regular resources and non-resource URLs"
        body = f"{_invalid(rule.non_resource_urls, server)}: {problem}"
        yield Invalid(where, body, where, "make it two rules, one for resources and one for URLs")


def _level(level: str, path: str, rule: str, server: Server) -> Iterator[Invalid]:
    one_of = f"use one of {', '.join(LEVELS)}"
    if not level:
        yield Invalid(path, "Required value", path, f"give the rule at {rule} a level: {one_of}")
    elif level not in LEVELS:
        known = ", ".join(map(quote, LEVELS))
        yield Invalid(path, f"Unsupported value: {_value(level, server)}: supported values: {known}", path, one_of)


def _urls(urls: tuple[str, ...], path: str) -> Iterator[Invalid]:
    for index, url in enumerate(urls):
        where = f"{path}[{index}]"
        if url == "*":
            continue
        if not url.startswith("/"):
            body = f"Invalid value: {quote(url)}: non-resource URL rules must begin with a '/' character"
            yield Invalid(where, body, where, "begin the path with /, or write * for every path")
        # The server looks at all bytes but the last one.
        if "*" in url[:-1]:
            problem = "non-resource URL wildcards '*' must be the final character of the rule"
            body = f"Invalid value: {quote(url)}: {problem}"
            yield Invalid(where, body, where, "keep one * and put it at the end")


def _resources(resources: GroupResources, path: str, index: int, server: Server) -> Iterator[Invalid]:
    group = resources.group
    if group and not (group == "*" and server.any_group):
        problems = []
        if len(group.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
            problems.append(f"must be no more than {LONGEST_NAME} bytes")
        if re.fullmatch(SUBDOMAIN, group) is None:
            problems.append(NO_SUBDOMAIN)
        if problems:
            body = f"Invalid value: {quote(group)}: {','.join(problems)}"
            yield Invalid(f"{path}.group", body, f"{path}[{index}].group", _group_remedy(group))
    if resources.resource_names and not resources.resources:
        body = f"{_invalid(resources.resource_names, server)}: using resourceNames requires at least one resource"
        where = f"{path}[{index}].resourceNames"
        yield Invalid(f"{path}.resourceNames", body, where, "name the resources that these are names of")


def _group_remedy(group: str) -> str:
    if group == "*":
        return "name each group, or ask for Kubernetes 1.36, which is the first that takes group '*'"
    if "/" in group:
        return f"leave the version out: {group.partition('/')[0]}"
    return "write the group as in apiVersion, such as apps or rbac.authorization.k8s.io; '' is the core group"


def _stages(stages: tuple[str, ...], path: str) -> Iterator[Invalid]:
    for index, stage in enumerate(stages):
        if stage not in STAGES:
            where = f"{path}[{index}]"
            body = f"Invalid value: {quote(stage)}: allowed stages are {','.join(STAGES)}"
            yield Invalid(where, body, where, f"use one of {', '.join(STAGES)}")


def _invalid(values: tuple[str, ...], server: Server) -> str:
    if server.json_values:
        return f"Invalid value: [{','.join(map(json_string, values))}]"
    return f"Invalid value: []string{{{', '.join(map(quote, values))}}}"


def _value(value: str, server: Server) -> str:
    return json_string(value) if server.json_values else quote(value)
