"""Which bindings allowed something, as the authorizer says it in its reasons."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from auditwake.questions import Answer, AskedOf, Scope
from auditwake.rbac.observe import asked, said_of

if TYPE_CHECKING:
    import pyarrow as pa

    from auditwake.rbac.evaluate import Binding, Rbac

__all__ = ["usage"]

TITLE: Final = "Which bindings allowed something: what the authorizer gave as its reason, counted."
MOST_USERS: Final = 10
FIRST_ONLY: Final = (
    "the authorizer names the first binding that allows a request: one that is never named may still be one of several"
)


def usage(
    source: AskedOf, rbac: "Rbac | None" = None, *, scope: Scope | None = None, threads: int | None = None
) -> Answer:
    """Count what each binding allowed. It works without knowing the roles and bindings of the cluster.

    Args:
        source: Logs as `auditwake.read` takes them, Parquet files or a directory of them, or Arrow.
        rbac: The roles and bindings of the cluster: those that were never named are then rows without requests.
        scope: Which events are looked at.
        threads: How many threads parse and compute; None for one a core.

    Example:
        >>> from auditwake import demo
        >>> usage(demo.LOG).table.select(["binding", "requests"]).slice(0, 1).to_pylist()
        [{'binding': 'system:controller:replicaset-controller', 'requests': 222}]
    """
    table, coverage = asked("usage.sql", source, "true", "true", scope=scope, threads=threads, ids=MOST_USERS)
    missing, others = said_of(coverage)
    rows = table.to_pylist()
    other = sum(row["requests"] for row in rows if row["binding"] is None)
    named = [row for row in rows if row["binding"] is not None]
    notes = [*missing, *others]
    if other:
        notes.append(f"{other:,} requests were allowed without RBAC: by another authorizer, or as system:masters")
    if rbac is not None:
        named = [*_marked(named, rbac), *_never(named, rbac)]
        notes.append(FIRST_ONLY)
    return Answer(
        question="rbac usage",
        title=TITLE,
        table=_table(named, table.schema, in_dump=rbac is not None),
        coverage=coverage,
        notes=tuple(notes),
        answerable=not missing,
    )


def _key(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["binding_kind"], row["namespace"] or "", row["binding"]


def _of(binding: "Binding") -> tuple[str, str, str]:
    return binding.kind, binding.namespace, binding.name


def _marked(rows: list[dict[str, Any]], rbac: "Rbac") -> Iterator[dict[str, Any]]:
    known = {_of(binding) for binding in rbac.bindings}
    yield from ({**row, "in_dump": _key(row) in known} for row in rows)


def _never(rows: list[dict[str, Any]], rbac: "Rbac") -> Iterator[dict[str, Any]]:
    """Give each binding and subject of which no request was seen."""
    seen = {(*_key(row), row["subject"]) for row in rows}
    for binding in sorted(rbac.bindings, key=_of):
        for subject in binding.subjects:
            if (*_of(binding), str(subject)) not in seen:
                yield {
                    "binding_kind": binding.kind,
                    "binding": binding.name,
                    "namespace": binding.namespace or None,
                    "role_kind": binding.role_kind,
                    "role": binding.role_name,
                    "subject": str(subject),
                    "requests": 0,
                    "users_seen": 0,
                    "users": [],
                    "in_dump": True,
                }


def _table(rows: list[dict[str, Any]], like: "pa.Schema", *, in_dump: bool) -> "pa.Table":
    import pyarrow as pa

    fields = [field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in like]
    schema = pa.schema([*fields, *([pa.field("in_dump", pa.bool_())] if in_dump else [])])
    return pa.Table.from_pylist(rows, schema=schema)
