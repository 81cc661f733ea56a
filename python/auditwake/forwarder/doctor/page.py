"""The table of `docs/doctor.md` that has every code, written from the registry: `make docs`."""

import sys
from pathlib import Path
from typing import Final

from auditwake.forwarder.doctor.registry import SECTIONS

__all__ = ["section", "updated"]

BEGIN: Final = "<!-- codes: written by `make docs` from the registry -->\n"
END: Final = "<!-- end of codes -->\n"
MARKS: Final = {"error": "✕", "warning": "!"}


def section() -> str:
    """Give a table a section.

    Example:
        >>> section().splitlines()[0]
        '### apiserver'
    """
    lines = []
    for part in SECTIONS:
        lines += [f"### {part.name}", "", "| code | name | | why it matters |", "| --- | --- | --- | --- |"]
        lines += [f"| {code.code} | {code.name} | {MARKS[code.level]} | {code.why} |" for code in part.codes]
        lines.append("")
    return "\n".join(lines)


def updated(page: str) -> str:
    """Give the page with its tables written anew.

    Args:
        page: The page as it stands.

    Raises:
        ValueError: The page has no place for them.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        message = f"the page has no place for the codes, between {BEGIN!r} and {END!r}"
        raise ValueError(message)
    return f"{before}{BEGIN}\n{section()}\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")
