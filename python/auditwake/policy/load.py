"""Policies from files and texts, accepted and refused as kube-apiserver's loader does it."""

import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import IO, Any, Final, NoReturn

from auditwake.errors import PolicyError, SourceError, SourceNotFoundError
from auditwake.policy.loading.decode import Decoder, Slice
from auditwake.policy.loading.dialect import decode
from auditwake.policy.loading.failure import DecodeError
from auditwake.policy.loading.jsontext import is_json, read_json
from auditwake.policy.loading.kinds import find_kind
from auditwake.policy.loading.remedies import remedy
from auditwake.policy.loading.tree import MAX_DEPTH, Tree
from auditwake.policy.loading.validate import aggregate, validate
from auditwake.policy.loading.versions import Server, find_server
from auditwake.policy.loading.yaml import read_yaml
from auditwake.policy.model import Document, GroupResources, Issue, Mark, Rule

__all__ = ["MAX_BYTES", "load", "loads"]

MAX_BYTES: Final = 1 << 20


def load(
    source: str | os.PathLike[str] | IO[str] | IO[bytes],
    *,
    kube_version: str = "1.37",
    max_bytes: int = MAX_BYTES,
) -> Document:
    r"""Load an audit policy as kube-apiserver does.

    Args:
        source: A path, `-` for standard input, a file object, or the text itself: a str that has a newline or begins
            with a brace.
        kube_version: The server, 1.28 to 1.37. Its loader's answer is given, in its words.
        max_bytes: What is longer is refused unread. The server has no such limit; a policy is some kilobytes.

    Returns:
        The policy, with the place of all that is in it, and what the server would drop from it.

    Raises:
        PolicyError: The server would refuse it, or it is too long.
        SourceError: It cannot be read; `SourceNotFoundError` where there is no such file.
        ValueError: `kube_version` is none that is known.

    Example:
        >>> document = load("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n  verb: [get]\n")
        >>> document.rules[0].level, document.ignored_text
        ('Metadata', 'strict decoding error: unknown field "rules[0].verb"')
    """
    if isinstance(source, str) and ("\n" in source or source.startswith("{")):
        return loads(source, kube_version=kube_version, max_bytes=max_bytes)
    server = find_server(kube_version)
    name, data = _read(source, max_bytes)
    return _load(data, name, server)


def loads(
    text: str | bytes, *, name: str = "<text>", kube_version: str = "1.37", max_bytes: int = MAX_BYTES
) -> Document:
    """Load an audit policy from its text; see `load`.

    Args:
        text: YAML or JSON.
        name: What errors call it.
        kube_version: The server, 1.28 to 1.37.
        max_bytes: What is longer is refused.

    Returns:
        The policy.

    Raises:
        PolicyError: The server would refuse it, or it is too long.
        ValueError: `kube_version` is none that is known.

    Example:
        >>> loads('{"apiVersion":"audit.k8s.io/v1","rules":[{"level":"None"}]}').rules[0].level
        'None'
    """
    server = find_server(kube_version)
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)
    _check_length(data, name, max_bytes)
    return _load(data, name, server)


def _read(source: str | os.PathLike[str] | IO[str] | IO[bytes], max_bytes: int) -> tuple[str, bytes]:
    """Give the name and the bytes of a source, or refuse it before it is read to its end."""
    if isinstance(source, (str, os.PathLike)):
        name = os.fspath(source)
        if name == "-":
            return "<stdin>", _limited(sys.stdin.buffer, "<stdin>", max_bytes)
        try:
            with open(name, "rb") as file:  # noqa: PTH123  # the name as it was given stands in errors
                return name, _limited(file, name, max_bytes)
        except FileNotFoundError as error:
            message = f"{name!r}: there is no such file"
            raise SourceNotFoundError(message) from error
        except PolicyError:  # a ValueError too
            raise
        except (OSError, ValueError) as error:
            message = f"{name!r} cannot be read: {getattr(error, 'strerror', None) or error}"
            raise SourceError(message) from error
    if not hasattr(source, "read"):
        message = f"a policy is a path, '-', a file object or text, not {type(source).__name__}"
        raise TypeError(message)
    name = str(getattr(source, "name", "<file>"))
    return name, _limited(source, name, max_bytes)


def _limited(file: IO[Any], name: str, max_bytes: int) -> bytes:
    """Read a file, unless it is too long. One more than allowed is read, to know."""
    pieces: list[bytes] = []
    room = max_bytes + 1
    while room > 0 and (piece := file.read(room)):
        pieces.append(piece.encode("utf-8", "surrogatepass") if isinstance(piece, str) else piece)
        room -= len(pieces[-1])
    data = b"".join(pieces)
    _check_length(data, name, max_bytes)
    return data


