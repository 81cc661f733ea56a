"""Keys that the server drops, and keys and lists that say less than they seem to."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from auditwake.policy.lint.finding import Code, Finding
from auditwake.policy.lint.subject import Subject
from auditwake.policy.loading.shape import POLICY, Shape
from auditwake.policy.model import Document, Issue

__all__ = ["CODES", "find"]

IGNORED: Final = Code(
    code="AWP101",
    name="ignored-field",
    severity="error",
    why="The server drops a key that it does not know, says so once in its own log, and goes on: the rule then asks "
    "for less than is written, and so covers more.",
    fix="write a key that the server knows, where it knows it, or take the key out",
    bad="rules:\n- {level: Metadata, verb: [get]}\n",
    good="rules:\n- {level: Metadata, verbs: [get]}\n- level: None\n",
)
DUPLICATE_KEY: Final = Code(
    code="AWP102",
    name="duplicate-key",
    severity="error",
    why="Of a key that is set twice the server takes the last, and drops the other.",
    fix="keep one of the two, or join their values in one list",
    bad="rules:\n- {level: Metadata, verbs: [get], verbs: [list]}\n",
    good="rules:\n- {level: Metadata, verbs: [get, list]}\n",
)
CODES: Final = (IGNORED, DUPLICATE_KEY)

POLICY_FIELDS: Final = POLICY.fields
MATCHERS: Final[Mapping[str, str]] = {
    "users": "users",
    "userGroups": "groups of users",
    "verbs": "verbs",
    "resources": "resources",
    "namespaces": "namespaces",
    "nonResourceURLs": "paths",
    "resourceNames": "names",
}
"""What a rule without a key covers all of."""

HABITS: Final[Mapping[str, str]] = {
    "groups": "userGroups",
    "apigroup": "group",
    "apigroups": "group",
    "serviceaccounts": "users",
    "urls": "nonResourceURLs",
    "paths": "nonResourceURLs",
    "nonresourcepaths": "nonResourceURLs",
    "names": "resourceNames",
    "stages": "omitStages",
}
"""Keys that other policies of Kubernetes have, in lower case, and what is meant."""

PATH: Final = re.compile(r"(?P<rule>rules\[\d+\])?(?P<entry>\.resources\[\d+\])?\.?(?P<key>.*)", re.DOTALL)


def find(subject: Subject) -> Iterator[Finding]:
    """Find keys that the server drops."""
    document = subject.document
    for issue in document.ignored:
        if issue.message.startswith("unknown field"):
            yield _unknown(document, issue)
        else:
            key = issue.path.rpartition(".")[2]
            message = f"{key!r} is set twice: only the last one counts"
            yield DUPLICATE_KEY.at(document, issue.path, message)


def _fields(shape: Shape | None) -> Mapping[str, Shape]:
    return shape.fields if shape is not None else {}


RULE_FIELDS: Final = _fields(POLICY_FIELDS["rules"].item)
ENTRY_FIELDS: Final = _fields(RULE_FIELDS["resources"].item)


def _unknown(document: Document, issue: Issue) -> Finding:
    found = PATH.fullmatch(issue.path)
    rule, entry, key = found.group("rule", "entry", "key") if found else (None, None, issue.path)
    where = f"{rule}{entry}" if rule and entry else rule or "the policy"
    here = ENTRY_FIELDS if entry else RULE_FIELDS if rule else POLICY_FIELDS
    meant = _meant(key, here)
    message = f"{key!r} is no field of {where}, so the server drops it" + _effect(document, rule, entry, meant)
    return IGNORED.at(document, issue.path, message, fix=_fix(document, issue, rule, meant, here))


def _meant(key: str, here: Mapping[str, Shape]) -> str | None:
    """Give the field that a key stands for, here or elsewhere in a policy."""
    known = [*here, *RULE_FIELDS, *ENTRY_FIELDS, *POLICY_FIELDS]
    if key in known:
        return key
    by_case = {name.lower(): name for name in reversed(known)}
    if key.lower() in by_case:
        return by_case[key.lower()]
    if key.lower() in HABITS:
        return HABITS[key.lower()]
    close = get_close_matches(key.lower(), by_case, n=1, cutoff=0.75)
    return by_case[close[0]] if close else None


def _effect(document: Document, rule: str | None, entry: str | None, meant: str | None) -> str:
    """Say what a rule covers without the key."""
    if rule is None or meant is None or meant not in MATCHERS:
        return ""
    owner = f"{rule}{entry}" if entry and meant in ENTRY_FIELDS else rule
    if f"{owner}.{meant}" in document.marks:
        return ""
    return f": the rule covers all {MATCHERS[meant]}"


def _fix(document: Document, issue: Issue, rule: str | None, meant: str | None, here: Mapping[str, Shape]) -> str:
    if meant is None:
        return f"take it out, or use one of {', '.join(name for name in here if name not in {'kind', 'apiVersion'})}"
    if meant in here:
        return f"write {meant!r}"
    if meant in RULE_FIELDS and rule:
        line = document.line(issue.mark.line)[issue.mark.column - 1 :] if issue.mark else ""
        shown = f": {line.rstrip()}" if line.startswith(f"{meant}: [") and line.rstrip().endswith("]") else ""
        return f"move it up to {rule} itself, beside 'level' and 'resources'{shown}"
    if meant in ENTRY_FIELDS:
        where = f"{rule or 'rules[0]'}.resources[0].{meant}"
        return f"{meant!r} belongs to an item of 'resources' of a rule; write it as {where}"
    return f"{meant!r} belongs to {'a rule' if meant in RULE_FIELDS else 'the policy'}; write it there"
