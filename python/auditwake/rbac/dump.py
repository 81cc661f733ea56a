"""Reads roles and bindings, as `COMMAND` writes them."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from auditwake.errors import RbacError
from auditwake.rbac.evaluate import Binding, Rbac, Role
from auditwake.rbac.rule import Rule
from auditwake.rbac.subject import ACCOUNT, Subject

__all__ = ["COMMAND", "load_rbac", "rbac_of"]

COMMAND: Final = "kubectl get clusterroles,roles,clusterrolebindings,rolebindings -A -o yaml"
SUFFIXES: Final = (".yaml", ".yml", ".json")
ROLES: Final = ("ClusterRole", "Role")
BINDINGS: Final = ("ClusterRoleBinding", "RoleBinding")


def load_rbac(source: str | os.PathLike[str]) -> Rbac:
    """Read roles and bindings: a list, several documents, or a directory of files, YAML or JSON.

    Objects of other kinds are passed over.

    Args:
        source: A file, a directory, or `-` for standard input.

    Raises:
        RbacError: A file cannot be read, or there is neither a role nor a binding in it.

    Example:
        >>> load_rbac("no-such.yaml")
        Traceback (most recent call last):
        ...
        auditwake.errors.RbacError: no-such.yaml: No such file or directory
    """
    objects = [one for name, text in _texts(source) for one in _objects(name, text)]
    rbac = rbac_of(objects)
    if not rbac.roles and not rbac.bindings:
        message = f"{os.fspath(source)}: there is neither a role nor a binding in it; write it with: {COMMAND}"
        raise RbacError(message)
    return rbac


def rbac_of(objects: Iterable[Mapping[str, Any]]) -> Rbac:
    """Make roles and bindings of their manifests.

    Args:
        objects: The manifests; those of other kinds are passed over.

    Raises:
        RbacError: One lacks what it has to have.
    """
    roles, bindings = [], []
    for one in objects:
        kind = one.get("kind")
        try:
            if kind in ROLES:
                roles.append(_role(one))
            elif kind in BINDINGS:
                bindings.append(_binding(one))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            metadata = one.get("metadata")
            name = _text(metadata.get("name")) if isinstance(metadata, Mapping) else ""
            message = f"{kind} {name!r} is not what Kubernetes writes: {error!r}; write it anew with: {COMMAND}"
            raise RbacError(message) from error
    return Rbac(roles, bindings)


def _texts(source: str | os.PathLike[str]) -> Iterator[tuple[str, str]]:
    name = os.fspath(source)
    try:
        if name == "-":
            yield name, sys.stdin.read()
        elif Path(name).is_dir():
            files = sorted(path for path in Path(name).rglob("*") if path.suffix in SUFFIXES)
            yield from ((str(path), path.read_text(encoding="utf-8-sig")) for path in files)
        else:
            yield name, Path(name).read_text(encoding="utf-8-sig")
    except OSError as error:
        message = f"{name}: {error.strerror}"
        raise RbacError(message) from error
    except UnicodeDecodeError as error:
        message = f"{name}: offset {error.start} is no UTF-8: it is neither YAML nor JSON"
        raise RbacError(message) from error


def _objects(name: str, text: str) -> list[Mapping[str, Any]]:
    try:
        return _of_json(name, text) if text.lstrip()[:1] in {"{", "["} else _of_yaml(name, text)
    except RecursionError as error:
        message = f"{name}: it is nested too deeply; write it with: {COMMAND}"
        raise RbacError(message) from error


def _of_json(name: str, text: str) -> list[Mapping[str, Any]]:
    """Read JSON as JSON, which is quick and may have tabs. A brace begins YAML as well."""
    try:
        return list(_listed(json.loads(text)))
    except json.JSONDecodeError as error:
        try:
            return _of_yaml(name, text)
        except RbacError:
            message = f"{name}:{error.lineno}:{error.colno}: {error.msg}; write it with: {COMMAND}"
            raise RbacError(message) from error


def _of_yaml(name: str, text: str) -> list[Mapping[str, Any]]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return [one for document in yaml.load_all(text, Loader=loader) for one in _listed(document)]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        message = f"{name}{where}: {getattr(error, 'problem', None) or 'this is no YAML'}; write it with: {COMMAND}"
        raise RbacError(message) from error


def _listed(document: object) -> Iterator[Mapping[str, Any]]:
    """Give the objects of a document, of lists in lists too. Items of a RoleList need not say their kind."""
    if isinstance(document, list):
        for one in document:
            yield from _listed(one)
    if not isinstance(document, Mapping):
        return
    kind = _text(document.get("kind"))
    items = document.get("items")
    if kind.endswith("List") and isinstance(items, list):
        of_kind = {"kind": kind.removesuffix("List")} if kind != "List" else {}
        for item in items:
            if isinstance(item, Mapping):
                yield from _listed({**of_kind, **item})
    else:
        yield document


def _role(manifest: Mapping[str, Any]) -> Role:
    metadata = manifest["metadata"]
    aggregation = manifest.get("aggregationRule") or {}
    return Role(
        kind=manifest["kind"],
        name=_text(metadata["name"]),
        namespace=_namespace(manifest),
        rules=tuple(Rule.from_json(rule) for rule in manifest.get("rules") or ()),
        labels=dict(metadata.get("labels") or {}),
        selectors=tuple(map(_selector, aggregation.get("clusterRoleSelectors") or ())),
        manifest=manifest,
    )


def _selector(selector: Mapping[str, Any]) -> Mapping[str, Any]:
    """Refuse a label selector that is none: roles are put together by it only later."""
    labels = selector.get("matchLabels") or {}
    if not isinstance(labels, Mapping):
        message = "matchLabels of a label selector is no mapping"
        raise TypeError(message)
    for one in selector.get("matchExpressions") or ():
        if not (isinstance(one["key"], str) and isinstance(one["operator"], str)):
            message = "key or operator of a label selector is no text"
            raise TypeError(message)
        if not isinstance(one.get("values") or [], list):
            message = "values of a label selector is no list"
            raise TypeError(message)
    return selector


def _binding(manifest: Mapping[str, Any]) -> Binding:
    namespace = _namespace(manifest)
    reference = manifest["roleRef"]
    subjects = [_subject(one, namespace) for one in manifest.get("subjects") or ()]
    return Binding(
        kind=manifest["kind"],
        name=_text(manifest["metadata"]["name"]),
        namespace=namespace,
        role_kind=_text(reference["kind"]),
        role_name=_text(reference["name"]),
        subjects=tuple(subject for subject in subjects if subject is not None),
    )


def _namespace(manifest: Mapping[str, Any]) -> str:
    """Give the namespace of a Role or a RoleBinding; a manifest without one goes to `default`."""
    if manifest["kind"].startswith("Cluster"):
        return ""
    return _text(manifest["metadata"].get("namespace")) or "default"


def _subject(manifest: Mapping[str, Any], namespace: str) -> Subject | None:
    """Read a subject; a service account is in the namespace of its binding where it does not say."""
    kind, name = _text(manifest["kind"]), _text(manifest["name"])
    if kind != "ServiceAccount":
        account = ACCOUNT.fullmatch(name) if kind == "User" else None
        return Subject("ServiceAccount", account[3], account[1]) if account else Subject(kind, name)
    home = _text(manifest.get("namespace")) or namespace
    return Subject(kind, name, home) if home else None


def _text(value: object) -> str:
    return "" if value is None else str(value)