def _check_length(data: bytes, name: str, max_bytes: int) -> None:
    if len(data) > max_bytes:
        message = f"longer than {max_bytes} bytes"
        raise PolicyError(
            message,
            name=name,
            remedy="the limit is auditwake's own: if this is an audit policy and not a log, raise max_bytes",
        )


def _load(data: bytes, name: str, server: Server) -> Document:
    text = decode(data)
    try:
        tree = _tree(data)
    except DecodeError as failure:
        _refuse(f"failed decoding: {server.words(failure.message)}", failure, text, name)
    decoder = Decoder(tree)
    try:
        kind = find_kind(tree.root, data, server.scheme)
        decoded = decoder.decode(kind.shape)
    except DecodeError as failure:
        _refuse(f"failed decoding: {failure.message}", failure, text, name, tree)
    if not kind.loads:
        message = f"unknown group version field {kind.name} in policy"
        _refuse(message, DecodeError(message, tree.root.place), text, name, tree)
    document = Document(
        name=name,
        text=text,
        rules=tuple(_rule(rule) for rule in decoded.get("rules") or ()),
        omit_stages=_strings(decoded, "omitStages"),
        omit_managed_fields=decoded.get("omitManagedFields") or False,
        kube_version=server.version,
        ignored=(*tree.duplicates, *decoder.issues),
        ignored_text=_ignored_text(tree.duplicates, decoder.issues),
        marks=MappingProxyType(decoder.marks),
    )
    _check(document, server)
    return document


def _check(document: Document, server: Server) -> None:
    """Refuse what the server's validation refuses."""
    found = validate(document.rules, document.omit_stages, server)
    if not found and document.rules:
        return
    if not found:
        message = "loaded illegal policy with 0 rules"
        raise _error(message, document, document.mark("rules"), "rules", remedy(message))
    errors = [_error(one.message, document, document.mark(one.place), one.place, one.remedy) for one in found]
    if len(errors) == 1:
        raise errors[0]
    first = errors[0]
    raise PolicyError(
        aggregate([one.message for one in found]),
        name=document.name,
        line=first.line,
        column=first.column,
        path=first.path,
        remedy=first.remedy,
        errors=errors,
    )


def _error(message: str, document: Document, mark: Mark | None, path: str | None, what_to_do: str) -> PolicyError:
    return PolicyError(
        message,
        name=document.name,
        line=mark.line if mark else None,
        column=mark.column if mark else None,
        source_line=document.line(mark.line) if mark else "",
        path=path,
        remedy=what_to_do,
    )


def _refuse(message: str, failure: DecodeError, text: str, name: str, tree: Tree | None = None) -> NoReturn:
    place = failure.place
    mark = place if isinstance(place, Mark) else tree.mark(place) if tree and place is not None else None
    raise _error(message, Document(name, text, ()), mark, None, remedy(message)) from None


def _tree(data: bytes) -> Tree:
    """Read a text into a tree. A failure has a mark for its place."""
    if not is_json(data):
        tree = read_yaml(data)
        if tree.depth > MAX_DEPTH:
            message = "couldn't get version/kind; json parse error: invalid character '[' exceeded max depth"
            raise DecodeError(message)
        return tree
    try:
        return read_json(data)
    except DecodeError as failure:
        failure.message = f"couldn't get version/kind; json parse error: {failure.message}"
        raise


def _rule(fields: Mapping[str, Any]) -> Rule:
    return Rule(
        level=fields.get("level", ""),
        users=_strings(fields, "users"),
        user_groups=_strings(fields, "userGroups"),
        verbs=_strings(fields, "verbs"),
        resources=tuple(
            GroupResources(one.get("group", ""), _strings(one, "resources"), _strings(one, "resourceNames"))
            for one in fields.get("resources") or ()
        ),
        namespaces=_strings(fields, "namespaces"),
        non_resource_urls=_strings(fields, "nonResourceURLs"),
        omit_stages=_strings(fields, "omitStages"),
        omit_managed_fields=fields.get("omitManagedFields"),
    )


def _strings(fields: Mapping[str, Any], key: str) -> tuple[Any, ...]:
    """Give a list of strings; of any, since what a `Level` and a `Stage` may be is yet to be checked."""
    strings: Slice | tuple[str, ...] | None = fields.get(key)
    return tuple(strings or ())


def _ignored_text(duplicates: tuple[Issue, ...], issues: list[Issue]) -> str | None:
    """Say all that strict decoding minds, as the server's log does."""
    said = [issue.message for issue in issues]
    if duplicates:
        said.insert(0, "\n  ".join(["yaml: unmarshal errors:", *(issue.message for issue in duplicates)]))
    return f"strict decoding error: {', '.join(said)}" if said else None
