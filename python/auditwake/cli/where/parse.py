"""From the text of an expression to its parts, with names and types checked."""

from difflib import get_close_matches
from functools import cache
from typing import Final, NoReturn

import auditwake
from auditwake.cli.where.failure import WhereError
from auditwake.cli.where.literal import literal
from auditwake.cli.where.tree import OPERATORS, Compare, Every, Node, Not, Some, kind_of
from auditwake.cli.where.words import END, Word, words

__all__ = ["parse"]

KEYWORDS: Final = ("and", "or", "not", "in")
COMPARISONS: Final = ("=", "!=", "<", "<=", ">", ">=", "~", "!~")
MAX_DEPTH: Final = 50
SAID: Final = {
    "text": "text",
    "texts": "a list",
    "number": "a number",
    "time": "a time",
    "bool": "true or false",
    "opaque": "no single value",
}


def parse(text: str) -> Node:
    """Read an expression.

    Raises:
        WhereError: It is none; the message has the place.

    Example:
        >>> parse("code >= 400")
        Compare(column='code', kind='number', operator='>=', value=400)
    """
    return _Parser(text).whole()


@cache
def _kinds() -> dict[str, str]:
    return {column.name: kind_of(column.type) for column in auditwake.columns()}


class _Parser:
    """Reads an expression by descent; how deep is limited."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = words(text)
        self.word = next(self.words)
        self.depth = 0

    def whole(self) -> Node:
        if self.word.kind == END:
            self.fail("an expression is missing, such as code >= 400")
        node = self.some()
        if self.word.kind != END:
            self.fail("and, or, or the end is missing before this; a value with spaces or signs in it needs quotes")
        return node

    def some(self) -> Node:
        parts = [self.every()]
        while self.take("or"):
            parts.append(self.every())
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def every(self) -> Node:
        parts = [self.one()]
        while self.take("and"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def one(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(f"parentheses and nots are nested more than {MAX_DEPTH} deep")
        node = self.compared()
        self.depth -= 1
        return node

    def compared(self) -> Node:
        if self.take("not"):
            return Not(self.one())
        if self.take("("):
            node = self.some()
            self.need(")")
            return node
        name = self.word
        kind = self.column()
        negated = self.word.is_one("not")
        if negated:
            self.advance()
            if not self.word.is_one("in"):
                self.fail("in is missing behind not")
        if self.take("in"):
            return self.one_of(name.text, kind, negated=negated)
        if not self.word.is_one(*COMPARISONS):
            if kind == "bool":
                return Compare(name.text, kind, "=", value=True)
            self.fail(f"{name.text} is {SAID[kind]}: compare it, with one of {' '.join(COMPARISONS)} in", name)
        operator = self.advance()
        return self.compare(name.text, kind, operator)

    def column(self) -> str:
        name = self.word
        if name.kind != "bare" or name.is_one(*KEYWORDS):
            self.fail("the name of a column is missing here")
        kinds = _kinds()
        if name.text not in kinds:
            near = get_close_matches(name.text.lower(), kinds, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "`auditwake schema` lists them"
            self.fail(f"there is no column {name.text!r}; {hint}")
        self.advance()
        return kinds[name.text]

    def one_of(self, name: str, kind: str, *, negated: bool) -> Node:
        operator = Word("sign", "!=" if negated else "=", self.word.at)
        self.need("(")
        parts = [self.compare(name, kind, operator)]
        while self.take(","):
            parts.append(self.compare(name, kind, operator))
        self.need(")")
        return Every(tuple(parts)) if negated else Some(tuple(parts))

    def compare(self, name: str, kind: str, operator: Word) -> Node:
        value = self.word
        if value.kind not in {"bare", "quoted"} or value.is_one(*KEYWORDS):
            self.fail("a value is missing here; put quotes around one that is empty, a keyword, or begins with a sign")
        self.advance()
        if value.is_one("null"):
            if operator.text not in {"=", "!="}:
                self.fail("null is compared with = or != only", operator)
            return Compare(name, kind, operator.text, None)
        if operator.text not in OPERATORS[kind]:
            allowed = " ".join(sign for sign in COMPARISONS if sign in OPERATORS[kind]) or "= null and != null only"
            self.fail(f"{name} is {SAID[kind]}: compare it with {allowed}", operator)
        try:
            return Compare(name, kind, operator.text, literal(value.text, name, kind, operator.text))
        except ValueError as error:
            self.fail(str(error), value)

    def take(self, text: str) -> bool:
        """Go on if the next word is this one."""
        if not self.word.is_one(text):
            return False
        self.advance()
        return True

    def need(self, text: str) -> None:
        if not self.take(text):
            self.fail(f"{text} is missing here")

    def advance(self) -> Word:
        """Go to the next word, and give the one before it."""
        word = self.word
        self.word = next(self.words)
        return word

    def fail(self, message: str, word: Word | None = None) -> NoReturn:
        raise WhereError(message, self.text, (word or self.word).at)
