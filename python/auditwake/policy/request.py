"""What a policy is asked, and what it answers."""

from dataclasses import dataclass

from auditwake.policy.model import Level, Mark, Stage

__all__ = ["Decision", "Request", "Step"]


@dataclass(frozen=True, slots=True)
class Request:
    """The attributes of a request that audit policy looks at (`authorizer.Attributes` of k8s.io/apiserver).

    Attributes:
        verb: The verb; the method in lower case where `path` is set.
        user: Who asked; None when authentication failed.
        groups: The user's groups.
        api_group: The API group; `""` is the core group.
        resource: The resource.
        subresource: The subresource; `""` for none.
        namespace: The namespace; `""` for none.
        name: The name in the path or in a field selector, never the one in a body; `""` for none.
        path: The decoded path of a request for no resource; None for a resource.
    """

    verb: str
    user: str | None = None
    groups: tuple[str, ...] = ()
    api_group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str | None = None

    def __str__(self) -> str:
        who = "nobody (authentication failed)" if self.user is None else repr(self.user)
        groups = f" in {', '.join(map(repr, self.groups))}" if self.groups else ""
        return f"{who}{groups}: {self.verb or '(no verb)'} {self._target()}"

    def _target(self) -> str:
        if self.path is not None:
            return self.path
        what = self.resource + (f"/{self.subresource}" if self.subresource else "")
        group = f".{self.api_group}" if self.api_group else ""
        name = f" {self.name!r}" if self.name else ""
        where = f" in namespace {self.namespace!r}" if self.namespace else ""
        return f"{what}{group}{name}{where}"


@dataclass(frozen=True, slots=True)
class Step:
    """Why a rule does not match.

    Attributes:
        rule: Index of the rule.
        condition: The first condition that fails, in the order in which the server looks: `users`, `userGroups`,
            `verbs`, `resource request`, `non-resource request`, `namespaces`, `resources`, `resourceNames` or
            `nonResourceURLs`.
        text: The same in words, with the value that it fails for.
        mark: Where the condition stands in the file.
    """

    rule: int
    condition: str
    text: str
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy says of a request, and why.

    Attributes:
        level: How much is recorded.
        rule: Index of the rule that matches first; None when none does, and then nothing is recorded.
        mark: Where the rule stands in the file.
        omit_stages: Stages of which no event is written.
        omit_managed_fields: Whether `metadata.managedFields` is left out of bodies.
        why: For each earlier rule, or for all when none matches, the first condition that fails.
        request: What was asked.

    Example:
        >>> import auditwake as aw
        >>> policy = aw.Policy.load(\"\"\"
        ... apiVersion: audit.k8s.io/v1
        ... kind: Policy
        ... rules: [{level: Metadata, users: [alice]}]
        ... \"\"\")
        >>> decision = policy.decide(verb="get", path="/healthz", user="bob")
        >>> decision.level, decision.rule, decision.why[0].text
        ('None', None, "users: 'bob' is not 'alice'")
    """

    level: Level
    rule: int | None
    mark: Mark | None
    omit_stages: tuple[Stage, ...]
    omit_managed_fields: bool
    why: tuple[Step, ...]
    request: Request

    def emits(self, stage: str) -> bool:
        """Whether an event of a stage is written.

        Example:
            >>> import auditwake as aw
            >>> policy = aw.Policy.load(\"\"\"
            ... apiVersion: audit.k8s.io/v1
            ... kind: Policy
            ... omitStages: [RequestReceived]
            ... rules: [{level: Metadata}]
            ... \"\"\")
            >>> decision = policy.decide(verb="get", resource="pods")
            >>> decision.emits("ResponseComplete"), decision.emits("RequestReceived")
            (True, False)
        """
        return self.level != "None" and stage not in self.omit_stages
