"""Rules read from YAML: one file a rule, and what is wrong in it with its place."""

import os
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml

from auditwake.detections.binding import Place, bind
from auditwake.detections.rule import LEVELS, SEVERITIES, Count, Rule
from auditwake.errors import ConfigProblem, RuleError, SourceNotFoundError
from auditwake.policy import Request
from auditwake.questions.coverage import MISSING

__all__ = ["load_rules", "read_rule", "rules"]

FOLDER: Final = files(__package__) / "rules"
TEXTS: Final = ("id", "name", "title", "severity", "level", "of", "where", "meaning")
LISTS: Final = ("attack", "false_positives")
MAY: Final = ("needs", "since", "words", "detail", "count", "references", "examples")
REQUEST: Final = ("verb", "user", "groups", "group", "resource", "namespace", "name", "path")
COUNT: Final = ("distinct", "at_least", "within", "by")
WITHIN: Final = re.compile(r"([1-9]\d*)([smh])")
SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
FORMS: Final = {"id": r"[A-Z]{2,8}\d{3,5}", "name": r"[a-z0-9]+(-[a-z0-9]+)*", "since": r"\d{1,3}\.\d{1,3}"}
WORD: Final = re.compile(r"[A-Za-z0-9-]+")
"""What JSON and the paths of a JSON patch write as it is, if not with an escape."""
PERSON: Final = ("alice@example.com", ["system:authenticated"])


@cache
def rules() -> tuple[Rule, ...]:
    """Give the rules that come with auditwake, by their ids.

    Example:
        >>> len(rules()) > 30
        True
    """
    found = [file for file in FOLDER.iterdir() if file.name.endswith(".yaml")]
    return tuple(sorted((read_rule(file.read_text(encoding="utf-8"), file.name) for file in found), key=lambda r: r.id))


def load_rules(folder: str | os.PathLike[str]) -> tuple[Rule, ...]:
    """Read the rules of a directory, one a file that ends in `.yaml` or `.yml`, or one file.

    Args:
        folder: The directory or the file. SQL in a rule runs with your rights: read what others wrote before you use
            it.

    Raises:
        RuleError: A rule cannot be used; `problems` has each place.
        SourceNotFoundError: There is no such directory, or no rule in it.
    """
    top = Path(folder)
    paths = sorted(path for path in top.iterdir() if path.suffix in {".yaml", ".yml"}) if top.is_dir() else [top]
    if not paths or not all(path.is_file() for path in paths):
        message = f"{os.fspath(folder)}: no rules there: a rule is a file that ends in .yaml"
        raise SourceNotFoundError(message)
    read, problems = [], []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
            rule, places = _rule(text, str(path))
        except UnicodeDecodeError:
            problems.append(ConfigProblem(file=str(path), message="is not UTF-8", remedy="save it as UTF-8"))
        except RuleError as error:
            problems += error.problems
        else:
            read.append((rule, places))
    problems += _twice([rule for rule, _ in read])
    if not problems:
        problems += bind(read)
    if problems:
        raise RuleError(problems)
    return tuple(rule for rule, _ in read)


def read_rule(text: str, name: str) -> Rule:
    """Read one rule; its SQL is not looked at.

    Args:
        text: The YAML.
        name: What its file is called.

    Raises:
        RuleError: It is none.
    """
    return _rule(text, name)[0]


def _rule(text: str, name: str) -> tuple[Rule, dict[str, Place]]:
    reading = _Reading(name)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        reading.wrong(place, "", f"is no YAML: {error.problem}", "mend the line")
        root = None
    except yaml.YAMLError as error:
        reading.wrong((1, 1), "", f"is no YAML: {str(error).splitlines()[0]}", "mend the file")
        root = None
    else:
        if not isinstance(root, yaml.MappingNode):
            reading.wrong((1, 1), "", "holds no rule", f"write the keys {', '.join((*TEXTS, *LISTS))}")
    fields = reading.rule(root) if isinstance(root, yaml.MappingNode) else {}
    if reading.problems:
        raise RuleError(reading.problems)
    return Rule(**fields, file=name), reading.places


def _twice(found: Sequence[Rule]) -> Iterator[ConfigProblem]:
    for what in ("id", "name"):
        seen: dict[str, str] = {getattr(rule, what): rule.file for rule in rules()}
        for rule in found:
            value = getattr(rule, what)
            if value in seen:
                message = f"{value!r} is taken by {seen[value]}"
                yield ConfigProblem(file=rule.file, path=what, message=message, remedy=f"give it an {what} of its own")
            seen[value] = rule.file


