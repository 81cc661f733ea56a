"""What the doctor says: one finding for each check, and the kinds of what can be wrong."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

__all__ = ["LEVELS", "Check", "Code", "Finding", "Level", "Place"]

Level: TypeAlias = Literal["ok", "skipped", "warning", "error"]
"""An error loses events or stops them, a warning will do so one day; what was skipped is not known."""

LEVELS: Final[tuple[Level, ...]] = ("ok", "skipped", "warning", "error")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands.

    Attributes:
        file: The file; or where else it is from, such as `pid 812`.
        line: The line, from 1; None where there is none.

    Example:
        >>> str(Place("/etc/kubernetes/manifests/kube-apiserver.yaml", 42))
        '/etc/kubernetes/manifests/kube-apiserver.yaml:42'
    """

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report.

    Attributes:
        level: How it is.
        section: What it is about, such as `rotation`.
        check: What was looked at, such as `retention`; it never changes its meaning.
        code: What kind of fault it is, such as `AWD403`; empty where nothing is wrong.
        name: The same in words.
        message: What was found.
        where: Where it stands; None where it has no place.
        why: Why it matters, and what it leads to; empty where nothing is wrong.
        fix: What to do, to be copied and pasted; empty where nothing is wrong.
    """

    level: Level
    section: str
    check: str
    message: str
    code: str = ""
    name: str = ""
    where: Place | None = None
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at.

    Attributes:
        section: The section that it belongs to.
        name: Its name.

    Example:
        >>> Check("disk", "room").fine("12.0 GB are free").level
        'ok'
    """

    section: str
    name: str

    def fine(self, message: str, where: Place | None = None) -> Finding:
        """Say that it is as it should be.

        Args:
            message: What was found.
            where: Where.
        """
        return Finding(level="ok", section=self.section, check=self.name, message=message, where=where)

    def skipped(self, message: str) -> Finding:
        """Say that it was not looked at.

        Args:
            message: Why not.
        """
        return Finding(level="skipped", section=self.section, check=self.name, message=message)


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of fault.

    Attributes:
        code: Its code.
        name: Its name.
        level: How much it matters.
        check: The check that finds it.
        why: Why it matters, and what it leads to, in one sentence.
        fix: What to do, in general.
    """

    code: str
    name: str
    level: Literal["warning", "error"]
    check: Check
    why: str
    fix: str

    def at(self, message: str, where: Place | str | Path | None = None, *, fix: str = "", why: str = "") -> Finding:
        """Make a finding of this kind.

        Args:
            message: What was found.
            where: Where it stands.
            fix: What to do, where more can be said than in general.
            why: Why it matters, where more can be said than in general.
        """
        return Finding(
            level=self.level,
            section=self.check.section,
            check=self.check.name,
            message=message,
            code=self.code,
            name=self.name,
            where=Place(str(where)) if isinstance(where, (str, Path)) else where,
            why=why or self.why,
            fix=fix or self.fix,
        )
