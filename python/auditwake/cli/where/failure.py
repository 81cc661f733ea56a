"""What is wrong with an expression, and where."""

from auditwake.cli.exits import UsageError

__all__ = ["WhereError"]

LONGEST_LINE = 100


class WhereError(UsageError):
    """An expression that is no filter.

    Args:
        message: What is wrong.
        text: The expression.
        at: The character in it, from 0.

    Example:
        >>> print(WhereError("there is no column 'cod'", "cod >= 400", 0))
        there is no column 'cod'
          | cod >= 400
          | ^
    """

    def __init__(self, message: str, text: str, at: int) -> None:
        # A long one is shown around the place.
        first = max(at - LONGEST_LINE // 2, 0)
        shown = "".join(char if char.isprintable() else " " for char in text[first:][:LONGEST_LINE])
        super().__init__(f"{message}\n  | {shown}\n  | {' ' * (at - first)}^")
        self.message = message
        self.at = at