class _Reading:
    """One file, read node by node: what is wrong is gathered, so that all of it is said at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[ConfigProblem] = []
        self.places: dict[str, Place] = {}

    def wrong(self, place: Place, path: str, message: str, remedy: str) -> None:
        line, column = place
        self.problems.append(
            ConfigProblem(file=self.name, line=line, column=column, path=path, message=message, remedy=remedy)
        )

    def rule(self, root: yaml.MappingNode) -> dict[str, Any]:
        nodes = self.map(root, "", (*TEXTS, *LISTS), MAY)
        fields: dict[str, Any] = {
            key: self.text(nodes[key], key) for key in (*TEXTS, "detail", "since") if key in nodes
        }
        fields |= {key: self.texts(nodes[key], key) for key in (*LISTS, "needs", "words", "references") if key in nodes}
        self.one_of(nodes, fields, "severity", SEVERITIES)
        self.one_of(nodes, fields, "level", LEVELS)
        for key, form in FORMS.items():
            if key in fields and not re.fullmatch(form, fields[key]):
                self.wrong(_place(nodes[key]), key, f"{fields[key]!r} has another form", f"write it as {form}")
        for need in fields.get("needs", ()):
            if need not in MISSING:
                self.wrong(_place(nodes["needs"]), "needs", f"there is no {need!r}", f"use one of {', '.join(MISSING)}")
        for word in fields.get("words", ()):
            if not WORD.fullmatch(word):
                self.wrong(_place(nodes["words"]), "words", f"{word!r} is no word", "write letters, digits and hyphens")
        if "count" in nodes:
            fields["count"] = self.count(nodes["count"])
        if "examples" in nodes:
            fields["examples"] = tuple(self.requests(nodes["examples"]))
        return fields

    def count(self, node: yaml.Node) -> Count | None:
        nodes = self.map(node, "count", ("distinct", "at_least", "by"), ("within",))
        said = {key: self.text(value, f"count.{key}") for key, value in nodes.items()}
        within = WITHIN.fullmatch(said.get("within", "1s"))
        if within is None:
            self.wrong(_place(nodes["within"]), "count.within", "is no time", "write it as 90s, 30m or 2h")
        if "at_least" in said and not re.fullmatch(r"[1-9]\d{0,8}", said["at_least"]):
            self.wrong(_place(nodes["at_least"]), "count.at_least", "is no number above zero", "write a number")
        if self.problems or within is None:
            return None
        seconds = int(within[1]) * SECONDS[within[2]] if "within" in said else None
        return Count(distinct=said["distinct"], at_least=int(said["at_least"]), seconds=seconds, by=said["by"])

    def requests(self, node: yaml.Node) -> Iterator[Request]:
        for index, one in enumerate(self.items(node, "examples")):
            path = f"examples[{index}]"
            nodes = self.map(one, path, ("verb",), REQUEST[1:])
            if ("path" in nodes) == ("resource" in nodes):
                self.wrong(_place(one), path, "is for a resource or for a path", "give one of the two")
            # An explicit null is nobody: authentication failed.
            nobody = "user" in nodes and nodes["user"].tag == "tag:yaml.org,2002:null"
            groups = self.texts(nodes["groups"], path) if "groups" in nodes else tuple(PERSON[1])
            said = {
                key: self.text(nodes[key], path) for key in nodes if key != "groups" and not (nobody and key == "user")
            }
            resource, _, subresource = said.get("resource", "").partition("/")
            yield Request(
                verb=said.get("verb", ""),
                user=None if nobody else said.get("user", PERSON[0]),
                groups=() if nobody else groups,
                api_group=said.get("group", ""),
                resource=resource,
                subresource=subresource,
                namespace=said.get("namespace", ""),
                name=said.get("name", ""),
                path=said.get("path"),
            )

    def map(self, node: yaml.Node, path: str, must: Sequence[str], may: Sequence[str]) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self.wrong(_place(node), path, "is no mapping", f"write {', '.join(must)} under it")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if key.value in found:
                self.wrong(_place(key), path, f"{key.value!r} stands there twice", "leave one out")
            elif key.value not in (*must, *may):
                self.wrong(_place(key), path, f"there is no key {key.value!r}", f"use {', '.join((*must, *may))}")
            else:
                found[key.value] = value
                self.places[f"{path}.{key.value}".lstrip(".")] = _place(value)
        for key in must:
            if key not in found:
                self.wrong(_place(node), path, f"{key!r} is missing", "add it")
        return found

    def text(self, node: yaml.Node, path: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            self.wrong(_place(node), path, "is no text", "write a text")
            return "?"
        return str(node.value).strip()

    def items(self, node: yaml.Node, path: str) -> list[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self.wrong(_place(node), path, "is no list", "write a list")
        return []

    def texts(self, node: yaml.Node, path: str) -> tuple[str, ...]:
        return tuple(self.text(one, path) for one in self.items(node, path))

    def one_of(self, nodes: dict[str, yaml.Node], fields: dict[str, Any], key: str, values: Sequence[str]) -> None:
        if key in fields and fields[key] not in values:
            self.wrong(_place(nodes[key]), key, f"there is no {fields[key]!r}", f"use one of {', '.join(values)}")


def _place(node: yaml.Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1
