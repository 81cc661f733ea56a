"""`Policy`: an audit policy, with kube-apiserver's own answers."""

import io
import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import IO, TYPE_CHECKING, Self, final

from auditwake import _core
from auditwake.errors import AuditwakeError
from auditwake.policy.explain import steps
from auditwake.policy.http import from_http
from auditwake.policy.load import load
from auditwake.policy.model import STAGES, Document, Rule
from auditwake.policy.request import Decision, Request
from auditwake.policy.source import EventSource, open_events
from auditwake.policy.verdicts import Verdicts
from auditwake.read import read
from auditwake.types import PolicyRequest, Sources

if TYPE_CHECKING:
    from auditwake.policy.cost import Cost
    from auditwake.policy.diff import Diff
    from auditwake.policy.keys import Keys
    from auditwake.policy.lint import Finding

__all__ = ["Policy"]


@final
class Policy:
    """An audit policy that kube-apiserver accepts; made by `Policy.load`.

    Semantics: `pkg/audit/policy` of k8s.io/apiserver.

    Attributes:
        document: The rules, with the text and the places that they are from.

    Example:
        >>> import auditwake as aw
        >>> policy = aw.Policy.load(\"\"\"
        ... apiVersion: audit.k8s.io/v1
        ... kind: Policy
        ... rules:
        ... - level: Request
        ...   resources: [{group: "", resources: [pods]}]
        ... - level: Metadata
        ... \"\"\")
        >>> policy.decide(verb="create", resource="pods", user="alice").level
        'Request'
        >>> policy.decide(verb="get", resource="pods", subresource="log", user="alice").why[0].condition
        'resources'
    """

    __slots__ = ("_core", "document")

    document: Document

    def __init__(self, document: Document) -> None:
        self.document = document
        self._core = _core.Evaluator(document.rules, document.omit_stages, document.omit_managed_fields)

    @classmethod
    def load(cls, source: str | os.PathLike[str] | IO[bytes] | IO[str], *, kube_version: str = "1.37") -> Self:
        """Load a policy as kube-apiserver does.

        Args:
            source: A path, `-` for standard input, a file object, or the text itself (with a line end in it).
            kube_version: The server whose answers are wanted, `1.28` to `1.37`.

        Raises:
            PolicyError: The server refuses it; with its words, the place, and a remedy.
            SourceNotFoundError: There is no such file.
        """
        return cls(load(source, kube_version=kube_version))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in their order."""
        return self.document.rules

    def decide(
        self,
        *,
        verb: str,
        user: str | None = None,
        groups: Iterable[str] = (),
        resource: str = "",
        subresource: str = "",
        api_group: str = "",
        namespace: str = "",
        name: str = "",
        path: str | None = None,
    ) -> Decision:
        """Decide about one request.

        Args:
            verb: The verb; for a path, the method in lower case.
            user: Who asks; None when authentication failed, and then there are no groups.
            groups: The user's groups.
            resource: The resource; `pods/log` is `pods` with its subresource.
            subresource: The subresource.
            api_group: The API group; `""` is the core group.
            namespace: The namespace; `""` for none.
            name: The name in the path; `""` for none, as on create and list.
            path: The decoded path of a request for no resource, in place of all of the above but verb and user.

        Raises:
            ValueError: Neither a resource nor a path was given, or both.
        """
        if (path is None) == (not resource):
            message = "a request is for a resource or for a path: give resource= or path=, and not both"
            raise ValueError(message)
        if not subresource:
            resource, _, subresource = resource.partition("/")
        who = "" if user is None and groups else user
        target = {"api_group": api_group, "namespace": namespace, "name": name}
        return self.decide_request(
            Request(verb, who, tuple(groups), resource=resource, subresource=subresource, path=path, **target)
        )

    def decide_http(self, method: str, uri: str, *, user: str | None = None, groups: Iterable[str] = ()) -> Decision:
        r"""Decide about an HTTP request, read as kube-apiserver reads it.

        Args:
            method: The method, as sent.
            uri: The path and the query, as sent.
            user: Who asks; None when authentication failed.
            groups: The user's groups.

        Example:
            >>> import auditwake as aw
            >>> policy = aw.Policy.load("apiVersion: audit.k8s.io/v1\nrules: [{level: Metadata, verbs: [watch]}]\n")
            >>> policy.decide_http("GET", "/api/v1/pods?watch=1", user="alice").level
            'Metadata'
        """
        return self.decide_request(from_http(method, uri, user=user, groups=groups))

    def decide_event(self, event: str | bytes | Mapping[str, object]) -> Decision:
        """Decide about the request that an event tells of.

        Args:
            event: The event: its line, or the object that the line holds.

        Raises:
            AuditwakeError: The line holds no event, or more than one.
        """
        text = json.dumps(event) if isinstance(event, Mapping) else event
        line = text.encode() if isinstance(text, str) else text
        needed, helpful = _core.policy_columns()
        reader = read(io.BytesIO(line), columns=[*needed, *helpful])
        found = _core.requests(reader)
        if len(found) != 1:
            reasons = sorted(reason for reasons in reader.outcomes.reasons.values() for reason in reasons)
            why = f" ({', '.join(reasons)})" if reasons else ""
            message = f"one event was expected, and there {f'are {len(found):,}' if found else f'is none{why}'}"
            raise AuditwakeError(message)
        return self.decide_request(_request(found[0]))

    def decide_request(self, request: Request) -> Decision:
        """Decide about a request.

        Args:
            request: What is asked.
        """
        failed = self._core.explain(request)
        rule = next((index for index, condition in enumerate(failed) if condition is None), None)
        return self._decision(rule, request, failed)

    def evaluate(self, source: EventSource) -> Verdicts:
        """Evaluate the policy over events: for each, the answer for its request.

        Args:
            source: Logs as `auditwake.read` takes them, Parquet files that `convert` wrote, `Keys`, or anything that
                gives Arrow batches with the columns that policies look at.

        Returns:
            One row an event; see `Verdicts`.

        Raises:
            SourceError: A source names nothing that can be opened.
        """
        return Verdicts(self._core, open_events(source))

    def apply(
        self,
        source: Sources,
        out: str | os.PathLike[str],
        *,
        threads: int | None = None,
        progress: Callable[[_core.Progress], None] | None = None,
    ) -> _core.Applied:
        r"""Write what a log would have been under the policy; see `auditwake.policy.apply.apply`.

        Args:
            source: Logs as `auditwake.read` takes them.
            out: The file to write; compressed if its name ends in `.gz` or `.zst`. `-` is standard output.
            threads: How many threads work; None for one a core.
            progress: Called about ten times a second and at the end, from the calling thread.

        Raises:
            SourceError: A source names nothing that can be opened.
            OutputError: The output cannot be written, or is one of the inputs.

        Example:
            >>> import auditwake as aw, tempfile
            >>> policy = aw.Policy.load("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n")
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     done = policy.apply(aw.demo.LOG, f"{folder}/audit.log")
            >>> done.written + done.dropped_by_stage + done.dropped_by_level + done.unreduced == done.events
            True
        """
        from auditwake.policy.apply import apply

        return apply(self, source, out, threads=threads, progress=progress)

    def reached(self, *, possible: bool = True) -> dict[int | None, Request]:
        """Give a request for each rule that is the first to match some request.

        Exact: a rule that is not here decides about no request at all. None stands for requests that no rule matches.

        Args:
            possible: Whether to look only at requests that kube-apiserver builds from HTTP.

        Raises:
            ValueError: The rules name too many things to combine.
        """
        return {rules[0]: _request(request) for rules, request in self._core.reach(possible)}

    def pairs(self, other: "Policy", *, possible: bool = True) -> dict[tuple[int | None, int | None], Request]:
        """Give a request for each pair of rules, one of either policy, that decide about some request.

        Args:
            other: The other policy.
            possible: As for `reached`.

        Raises:
            ValueError: The rules name too many things to combine.
        """
        found = self._core.pairs(other._core, possible)  # noqa: SLF001  # the same class
        return {(rules[0], rules[1]): _request(request) for rules, request in found}

    def check(self) -> "list[Finding]":
        r"""Find what the author of the policy should know and the server does not say.

        Returns:
            What was found, in the order of the file; see `docs/policy.md` for every code.

        Example:
            >>> import auditwake as aw
            >>> head = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\n"
            >>> found = aw.Policy.load(head + "rules: [{level: Metadata, verb: [get]}]\n").check()
            >>> [(one.code, one.fix) for one in found]
            [('AWP101', "write 'verbs'")]
        """
        from auditwake.policy.lint import check

        return check(self)

    def cost(self, source: "EventSource | Keys", *, top: int = 5) -> "Cost":
        r"""Say what the policy costs: events and bytes of a log, as recorded and under the policy, by rule.

        Args:
            source: Logs, Parquet, Arrow, or `Keys` of them, with which any number of policies need one read of the log.
            top: How many users and resources of each rule.

        Raises:
            ColumnError: The source lacks a column that is needed for it.
            SourceError: A source names nothing that can be opened.

        Example:
            >>> import auditwake as aw
            >>> policy = aw.Policy.load("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n")
            >>> policy.cost(aw.demo.LOG).total.new_bytes
            2026133
        """
        from auditwake.policy.cost import cost

        return cost(self, source, top=top)

    def diff(self, new: "Policy", source: "EventSource | Keys | None" = None, *, top: int = 10) -> "Diff":
        r"""Say where another policy decides differently, with a request for each case, and what that does to a log.

        Args:
            new: The other policy.
            source: Logs, Parquet, Arrow, or `Keys` of them; None to look at the rules alone.
            top: How many users and resources.

        Raises:
            ColumnError: The source lacks a column that is needed for it.
            SourceError: A source names nothing that can be opened.
            ValueError: The rules name too many things to combine.

        Example:
            >>> import auditwake as aw
            >>> old = aw.Policy.load("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n")
            >>> new = aw.Policy.load("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Request\n")
            >>> [(one.old.level, one.new.level) for one in old.diff(new).differences]
            [('Metadata', 'Request')]
        """
        from auditwake.policy.diff import diff

        return diff(self, new, source, top=top)

    def _decision(self, index: int | None, request: Request, failed: list[str | None]) -> Decision:
        document = self.document
        rule = None if index is None else document.rules[index]
        own = () if rule is None else rule.omit_stages
        managed = None if rule is None else rule.omit_managed_fields
        return Decision(
            level="None" if rule is None else rule.level,
            rule=index,
            mark=None if index is None else document.mark(f"rules[{index}]"),
            omit_stages=tuple(sorted({*document.omit_stages, *own}, key=STAGES.index)),
            omit_managed_fields=document.omit_managed_fields if managed is None else managed,
            why=steps(document, request, failed[:index]),
            request=request,
        )

    def __repr__(self) -> str:
        return f"<auditwake.Policy {self.document.name}: {len(self.rules)} rules>"


def _request(found: PolicyRequest) -> Request:
    return Request(
        verb=found["verb"],
        user=found["user"],
        groups=tuple(found["groups"]),
        api_group=found["api_group"],
        resource=found["resource"],
        subresource=found["subresource"],
        namespace=found["namespace"],
        name=found["name"],
        path=found["path"],
    )
