"""What logrotate is told about a log: `/etc/logrotate.conf`, what that includes, and `/etc/logrotate.d`."""

import contextlib
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from auditwake.forwarder.doctor.facts import Logrotate
from auditwake.forwarder.doctor.finding import Place
from auditwake.forwarder.doctor.gathering.node import read_text, under

__all__ = ["logrotate_of"]

DIRECTORY: Final = "/etc/logrotate.d"
CONF: Final = "/etc/logrotate.conf"
SCRIPTS: Final = frozenset({"prerotate", "postrotate", "firstaction", "lastaction", "preremove"})
BRACES: Final = re.compile(r"\{([^{}]*,[^{}]*)\}")
MOST_NAMES: Final = 256
"""So many names braces may stand for; what nobody means is not written out."""


def logrotate_of(root: Path, paths: set[str]) -> Iterator[Logrotate]:
    """Give the blocks that name a log.

    Args:
        root: Where the node's file system is.
        paths: What the log is called.
    """
    reading = _Reading(paths)
    for file in _files(root):
        try:
            lines = read_text(file).splitlines()
        except (OSError, ValueError):
            continue
        yield from reading.blocks(lines, str(file))


def _files(root: Path) -> list[Path]:
    """Give the files in the order in which they are read, the general one first: what it sets holds for the others."""
    conf = Path(under(root, CONF))
    named = [under(root, DIRECTORY)]
    with contextlib.suppress(OSError, ValueError):
        words = [_words(line.strip()) for line in read_text(conf).splitlines()]
        named += [under(root, line[1]) for line in words if len(line) == 2 and line[0] == "include"]  # noqa: PLR2004  # a word and a path
    found = [conf]
    for name in dict.fromkeys(named):
        path = Path(name)
        with contextlib.suppress(OSError, ValueError):
            found += sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]
    return found


@dataclass(slots=True)
class _Reading:
    """One that reads the files in order.

    Attributes:
        paths: What the log is called.
        everywhere: Where `copytruncate` stands outside of blocks: it holds for those that follow.
        names: Names of the block that is to begin, each with its line.
    """

    paths: set[str]
    everywhere: Place | None = None
    names: list[tuple[str, int]] = field(default_factory=list)

    def blocks(self, lines: Iterable[str], file: str) -> Iterator[Logrotate]:
        """Give the blocks of a file that name the log."""
        self.names.clear()
        inside = script = False
        cut: Place | None = None
        for number, line in enumerate(lines, 1):
            words = _words(line.strip())
            if script or not words or words[0].startswith("#"):
                script = script and words[:1] != ["endscript"]
                continue
            if not inside:
                words, inside = self.begin(words, number, file)
                cut = self.everywhere
            if inside:
                script = words[:1] != [] and words[0] in SCRIPTS
                cut = _set(cut, words, Place(file, number))
                if "}" in words:
                    yield from self.end(cut, file)
                    inside = False

    def begin(self, words: list[str], number: int, file: str) -> tuple[list[str], bool]:
        """Take a line outside of blocks; give what of it is inside of one, and whether one has begun."""
        at = words.index("{") if "{" in words else len(words)
        head = words[:at]
        if head and head[0].startswith(("/", "~")):
            self.names += [(word, number) for word in head]
        else:
            self.everywhere = _set(self.everywhere, head, Place(file, number))
        return words[at + 1 :], at < len(words)

    def end(self, cut: Place | None, file: str) -> Iterator[Logrotate]:
        """End a block."""
        lines = [number for name, number in self.names if any(_matches(name, path) for path in self.paths)]
        if lines:
            yield Logrotate(place=Place(file, lines[0]), copytruncate=cut)
        self.names.clear()


def _set(before: Place | None, words: list[str], place: Place) -> Place | None:
    if "nocopytruncate" in words:
        return None
    return place if "copytruncate" in words else before


def _words(text: str) -> list[str]:
    """Split a line; a brace at the end of a word that none in it opens begins or ends a block."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    split: list[str] = []
    for word in words:
        if len(word) > 1 and word.endswith("{"):
            split += [word[:-1], "{"]
        elif len(word) > 1 and word.endswith("}") and word.count("}") > word.count("{"):
            split += [word[:-1], "}"]
        elif len(word) > 1 and word.startswith("{") and "}" not in word:
            split += ["{", word[1:]]
        else:
            split.append(word)
    return split


def _matches(pattern: str, path: str) -> bool:
    """Say whether a name of a block means a path: braces are written out, and a wildcard is in one directory."""
    parts = path.split("/")
    for name in _written_out(pattern):
        names = name.split("/")
        if len(names) == len(parts) and all(map(fnmatchcase, parts, names)):
            return True
    return False


def _written_out(pattern: str) -> list[str]:
    names = [pattern]
    while (match := next((found for name in names if (found := BRACES.search(name))), None)) and len(
        names
    ) < MOST_NAMES:
        whole, choices = match[0], match[1].split(",")
        names = [name.replace(whole, choice, 1) for name in names for choice in (choices if whole in name else [""])]
    return names
