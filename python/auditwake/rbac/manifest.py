"""Roles and bindings as manifests that can be applied."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from auditwake.rbac.generate import Roles, SubjectRoles
from auditwake.rbac.observe import Observed
from auditwake.rbac.subject import API, Subject

__all__ = ["Manifest", "binding_of", "manifests", "role_name", "to_yaml"]

Manifest = dict[str, Any]
ODD: Final = re.compile(r"[^A-Za-z0-9.:@_-]")
PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9./:@_-]*")
LABELS: Final = {"app.kubernetes.io/managed-by": "auditwake"}
WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What stands for something else than its text in one of the dialects of YAML."""
LONGEST: Final = 200
MARKED: Final = re.compile(r"-[0-9a-f]{16}")
"""What is put behind a name that is not the subject's own."""


def manifests(
    found: Iterable[SubjectRoles], observed: Observed, decided: str, name: str | None = None
) -> list[Manifest]:
    """Give the roles and the bindings of some subjects, in a fixed order.

    Args:
        found: What the subjects need.
        observed: What it is from: its time is put into the annotations.
        decided: `allowed`, `denied` or `all`, for the annotations.
        name: What they are called; None for a name out of each subject's own.

    Example:
        >>> from auditwake import demo, rbac
        >>> observed = rbac.observe(demo.LOG, users=("bob@example.com",))
        >>> made = manifests(rbac.generate(observed, decided="denied"), observed, "denied")
        >>> [one["kind"] for one in made]
        ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding']
    """
    window = {
        "auditwake/window-first": _time(observed.coverage.first),
        "auditwake/window-last": _time(observed.coverage.last),
        "auditwake/from": decided,
    }
    return [one for subject in found for role in subject.roles for one in _pair(subject.subject, role, window, name)]


def _pair(subject: Subject, role: Roles, window: Mapping[str, str], given: str | None) -> Iterator[Manifest]:
    name = given or role_name(subject)
    cluster = "" if role.namespace else "Cluster"
    place = {"namespace": role.namespace} if role.namespace else {}
    times = [time for one in role.rules for time in (one.first, one.last) if time is not None]
    annotations = {
        **window,
        "auditwake/requests": str(sum(one.requests for one in role.rules)),
        "auditwake/first": _time(min(times, default=None)),
        "auditwake/last": _time(max(times, default=None)),
    }
    metadata = {"name": name, **place, "labels": dict(LABELS)}
    yield {
        "apiVersion": f"{API}/v1",
        "kind": f"{cluster}Role",
        "metadata": {**metadata, "annotations": annotations},
        "rules": [one.rule.as_json() for one in role.rules],
    }
    yield binding_of(subject, role.namespace, f"{cluster}Role", name, name)


def binding_of(subject: Subject, namespace: str, kind: str, role: str, name: str) -> Manifest:
    """Give the binding of a role.

    Args:
        subject: To whom.
        namespace: Where it counts; `""` for the whole cluster.
        kind: The kind of the role.
        role: Its name.
        name: The name of the binding.

    Example:
        >>> binding_of(Subject("User", "alice"), "web", "ClusterRole", "view", "alice")["metadata"]["namespace"]
        'web'
    """
    place = {"namespace": namespace} if namespace else {}
    return {
        "apiVersion": f"{API}/v1",
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": {"name": name, **place, "labels": dict(LABELS)},
        "roleRef": {"apiGroup": API, "kind": kind, "name": role},
        "subjects": [subject.as_json()],
    }


def role_name(subject: Subject) -> str:
    """Give the name of the role of a subject: what a name may hold of the subject's, unlike that of any other.

    Args:
        subject: The subject.

    Example:
        >>> role_name(Subject("User", "alice@example.com")), role_name(Subject("User", "a/b"))
        ('auditwake:alice@example.com', 'auditwake:a-b-88b20d62d1f7e435')
    """
    full = str(subject) if subject.kind == "Group" else subject.user
    kept = ODD.sub("-", full)[:LONGEST]
    # A subject whose own name ends like a mark has one as well: else it could take the name of another's role.
    plain = kept == full and not MARKED.fullmatch(full[-17:])
    mark = "" if plain else f"-{hashlib.sha256(str(subject).encode()).hexdigest()[:16]}"
    return f"auditwake:{kept}{mark}"


def to_yaml(documents: Iterable[Mapping[str, Any]]) -> str:
    """Write documents as YAML. Whatever another parser could take for something else than text is quoted.

    Args:
        documents: Mappings of text, lists and mappings.

    Example:
        >>> print(to_yaml([{"verbs": ["get", "*", "y"]}]), end="")
        verbs:
        - get
        - "*"
        - "y"
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes text as `_styled` says."""

        def ignore_aliases(self, _data: object) -> bool:
            """Write everything out."""
            return True

    Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar(_TEXT, text, style=_styled(text)))
    # No line is broken: a word of a log is found again by `grep`.
    return yaml.dump_all(documents, Dumper=Dumper, sort_keys=False, width=2**20, allow_unicode=False)


_TEXT: Final = "tag:yaml.org,2002:str"


def _styled(text: str) -> str | None:
    return None if PLAIN.fullmatch(text) and text.lower() not in WORDS else '"'


def _time(value: object) -> str:
    return "" if value is None else str(getattr(value, "isoformat", str)()).replace("+00:00", "Z")
