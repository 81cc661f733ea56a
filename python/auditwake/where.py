"""Which rows are read."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Final, final

__all__ = ["ACTORS", "Where", "checked"]

ACTORS: Final = ("control-plane", "node", "cluster-service", "user", "apiserver", "workload", "anonymous")
KNOWN: Final = {
    "actor": ACTORS,
    "stage": ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"),
    "level": ("None", "Metadata", "Request", "RequestResponse"),
}
CODE: Final = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?", re.ASCII)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TIMES: Final = ("since", "until")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which rows are read. Each field narrows it; several values of one field widen that field.

    Rows are left out before they are built, which costs a fraction of building them. The fields mean what they mean in
    `auditwake.Scope`: a value may have `*` for any characters, and a `-` in front, which leaves out what it names; the
    empty value is that of a row that has none. A row without a time or a code does not meet a condition on it.

    Raises:
        TypeError: A field has a value of another type.
        ValueError: A field is empty or would match nothing by its nature.

    Example:
        >>> import auditwake as aw
        >>> failed = aw.read(aw.demo.LOG, where=aw.Where(verb=("create", "delete"), code=("400-599",)))
        >>> rows = sum(batch.num_rows for batch in failed)
        >>> rows == failed.outcomes.events, failed.outcomes.filtered > 0
        (True, True)
    """

    since: int | datetime | None = None
    """Earliest `ts_received`: microseconds from 1970, or a time with a zone."""
    until: int | datetime | None = None
    """What `ts_received` has to be before: microseconds from 1970, or a time with a zone."""
    code: tuple[int | str, ...] | None = None
    """Status codes: one, such as 403, or a range, such as `400-499`."""
    verb: tuple[str, ...] | None = None
    """Verbs."""
    stage: tuple[str, ...] | None = None
    """Stages, such as `ResponseComplete`."""
    level: tuple[str, ...] | None = None
    """Levels, such as `Metadata`."""
    user: tuple[str, ...] | None = None
    """Effective users (`eff_user`): who was impersonated, or else who was authenticated."""
    authenticated: tuple[str, ...] | None = None
    """Users who were authenticated (the column `user`), whoever they impersonated."""
    actor: tuple[str, ...] | None = None
    """Kinds of actor, as in the column `actor`."""
    namespace: tuple[str, ...] | None = None
    """Namespaces; `""` is the scope of the cluster."""
    resource: tuple[str, ...] | None = None
    """Resources as `deployments`, `deployments.apps` or `pods/exec`; a bare name has its subresources too."""

    def __post_init__(self) -> None:
        """Refuse what would match nothing by its nature; times become microseconds."""
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if value is None:
                continue
            object.__setattr__(self, name, _micros(name, value) if name in TIMES else _values(name, value))
        if isinstance(self.since, int) and isinstance(self.until, int) and self.since >= self.until:
            message = "the time ends before it begins: since is not before until"
            raise ValueError(message)

    @property
    def codes(self) -> list[tuple[int, int]]:
        """First and last code of each range.

        Example:
            >>> Where(code=(403, "500-599")).codes
            [(403, 403), (500, 599)]
        """
        return [_range(code) for code in self.code or ()]


def checked(where: object) -> Where | None:
    """Give what was asked for if it is of the type that can be.

    Raises:
        TypeError: It is not.
    """
    if where is None or isinstance(where, Where):
        return where
    message = f"where takes an auditwake.Where such as Where(verb=('get',)), not {type(where).__name__}"
    raise TypeError(message)


def _micros(name: str, value: object) -> int:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            message = f"{name} says no zone: give it one, such as datetime.UTC"
            raise ValueError(message)
        value = (value - EPOCH) // timedelta(microseconds=1)
    if isinstance(value, bool) or not isinstance(value, int):
        message = f"{name} takes microseconds from 1970 or a datetime, not {type(value).__name__}"
        raise TypeError(message)
    return max(-(1 << 63), min(value, (1 << 63) - 1))


def _values(name: str, values: object) -> tuple[int | str, ...]:
    if isinstance(values, (str, int)):
        message = f"{name} takes several values: write ({values!r},)"
        raise TypeError(message)
    if not isinstance(values, (tuple, list, set, frozenset)):
        message = f"{name} takes a tuple of values, not {type(values).__name__}"
        raise TypeError(message)
    if not values:
        message = f"{name} is empty, and no row would be read: leave it out for all rows"
        raise ValueError(message)
    # A set has no order of its own, and the same filter has to look the same when it is given again.
    return tuple(_checked(name, sorted(values, key=str) if isinstance(values, (set, frozenset)) else values))


def _checked(name: str, values: Iterable[object]) -> Iterator[int | str]:
    for value in values:
        if name == "code" and isinstance(value, (int, str)) and not isinstance(value, bool):
            _range(value)
            yield value
        elif isinstance(value, str):
            _check_known(name, value.removeprefix("-"))
            yield value
        else:
            message = f"{name} takes {'codes' if name == 'code' else 'texts'}, not {type(value).__name__}"
            raise TypeError(message)


def _check_known(name: str, word: str) -> None:
    known = KNOWN.get(name)
    if known is None or not word or "*" in word or word in known:
        return
    near = get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    message = f"there is no {name} {word!r}; {hint}"
    raise ValueError(message)


def _range(code: int | str) -> tuple[int, int]:
    match = CODE.fullmatch(str(code))
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if first > last:
        message = f"{code!r} is no status code such as 403 and no range such as 400-499"
        raise ValueError(message)
    return first, last
