"""Pages of the documentation that have a part which is written by the code: `make docs`."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

__all__ = ["between", "heading", "link", "part", "table", "write"]


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


def part(begin: str, end: str, section: Callable[[], str]) -> Callable[[str], str]:
    r"""Give what writes the part of a page anew.

    Args:
        begin: The line in front of the part.
        end: The line behind it.
        section: Gives the part.

    Returns:
        A function from the page as it stands to the page with the part written anew; it raises ValueError where the
        page has no place for it.

    Example:
        >>> part("<!-- a -->\n", "<!-- b -->\n", lambda: "new")("# Page\n<!-- a -->\nold\n<!-- b -->\n")
        '# Page\n<!-- a -->\n\nnew\n<!-- b -->\n'
    """
    return lambda page: between(page, begin, end, section())


def heading(code: str, name: str) -> str:
    """Give the heading of what has a code and a name.

    Example:
        >>> heading("AWD008", "exec")
        '#### AWD008 exec'
    """
    return f"#### {code} {name}"


def link(code: str, name: str) -> str:
    """Give a link to its heading.

    Example:
        >>> link("AWD008", "exec")
        '[AWD008](#awd008-exec)'
    """
    return f"[{code}](#{f'{code}-{name}'.lower()})"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    r"""Give the lines of a table; a cell may hold any text of one line.

    Example:
        >>> list(table(["a", "b"], [["1", "2|3"]]))
        ['| a | b |', '| --- | --- |', '| 1 | 2\\|3 |']
    """
    for cells in (heads, ["---"] * len(heads), *rows):
        said = (cell.replace("|", r"\|") for cell in cells)
        yield f"| {' | '.join(said)} |"


def write(updated: Callable[[str], str]) -> None:
    """Write the page that the command line names anew."""
    path = Path(sys.argv[1])
    path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")
