"""Which events a question is asked of: the options that all questions have."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final

from auditwake.errors import QuestionError
from auditwake.where import ACTORS

__all__ = ["Scope", "literal"]

COLUMNS: Final = {
    "user": "eff_user",
    "authenticated": "user",
    "actor": "actor",
    "namespace": "namespace",
    "verb": "verb",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which events a question is asked of. Each field narrows it; several values of one field widen that field.

    A value may have `*` for any characters, and a `-` in front, which leaves what it names out.

    Example:
        >>> print(Scope(verb=("get", "list"), since=0).condition)
        ts_received >= make_timestamptz(0) and (verb = 'get' or verb = 'list')
    """

    since: int | None = None
    """Earliest time of receipt, microseconds from 1970."""
    until: int | None = None
    """Time of receipt before which it has to be, microseconds from 1970."""
    user: tuple[str, ...] = ()
    """Effective users: who was impersonated, or else who was authenticated."""
    authenticated: tuple[str, ...] = ()
    """Users who were authenticated, whoever they impersonated."""
    actor: tuple[str, ...] = ()
    """Kinds of actor, as in the column `actor`."""
    namespace: tuple[str, ...] = ()
    """Namespaces; `""` is the scope of the cluster."""
    resource: tuple[str, ...] = ()
    """Resources as `deployments`, `deployments.apps` or `pods/exec`; a bare name has its subresources too."""
    name: tuple[str, ...] = ()
    """Names of objects; of one that the server named, that name. A deletecollection names none and is any of them."""
    verb: tuple[str, ...] = ()
    """Verbs."""

    def __post_init__(self) -> None:
        """Refuse what would match nothing by its nature."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, str):
                message = f"{field.name} takes several values: write ({value!r},)"
                raise TypeError(message)
        unknown = [kind for kind in self.actor if "*" not in kind and kind.removeprefix("-") not in ACTORS]
        if unknown:
            message = f"there is no actor {unknown[0]!r}; there are {', '.join(ACTORS)}"
            raise QuestionError(message)
        if self.since is not None and self.until is not None and self.since >= self.until:
            message = "the time ends before it begins: since is not before until"
            raise QuestionError(message)

    @property
    def condition(self) -> str:
        """The SQL of it, over the columns of an event; `true` for all."""
        return " and ".join(self._parts()) or "true"

    def _parts(self) -> Iterator[str]:
        if self.since is not None:
            yield f"ts_received >= make_timestamptz({int(self.since)})"
        if self.until is not None:
            yield f"ts_received < make_timestamptz({int(self.until)})"
        for name, column in COLUMNS.items():
            values = getattr(self, name)
            yield from _either([_same(column, value) for value in values if not value.startswith("-")])
            yield from (_other(column, value[1:]) for value in values if value.startswith("-"))
        yield from _names(self.name)
        yield from _either([_resource(value) for value in self.resource if not value.startswith("-")])
        yield from (f"not {_resource(value[1:])}" for value in self.resource if value.startswith("-"))


def _either(conditions: Sequence[str]) -> Iterator[str]:
    if conditions:
        yield f"({' or '.join(conditions)})"


def _same(column: str, value: str) -> str:
    """Match a value; the empty one is that of a column that has none."""
    if not value:
        return f"coalesce({column}, '') = ''"
    if "*" in value:
        return f"coalesce({column}, '') glob {literal(_pattern(value))}"
    return f"{column} = {literal(value)}"


def _other(column: str, value: str) -> str:
    return f"not coalesce({_same(column, value)}, false)"


def _names(values: Sequence[str]) -> Iterator[str]:
    column = "coalesce(name, response_name)"
    wanted = [_same(column, value) for value in values if not value.startswith("-")]
    yield from _either([*wanted, "verb = 'deletecollection'"] if wanted else [])
    yield from (_other(column, value[1:]) for value in values if value.startswith("-"))


def _pattern(value: str) -> str:
    """Write a value with `*` as a glob in which nothing else has a meaning."""
    return re.sub(r"[][?\\]", lambda match: f"[{match[0]}]" if match[0] != "\\" else r"\\", value)


def _resource(value: str) -> str:
    """Match `resource[.group][/subresource]`."""
    named, slash, subresource = value.partition("/")
    resource, dot, group = named.partition(".")
    conditions = [_same("resource", resource)]
    if dot:
        conditions.append(_same("api_group", group))
    if slash:
        conditions.append(_same("subresource", subresource))
    return f"coalesce({' and '.join(conditions)}, false)"


def literal(text: str) -> str:
    """Write a text as SQL has it.

    Example:
        >>> print(literal("it's"))
        'it''s'
    """
    return "'" + text.replace("'", "''") + "'"
