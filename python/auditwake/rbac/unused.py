"""Granted minus used: for each verb of each rule that somebody has, whether the log shows a use of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from auditwake.questions import Answer
from auditwake.rbac.attributes import Attributes
from auditwake.rbac.evaluate import Grant, Rbac
from auditwake.rbac.observe import Observed
from auditwake.rbac.recorded import Recorded
from auditwake.rbac.subject import Subject
from auditwake.rbac.use import Use

if TYPE_CHECKING:
    import pyarrow as pa

    from auditwake.policy import Policy

__all__ = ["STATUSES", "unused"]

STATUSES: Final = ("unused", "unknown", "partly used", "used")
"""`partly used`: of what has a `*`, or has names, something was used. `unknown`: a use would not show in the log."""
TITLE: Final = "What is granted and not used: each verb of each rule that somebody has, less what the log shows."
MOST: Final = 5
REQUESTED: Final = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*")
"""Verbs that a request for a resource can have, and `*`. Others are asked for by handlers and other programs."""
KUBELETS: Final = ("metrics", "stats", "log", "logs", "spec", "checkpoint", "configz", "healthz", "pods", "proxy")
"""Subresources of nodes about which kubelets ask: a use that goes to a kubelet is not in the log of the server."""
COMPONENTS: Final = (
    "/metrics",
    "/metrics/slis",
    "/metrics/resources",
    "/configz",
    "/flagz",
    "/statusz",
    "/debug/pprof/",
)
"""Paths that other components serve as well, and about which they ask the server whoever they are asked by."""


def unused(observed: Observed, rbac: Rbac, policy: "Policy | None" = None, *, everything: bool = False) -> Answer:
    """Compare what is granted with what was used.

    Args:
        observed: What was observed: all of it, since a use by anybody is one of the groups that they are in.
        rbac: The roles and bindings of the cluster.
        policy: The audit policy that the log was written under: what it does not record is unknown, not unused.
        everything: Whether what is used is a row as well.

    Returns:
        One row for each subject, binding, rule, verb, group and resource or path.

    Example:
        >>> from auditwake import demo, rbac
        >>> role = rbac.Role(kind="ClusterRole", name="r", rules=(rbac.Rule(verbs=("get",), urls=("/x",)),))
        >>> alice = rbac.Subject("User", "alice@example.com")
        >>> reference = {"role_kind": "ClusterRole", "role_name": "r"}
        >>> binding = rbac.Binding(kind="ClusterRoleBinding", name="b", subjects=(alice,), **reference)
        >>> cluster = rbac.Rbac([role], [binding])
        >>> unused(rbac.observe(demo.LOG), cluster).table.select(["entity_name", "verb", "status"]).to_pylist()
        [{'entity_name': 'alice@example.com', 'verb': 'get', 'status': 'unused'}]
    """
    uses = _Uses(use for use in observed.uses if use.allowed)
    recorded = Recorded(policy, rbac) if policy is not None else None
    rows = [
        row
        for subject in rbac.subjects
        for cell in _cells(rbac.granted_to(subject))
        if (row := _row(cell, uses, recorded, observed)) and (everything or row["status"] != "used")
    ]
    return Answer(
        question="rbac unused",
        title=TITLE,
        table=_table(rows),
        coverage=observed.coverage,
        notes=tuple(_notes(observed, rbac, policy)),
        answerable=observed.answerable,
    )


class _Uses:
    """What was used, found by who used it and by its verb."""

    def __init__(self, uses: Iterable[Use]) -> None:
        self._all = tuple(uses)
        self._of: dict[Subject, defaultdict[str, list[Use]]] = {}

    def of(self, subject: Subject) -> dict[str, list[Use]]:
        if subject not in self._of:
            found: defaultdict[str, list[Use]] = defaultdict(list)
            for use in self._all:
                if subject.is_of(use.user, use.groups):
                    found[use.verb].append(use)
            self._of[subject] = found
        return self._of[subject]

    def groups(self, subject: Subject) -> tuple[str, ...]:
        """The groups with which a subject was seen."""
        return tuple(sorted({group for uses in self.of(subject).values() for use in uses for group in use.groups}))


def _cells(grants: Iterable[Grant]) -> Iterator[Grant]:
    """Take grants apart: one verb, one group and one resource, or one path."""
    for grant in grants:
        rule = grant.rule
        for verb in rule.verbs:
            for url in rule.urls:
                yield replace(grant, rule=replace(rule, verbs=(verb,), api_groups=(), resources=(), urls=(url,)))
            for group in rule.api_groups:
                for resource in rule.resources:
                    cell = replace(rule, verbs=(verb,), api_groups=(group,), resources=(resource,), urls=())
                    yield replace(grant, rule=cell)


@dataclass(frozen=True, slots=True)
class _Found:
    """What of a cell was used."""

    uses: tuple[Use, ...]
    names: frozenset[str]
    unsure: bool
    """Whether a use may be among the names that were not kept."""


def _find(cell: Grant, uses: _Uses) -> _Found:
    verb = cell.rule.verbs[0]
    of_subject = uses.of(cell.subject)
    near = [use for found in of_subject.values() for use in found] if verb == "*" else of_subject.get(verb, [])
    hits, names, unsure = [], set(), False
    for use in near:
        allowed = [asked for asked in use.questions() if cell.allows(asked)]
        if allowed:
            hits.append(use)
            names |= {asked.name for asked in allowed}
        elif cell.rule.names and use.named and not use.all_names:
            without = replace(cell, rule=replace(cell.rule, names=()))
            unsure |= any(map(without.allows, use.questions()))
    return _Found(tuple(hits), frozenset(names), unsure)


def _row(cell: Grant, uses: _Uses, recorded: "Recorded | None", observed: Observed) -> dict[str, Any]:
    rule, subject, binding = cell.rule, cell.subject, cell.binding
    found = _find(cell, uses)
    last = max(found.uses, key=lambda use: use.last, default=None)
    status, why = _status(cell, found, uses, recorded, observed)
    return {
        "entity_name": subject.name,
        "entity_type": subject.kind,
        "entity_namespace": subject.namespace or None,
        "api_group": rule.api_groups[0] if rule.resources else None,
        "resource_type": rule.resources[0] if rule.resources else rule.urls[0],
        "verb": rule.verbs[0],
        "resource_names": list(rule.names) or None,
        "permission_scope": binding.namespace or "cluster",
        "permission_source": cell.role.name,
        "permission_source_type": cell.role.kind,
        "rule": cell.index,
        "permission_binding": binding.name,
        "permission_binding_type": binding.kind,
        "status": status,
        "requests": sum(use.requests for use in found.uses),
        "last_used_time": last and last.last,
        "last_used_resource": last and _said(last),
        "used_as": sorted({_said(use) for use in found.uses})[:MOST] or None,
        "unused_names": sorted(set(rule.names) - found.names) or None,
        "why": why,
    }


def _said(use: Use) -> str:
    name = f" {use.names[-1]}" if use.named and use.names else ""
    place = f" in {use.namespace}" if use.namespace else ""
    return f"{use.verb} {use.what}{name}{place}"


def _status(
    cell: Grant, found: _Found, uses: _Uses, recorded: "Recorded | None", observed: Observed
) -> tuple[str, str | None]:
    if found.uses:
        rule = cell.rule
        wild = any("*" in word for word in (*rule.verbs, *rule.api_groups, *rule.resources, *rule.urls))
        return ("partly used" if wild or set(rule.names) - found.names else "used"), None
    if not observed.answerable:
        return "unknown", "the log does not say what was allowed"
    if found.unsure:
        return "unknown", "more names were asked for than are kept: a higher --most-names tells"
    elsewhere = _asked_elsewhere(cell)
    if elsewhere:
        return "unknown", elsewhere
    unseen = recorded and recorded.gap(cell, uses.groups(cell.subject))
    return ("unknown", unseen) if unseen else ("unused", None)


def _asked_elsewhere(cell: Grant) -> str | None:
    """Say why no event need show the use of a grant; None where one does."""
    rule = cell.rule
    if rule.urls:
        elsewhere = any(rule.allows(Attributes(verb="get", path=path)) for path in COMPONENTS)
        return "other components ask for it when they are spoken to, and no event says what for" if elsewhere else None
    if rule.verbs[0] not in REQUESTED and not rule.verbs[0].startswith("impersonate"):
        return f"no request has the verb {rule.verbs[0]}: it is asked for within one, and no event says so"
    resource, _, subresource = rule.resources[0].partition("/")
    if subresource == "finalizers":
        return "it is asked for within the request that sets an owner, and no event says so"
    if resource == "nodes" and subresource in KUBELETS:
        return "kubelets ask for it when they are spoken to, and no event says what for"
    return None


def _notes(observed: Observed, rbac: Rbac, policy: "Policy | None") -> Iterator[str]:
    yield from observed.notes
    seen = observed.coverage
    if seen.first and seen.last:
        window = f"from {seen.first.isoformat()} to {seen.last.isoformat()}, {seen.last - seen.first}"
        yield f"unused means: not seen {window}"
    if policy is None:
        levels = ", ".join(f"{count:,} {level}" for level, count in sorted(seen.levels.items()))
        yield (
            f"what the audit policy does not record looks unused; the log has events of {levels or 'no level'}, and "
            "--policy with the policy it was written under tells unknown from unused"
        )
    if rbac.dangling:
        yield f"{len(rbac.dangling):,} bindings name a role that is not there, and grant nothing: {rbac.dangling[0]}"
    yield "what is granted through several bindings counts as used in each of them"


def _table(rows: list[dict[str, Any]]) -> "pa.Table":
    import pyarrow as pa

    text, texts = pa.string(), pa.list_(pa.string())
    kinds = {
        **dict.fromkeys(("rule", "requests"), pa.int64()),
        **dict.fromkeys(("resource_names", "used_as", "unused_names"), texts),
        "last_used_time": pa.timestamp("us", "UTC"),
    }
    schema = pa.schema([(name, kinds.get(name, text)) for name in COLUMNS])
    order = {status: at for at, status in enumerate(STATUSES)}
    return pa.Table.from_pylist(sorted(rows, key=lambda row: order[row["status"]]), schema=schema)


COLUMNS: Final = (
    "entity_name",
    "entity_type",
    "entity_namespace",
    "status",
    "verb",
    "api_group",
    "resource_type",
    "resource_names",
    "permission_scope",
    "permission_source",
    "permission_source_type",
    "rule",
    "permission_binding",
    "permission_binding_type",
    "requests",
    "last_used_time",
    "last_used_resource",
    "used_as",
    "unused_names",
    "why",
)
"""The columns, in their order: those of KIEMPossible's table `permission`, and what they stand on."""
