"""The types that a policy is decoded into, as Go's structs have them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = ["INTERNAL_POLICY", "POLICY", "Shape"]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A Go type.

    Attributes:
        kind: What JSON it takes: `string`, `bool`, `int`, `time`, `any`, `slice`, `map` or `struct`.
        name: What Go calls it.
        item: What is in a slice or map.
        fields: What is in a struct, by its JSON key.
        embedded: Names of the structs that fields are embedded from, which Go puts before theirs in errors.
        nullable: Whether null makes it nil; otherwise null changes nothing.
    """

    kind: Literal["string", "bool", "int", "time", "any", "slice", "map", "struct"]
    name: str
    item: "Shape | None" = None
    fields: Mapping[str, "Shape"] = field(default_factory=dict)
    embedded: Mapping[str, str] = field(default_factory=dict)
    nullable: bool = False


def _slice(item: Shape) -> Shape:
    return Shape("slice", f"[]{item.name}", item, nullable=True)


def _struct(name: str, fields: Mapping[str, Shape]) -> Shape:
    return Shape("struct", name, fields=fields)


STRING: Final = Shape("string", "string")
UID: Final = Shape("string", "types.UID")
BOOL: Final = Shape("bool", "bool")
BOOL_POINTER: Final = Shape("bool", "bool", nullable=True)
INT: Final = Shape("int", "int64")
TIME: Final = Shape("time", "v1.Time")
STRINGS: Final = _slice(STRING)
STRING_MAP: Final = Shape("map", "map[string]string", STRING, nullable=True)

OWNER: Final = _struct(
    "v1.OwnerReference",
    {
        **dict.fromkeys(["apiVersion", "kind", "name"], STRING),
        "uid": UID,
        **dict.fromkeys(["controller", "blockOwnerDeletion"], BOOL_POINTER),
    },
)
MANAGED: Final = _struct(
    "v1.ManagedFieldsEntry",
    {
        **dict.fromkeys(["manager", "apiVersion", "fieldsType", "subresource"], STRING),
        "operation": Shape("string", "v1.ManagedFieldsOperationType"),
        "time": TIME,
        "fieldsV1": Shape("any", "v1.FieldsV1"),
    },
)
META_FIELDS: Final[Mapping[str, Shape]] = {
    **dict.fromkeys(["name", "generateName", "namespace", "selfLink", "resourceVersion"], STRING),
    "uid": UID,
    **dict.fromkeys(["generation", "deletionGracePeriodSeconds"], INT),
    **dict.fromkeys(["creationTimestamp", "deletionTimestamp"], TIME),
    **dict.fromkeys(["labels", "annotations"], STRING_MAP),
    "ownerReferences": _slice(OWNER),
    "finalizers": STRINGS,
    "managedFields": _slice(MANAGED),
}
TYPE_FIELDS: Final = {"kind": STRING, "apiVersion": STRING}


def _policy(package: str, *, tags: bool) -> Shape:
    """Give the type `Policy` of a package: only that of a version has JSON keys of its own, the other Go's names."""

    def keys(**fields: Shape) -> dict[str, Shape]:
        return {key if tags else key[0].upper() + key[1:]: shape for key, shape in fields.items()}

    stages = _slice(Shape("string", f"{package}.Stage"))
    resources = _struct(f"{package}.GroupResources", keys(group=STRING, resources=STRINGS, resourceNames=STRINGS))
    rule = _struct(
        f"{package}.PolicyRule",
        keys(
            level=Shape("string", f"{package}.Level"),
            users=STRINGS,
            userGroups=STRINGS,
            verbs=STRINGS,
            resources=_slice(resources),
            namespaces=STRINGS,
            nonResourceURLs=STRINGS,
            omitStages=stages,
            omitManagedFields=BOOL_POINTER,
        ),
    )
    own = keys(rules=_slice(rule), omitStages=stages, omitManagedFields=BOOL)
    meta = {"metadata": _struct("v1.ObjectMeta", META_FIELDS)} if tags else META_FIELDS
    embedded = {} if tags else dict.fromkeys(META_FIELDS, "ObjectMeta")
    embedded |= dict.fromkeys(TYPE_FIELDS, "TypeMeta")
    return Shape("struct", f"{package}.Policy", fields={**meta, **own, **TYPE_FIELDS}, embedded=embedded)


POLICY: Final = _policy("v1", tags=True)
INTERNAL_POLICY: Final = _policy("audit", tags=False)
