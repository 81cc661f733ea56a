"""Lists and documents that hold less, or more, than they seem to."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import yaml

from auditwake.policy.lint.finding import Code, Finding
from auditwake.policy.lint.subject import Subject
from auditwake.policy.model import Document, Mark, Rule

__all__ = ["CODES", "find", "listed"]

EMPTY_LIST: Final = Code(
    code="AWP103",
    name="empty-list",
    severity="note",
    why="A rule with an empty list asks as little as a rule without it: it covers all, not nothing.",
    fix="leave the list out if all is meant; to cover nothing, take the rule out",
    bad="rules:\n- {level: Metadata, users: []}\n",
    good="rules:\n- {level: Metadata}\n",
)
DUPLICATE_VALUE: Final = Code(
    code="AWP104",
    name="duplicate-value",
    severity="note",
    why="The second one changes nothing; often another value was meant.",
    fix="take one of the two out",
    bad="rules:\n- {level: Metadata, verbs: [get, get]}\n- level: None\n",
    good="rules:\n- {level: Metadata, verbs: [get, list]}\n- level: None\n",
)
SEVERAL_DOCUMENTS: Final = Code(
    code="AWP105",
    name="several-documents",
    severity="error",
    why="The server reads the first document of a file, and never says that there are more.",
    fix="join the rules in one document",
    bad="rules:\n- level: Metadata\n---\nrules:\n- level: None\n",
    good="rules:\n- level: Metadata\n",
)
CODES: Final = (EMPTY_LIST, DUPLICATE_VALUE, SEVERAL_DOCUMENTS)


def listed(path: str, rule: Rule) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give the lists of strings of a rule, each with its path."""
    yield f"{path}.users", rule.users
    yield f"{path}.userGroups", rule.user_groups
    yield f"{path}.verbs", rule.verbs
    yield f"{path}.namespaces", rule.namespaces
    yield f"{path}.nonResourceURLs", rule.non_resource_urls
    yield f"{path}.omitStages", rule.omit_stages
    for index, entry in enumerate(rule.resources):
        yield f"{path}.resources[{index}].resources", entry.resources
        yield f"{path}.resources[{index}].resourceNames", entry.resource_names


def find(subject: Subject) -> Iterator[Finding]:
    """Find lists that are empty or have a value twice, and documents after the first."""
    document = subject.document
    yield from _twice(document, "omitStages", document.omit_stages)
    for path, rule in subject.rules():
        for where, values in listed(path, rule):
            yield from _twice(document, where, values)
            if not values and where in document.marks and not where.endswith("omitStages"):
                yield EMPTY_LIST.at(document, where, f"{where.rpartition('.')[2]} is empty, so the rule covers all")
        if not rule.resources and f"{path}.resources" in document.marks:
            yield EMPTY_LIST.at(document, f"{path}.resources", "resources is empty, so the rule covers all")
    yield from _documents(document)


def _twice(document: Document, where: str, values: tuple[str, ...]) -> Iterator[Finding]:
    for index, value in enumerate(values):
        if value in values[:index]:
            yield DUPLICATE_VALUE.at(document, f"{where}[{index}]", f"{value!r} is in the list already")


def _documents(document: Document) -> Iterator[Finding]:
    """Find the beginning of a second document that has something in it."""
    if "\n---" not in document.text:
        return
    starts: list[yaml.Event] = []
    try:
        for event in yaml.parse(document.text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.DocumentStartEvent):
                starts.append(event)
            elif len(starts) > 1 and isinstance(event, yaml.NodeEvent) and getattr(event, "value", True):
                break
        else:
            return
    except yaml.YAMLError:
        return  # behind the first document, where the server does not look either
    start = starts[-1].start_mark
    mark = Mark(start.line + 1, start.column + 1) if start else None
    found = SEVERAL_DOCUMENTS.at(document, "", "another document begins here, and the server does not read it")
    yield replace(found, mark=mark)
