"""The audit flags of kube-apiserver, as its parser reads them, with the place of each."""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from auditwake.forwarder.doctor.finding import Place

__all__ = ["BOOLEAN", "Flag", "Flags", "flags_in_text", "parse_words", "shell_words"]

Word = tuple[str, Place]

BOOLEAN: Final = frozenset(
    {
        "audit-log-batch-throttle-enable",
        "audit-log-compress",
        "audit-log-truncate-enabled",
        "audit-webhook-batch-throttle-enable",
        "audit-webhook-truncate-enabled",
    }
)
"""Flags that are true when they have no value."""

TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})
NUMBER: Final = re.compile(r"[+-]?\d{1,18}")
PREFIX: Final = "audit-"
WRAPPER: Final = "kube-apiserver-arg"
"""How k3s and RKE2 hand a flag on to the server in them."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag as it was given.

    Attributes:
        name: Without dashes in front, with dashes between the words.
        value: Its value; None where it has none.
        place: Where it stands.
    """

    name: str
    value: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class Flags:
    """The audit flags that were given, in order.

    Example:
        >>> flags = flags_in_text(["--audit-log-maxsize=50 --audit-log-compress"], "flags")
        >>> flags.number("audit-log-maxsize", 100), flags.true("audit-log-compress"), flags.text("audit-log-path")
        (50, True, '')
    """

    given: tuple[Flag, ...] = ()

    def find(self, name: str) -> Flag | None:
        """Give the flag of a name that is in force: the last one.

        Args:
            name: Its name, without dashes in front.
        """
        return next((flag for flag in reversed(self.given) if flag.name == name), None)

    def text(self, name: str, default: str = "") -> str:
        """Give the value of a flag.

        Args:
            name: Its name.
            default: What stands for one that was not given.
        """
        flag = self.find(name)
        return default if flag is None or flag.value is None else flag.value

    def number(self, name: str, default: int) -> int:
        """Give the value of a flag as a number; the default also where it is none.

        Args:
            name: Its name.
            default: What stands for one that was not given.
        """
        value = self.text(name)
        return int(value) if NUMBER.fullmatch(value) else default

    def true(self, name: str) -> bool:
        """Say whether a flag is true.

        Args:
            name: Its name.
        """
        flag = self.find(name)
        return flag is not None and (flag.value is None or flag.value in TRUE)

    def place(self, *names: str) -> Place | None:
        """Give the place of the first of some flags that was given; else of any flag.

        Args:
            names: Their names.
        """
        for name in names:
            flag = self.find(name)
            if flag is not None:
                return flag.place
        return self.given[0].place if self.given else None

    def twice(self) -> list[tuple[Flag, ...]]:
        """Give the audit flags that were given more than once with different values."""
        groups: dict[str, list[Flag]] = {}
        for flag in self.given:
            groups.setdefault(flag.name, []).append(flag)
        return [tuple(group) for group in groups.values() if len({flag.value for flag in group}) > 1]


def parse_words(words: Sequence[Word]) -> Iterator[Flag]:
    """Read words as the server's parser does: `--flag=value`, `--flag value`, `--flag` of a boolean one.

    Args:
        words: Each with its place. What is no audit flag is passed over: it may hold secrets, and nobody needs it.
    """
    index = 0
    while index < len(words):
        word, place = words[index]
        index += 1
        if not word.startswith("--") or word == "--":
            continue
        name, equals, value = word[2:].partition("=")
        name = name.replace("_", "-")
        given: str | None = value if equals else None
        if not equals and name not in BOOLEAN and index < len(words) and not words[index][0].startswith("--"):
            given = words[index][0]
            index += 1
        if name == WRAPPER and given is not None:
            yield from parse_words([("--" + given.lstrip("-"), place)])
        elif name.startswith(PREFIX):
            # A text with a NUL is no path, and no server can be given one.
            yield Flag(name, given and given.replace("\0", "\N{REPLACEMENT CHARACTER}"), place)


def shell_words(text: str) -> list[str]:
    """Split a line as a shell does; a line that no shell takes, at its spaces.

    Args:
        text: The line.

    Example:
        >>> shell_words("exec kube-apiserver '--audit-log-path=/a b'")
        ['exec', 'kube-apiserver', '--audit-log-path=/a b']
    """
    plain = text.rstrip().removesuffix("\\")
    try:
        return shlex.split(plain)
    except ValueError:
        return plain.split()


def flags_in_text(lines: Iterable[str], file: str) -> Flags:
    """Read a file of flags: one a line, or a command line over any number of lines; `#` begins a comment.

    Args:
        lines: The lines.
        file: The name of the file.

    Example:
        >>> flags = flags_in_text(["# audit", "--audit-log-path /var/audit.log", "- --audit-log-maxage=30"], "flags")
        >>> [(flag.name, flag.value, flag.place.line) for flag in flags.given]
        [('audit-log-path', '/var/audit.log', 2), ('audit-log-maxage', '30', 3)]
    """
    words: list[Word] = []
    for number, line in enumerate(lines, 1):
        if not line.lstrip().startswith("#"):
            words += [(word, Place(file, number)) for word in shell_words(re.sub(r"\s#.*$", "", line))]
    return Flags(tuple(parse_words(words)))
