"""What is missing: the rules that would have allowed what was denied."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from auditwake.rbac.evaluate import Rbac, Role
from auditwake.rbac.existing import exact_role, free_name, wider_role
from auditwake.rbac.generate import Roles, SubjectRoles, generate, some
from auditwake.rbac.manifest import Manifest, binding_of, manifests, role_name
from auditwake.rbac.observe import Observed
from auditwake.rbac.subject import API, Subject
from auditwake.rbac.use import Use

__all__ = ["Change", "Fix", "fix"]

SERVERS_OWN: Final = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "selfLink")
"""What a manifest that is applied must not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What has to be applied for one place."""

    added: Roles
    """The place and the rules that are added."""
    patched: str | None
    """The role that is patched, in words; None where none is."""
    bound: str | None = None
    """The role of the cluster that grants just this and is bound, in words; None where none does."""
    manifests: tuple[Manifest, ...]
    """The role as it is to be, the binding of one that exists, or a new role and its binding."""
    patch: tuple[dict[str, Any], ...]
    """The same for `kubectl patch --type=json`; empty where no role is patched."""

    def as_json(self) -> dict[str, object]:
        """Give it as JSON has it."""
        return {
            "added": self.added.as_json(),
            "patched": self.patched,
            "bound": self.bound,
            "manifests": list(self.manifests),
            "patch": list(self.patch),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What one subject lacks."""

    subject: Subject
    changes: tuple[Change, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Give it as JSON has it."""
        return {
            "subject": self.subject.as_json(),
            "notes": list(self.notes),
            "changes": [one.as_json() for one in self.changes],
        }


def fix(observed: Observed, rbac: Rbac | None = None) -> tuple[Fix, ...]:
    """Say what would have allowed what was denied, and nothing beside it.

    A role of the cluster is patched where nobody but the subject has it, and one that grants just what is missing is
    bound. No role that others have is widened.

    Args:
        observed: What was observed.
        rbac: The roles and bindings of the cluster; None where they are not known.

    Example:
        >>> from auditwake import demo, rbac
        >>> (bob,) = fix(rbac.observe(demo.LOG, users=("bob@example.com",)))
        >>> [(change.added.namespace, change.patched) for change in bob.changes]
        [('', None), ('team-a11', None)]
    """
    denied = [use for use in observed.uses if not use.allowed]
    lacking = [left for use in denied for left in _lacking(use, rbac)]
    found = generate(replace(observed, uses=tuple(lacking)), decided="denied")
    names = {role_name(one.subject) for one in found}
    fixes = {one.subject: _fix(one, observed, rbac, names) for one in found}
    now = sum(use.requests for use in denied) - sum(use.requests for use in lacking)
    had = f"of what was denied, {now:,} {'is' if now == 1 else 'are'} allowed by the roles and bindings that were given"
    for user in {use.user for use in denied} - {use.user for use in lacking}:
        fixes.setdefault(Subject.of(user), Fix(subject=Subject.of(user), changes=(), notes=()))
    notes = (had,) if now else ()
    return tuple(replace(one, notes=(*one.notes, *notes)) for _, one in sorted(fixes.items()))


def _lacking(use: Use, rbac: Rbac | None) -> Iterator[Use]:
    """Give what of a use is not allowed by now: with the names of those that are not."""
    if rbac is None:
        yield use
        return
    left = [asked for asked in use.questions() if not rbac.allows(use.user, use.groups, asked)]
    if not left and use.all_names:
        return
    yield replace(use, names=tuple(asked.name for asked in left)) if use.named and use.all_names else use


def _fix(found: SubjectRoles, observed: Observed, rbac: Rbac | None, names: Collection[str]) -> Fix:
    changes, notes = [], list(found.notes)
    for place in found.roles:
        own = rbac and _own_role(found.subject, place.namespace, rbac)
        existing = rbac and not own and exact_role(place, rbac)
        if own:
            changes.append(_patched(own, place))
        elif rbac and existing:
            changes.append(_bound(existing, found.subject, place, rbac, names))
        else:
            notes.extend(_shared(found.subject, place, rbac) if rbac else ())
            changes.append(_new(found, place, observed, rbac, names))
    return Fix(subject=found.subject, changes=tuple(changes), notes=tuple(notes))


def _new(found: SubjectRoles, place: Roles, observed: Observed, rbac: Rbac | None, names: Collection[str]) -> Change:
    name = free_name(role_name(found.subject), place.namespace, rbac, names) if rbac else None
    new = manifests([replace(found, roles=(place,))], observed, "denied", name)
    return Change(added=place, patched=None, manifests=tuple(new), patch=())


def _bound(role: Role, subject: Subject, place: Roles, rbac: Rbac, names: Collection[str]) -> Change:
    name = free_name(role_name(subject), place.namespace, rbac, names)
    binding = binding_of(subject, place.namespace, role.kind, role.name, name)
    return Change(added=place, patched=None, bound=str(role), manifests=(binding,), patch=())


def _patched(role: Role, place: Roles) -> Change:
    added = [one.rule.as_json() for one in place.rules]
    metadata = {key: value for key, value in role.manifest["metadata"].items() if key not in SERVERS_OWN}
    rules = [*(role.manifest.get("rules") or []), *added]
    # A list of one kind does not say the version of its items, and old dumps have one that is served no more.
    whole = {**role.manifest, "apiVersion": f"{API}/v1", "metadata": metadata, "rules": rules}
    has_rules = bool(role.manifest.get("rules"))
    single = tuple({"op": "add", "path": "/rules/-", "value": rule} for rule in added)
    patch = single if has_rules else ({"op": "add", "path": "/rules", "value": added},)
    return Change(added=place, patched=str(role), manifests=(whole,), patch=patch)


def _own_role(subject: Subject, namespace: str, rbac: Rbac) -> Role | None:
    """Find a role of a place that nobody but the subject has, and that stays as it is made."""
    own = (role for role in _roles_at(subject, namespace, rbac) if _why_not(role, subject, namespace, rbac) is None)
    return next(own, None)


def _roles_at(subject: Subject, namespace: str, rbac: Rbac) -> list[Role]:
    """Give the roles that a subject has in a place, a Role before a ClusterRole."""
    bound = (one for one in rbac.bindings if one.namespace == namespace and subject in one.subjects)
    roles = {str(role): role for one in bound if (role := rbac.roles.get(one.role)) is not None}
    return sorted(roles.values(), key=lambda role: (role.kind == "ClusterRole", role.name))


def _why_not(role: Role, subject: Subject, namespace: str, rbac: Rbac) -> str | None:
    """Say why a role must not be patched; None where it may be."""
    if role.is_built_in:
        return "belongs to the server, which sets it back"
    if role.selectors:
        return "is put together from other roles by a controller"
    if rbac.is_aggregated(role):
        return "is a part of other roles, which would be widened as well"
    bindings = rbac.bound(role)
    others = sorted({str(one) for binding in bindings for one in binding.subjects if one != subject})
    if others:
        return f"is bound to {some(others)} as well"
    elsewhere = sorted({binding.namespace or "the whole cluster" for binding in bindings} - {namespace})
    if namespace and elsewhere:
        return f"counts in {some(elsewhere)} as well"
    return None


def _shared(subject: Subject, place: Roles, rbac: Rbac) -> Iterator[str]:
    for role in _roles_at(subject, place.namespace, rbac):
        why = _why_not(role, subject, place.namespace, rbac)
        yield f"{role} is not widened: it {why}; a new role is made instead"
    wider = wider_role(place, rbac)
    if wider is not None:
        where = f" in {place.namespace}" if place.namespace else ""
        yield f"{wider} grants what is missing{where}, and more: a binding to it would do where that is wanted"
