"""What changed in an object, step by step, from the bodies that the policy recorded."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from auditwake.questions.answer import Answer
from auditwake.questions.asking import ask
from auditwake.questions.log import AskedOf
from auditwake.questions.scope import Scope
from auditwake.questions.withheld import shown, withheld

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["changes", "differences"]

LEFT_OUT: Final = (
    ("metadata", "managedFields"),
    ("metadata", "resourceVersion"),
    ("metadata", "generation"),
    ("status",),
)
"""What changes with every write, and says nothing about what somebody did."""
KEPT: Final = ("received", "verb", "what", "namespace", "name", "user", "impersonated_by", "audit_id")
ABSENT: Final = object()


def changes(
    source: AskedOf, *, scope: Scope | None = None, limit: int | None = None, threads: int | None = None
) -> Answer:
    """Say what each change of an object did.

    A step is compared with the one before it on the same object. Where the policy recorded no response body, a patch is
    shown as it was sent, and else the step says that it has no body.

    Of secrets, tokens and token reviews, wherever they stand in a body, the values are compared and not shown. Of all
    other objects, that holds for texts and numbers whose key or name ends in token, password, secret, `_key` or the
    like, and for whatever has the form of a JSON web token.

    Args:
        source: As for `ask`.
        scope: Which objects, by resource, namespace and name.
        limit: Most steps; None and 0 for all.
        threads: As for `ask`.

    Returns:
        The columns of `history`, fewer of them, and `changes`: a text for each path that changed.

    Example:
        >>> import auditwake as aw
        >>> from auditwake.questions import changes
        >>> "changes" in changes(aw.demo.LOG, limit=1).table.column_names
        True
    """
    import pyarrow as pa

    answer = ask("history_bodies", source, scope=scope, limit=limit or 0, threads=threads)
    steps = [list(said) for said in _steps(answer.table)]
    bare = sum(1 for row in answer.table.to_pylist() if row["response_object"] is None)
    notes = list(answer.notes)
    if bare:
        notes.append(
            f"{bare:,} of {answer.table.num_rows:,} changes have no response body: the policy has to record them at "
            "RequestResponse for a comparison"
        )
    table = answer.table.select(list(KEPT)).append_column("changes", pa.array(steps, pa.list_(pa.string())))
    return Answer(
        question="history",
        title="What changed, step by step",
        table=table,
        coverage=answer.coverage,
        notes=tuple(notes),
        answerable=answer.answerable,
    )


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401  # any JSON value
    """Say what differs between two JSON values, a text for each path.

    Example:
        >>> list(differences({"a": 1, "b": [1, 2]}, {"a": 2, "b": [1], "c": None}))
        ['.a: 1 -> 2', '.b[1]: 2 removed', '.c: null added']
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from differences(before.get(key, ABSENT), after.get(key, ABSENT), f"{path}.{_key(key)}")
    elif isinstance(before, list) and isinstance(after, list):
        for at in range(max(len(before), len(after))):
            old = before[at] if at < len(before) else ABSENT
            yield from differences(old, after[at] if at < len(after) else ABSENT, f"{path}[{at}]")
    elif after is ABSENT:
        yield f"{path}: {shown(before)} removed"
    elif before is ABSENT:
        yield f"{path}: {shown(after)} added"
    elif before != after or type(before) is not type(after):
        yield f"{path}: {shown(before)} -> {shown(after)}"


def _steps(table: "pa.Table") -> Iterator[Iterator[str]]:
    """Give what each row did, compared with the row before it of the same object and the same kind of body."""
    seen: dict[tuple[str | None, ...], dict[object, Any]] = {}
    for row in table.select(["verb", "what", "namespace", "name", "request_object", "response_object"]).to_pylist():
        what = row["what"] or ""
        key = (what.partition("/")[0], row["namespace"], row["name"])
        bodies = seen.setdefault(key, {})
        body = _body(row["response_object"], what)
        kind = body.get("kind") if isinstance(body, dict) else None
        kind = kind if isinstance(kind, str) else None
        yield _step(row, bodies.get(kind, ABSENT), body)
        if row["verb"] == "delete":
            bodies.clear()
        elif body is not ABSENT:
            bodies[kind] = body


def _step(row: dict[str, Any], before: object, after: object) -> Iterator[str]:
    if row["verb"] == "delete":
        yield "deleted"
    elif after is ABSENT:
        yield _sent(row["request_object"], row["what"] or "")
    elif before is ABSENT:
        yield "created" if row["verb"] == "create" else "the body before it was not recorded"
    else:
        yield from differences(before, after)


def _sent(text: str | None, what: str) -> str:
    if text is None:
        return "no body was recorded"
    try:
        return f"sent: {shown(withheld(json.loads(text), what))}"
    except (ValueError, RecursionError):
        return "sent: a body that is no JSON"


def _body(text: str | None, what: str) -> object:
    """Read a body without what changes with every write; a body that is no JSON, or no object, is none to compare."""
    if text is None:
        return ABSENT
    try:
        body = withheld(json.loads(text), what)
    except (ValueError, RecursionError):
        return ABSENT
    if not isinstance(body, dict) or body.get("kind") == "Status":
        return ABSENT
    for *parents, last in LEFT_OUT:
        place: Any = body
        for parent in parents:
            place = place.get(parent) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place.pop(last, None)
    return body


def _key(key: str) -> str:
    return key if key.isidentifier() else shown(key)
