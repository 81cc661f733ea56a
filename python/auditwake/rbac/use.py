"""What was asked of the authorizer: one question, however often it was asked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from auditwake.rbac.attributes import Attributes

__all__ = ["Use"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One question to the authorizer, with how often it was asked and what was answered.

    Example:
        >>> from auditwake import demo, rbac
        >>> observed = rbac.observe(demo.LOG, users=("bob@example.com",))
        >>> [(use.verb, use.what, use.requests) for use in observed.uses if not use.allowed][:2]
        [('get', '/logs/', 1), ('get', '/metrics', 1)]
    """

    user: str
    """Who asked: the effective user."""
    groups: tuple[str, ...]
    """The groups that the authorizer saw."""
    through: str
    """`request`, `impersonation`, `create by patch` or `create by update`."""
    verb: str
    api_group: str
    resource: str
    """The resource; `""` for a path."""
    subresource: str
    namespace: str
    """The namespace; `""` for the scope of the cluster."""
    path: str
    """The path without its query; `""` for a resource."""
    allowed: bool
    """What the authorizer said."""
    named: bool
    """Whether the question had a name."""
    names: tuple[str, ...]
    """The names that were asked for, as many as were kept."""
    all_names: bool
    """Whether those are all."""
    requests: int
    """How often it was asked."""
    first: datetime
    last: datetime
    codes: tuple[int, ...]
    """What became of the requests in the end."""
    audit_ids: tuple[str, ...]
    """Some of the requests."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any], most_names: int) -> Self:
        """Read a row of `observe.sql`.

        Args:
            row: The row.
            most_names: How many names are kept; one more in the row says that there are too many.
        """
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
        }
        allowed = values.pop("decision") == "allow"
        names = values.pop("names")
        return cls(**values, allowed=allowed, names=names[:most_names], all_names=len(names) <= most_names)

    @property
    def target(self) -> str:
        """The resource as rules have it: `pods` or `pods/log`; `""` for a path."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource

    @property
    def what(self) -> str:
        """What it was about, in a word: `deployments.apps/scale`, or the path."""
        if not self.resource:
            return self.path
        group = f".{self.api_group}" if self.api_group else ""
        return f"{self.resource}{group}" + (f"/{self.subresource}" if self.subresource else "")

    def questions(self) -> Iterator[Attributes]:
        """Give the question for each name that is known, or once where there is none."""
        for name in self.names if self.named else ("",):
            yield Attributes(
                verb=self.verb,
                api_group=self.api_group,
                resource=self.resource,
                subresource=self.subresource,
                namespace=self.namespace,
                name=name,
                path=self.path,
            )
