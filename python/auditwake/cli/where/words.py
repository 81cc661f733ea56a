"""The words of an expression."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from auditwake.cli.where.failure import WhereError

__all__ = ["END", "Word", "words"]

SPACE: Final = re.compile(r"\s*")
SIGN: Final = re.compile(r"<=|>=|!=|!~|==|[=<>~(),]")
# A quote within quotes is written twice.
QUOTED: Final = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"")
BARE: Final = re.compile(r"""[^\s()=!<>~,'"]+""")
END: Final = "end"
RIGHT: Final = {"&&": "and", "||": "or", "&": "and", "|": "or"}


@dataclass(frozen=True, slots=True)
class Word:
    """A word: `kind` is sign, bare, quoted or end; `at` is its first character, from 0."""

    kind: str
    text: str
    at: int

    def is_one(self, *texts: str) -> bool:
        """Say whether it is one of these keywords or signs."""
        return self.kind in {"sign", "bare"} and self.text.lower() in texts


def words(text: str) -> Iterator[Word]:
    """Give the words of an expression; the last one is its end.

    Raises:
        WhereError: A quote is not closed, or a character has no meaning.

    Example:
        >>> [word.text for word in words("code>=400 and name='it''s'")]
        ['code', '>=', '400', 'and', 'name', '=', "it's", '']
    """
    at = 0
    while True:
        space = SPACE.match(text, at)
        at = space.end() if space else at
        if at == len(text):
            yield Word(END, "", at)
            return
        word = _word(text, at)
        yield word[0]
        at = word[1]


def _word(text: str, at: int) -> tuple[Word, int]:
    if (match := SIGN.match(text, at)) is not None:
        return Word("sign", "=" if match[0] == "==" else match[0], at), match.end()
    if (match := QUOTED.match(text, at)) is not None:
        quote = match[0][0]
        return Word("quoted", match[0][1:-1].replace(quote * 2, quote), at), match.end()
    if (match := BARE.match(text, at)) is not None:
        if match[0] in RIGHT:
            message = f"write {RIGHT[match[0]]} for {match[0]}"
            raise WhereError(message, text, at)
        return Word("bare", match[0], at), match.end()
    message = "write not for !" if text[at] == "!" else f"this {text[at]} is not closed"
    raise WhereError(message, text, at)
