"""An audit policy as kube-apiserver holds it, and where each part of it stands in the file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

__all__ = ["LEVELS", "STAGES", "Document", "GroupResources", "Issue", "Level", "Mark", "Rule", "Stage"]

Level: TypeAlias = Literal["None", "Metadata", "Request", "RequestResponse"]
"""How much of a request is recorded; each level has all of the one before it."""

Stage: TypeAlias = Literal["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"]
"""The stages of a request, at each of which an event can be written."""

LEVELS: Final[tuple[Level, ...]] = get_args(Level)
"""The levels, in their order."""

STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
"""The stages, in the order in which a request comes to them; the last is in place of the one before it."""

# What ends a line in YAML 1.1. In JSON, and in any file that people write, these are the first three.
LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file.

    Attributes:
        line: The line, from 1.
        column: The character in the line, from 1; a byte order mark is none.
    """

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class GroupResources:
    """The resources of one API group that a rule is about.

    Attributes:
        group: The API group; `""` is the core group, `"*"` any (since Kubernetes 1.36).
        resources: Resources, `resource/subresource`, or patterns; empty for all of the group.
        resource_names: Names of objects; empty for all.
    """

    group: str = ""
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the first that matches a request decides about it.

    Attributes:
        level: What is recorded of the requests that match.
        users: Names of users; empty for all.
        user_groups: Groups of users; empty for all.
        verbs: Verbs; empty for all.
        resources: Resources; empty for all.
        namespaces: Namespaces, `""` for requests in none; empty for all.
        non_resource_urls: Paths that are no resources, a `*` at the end for what begins so.
        omit_stages: Stages at which no event is written, beside those of the policy.
        omit_managed_fields: Whether `managedFields` are left out of bodies; None for what the policy says.
    """

    level: Level
    users: tuple[str, ...] = ()
    user_groups: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    resources: tuple[GroupResources, ...] = ()
    namespaces: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = ()
    omit_stages: tuple[Stage, ...] = ()
    omit_managed_fields: bool | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """What strict decoding objected to: the server drops it, says so in its own log, and goes on without it.

    Attributes:
        path: What it is about, such as `rules[3].resources[0].verbs`.
        message: What the server says of it.
        mark: Where it stands.
    """

    path: str
    message: str
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Document:
    """A policy that the server accepts, with the text that it is from.

    Attributes:
        name: The file, as it was named.
        text: The text, decoded, without its byte order mark.
        rules: The rules, in their order.
        omit_stages: Stages at which no event is written, for every rule.
        omit_managed_fields: Whether `managedFields` are left out of bodies, where a rule does not say.
        kube_version: The server whose loader answered, such as `1.37`.
        ignored: What strict decoding objected to and the server therefore dropped.
        ignored_text: The server's own words for that, `strict decoding error: …`; None when there is nothing.
        marks: Path of a key or an item, such as `rules[0].verbs[1]`, to where it stands.
    """

    name: str
    text: str = field(repr=False)
    rules: tuple[Rule, ...]
    omit_stages: tuple[Stage, ...] = ()
    omit_managed_fields: bool = False
    kube_version: str = "1.37"
    ignored: tuple[Issue, ...] = ()
    ignored_text: str | None = None
    marks: Mapping[str, Mark] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    _lines: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lines", tuple(LINE_BREAK.split(self.text)))

    def mark(self, path: str) -> Mark | None:
        r"""Give where a key or an item stands, or else the nearest thing around it.

        Args:
            path: A path such as `rules[0].verbs[1]`; `""` is the whole document.

        Returns:
            The place; None where nothing around it is known either.

        Example:
            >>> from auditwake.policy import loads
            >>> document = loads("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n")
            >>> document.mark("rules[0].level"), document.mark("rules[0].users[7]")
            (Mark(line=4, column=3), Mark(line=4, column=3))
        """
        while path:
            if path in self.marks:
                return self.marks[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.marks.get("")

    def line(self, number: int) -> str:
        """Give a line of the text, without its end; `""` beyond the last one.

        Args:
            number: The line, from 1.
        """
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""
