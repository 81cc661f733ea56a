"""A rule of a role, matched as kube-apiserver matches it (`pkg/apis/rbac/v1/evaluation_helpers.go`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from auditwake.rbac.attributes import Attributes

__all__ = ["Rule"]

EVERYTHING = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule: these verbs on these resources, or on these paths.

    Example:
        >>> rule = Rule(verbs=("get",), api_groups=("",), resources=("pods/log",))
        >>> rule.allows(Attributes(verb="get", resource="pods", subresource="log", namespace="web", name="web-0"))
        True
        >>> rule.allows(Attributes(verb="get", resource="pods", namespace="web", name="web-0"))
        False
    """

    verbs: tuple[str, ...]
    """Verbs; `*` is every verb."""
    api_groups: tuple[str, ...] = ()
    """API groups; `*` is every group."""
    resources: tuple[str, ...] = ()
    """`pods`, `pods/log`, `*/log` (of every resource) or `*` (every resource, and their subresources)."""
    names: tuple[str, ...] = ()
    """Names; none for every name, and for requests that have none."""
    urls: tuple[str, ...] = ()
    """Paths; one that ends in `*` is a prefix."""

    @classmethod
    def from_json(cls, rule: Mapping[str, Any]) -> Self:
        """Read a rule as a manifest has it.

        Args:
            rule: The rule.

        Raises:
            ValueError: A text stands where a list has to be.
        """
        keys = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
        single = next((key for key in keys if isinstance(rule.get(key), str)), None)
        if single:
            message = f"{single} is no list"
            raise ValueError(message)
        verbs, groups, resources, names, urls = (tuple(map(str, rule.get(key) or ())) for key in keys)
        return cls(verbs=verbs, api_groups=groups, resources=resources, names=names, urls=urls)

    def as_json(self) -> dict[str, list[str]]:
        """Give it as a manifest has it."""
        parts = {
            "apiGroups": self.api_groups,
            "resources": self.resources,
            "resourceNames": self.names,
            "nonResourceURLs": self.urls,
            "verbs": self.verbs,
        }
        return {key: list(values) for key, values in parts.items() if values}

    def allows(self, asked: Attributes) -> bool:
        """Whether a request is allowed by this rule.

        Args:
            asked: The request.
        """
        if not _has(self.verbs, asked.verb):
            return False
        if not asked.resource:
            return any(_covers(url, asked.path) for url in self.urls)
        return (
            _has(self.api_groups, asked.api_group)
            and self._has_resource(asked)
            and (not self.names or asked.name in self.names)
        )

    def _has_resource(self, asked: Attributes) -> bool:
        if _has(self.resources, asked.target):
            return True
        return bool(asked.subresource) and f"*/{asked.subresource}" in self.resources


def _has(values: tuple[str, ...], asked: str) -> bool:
    return EVERYTHING in values or asked in values


def _covers(url: str, path: str) -> bool:
    """Whether a URL of a rule is that of a path. All stars at its end are taken off, as the server does."""
    if url in {EVERYTHING, path}:
        return True
    return url.endswith("*") and path.startswith(url.rstrip("*"))
