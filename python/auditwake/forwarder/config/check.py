"""The shape of a file, against the table: which keys there are, and of which type their values."""

import re
from typing import Any, Final

from auditwake.forwarder.config.document import Document, Mark, Node
from auditwake.forwarder.config.key import Group, Key
from auditwake.forwarder.config.report import Place, Report, meant
from auditwake.forwarder.config.values import EXPECTED, Given, scalar

__all__ = ["Section", "check", "check_list", "mask_secrets", "split"]

SUSPECT: Final = re.compile(r"key|token|pass|secret|credential|auth|cookie|header|storage_options", re.IGNORECASE)
PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,39}")
WIDE: Final = 1 << 20
FEW: Final = 12
# Where many words are known to others, only one that is nearly ours is taken for a mistake.
LIKE: Final = 0.6
NEARLY: Final = 0.8


class Section:
    """A map of the configuration, checked: what is given, with places, and the defaults of the table for the rest.

    Attributes:
        group: Its keys.
        place: Where it stands.
        variant: Its `type`, where its keys depend on it.
    """

    def __init__(self, group: Group, place: Place, variant: str | None = None) -> None:
        self.group, self.place, self.variant = group, place, variant
        self._values: dict[str, Any] = {}
        self._places: dict[str, Place] = {}

    def put(self, name: str, value: Any, place: Place) -> None:  # noqa: ANN401  # of the kind that the key has
        """Set a value, over the one that is there."""
        self._values[name] = value
        self._places[name] = place

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401  # of the kind that the key has
        if name in self._values:
            return self._values[name]
        key = self.group.find(name, self.variant)
        return key.default if key else None

    def at(self, name: str) -> Place:
        """Give the place of a value; that of the map or of the variable where it could have been given."""
        if name in self._places:
            return self._places[name]
        key = self.group.find(name, self.variant)
        return Place(key.env) if key and key.env and self.place.document is None else self.place.key(name)

    def section(self, name: str) -> "Section":
        """Give a map in it; an empty one where it is not given."""
        if name in self._values:
            inner: Section = self._values[name]
            return inner
        key = self.group.find(name, self.variant)
        assert key is not None and key.group is not None, name  # noqa: S101, PT018  # names stand in the table
        return Section(key.group, self.place.key(name))


def check(report: Report, document: Document, group: Group) -> Section:
    """Check a whole file.

    Args:
        report: Takes what is wrong.
        document: The file.
        group: The keys of such a file.

    Returns:
        What is right in it.
    """
    root = document.root
    assert root is not None  # noqa: S101  # only files that could be read are checked
    mask_secrets(document, root)
    document.settle()
    place = Place(str(document.path), document, root.start)
    if root.kind == "null":
        return Section(group, place)
    if root.kind != "map":
        document.mask(root)
        report.error(
            place,
            f"expected a map with keys such as {group.keys[0].name}, got {root.called}",
            "see docs/agent-config.md",
        )
        return Section(group, place)
    return _Check(report, document, place).map(root, group, place)


def mask_secrets(document: Document, root: Node) -> None:
    """Never show what looks like a secret by its key, wherever it stands."""
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.kind == "list":
            waiting += node.value
        elif node.kind == "map":
            for member in node.value:
                if SUSPECT.search(member.key) and not member.key.endswith("_file"):
                    document.mask(member.node)
                else:
                    waiting.append(member.node)


