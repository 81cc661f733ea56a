"""Which kind of object a text says it is, and what the server makes of that."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from auditwake.policy.loading.dialect import utf_8
from auditwake.policy.loading.failure import DecodeError
from auditwake.policy.loading.gotext import quote
from auditwake.policy.loading.shape import INTERNAL_POLICY, POLICY, Shape
from auditwake.policy.loading.tree import Value

__all__ = ["Kind", "find_kind"]

GROUP: Final = "audit.k8s.io"
VERSION: Final = "v1"
# What a text is that does not say: the server decodes it into its own type, and then refuses it.
INTERNAL: Final = "__internal"
POLICY_KIND: Final = "Policy"

OPTIONS: Final = ("ListOptions", "GetOptions", "DeleteOptions", "CreateOptions", "UpdateOptions", "PatchOptions")
UNVERSIONED: Final = ("Status", "APIVersions", "APIGroupList", "APIGroup", "APIResourceList")
AUDIT: Final = ("Event", "EventList", "Policy", "PolicyList")
# Group and version -> kind -> the Go type of it, for all that the server could read in place of a policy.
TYPES: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    (GROUP, VERSION): {kind: f"v1.{kind}" for kind in (*AUDIT, *OPTIONS, "WatchEvent")},
    (GROUP, INTERNAL): {**{kind: f"audit.{kind}" for kind in AUDIT}, "WatchEvent": "v1.InternalEvent"},
    ("", VERSION): {kind: f"v1.{kind}" for kind in (*OPTIONS, "WatchEvent")},
    ("", INTERNAL): {"WatchEvent": "v1.InternalEvent"},
}
# Letters beyond ASCII that Go's decoder takes for one of ASCII in another case.
FOLDED: Final = str.maketrans({"\u017f": "s", "\u212a": "k"})

FIND_KIND: Final = (
    r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
)


class Kind(NamedTuple):
    """What a text says it is.

    Attributes:
        shape: The type to decode it into.
        name: Group, version and kind, as Go writes them.
        loads: Whether the server takes it once it is decoded.
    """

    shape: Shape
    name: str
    loads: bool


def find_kind(root: Value, data: bytes, scheme: str) -> Kind:
    """Find the kind of a text. Here, and only here, the server takes a key in any case.

    Args:
        root: The value of the text.
        data: The text as it stands in the file, which an error quotes.
        scheme: What the server calls its table of types.

    Returns:
        The kind: a policy.

    Raises:
        DecodeError: It is none that the server knows, or not a policy.
    """
    found = {"apiversion": "", "kind": ""}
    names = {"apiversion": "apiVersion", "kind": "kind"}
    failure: DecodeError | None = None
    if root.kind not in {"object", "null"}:
        wrong = f"json: cannot unmarshal {root.kind} into Go value of type {FIND_KIND}"
        raise _unreadable(wrong, root.place)
    places = {"apiversion": root.place, "kind": root.place}
    for key, place, value in root.data or ():
        name = key.translate(FOLDED).lower() if key.translate(FOLDED).isascii() else key
        if name not in found or value.kind == "null":
            continue
        if value.kind == "string":
            found[name], places[name] = value.data, place
        elif failure is None:
            wrong = f"json: cannot unmarshal {value.kind} into Go struct field .{names[name]} of type string"
            failure = _unreadable(wrong, value.place)
    if failure is not None:
        raise failure
    return _known(found["apiversion"], found["kind"], data, scheme, places)


def _unreadable(message: str, place: object) -> DecodeError:
    return DecodeError(f"couldn't get version/kind; json parse error: {message}", place)


def _known(api_version: str, kind: str, data: bytes, scheme: str, places: Mapping[str, object]) -> Kind:
    place = places["apiversion"]
    if api_version.count("/") > 1:
        message = f"unexpected GroupVersion string: {api_version}"
        raise DecodeError(message, place)
    group, _, version = api_version.rpartition("/")
    kind = kind or POLICY_KIND
    if not version and group in {"", GROUP}:
        group, version = GROUP, INTERNAL
    if not version:
        message = f"Object 'apiVersion' is missing in '{utf_8(data)}'"
        raise DecodeError(message, place)
    go_type = f"v1.{kind}" if kind in UNVERSIONED else TYPES.get((group, version), {}).get(kind)
    if go_type is None:
        of = f"version {quote(f'{group}/{version}' if group else version)}"
        if version == INTERNAL:
            of = f"the internal version of group {quote(group)}"
        message = f"no kind {quote(kind)} is registered for {of} in scheme {quote(scheme)}"
        raise DecodeError(message, places["kind"] if (group, version) == (GROUP, VERSION) else place)
    if kind != POLICY_KIND:
        message = f"converting ({go_type}) to (audit.Policy): unknown conversion"
        raise DecodeError(message, places["kind"])
    loads = version == VERSION
    return Kind(POLICY if loads else INTERNAL_POLICY, f"{group}/{version}, Kind={kind}", loads)
