"""Who a role is bound to."""

import re
from dataclasses import dataclass
from typing import Final, Self

__all__ = ["NODE", "NODES", "SUPERUSERS", "Subject"]

SUPERUSERS: Final = "system:masters"
"""The group that is allowed everything before RBAC is asked."""
NODES: Final = "system:nodes"
NODE: Final = "system:node:"
ACCOUNT: Final = re.compile(r"system:serviceaccount:([a-z0-9]([a-z0-9-]*[a-z0-9])?):([a-z0-9]([a-z0-9.-]*[a-z0-9])?)")
API: Final = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """A user, a group or a service account.

    Example:
        >>> Subject.of("system:serviceaccount:web:builder").as_json()
        {'kind': 'ServiceAccount', 'name': 'builder', 'namespace': 'web'}
        >>> str(Subject.of("alice"))
        'User/alice'
    """

    kind: str
    """User, Group or ServiceAccount."""
    name: str
    namespace: str = ""
    """The namespace of a service account."""

    @classmethod
    def of(cls, user: str) -> Self:
        """Say what a username is: a service account where it has the form of one.

        Args:
            user: The name, as in an event.
        """
        account = ACCOUNT.fullmatch(user)
        return cls("ServiceAccount", account[3], account[1]) if account else cls("User", user)

    @property
    def user(self) -> str:
        """The username; for a group its name."""
        return f"system:serviceaccount:{self.namespace}:{self.name}" if self.kind == "ServiceAccount" else self.name

    def is_of(self, user: str, groups: tuple[str, ...]) -> bool:
        """Whether a binding to it is one to a user.

        Args:
            user: The username.
            groups: The groups of the user.
        """
        return self.name in groups if self.kind == "Group" else self.user == user

    def as_json(self) -> dict[str, str]:
        """Give it as a binding has it."""
        if self.kind == "ServiceAccount":
            return {"kind": self.kind, "name": self.name, "namespace": self.namespace}
        return {"apiGroup": API, "kind": self.kind, "name": self.name}

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)
