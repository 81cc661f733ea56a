"""Single permissions, and the fewest rules that grant just those."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from auditwake.rbac.rule import Rule
from auditwake.rbac.use import Use

__all__ = ["Permission", "compact", "not_grantable", "permissions"]

NAMESPACE: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
IDENTITIES: Final = ("users", "groups", "uids", "userextras", "serviceaccounts")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Permission:
    """One verb on one resource, or on one path.

    Example:
        >>> Permission(verb="get", api_group="", target="pods/log", name="web-0").is_in(
        ...     Permission(verb="get", api_group="", target="pods/log")
        ... )
        True
    """

    verb: str
    api_group: str = ""
    target: str = ""
    """`pods` or `pods/log`; `""` for a path."""
    name: str = ""
    """A name; `""` for every name, and for none."""
    url: str = ""
    """A path; `""` for a resource."""

    def is_in(self, other: "Permission") -> bool:
        """Whether another permission grants it as well.

        Args:
            other: The other permission.
        """
        same = (self.verb, self.api_group, self.target, self.url)
        return same == (other.verb, other.api_group, other.target, other.url) and other.name in {"", self.name}


def permissions(use: Use) -> Iterator[Permission]:
    """Give what has to be granted for a use: with names where all of them are known.

    Args:
        use: What was asked.
    """
    for name in use.names if use.named and use.all_names else ("",):
        yield Permission(verb=use.verb, api_group=use.api_group, target=use.target, name=name, url=use.path)


def not_grantable(use: Use) -> str | None:
    """Say why no rule can grant just this; None where one can.

    Whoever sends a request chooses its words, and some of them mean everything in a rule.

    Args:
        use: What was asked.

    Example:
        >>> from auditwake import demo, rbac
        >>> {not_grantable(use) for use in rbac.observe(demo.LOG, users=("bob@*",)).uses}
        {None}
    """
    if not use.verb:
        return "its method is none that Kubernetes knows, so it has no verb"
    if "*" in {use.verb, use.api_group, use.resource} or use.path.endswith("*"):
        return "it has a * in its words, which in a rule means everything"
    if use.namespace and not NAMESPACE.fullmatch(use.namespace):
        return "no namespace can have such a name"
    if use.verb.startswith("impersonate") and use.resource in IDENTITIES and not (use.named and use.all_names):
        what = "more names than are kept (a higher --most-names helps)" if use.named else "a name that is empty"
        return f"it impersonates {what}, and a rule without names would allow to be anybody"
    return None


def compact(wanted: Iterable[Permission]) -> list[Rule]:
    """Give the rules that grant just these permissions. Only what differs in one thing becomes one rule.

    Args:
        wanted: The permissions.

    Example:
        >>> rules = compact([Permission(verb=verb, target="pods") for verb in ("list", "get")])
        >>> [rule.as_json() for rule in rules]
        [{'apiGroups': [''], 'resources': ['pods'], 'verbs': ['get', 'list']}]
    """
    all_of = set(wanted)
    return [*_of_resources(one for one in all_of if one.target), *_of_paths(one for one in all_of if one.url)]


def _of_resources(wanted: Iterable[Permission]) -> list[Rule]:
    names: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    for one in wanted:
        names[one.api_group, one.target, one.verb].add(one.name)
    verbs: defaultdict[tuple[str, str, tuple[str, ...]], set[str]] = defaultdict(set)
    for (group, target, verb), found in names.items():
        verbs[group, target, () if "" in found else tuple(sorted(found))].add(verb)
    targets: defaultdict[tuple[str, tuple[str, ...], tuple[str, ...]], set[str]] = defaultdict(set)
    for (group, target, these), found in verbs.items():
        targets[group, tuple(sorted(found)), these].add(target)
    groups: defaultdict[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], set[str]] = defaultdict(set)
    for (group, with_verbs, these), found in targets.items():
        groups[with_verbs, tuple(sorted(found)), these].add(group)
    rules = [
        Rule(verbs=with_verbs, api_groups=tuple(sorted(found)), resources=resources, names=these)
        for (with_verbs, resources, these), found in groups.items()
    ]
    return sorted(rules, key=lambda rule: (rule.api_groups, rule.resources, rule.names, rule.verbs))


def _of_paths(wanted: Iterable[Permission]) -> list[Rule]:
    verbs: defaultdict[str, set[str]] = defaultdict(set)
    for one in wanted:
        verbs[one.url].add(one.verb)
    urls: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for url, found in verbs.items():
        urls[tuple(sorted(found))].add(url)
    return [Rule(verbs=found, urls=tuple(sorted(these))) for found, these in sorted(urls.items())]
