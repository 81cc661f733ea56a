"""Whether an audit policy would have recorded the use of a grant."""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import TYPE_CHECKING, Final

from auditwake.rbac.evaluate import Grant, Rbac

if TYPE_CHECKING:
    from auditwake.policy import Policy

__all__ = ["Recorded"]

VERBS: Final = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
LONG_RUNNING: Final = ("attach", "exec", "proxy", "log", "portforward")
EVERYBODY: Final = "system:authenticated"
MOST: Final = 3000
"""Requests that one grant is tried with. A `*` stands for many; what is not tried is not said."""


class Recorded:
    r"""Asks an audit policy about the requests that a grant allows.

    A `*` is tried with the resources that any role names, and the whole cluster with the namespaces that the policy
    names: where the policy treats one of them apart, that shows.

    Args:
        policy: The audit policy.
        rbac: The roles and bindings.

    Example:
        >>> import auditwake as aw
        >>> from auditwake.rbac import Rbac
        >>> policy = aw.Policy.load("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None}]\n")
        >>> list(Recorded(policy, Rbac([], [])).named)
        []
    """

    def __init__(self, policy: "Policy", rbac: Rbac) -> None:
        self._policy = policy
        self._namespaces = sorted({one for rule in policy.rules for one in rule.namespaces if one})
        self.named = sorted(
            {
                (group, resource)
                for role in rbac.roles.values()
                for rule in role.rules
                for group, resource in product(rule.api_groups, rule.resources)
                if "*" not in {group, resource[:1]}
            }
        )
        """Groups and resources that the roles name."""

    def gap(self, cell: Grant, groups: tuple[str, ...]) -> str | None:
        """Say which use of a grant would not be in the log; None where each of those that were tried would.

        Args:
            cell: A grant of one verb on one resource or path.
            groups: The groups with which its subject was seen.
        """
        subject = cell.subject
        user = "" if subject.kind == "Group" else subject.user
        whose = {EVERYBODY, *groups, *([subject.name] if subject.kind == "Group" else [])}
        if subject.kind == "ServiceAccount":
            whose |= {"system:serviceaccounts", f"system:serviceaccounts:{subject.namespace}"}
        tried = self._paths(cell) if cell.rule.urls else self._resources(cell)
        for _, (said, request) in zip(range(MOST), tried, strict=False):
            decision = self._policy.decide(user=user, groups=sorted(whose), **request)
            long = request["verb"] == "watch" or request.get("subresource") in LONG_RUNNING
            if not decision.emits("ResponseComplete") and not (long and decision.emits("ResponseStarted")):
                by = "no rule" if decision.rule is None else f"rules[{decision.rule}]"
                return f"the policy does not record {said} ({by})"
        return None

    def _resources(self, cell: Grant) -> Iterator[tuple[str, dict[str, str]]]:
        rule = cell.rule
        namespaces = [cell.binding.namespace] if cell.binding.namespace else ["", *self._namespaces]
        targets = list(self._targets(rule.api_groups[0], rule.resources[0]))
        for verb, (group, target), namespace, name in product(
            _verbs(rule.verbs[0]), targets, namespaces, rule.names or ("",)
        ):
            resource, _, subresource = target.partition("/")
            request = {"verb": verb, "api_group": group, "resource": resource, "namespace": namespace, "name": name}
            place = f" in {namespace}" if namespace else ""
            yield f"{verb} {target}{place}", {**request, "subresource": subresource}

    def _targets(self, group: str, target: str) -> Iterable[tuple[str, str]]:
        """Give what a group and a resource of a rule stand for, as far as the roles name it."""
        if "*" not in group and not target.startswith("*"):
            return [(group, target)]
        end = target[1:] if target.startswith("*/") else ""
        return [
            (one, resource)
            for one, resource in self.named
            if group in {"*", one} and (target in {"*", resource} or (end and resource.endswith(end)))
        ] or [("" if group == "*" else group, "unnamed" + end)]

    def _paths(self, cell: Grant) -> Iterator[tuple[str, dict[str, str]]]:
        path = cell.rule.urls[0].rstrip("*") or "/"
        for verb in _verbs(cell.rule.verbs[0]):
            yield f"{verb} {path}", {"verb": verb, "path": path}


def _verbs(verb: str) -> tuple[str, ...]:
    return VERBS if verb == "*" else (verb,)
