"""What changed in an object, step by step, from the bodies that the policy recorded."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from auditwake.questions.answer import Answer
from auditwake.questions.asking import asked_as_written
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
TOO_DEEP: Final = object()
"""A body that is nested more deeply than Python follows: a client can send one."""
DEEP: Final = "the body is nested too deeply to be compared"
MOST: Final = 50
"""Most paths of a step that are shown."""
LONGEST: Final = 2_000
"""Most characters of a value that are shown."""


def changes(
    source: AskedOf, *, scope: Scope | None = None, limit: int | None = None, threads: int | None = None
) -> Answer:
    """Say what each change of an object did.

    A step is compared with the one before it on the same object. Where the policy recorded no response body, a patch is
    shown as it was sent, and else the step says that it has no body.

    Of secrets, tokens and token reviews, wherever they stand in a body, the values are compared and not shown. Of all
    other objects, that holds for texts and numbers whose key or name ends in token, password, secret, `_key` or the
    like, and for whatever has the form of a JSON web token.

    A step shows 50 paths and 2,000 characters of a value at most, and says how many more there are.

    Args:
        source: As for `ask`.
        scope: Which objects, by resource, namespace and name.
        limit: Most steps; None for 200, 0 for all.
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

    answer = asked_as_written("history_bodies", source, scope=scope, limit=limit, threads=threads)
    steps = list(_steps(answer.table))
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


def differences(before: Any, after: Any) -> Iterator[str]:  # noqa: ANN401  # any JSON value
    """Say what differs between two JSON values, a text for each path.

    Example:
        >>> list(differences({"a": 1, "b": [1, 2]}, {"a": 2, "b": [1], "c": None}))
        ['.a: 1 -> 2', '.b[1]: 2 removed', '.c: null added']
    """
    return (_said(*difference) for difference in _differing(before, after))


def _differing(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401  # any JSON value
    """Give the paths at which two values differ, and what stands there."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from _differing(before.get(key, ABSENT), after.get(key, ABSENT), f"{path}.{_key(key)}")
    elif isinstance(before, list) and isinstance(after, list):
        for at in range(max(len(before), len(after))):
            old = before[at] if at < len(before) else ABSENT
            yield from _differing(old, after[at] if at < len(after) else ABSENT, f"{path}[{at}]")
    elif before != after or type(before) is not type(after):
        yield path, before, after


def _said(path: str, before: object, after: object) -> str:
    path = path if len(path) <= LONGEST else f"{path[:LONGEST]}..."
    if after is ABSENT:
        return f"{path}: {_cut(before)} removed"
    if before is ABSENT:
        return f"{path}: {_cut(after)} added"
    return f"{path}: {_cut(before)} -> {_cut(after)}"


def _cut(value: object) -> str:
    """Write a value as far as it is shown."""
    text = shown(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text):,} characters)"


def _steps(table: "pa.Table") -> Iterator[list[str]]:
    """Give what each row did, compared with the row before it of the same object and the same kind of body."""
    seen: dict[tuple[str | None, ...], dict[object, Any]] = {}
    for row in table.select(["verb", "what", "namespace", "name", "request_object", "response_object"]).to_pylist():
        what = row["what"] or ""
        key = (what.partition("/")[0], row["namespace"], row["name"])
        bodies = seen.setdefault(key, {})
        body = _body(row["response_object"], what)
        kind = body.get("kind") if isinstance(body, dict) else None
        kind = kind if isinstance(kind, str) else None
        yield _shown(row, bodies.get(kind, bodies.get(TOO_DEEP, ABSENT)), body)
        if row["verb"] == "delete" or body is TOO_DEEP:
            bodies.clear()
        if body is TOO_DEEP:
            bodies[TOO_DEEP] = TOO_DEEP
        elif body is not ABSENT:
            bodies[kind] = body


def _shown(row: dict[str, Any], before: object, after: object) -> list[str]:
    """Say what a step did, as far as it is shown."""
    if row["verb"] == "delete":
        return ["deleted"]
    if after is ABSENT:
        return [_sent(row["request_object"], row["what"] or "")]
    if before is ABSENT and after is not TOO_DEEP:
        return ["created" if row["verb"] == "create" else "the body before it was not recorded"]
    try:
        return _compared(before, after)
    except RecursionError:
        return [DEEP]


def _compared(before: object, after: object) -> list[str]:
    if after is TOO_DEEP:
        return [DEEP]
    if before is TOO_DEEP:
        return ["the body before it cannot be compared"]
    differing = _differing(before, after)
    said = [_said(*difference) for difference in islice(differing, MOST)]
    more = sum(1 for _ in differing)
    return [*said, f"{more:,} more paths differ"] if more else said


def _sent(text: str | None, what: str) -> str:
    if text is None:
        return "no body was recorded"
    try:
        return f"sent: {_cut(withheld(json.loads(text), what))}"
    except RecursionError:
        return "sent: a body that is nested too deeply to be shown"
    except ValueError:
        return "sent: a body that is no JSON"


def _body(text: str | None, what: str) -> object:
    """Read a body without what changes with every write; a body that is no JSON, or no object, is none to compare."""
    if text is None:
        return ABSENT
    try:
        body = withheld(json.loads(text), what)
    except RecursionError:
        return TOO_DEEP
    except ValueError:
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