class _Check:
    """The check of one file."""

    def __init__(self, report: Report, document: Document, top: Place) -> None:
        self.report, self.document, self.top = report, document, top

    def map(self, node: Node, group: Group, place: Place) -> Section:
        variant = self.variant(node, group)
        section = Section(group, place, variant)
        strangers = []
        for name, mark, value in node.value:
            here = place.at(mark, f"{place.path}.{name}" if place.path else name)
            key = group.find(name, variant)
            if key is None:
                self.document.mask(value)
                strangers.append((name, self.named(here, name, place)))
            elif key.ignored:
                self.ignored(key, value, here)
            elif value.kind != "null" or key.nullable:
                self.value(section, key, value, place.at(value.start, here.path))
        self.strangers(strangers, group, variant, place)
        self.missing(node, group, variant, place)
        return section

    def named(self, here: Place, name: str, place: Place) -> Place:
        """Give the place of an unknown key; what is no name may be a secret whose colon was forgotten."""
        if PLAIN_NAME.fullmatch(name):
            return here
        assert here.mark is not None  # noqa: S101  # it stands in a file
        self.document.masks.append((here.mark, Mark(here.mark.line, WIDE)))
        return here.at(here.mark, f"{place.path}.***" if place.path else "***")

    def variant(self, node: Node, group: Group) -> str | None:
        """Give the `type` that decides about the other keys; None where it is missing or wrong."""
        said = next((one.node.value for one in node.value if one.key == "type" and one.node.kind == "string"), None)
        return said if said in group.variants or not group.variants else None

    def ignored(self, key: Key, value: Node, here: Place) -> None:
        self.document.mask(value)
        if value.kind != "null" and value.value not in ((), {}):
            self.report.warning(here, f"has no effect: {key.reason}", "remove it, or leave it for Datadog's Agent")

    def strangers(self, found: list[tuple[str, Place]], group: Group, variant: str | None, place: Place) -> None:
        if group.variants and variant is None:
            return  # Nobody can say which keys it has before its type is right.
        known = [key.name for key in group.of(variant)]
        quiet = []
        for name, here in found:
            near = meant(name, known, cutoff=NEARLY if group.quiet else LIKE)
            if group.closed:
                self.report.error(
                    here,
                    "there is no such key",
                    near or f"the keys are {', '.join(known[:FEW])}{', ...' if len(known) > FEW else ''}",
                )
            elif near or not group.quiet:
                self.report.warning(
                    here, "is no key that this agent knows; it has no effect", near or "remove it if it is a mistake"
                )
            else:
                quiet.append(name if PLAIN_NAME.fullmatch(name) else "***")
        if quiet:
            names = ", ".join(quiet[:FEW]) + (", ..." if len(quiet) > FEW else "")
            self.report.warning(
                place, f"{len(quiet)} keys are not used by this agent: {names}", "leave them for Datadog's Agent"
            )

    def missing(self, node: Node, group: Group, variant: str | None, place: Place) -> None:
        given = {one.key for one in node.value if one.node.kind != "null"}
        for key in group.of(variant):
            needed = key.required or (variant is not None and variant in key.needed_by)
            if needed and key.name not in given:
                values = f"one of {', '.join(key.choices)}" if key.choices else key.meaning
                self.report.error(place.key(key.name), "is missing", f"add {key.name}: {values}")

    def value(self, section: Section, key: Key, node: Node, place: Place) -> None:
        """Check a value of a known key."""
        if key.kind == "any":
            section.put(key.name, node, place)
        elif key.kind == "group":
            if self.is_a(node, "map", "a map", place):
                assert key.group is not None  # noqa: S101  # so says the table
                section.put(key.name, self.map(node, key.group, place), place)
        elif key.kind == "groups":
            self.maps(section, key, node, place)
        elif key.kind == "words":
            self.words(section, key, node, place)
        elif key.kind in {"map", "secrets"}:
            self.names(section, key, node, place)
        else:
            given = scalar(self.report, key, Given.of(node), place)
            if given is not None:
                section.put(key.name, given.value, place)
            elif node.kind in {"map", "list"}:
                self.document.mask(node)

    def is_a(self, node: Node, kind: str, called: str, place: Place) -> bool:
        if node.kind == kind:
            return True
        self.document.mask(node)
        self.report.error(place, f"expected {called}, got {node.called}", "see docs/agent-config.md")
        return False

    def maps(self, section: Section, key: Key, node: Node, place: Place) -> None:
        if not self.is_a(node, "list", "a list of maps", place):
            return
        assert key.group is not None  # noqa: S101  # so says the table
        found = []
        for index, item in enumerate(node.value):
            here = place.at(item.start, f"{place.path}[{index}]")
            if self.is_a(item, "map", "a map", here):
                found.append(self.map(item, key.group, here))
        section.put(key.name, tuple(found), place)

    def words(self, section: Section, key: Key, node: Node, place: Place) -> None:
        if node.kind == "map":
            self.is_a(node, "list", EXPECTED["words"], place)
            return
        if node.kind != "list":
            section.put(key.name, split(node.text), place)
            return
        words = []
        for index, item in enumerate(node.value):
            here = place.at(item.start, f"{place.path}[{index}]")
            if item.kind in {"map", "list", "null"}:
                self.is_a(item, "string", "a string", here)
            elif item.text.strip():
                words.append(item.text.strip())
        section.put(key.name, tuple(words), place)

    def names(self, section: Section, key: Key, node: Node, place: Place) -> None:
        if not self.is_a(node, "map", "a map of names to strings", place):
            return
        values = {
            one.key: (one.node.text, place.at(one.node.start, f"{place.path}.{one.key}"))
            for one in node.value
            if one.node.kind not in {"map", "list", "null"}
            or self.is_a(one.node, "string", "a string", place.at(one.node.start, f"{place.path}.{one.key}"))
        }
        section.put(key.name, values, place)


def split(text: str) -> tuple[str, ...]:
    """Split a list that is written as one string.

    Example:
        >>> split("env:prod, team:a")
        ('env:prod', 'team:a')
    """
    return tuple(word for part in text.replace("\n", "").split(",") if (word := part.strip()))


def check_list(report: Report, document: Document, group: Group) -> tuple[Section, ...]:
    """Check a text that is a list of maps, such as the JSON in a variable.

    Args:
        report: Takes what is wrong.
        document: The text.
        group: The keys of its maps.

    Returns:
        What is right in it.
    """
    assert document.root is not None  # noqa: S101  # only texts that could be read are checked
    mask_secrets(document, document.root)
    document.settle()
    place = Place(str(document.path), document, document.root.start)
    key = Key(name="", kind="groups", group=group)
    section = Section(Group("", "", (key,)), place)
    _Check(report, document, place).value(section, key, document.root, place)
    found: tuple[Section, ...] = section[""] or ()
    return found
