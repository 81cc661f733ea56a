"""Pages of the documentation that have a part which is written by the code: `make docs`."""

import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["between", "write"]


def between(page: str, begin: str, end: str, text: str) -> str:
    r"""Give a page with its part written anew.

    Args:
        page: The page as it stands.
        begin: The line in front of the part.
        end: The line behind it.
        text: The part.

    Raises:
        ValueError: The page has no place for it.

    Example:
        >>> between("# Page\n<!-- a -->\nold\n<!-- b -->\n", "<!-- a -->\n", "<!-- b -->\n", "new")
        '# Page\n<!-- a -->\n\nnew\n<!-- b -->\n'
    """
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        message = f"the page has no place for what is written by the code, between {begin!r} and {end!r}"
        raise ValueError(message)
    return f"{before}{begin}\n{text}\n{end}{after}"


def write(updated: Callable[[str], str]) -> None:
    """Write the page that the command line names anew."""
    path = Path(sys.argv[1])
    path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")
