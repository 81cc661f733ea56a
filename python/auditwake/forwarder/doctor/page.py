"""The table of `docs/doctor.md` that has every code, written from the registry: `make docs`."""

from typing import Final

from auditwake.forwarder.doctor.registry import SECTIONS
from auditwake.pages import between, write

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
    return between(page, BEGIN, END, section())


if __name__ == "__main__":
    write(updated)
