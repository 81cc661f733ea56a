"""Roles and bindings as the RBAC authorizer sees them: who is granted what."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from auditwake.rbac.attributes import Attributes
from auditwake.rbac.rule import Rule
from auditwake.rbac.subject import Subject

__all__ = ["Binding", "Grant", "Rbac", "Role"]

BOOTSTRAPPING: Final = "kubernetes.io/bootstrapping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A Role or a ClusterRole."""

    kind: str
    name: str
    namespace: str = ""
    """The namespace of a Role; `""` for a ClusterRole."""
    rules: tuple[Rule, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    selectors: tuple[Mapping[str, Any], ...] = ()
    """The label selectors of its aggregationRule."""
    manifest: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_built_in(self) -> bool:
        """Whether the server keeps it as it was made: what is added to it may be lost."""
        return BOOTSTRAPPING in self.labels

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" in {self.namespace}" if self.namespace else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A RoleBinding or a ClusterRoleBinding."""

    kind: str
    name: str
    namespace: str = ""
    """The namespace of a RoleBinding; `""` for a ClusterRoleBinding."""
    role_kind: str
    role_name: str
    subjects: tuple[Subject, ...] = ()

    @property
    def role(self) -> tuple[str, str]:
        """Namespace and name of its role."""
        return (self.namespace if self.role_kind == "Role" else "", self.role_name)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" in {self.namespace}" if self.namespace else "")


@dataclass(frozen=True, slots=True)
class Grant:
    """A rule that somebody has, and how it came to them."""

    binding: Binding
    subject: Subject
    role: Role
    index: int
    """Of the rule in its role."""
    rule: Rule

    def allows(self, asked: Attributes) -> bool:
        """Whether it allows a request; that of a RoleBinding counts in its namespace, and so for no path.

        Args:
            asked: The request.
        """
        inside = self.binding.namespace in {"", asked.namespace}
        return inside and self.rule.allows(asked)


class Rbac:
    """Roles and bindings.

    Args:
        roles: All of them, of both kinds.
        bindings: All of them, of both kinds.

    Example:
        >>> everything = Role(kind="ClusterRole", name="admin", rules=(Rule(verbs=("*",), urls=("*",)),))
        >>> binding = Binding(
        ...     kind="ClusterRoleBinding",
        ...     name="alice",
        ...     role_kind="ClusterRole",
        ...     role_name="admin",
        ...     subjects=(Subject("User", "alice"),),
        ... )
        >>> Rbac([everything], [binding]).allows("alice", (), Attributes(verb="get", path="/metrics"))
        True
    """

    def __init__(self, roles: Iterable[Role], bindings: Iterable[Binding]) -> None:
        self.roles = {(role.namespace, role.name): role for role in roles}
        self.bindings = tuple(bindings)
        self._of: defaultdict[Subject, list[Binding]] = defaultdict(list)
        for binding in self.bindings:
            for subject in dict.fromkeys(binding.subjects):
                self._of[subject].append(binding)
        self._rules = {key: tuple(self._aggregated(role, set())) for key, role in self.roles.items()}

    def allows(self, user: str, groups: Iterable[str], asked: Attributes) -> bool:
        """Whether RBAC allows a request.

        Args:
            user: Who asks.
            groups: The groups of the user.
            asked: The request.
        """
        return any(grant.allows(asked) for grant in self.grants(user, groups))

    def grants(self, user: str, groups: Iterable[str]) -> Iterator[Grant]:
        """Give every rule that a user has.

        Args:
            user: The username.
            groups: The groups of the user.
        """
        subjects = {Subject.of(user), Subject("User", user), *(Subject("Group", group) for group in groups)}
        for subject in sorted(subjects):
            yield from self.granted_to(subject)

    def granted_to(self, subject: Subject) -> Iterator[Grant]:
        """Give every rule that a subject has by its own name.

        Args:
            subject: A user, a group or a service account.
        """
        for binding in self._of.get(subject, ()):
            role = self.roles.get(binding.role)
            if role is not None:
                rules = self._rules[binding.role]
                yield from (Grant(binding, subject, role, index, rule) for index, rule in enumerate(rules))

    def rules_of(self, role: Role) -> tuple[Rule, ...]:
        """Give the rules of a role; of one that aggregates, those that the controller puts into it.

        Args:
            role: The role.
        """
        return self._rules[role.namespace, role.name]

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Everybody to whom something is bound, in order."""
        return tuple(sorted(self._of))

    def bound(self, role: Role) -> tuple[Binding, ...]:
        """Give the bindings of a role.

        Args:
            role: The role.
        """
        return tuple(one for one in self.bindings if one.role == (role.namespace, role.name))

    def is_aggregated(self, role: Role) -> bool:
        """Whether the rules of a role are put into another one as well.

        Args:
            role: The role.
        """
        others = (other for other in self.roles.values() if role.kind == "ClusterRole" and other.name != role.name)
        return any(_selects(selector, role.labels) for other in others for selector in other.selectors)

    @property
    def dangling(self) -> tuple[Binding, ...]:
        """The bindings to a role that is not there: they grant nothing."""
        return tuple(binding for binding in self.bindings if binding.role not in self.roles)

    def _aggregated(self, role: Role, seen: set[str]) -> Iterator[Rule]:
        """Give the rules of a role; of one that aggregates, what the controller will have written into it."""
        if not role.selectors or role.rules:
            yield from role.rules
            return
        seen.add(role.name)
        for other in self.roles.values():
            chosen = other.kind == "ClusterRole" and other.name not in seen
            if chosen and any(_selects(selector, other.labels) for selector in role.selectors):
                yield from self._aggregated(other, seen)


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects; an empty one selects everything."""
    same = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return same and all(_holds(one, labels) for one in selector.get("matchExpressions") or ())


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels
