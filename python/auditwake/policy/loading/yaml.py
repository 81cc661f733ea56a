"""YAML as kube-apiserver reads it: libyaml's events, goyaml's meaning of them, and JSON in the end.

goyaml first reads the first document into nodes, and then decodes those. Here each value is made as soon as its last
event is there, and nothing recurses. A failure of the decoding waits until the document was read to its end, since one
of the reading would have come first.
"""

from typing import Any, Final

import yaml

from auditwake.policy.loading.dialect import Dialect, ReadAnewError
from auditwake.policy.loading.failure import DecodeError
from auditwake.policy.loading.nodes import Node, Open, flat
from auditwake.policy.loading.resolve import resolve
from auditwake.policy.loading.tree import Tree
from auditwake.policy.model import Issue, Mark

__all__ = ["read_yaml"]

# libyaml, of which the server has a port, where PyYAML was built with it. Of the loader only the events are used.
PARSER: Final[Any] = getattr(yaml, "CLoader", None) or yaml.Loader
MERGE: Final = "<<"
MERGE_TAG: Final = "tag:yaml.org,2002:merge"
STARTS: Final = {yaml.MappingStartEvent: "object", yaml.SequenceStartEvent: "array"}

# goyaml's measure against texts that grow when they are read: so much of a document may come from aliases.
RATIO_LOW, RATIO_HIGH = 400_000, 4_000_000
MOST, LEAST = 0.99, 0.10
FEW_ALIASES, FEW_NODES = 100, 1000


def read_yaml(data: bytes) -> Tree:
    """Read the first document of a YAML text.

    Args:
        data: UTF-8, or UTF-16 with a byte order mark.

    Returns:
        The value; null where there is no document.

    Raises:
        DecodeError: It is no YAML, or has no counterpart in JSON.

    Example:
        >>> tree = read_yaml(b"a: yes")
        >>> [(member.key, member.value.data, tree.mark(member.place)) for member in tree.root.data]
        [('a', True, Mark(line=1, column=1))]
    """
    dialect = Dialect(data)
    while True:
        try:
            return _read(dialect)
        except ReadAnewError:
            continue
        except yaml.MarkedYAMLError as error:
            place = error.problem_mark or error.context_mark
            if place is None or not dialect.takes(error.problem or "", place.index):
                raise _syntax(error) from None


def _read(dialect: Dialect) -> Tree:
    parser = None
    try:
        parser = PARSER(dialect.data or b"\n")
        return _Reading(parser, dialect).document()
    except _ReadError as error:
        line, problem, place = error.args
        message = f"yaml: {_at(line)}{problem}"
        raise DecodeError(message, _mark(place)) from None
    except yaml.reader.ReaderError as error:
        message = f"yaml: {error.reason}"
        raise DecodeError(message) from None
    finally:
        if parser is not None:
            parser.dispose()


def _syntax(error: yaml.MarkedYAMLError) -> DecodeError:
    """Give an error of the parser the line that goyaml gives it, which is not always where it is."""
    problem, context = error.problem_mark, error.context_mark
    line = 0
    if problem is not None and problem.line:
        line = problem.line + isinstance(error, yaml.scanner.ScannerError)
    elif context is not None:
        line = context.line
    place = problem or context
    return DecodeError(f"yaml: {_at(line)}{error.problem}", None if place is None else _mark(place))


def _at(line: int) -> str:
    """Give what goyaml says of a line: nothing of one that it takes for unknown."""
    return f"line {line}: " if line else ""


def _mark(place: Any) -> Mark:  # noqa: ANN401  # a mark of PyYAML; its two parsers have two classes for it
    return Mark(place.line + 1, place.column + 1)


class _ReadError(Exception):
    """What goyaml refuses while it reads, before any failure of the decoding: the line as it counts, why, the place."""


class _RootError(Exception):
    """The document ends before libyaml sees its end."""


class _Reading:
    """One pass over the events of a document.

    Attributes:
        open: The collections around the next event.
        anchors: What each anchor names.
        failure: The first failure of the decoding; from then on only the syntax is looked at.
        decoded: How many nodes goyaml has decoded so far, aliases followed.
        aliased: How many of them came from aliases.
    """

    def __init__(self, parser: Any, dialect: Dialect) -> None:  # noqa: ANN401  # two classes that share no type
        self.parser = parser
        self.dialect = dialect
        self.open: list[Open] = []
        self.anchors: dict[str, Node] = {}
        self.failure: DecodeError | None = None
        self.decoded = 1
        self.aliased = 0

    def document(self) -> Tree:
        self.dialect.start()
        self.parser.get_event()
        event = self.parser.get_event()
        if isinstance(event, yaml.StreamEndEvent):
            return Tree(Node("null", None, None), _mark)
        if event.version is not None and event.version != (1, 1):
            raise _ReadError(event.start_mark.line, "found incompatible YAML document", event.start_mark)
        try:
            root = self.root()
        except _RootError as error:
            root = error.args[0]
        if self.failure is not None:
            raise self.failure
        if root.fault is not None:
            raise DecodeError(root.fault[1], _mark(root.place))
        duplicates = (Issue(issue.path, issue.message, _mark(issue.mark)) for issue in flat(root.issues))
        return Tree(root, _mark, tuple(duplicates), root.depth)

    def root(self) -> Node:
        """Read the document to its end and give its value."""
        root = Node("null", None, None)
        while not isinstance(event := self.parser.get_event(), yaml.DocumentEndEvent):
            try:
                finished = self.event(event)
                if finished is None:
                    continue
                if not self.open:
                    root = finished
                elif self.failure is None:
                    self.open[-1].add(finished, self.path)
            except DecodeError as failure:
                if self.failure is None:
                    failure.place = _mark(failure.place or event.start_mark)
                    self.failure = failure
        return root

    def event(self, event: Any) -> Node | None:  # noqa: ANN401  # one of six classes
        """Take one event; give the value that it completes."""
        if self.open and self.open[-1].flow:
            self.dialect.tag(event, self.open[-1].flow)
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if isinstance(event, yaml.AliasEvent):
            return self.follow(event)
        if type(event) in STARTS:
            node = Node(STARTS[type(event)], None, event.start_mark)
            if event.anchor is not None:
                self.anchors[event.anchor] = node
            flow = ("}" if node.kind == "object" else "]") if event.flow_style else ""
            self.open.append(Open(node, flow))
            self.count(1, 0)
            return None
        return self.close()

    def close(self) -> Node:
        """Take the end of a collection."""
        finished = self.open.pop()
        if self.failure is not None:
            return finished.node
        finished.close()
        bare = self.dialect.at(finished.node.place.index) in {"[", "{"}
        around = self.open[-1] if self.open else None
        if finished.flow and bare and not finished.node.data and around and around.at_key and not around.flow:
            # goyaml takes no empty brackets for a key of a block: it reads them, and then something else.
            if len(self.open) == 1 and not around.settings:
                raise _RootError(finished.node)
            raise _ReadError(finished.node.place.line, "did not find expected key", finished.node.place)
        return finished.node

    def scalar(self, event: yaml.ScalarEvent) -> Node | None:
        plain = event.implicit[0]
        text = self.dialect.value(event, self.open[-1].flow if self.open else "")
        node = Node("string", text, event.start_mark, text)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        if text == MERGE and self.open and self.open[-1].at_key and (plain or event.tag == MERGE_TAG):
            self.open[-1].key, self.open[-1].merging = node, True
            return None
        self.count(1, 0)
        # What is merged has to be a mapping: goyaml says so before it looks at the tag of anything else.
        if (event.tag is not None or plain) and not (self.open and self.open[-1].merging):
            _, node.scalar = resolve(event.tag or "", text)
            node.to_json()
        return node

    def follow(self, event: yaml.AliasEvent) -> Node | None:
        """Take an alias."""
        target = self.anchors.get(event.anchor or "")
        if target is None:
            raise _ReadError(0, f"unknown anchor '{event.anchor}' referenced", event.start_mark)
        if self.failure is not None:
            return None
        if any(collection.node is target for collection in self.open):
            message = f"yaml: anchor '{event.anchor}' value contains itself"
            raise DecodeError(message)
        self.count(1, 0)
        self.count(target.size, target.size)
        return target.said_at(event.start_mark)

    def count(self, decoded: int, aliased: int) -> None:
        """Count as goyaml does.

        Raises:
            DecodeError: Too much of the document comes from aliases.
        """
        self.decoded += decoded
        self.aliased += aliased
        if self.aliased > FEW_ALIASES and self.decoded > FEW_NODES:
            over = min(max((self.decoded - RATIO_LOW) / (RATIO_HIGH - RATIO_LOW), 0.0), 1.0)
            if self.aliased / self.decoded > MOST - (MOST - LEAST) * over:
                message = "yaml: document contains excessive aliasing"
                raise DecodeError(message)

    def path(self) -> str:
        """Give where the collection stands that the next event belongs to."""
        return "".join(collection.where() for collection in self.open[:-1]).removeprefix(".")
