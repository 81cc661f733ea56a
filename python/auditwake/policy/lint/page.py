"""The section of `docs/policy.md` that has every code, written from the registry: `make docs`."""

from typing import Final

from auditwake.pages import between, write
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
    lines = ["| code | name | severity | about |", "| --- | --- | --- | --- |"]
    lines += [f"| [{one.code}](#{_anchor(one)}) | {one.name} | {one.severity} | {title} |" for title, one in codes]
    for family in FAMILIES:
        lines += ["", f"### {family.title}"]
        for code in family.codes:
            lines += ["", *_code(code)]
    return "\n".join(lines) + "\n"


def updated(page: str) -> str:
    """Give the page with its section written anew.

    Args:
        page: The page as it stands.

    Raises:
        ValueError: The page has no place for the section.
    """
    return between(page, BEGIN, END, section())


def _anchor(code: Code) -> str:
    return f"{code.code}-{code.name}".lower()


def _code(code: Code) -> list[str]:
    lines = [f"#### {code.code} {code.name}", "", f"{code.severity.capitalize()}. {code.why}", ""]
    if not code.bad:
        return [*lines, f"Instead: {code.fix}. (A policy that raises it is too large to be shown.)"]
    bad, good = (["```yaml", *text.splitlines(), "```"] for text in (code.bad, code.good))
    return [*lines, *bad, "", f"Instead: {code.fix}.", "", *good]


if __name__ == "__main__":
    write(updated)
