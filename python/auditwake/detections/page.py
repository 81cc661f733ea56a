"""The section of `docs/detections.md` that has every rule and every macro, written from them: `make docs`."""

import re
from typing import Final

from auditwake.detections.load import rules
from auditwake.detections.rule import Rule
from auditwake.detections.sql import macros
from auditwake.pages import between, write

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
    lines = ["### Macros", "", "| macro | what it gives |", "| --- | --- |"]
    for said, code in MACRO.findall(macros()):
        names = ", ".join(f"`{head}`" for head in HEAD.findall(code))
        lines.append(f"| {names} | {_cell(' '.join(line.removeprefix('-- ') for line in said.splitlines()))} |")
    lines += [
        "",
        "### Rules",
        "",
        "| rule | what happened | severity | level | ATT&CK |",
        "| --- | --- | --- | --- | --- |",
    ]
    for rule in rules():
        link = f"[{rule.id}](#{_anchor(rule)})"
        lines.append(f"| {link} | {_cell(rule.title)} | {rule.severity} | {rule.level} | {', '.join(rule.attack)} |")
    for rule in rules():
        lines += ["", *_rule(rule)]
    return "\n".join(lines) + "\n"


def updated(page: str) -> str:
    """Give the page with its section written anew.

    Args:
        page: The page as it stands.

    Raises:
        ValueError: The page has no place for the section.
    """
    return between(page, BEGIN, END, section())


def _anchor(rule: Rule) -> str:
    return f"{rule.id}-{rule.name}".lower()


def _rule(rule: Rule) -> list[str]:
    needs = "".join(f"; needs the log to record: {need}" for need in rule.needs)
    needs += "" if rule.since is None else f"; kube-apiserver {rule.since} or later"
    lines = [
        f"#### {rule.id} {rule.name}",
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


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    write(updated)
