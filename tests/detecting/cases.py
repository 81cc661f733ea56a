"""The cases of the rules, read from `tests/data/detect`: what each finds, and what looks alike and is not found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.detecting.events import Text, event, line

__all__ = ["CASES", "Case", "cases"]

CASES = Path(__file__).parents[1] / "data" / "detect"
APART = timedelta(days=1)
"""Cases do not count together."""
LOGS = {
    "metadata": "metadata/audit.log.gz",
    "integration": "integration-example/audit.log.gz",
    "rotated": "rotated/*audit*",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A case of a rule."""

    rule: str
    says: str
    positive: bool
    finds: frozenset[str]
    """All rules that find it."""
    lines: tuple[bytes, ...]

    def __str__(self) -> str:
        return f"{self.rule} {'finds' if self.positive else 'leaves'}: {self.says}"


@cache
def cases() -> tuple[Case, ...]:
    """Read all cases."""
    found = list(_all())
    return tuple(found)


class _Loader(yaml.SafeLoader):
    """YAML in which `!text` is a body as it was sent."""


_Loader.add_constructor("!text", lambda _, node: Text(node.value))


def _all() -> Iterator[Case]:
    number = 0
    for path in sorted(CASES.glob("*.yaml")):
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  # a safe loader
        for kind in ("positive", "negative"):
            for said in document[kind]:
                number += 1
                finds = said.get("finds", [path.stem] if kind == "positive" else [])
                lines = tuple(_lines(said, f"{path.stem}/{number}", APART * number))
                yield Case(path.stem, said["says"], kind == "positive", frozenset(finds), lines)


def _lines(said: Mapping[str, Any], name: str, after: timedelta) -> Iterator[bytes]:
    if "real" in said:
        yield from _real(said["real"]["log"], said["real"]["audit_id"])
        return
    index = 0
    for request in said["requests"]:
        for time in range(request.get("times", 1)):
            filled = {key: _filled(value, time) for key, value in request.items()}
            filled["at"] = (
                request.get("at", 0) + time * request.get("every", 1)
                if "at" in request or "times" in request
                else index
            )
            yield line(event(name, index, filled, after=after))
            index += 1


def _filled(value: Any, number: int) -> Any:  # noqa: ANN401  # whatever a case says
    return value.replace("{n}", str(number)) if type(value) is str else value


def _real(log: str, audit_id: str) -> Iterator[bytes]:
    """Give the lines of a real request, as bytes: some are none that a parser takes."""
    mark = f'"auditID":"{audit_id}"'.encode()
    lines = [one for one in _log(log) if mark in one and b'"stage":"RequestReceived"' not in one]
    assert lines, f"{audit_id} is not in {log}"
    yield from lines


@cache
def _log(name: str) -> tuple[bytes, ...]:
    from tests.conftest import read_bytes

    paths = sorted(CASES.parent.glob(LOGS[name]))
    return tuple(one for path in paths for one in read_bytes(path).splitlines(keepends=True))
