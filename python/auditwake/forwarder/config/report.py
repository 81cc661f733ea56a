"""What is wrong or noteworthy in a configuration, collected until all of it is known."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from auditwake.errors import ConfigError, ConfigProblem
from auditwake.forwarder.config.document import Document, Mark

__all__ = ["Place", "Report", "meant"]

LONGEST = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands.

    Attributes:
        name: The file as it was named, or the environment variable.
        document: The file, where it was read.
        mark: Where in it.
        path: The key, such as `logs[0].path`.
    """

    name: str
    document: Document | None = None
    mark: Mark | None = None
    path: str = ""

    def at(self, mark: Mark, path: str) -> "Place":
        """Give another place in the same file."""
        return replace(self, mark=mark, path=path)

    def key(self, name: str) -> "Place":
        """Give the place of a key that is not there: that of its map."""
        return replace(self, path=f"{self.path}.{name}" if self.path else name)


@dataclass(frozen=True, slots=True)
class _Note:
    place: Place
    message: str
    remedy: str
    known: frozenset[str] | None


class Report:
    """Errors and warnings. Their texts are made at the end, when all secrets are known."""

    def __init__(self) -> None:
        self._errors: list[_Note] = []
        self._warnings: list[_Note] = []

    def error(self, place: Place, message: str, remedy: str, known: frozenset[str] | None = None) -> None:
        """Note what makes the configuration useless.

        Args:
            place: Where.
            message: What is wrong.
            remedy: What to do.
            known: The only words of the line that are shown; None for all but secrets.
        """
        self._errors.append(_Note(place, message, remedy, known))

    def warning(self, place: Place, message: str, remedy: str) -> None:
        """Note what has no effect, or is likely to be a mistake."""
        self._warnings.append(_Note(place, message, remedy, None))

    @property
    def errors(self) -> tuple[ConfigProblem, ...]:
        """All errors, in the order of the files, each once."""
        return _problems(self._errors)

    @property
    def warnings(self) -> tuple[ConfigProblem, ...]:
        """All warnings, in the order of the files, each once."""
        return _problems(self._warnings)

    def check(self) -> None:
        """Raise what was found.

        Raises:
            ConfigError: There are errors.
        """
        if self._errors:
            raise ConfigError(self.errors)


def _problems(notes: Iterable[_Note]) -> tuple[ConfigProblem, ...]:
    names = list(dict.fromkeys(note.place.name for note in notes))
    ordered = sorted(notes, key=lambda note: (names.index(note.place.name), note.place.mark or Mark(0, 0)))
    return tuple(dict.fromkeys(_problem(note) for note in ordered))


def _problem(note: _Note) -> ConfigProblem:
    place = note.place
    return ConfigProblem(
        file=place.name,
        line=place.mark.line if place.mark else None,
        column=place.mark.column if place.mark else None,
        path=place.path,
        message=note.message,
        remedy=note.remedy,
        shown=place.document.show(place.mark, note.known) if place.document and place.mark else "",
    )


def meant(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Ask for the word that was meant; nothing where none is near. Capitals do not count.

    Args:
        word: The word that was written.
        known: Those that there are.
        cutoff: How alike they have to be, from 0 to 1.

    Example:
        >>> meant("servce", ["service", "source"])
        'did you mean service?'
    """
    words = {one.lower(): one for one in known}
    near = difflib.get_close_matches(word.lower()[:LONGEST], words, n=1, cutoff=cutoff)
    return f"did you mean {words[near[0]]}?" if near else ""
