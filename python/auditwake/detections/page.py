"""The section of `docs/detections.md` that has every rule and every macro, written from them: `make docs`."""

import re
from itertools import starmap
from typing import Final

from auditwake.detections.load import rules
from auditwake.detections.rule import Rule
from auditwake.detections.sql import macros
from auditwake.pages import heading, link, part, table, write

__all__ = ["section", "updated"]

BEGIN: Final = "<!-- rules: written by `make docs` from the rules -->\n"
END: Final = "<!-- end of rules -->\n"
MACRO: Final = re.compile(r"((?:^-- .*\n)+)((?:^create macro .*\n(?:^(?!--|create).*\n)*)+)", re.MULTILINE)
HEAD: Final = re.compile(r"^create macro (\w+\([^)]*\)) as", re.MULTILINE)


def section() -> str:
    """Give the macros, a table of the rules, and each rule.

    Example:
        >>> section().splitlines()[0]
        '### Macros'
    """
    listed = [
        [link(rule.id, rule.name), rule.title, rule.severity, rule.level, ", ".join(rule.attack)] for rule in rules()
    ]
    lines = ["### Macros", "", *table(["macro", "what it gives"], starmap(_macro, MACRO.findall(macros())))]
    lines += ["", "### Rules", "", *table(["rule", "what happened", "severity", "level", "ATT&CK"], listed)]
    for rule in rules():
        lines += ["", *_rule(rule)]
    return "\n".join(lines) + "\n"


updated: Final = part(BEGIN, END, section)
"""Gives the page with its section written anew."""


def _macro(said: str, code: str) -> list[str]:
    names = ", ".join(f"`{head}`" for head in HEAD.findall(code))
    return [names, " ".join(line.removeprefix("-- ") for line in said.splitlines())]


def _rule(rule: Rule) -> list[str]:
    needs = "".join(f"; needs the log to record: {need}" for need in rule.needs)
    needs += "" if rule.since is None else f"; kube-apiserver {rule.since} or later"
    lines = [
        heading(rule.id, rule.name),
        "",
        f"{rule.title}. {rule.severity.capitalize()}; level {rule.level}{needs}; {', '.join(rule.attack)}.",
        "",
        rule.meaning,
        "",
        "```sql",
        *f"-- looks at\n{rule.of}\n-- finds\n{rule.where}".splitlines(),
    ]
    if rule.count is not None:
        count = rule.count
        lines += [f"-- {count.said}, for each {count.by}"]
    lines += ["```", "", "Harmless:", "", *(f"- {one}" for one in rule.false_positives)]
    lines += ["", f"See: {'; '.join(rule.references)}."]
    return lines


if __name__ == "__main__":
    write(updated)
