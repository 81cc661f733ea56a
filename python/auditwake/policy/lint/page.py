"""The section of `docs/policy.md` that has every code, written from the registry: `make docs`."""

from typing import Final

from auditwake.pages import heading, link, part, table, write
from auditwake.policy.lint.finding import Code
from auditwake.policy.lint.registry import FAMILIES

__all__ = ["section", "updated"]

BEGIN: Final = "<!-- findings: written by `make docs` from the registry -->\n"
END: Final = "<!-- end of findings -->\n"


def section() -> str:
    """Give the section: a table, and for each code a policy that raises it and the mended one.

    Example:
        >>> section().splitlines()[0]
        '| code | name | severity | about |'
    """
    codes = [(family.title, code) for family in FAMILIES for code in family.codes]
    listed = [[link(one.code, one.name), one.name, one.severity, title] for title, one in codes]
    lines = list(table(["code", "name", "severity", "about"], listed))
    for family in FAMILIES:
        lines += ["", f"### {family.title}"]
        for code in family.codes:
            lines += ["", *_code(code)]
    return "\n".join(lines) + "\n"


updated: Final = part(BEGIN, END, section)
"""Gives the page with its section written anew."""


def _code(code: Code) -> list[str]:
    lines = [heading(code.code, code.name), "", f"{code.severity.capitalize()}. {code.why}", ""]
    if not code.bad:
        return [*lines, f"Instead: {code.fix}. (A policy that raises it is too large to be shown.)"]
    bad, good = (["```yaml", *text.splitlines(), "```"] for text in (code.bad, code.good))
    return [*lines, *bad, "", f"Instead: {code.fix}.", "", *good]


if __name__ == "__main__":
    write(updated)
