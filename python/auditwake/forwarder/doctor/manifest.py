"""A static pod's manifest: the flags of kube-apiserver and its volumes, with the line of each."""

import posixpath
import re
from dataclasses import dataclass
from typing import Any, Final

import yaml

from auditwake.forwarder.doctor.finding import Place
from auditwake.forwarder.doctor.flags import Flags, parse_words, shell_words
from auditwake.forwarder.doctor.mounts import PodMount

__all__ = ["Manifest", "ManifestError", "read_manifest"]

LOADER: Final[Any] = getattr(yaml, "CSafeLoader", None) or yaml.SafeLoader
SERVER: Final = "kube-apiserver"
VERSION: Final = re.compile(r":v?(\d+\.\d+)")


class ManifestError(Exception):
    """A manifest cannot be read, or holds no kube-apiserver."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest says about a server.

    Attributes:
        flags: Its flags.
        mounts: What its container has mounted.
        version: The version in the tag of its image; empty if there is none.
        volume_mounts: Where the list of mounts stands, or the container.
    """

    flags: Flags
    mounts: tuple[PodMount, ...]
    version: str
    volume_mounts: Place


def read_manifest(text: str, file: str) -> Manifest:
    """Read the manifest of kube-apiserver's pod, YAML or JSON.

    Args:
        text: The manifest.
        file: Its name.

    Returns:
        What it says.

    Raises:
        ManifestError: It is no YAML, or none of its containers runs kube-apiserver.

    Example:
        >>> text = "spec: {containers: [{command: [kube-apiserver, --audit-log-path=/a], image: 'x:v1.35.2'}]}"
        >>> manifest = read_manifest(text, "m.yaml")
        >>> manifest.version, manifest.flags.text("audit-log-path")
        ('1.35', '/a')
    """
    try:
        root = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"it is no YAML: {error.problem or error.context}"
        raise ManifestError(message, mark.line + 1 if mark else None) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        message = f"it is no YAML: {getattr(error, 'reason', None) or type(error).__name__}"
        raise ManifestError(message) from None
    spec = _value(root, "spec")
    for container in _items(_value(spec, "containers")):
        words = _words(container, file)
        if any(posixpath.basename(word) == SERVER for word, _ in words) or _text(_value(container, "name")) == SERVER:
            version = VERSION.search(_text(_value(container, "image")))
            mounts = _value(container, "volumeMounts")
            return Manifest(
                flags=Flags(tuple(parse_words(words))),
                mounts=_mounts(mounts, _value(spec, "volumes"), file),
                version=version[1] if version else "",
                volume_mounts=_place(mounts or container, file),
            )
    message = "none of its containers runs kube-apiserver"
    raise ManifestError(message)


def _words(container: object, file: str) -> list[tuple[str, Place]]:
    """Give the words of the command line; what is for a shell is split as a shell does it."""
    given = [
        (_text(item), _place(item, file)) for key in ("command", "args") for item in _items(_value(container, key))
    ]
    words: list[tuple[str, Place]] = []
    for text, place in given:
        if SERVER in text and re.search(r"\s--", text):
            lines = text.split("\n")
            first = place.line or 1
            # The text of a block begins in the line below its indicator.
            first += 1 if len(lines) > 1 else 0
            words += [(word, Place(file, first + at)) for at, line in enumerate(lines) for word in shell_words(line)]
        else:
            words.append((text, place))
    return words


def _mounts(mounts: object, volumes: object, file: str) -> tuple[PodMount, ...]:
    known = {_text(_value(volume, "name")): volume for volume in _items(volumes)}
    found = []
    for mount in _items(mounts):
        name = _text(_value(mount, "name"))
        volume = known.get(name)
        kinds = [key for key, _ in _pairs(volume) if key != "name"]
        host = _value(volume, "hostPath")
        point = _text(_value(mount, "mountPath"))
        found.append(
            PodMount(
                name=name,
                point=posixpath.normpath(point) if point else "",
                kind=kinds[0] if kinds else "",
                source=_text(_value(host, "path")),
                type=_text(_value(host, "type")),
                read_only=_text(_value(mount, "readOnly")) == "true",
                sub_path=_text(_value(mount, "subPath")),
                place=_place(mount, file),
                source_place=_place(volume if volume is not None else mount, file),
            )
        )
    return tuple(found)


def _pairs(node: object) -> list[tuple[str, object]]:
    return [(_text(key), value) for key, value in node.value] if isinstance(node, yaml.MappingNode) else []


def _value(node: object, key: str) -> object:
    return next((value for name, value in _pairs(node) if name == key), None)


def _items(node: object) -> list[object]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _text(node: object) -> str:
    return str(node.value).replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(node, yaml.ScalarNode) else ""


def _place(node: object, file: str) -> Place:
    return Place(file, node.start_mark.line + 1 if isinstance(node, yaml.Node) else None)
