"""What an authorizer is asked."""

from dataclasses import dataclass

__all__ = ["Attributes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """The attributes of a request that RBAC looks at (`authorizer.Attributes` of k8s.io/apiserver), but for the user.

    Example:
        >>> Attributes(verb="get", resource="pods", subresource="log", namespace="web").target
        'pods/log'
    """

    verb: str
    """The verb; for a path, the method in lower case."""
    api_group: str = ""
    """The API group; `""` is the core group."""
    resource: str = ""
    """The resource; `""` for a request for a path."""
    subresource: str = ""
    """The subresource; `""` for none."""
    namespace: str = ""
    """The namespace; `""` for the scope of the cluster."""
    name: str = ""
    """The name, as far as the authorizer sees it; `""` for none."""
    path: str = ""
    """The decoded path, without its query, of a request for no resource."""

    @property
    def target(self) -> str:
        """The resource as rules have it: `pods` or `pods/log`; `""` for a path."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource
