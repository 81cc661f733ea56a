"""The columns that every engine has to produce, and what the engine modules share.

There are two sets. `METADATA` and `BODIES` are what plain field access can give: every engine can be asked for them,
and nothing depends on how well its module here writes SQL. `WIDE` and `WIDE_BODIES` are all columns of auditwake but
those about the line and the reader, with what is derived from a URI, a user name, an annotation or a body; `EVERYTHING`
names the engines for which that is written. The schema is written down once, as event fields, and each engine gets it
in its own words: nobody has to guess types.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol, cast

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["text", "time", "int", "flag", "list", "map", "maplist", "json"]
Field = Kind | dict[str, Kind]


@dataclass(frozen=True, slots=True)
class Column:
    """An output column and where its value stands in the event: nowhere, if it is derived."""

    name: str
    path: tuple[str, ...]
    kind: Kind


DECISION: Final = "authorization.k8s.io/decision"
REASON: Final = "authorization.k8s.io/reason"
ZSTD_LEVEL: Final = 1

_TABLE = """
    ts_received   requestReceivedTimestamp  time
    ts_stage      stageTimestamp            time
    level         level                     text
    stage         stage                     text
    verb          verb                      text
    audit_id      auditID                   text
    user          user/username             text
    user_uid      user/uid                  text
    user_groups   user/groups               list
    user_extra    user/extra                maplist
    imp_user      impersonatedUser/username text
    source_ips    sourceIPs                 list
    user_agent    userAgent                 text
    uri           requestURI                text
    api_group     objectRef/apiGroup        text
    api_version   objectRef/apiVersion      text
    resource      objectRef/resource        text
    subresource   objectRef/subresource     text
    namespace     objectRef/namespace       text
    name          objectRef/name            text
    object_uid    objectRef/uid             text
    object_rv     objectRef/resourceVersion text
    code          responseStatus/code       int
    status        responseStatus/status     text
    reason        responseStatus/reason     text
    message       responseStatus/message    text
    annotations   annotations               map
"""


# Fields that the comparison of all engines leaves out.
_RARE: Final = """
    imp_groups      impersonatedUser/groups                         list
    imp_uid         impersonatedUser/uid                            text
    imp_extra       impersonatedUser/extra                          maplist
    imp_constraint  authenticationMetadata/impersonationConstraint  text
"""
# Columns that are the text of one annotation.
_ANNOTATED: Final = {
    "removed_release": "k8s.io/removed-release",
    "psa_enforce": "pod-security.kubernetes.io/enforce-policy",
    "psa_violations": "pod-security.kubernetes.io/audit-violations",
    "vap_failure": "validation.policy.admission.k8s.io/validation_failure",
}
# What the columns of latencies are called in the annotations.
LATENCIES: Final = {
    "lat_total_us": "total",
    "lat_etcd_us": "etcd",
    "lat_apf_us": "apf-queue-wait",
    "lat_authn_us": "authentication",
    "lat_authz_us": "authorization",
    "lat_imp_us": "impersonation",
    "lat_mutating_us": "mutating-webhook",
    "lat_validating_us": "validating-webhook",
    "lat_decode_us": "decode-response-object",
    "lat_serialize_us": "serialize-response-object",
    "lat_transform_us": "transform-response-object",
    "lat_write_us": "response-write",
}
LATENCY: Final = "apiserver.latency.k8s.io/"
# docs/schema.md says what each of them means.
_DERIVED: Final[dict[Kind, str]] = {
    "int": f"duration_us q_limit q_timeout_s {' '.join(LATENCIES)}",
    "flag": "is_terminal is_long_running q_continue q_watch q_dry_run q_force deprecated truncated",
    "list": "exec_command failed_open",
    "text": """
        user_kind sa_namespace sa_name node_name credential_id cred_pod_name cred_node_name eff_user actor source_ip
        client_ip_claimed agent_name agent_version path q_rv q_rv_match q_label_sel q_field_sel q_field_manager
        exec_container rbac_binding_kind rbac_binding rbac_binding_ns rbac_role_kind rbac_role rbac_subject outcome
    """,
}


def _columns(table: str) -> tuple[Column, ...]:
    rows = (line.split() for line in table.strip().splitlines())
    return tuple(Column(name, tuple(path.split("/")), cast("Kind", kind)) for name, path, kind in rows)


def _annotated(keys: Mapping[str, str]) -> tuple[Column, ...]:
    # Keys of annotations hold slashes, so they do not fit into a table.
    return tuple(Column(name, ("annotations", key), "text") for name, key in keys.items())


def _derived(names: Mapping[Kind, str]) -> tuple[Column, ...]:
    return tuple(Column(name, (), kind) for kind, all_names in names.items() for name in all_names.split())


_JSON: Final = (
    Column("request_object", ("requestObject",), "json"),
    Column("response_object", ("responseObject",), "json"),
)
METADATA: Final = _columns(_TABLE) + _annotated({"decision": DECISION, "authz_reason": REASON})
BODIES: Final = METADATA + _JSON
WIDE: Final = METADATA + _columns(_RARE) + _annotated(_ANNOTATED) + _derived(_DERIVED)
WIDE_BODIES: Final = WIDE + _JSON + _derived({"text": "response_name response_uid response_rv"})
# auditwake has an empty group for the core API group, as Kubernetes itself writes it in roles; the JSON has no key.
EMPTY_IS_NULL: Final = frozenset({"api_group"})


def event_fields(columns: Sequence[Column]) -> dict[str, Field]:
    """Return the part of the event's schema that the columns need, objects as dictionaries.

    Bodies that nobody asked for are not declared, so that every engine may skip them.
    """
    fields: dict[str, Field] = {}
    for column in filter(_stands_in_the_event, columns):
        top, *rest = column.path
        if top == "annotations" or not rest:
            fields[top] = "map" if top == "annotations" else column.kind
        else:
            inner = fields.setdefault(top, {})
            if not isinstance(inner, dict):
                message = f"{top} is both an object and a value"
                raise TypeError(message)
            inner[rest[0]] = column.kind
    return fields


def _stands_in_the_event(column: Column) -> bool:
    return bool(column.path)


def declare(field: Field, types: Mapping[Kind, str], struct: str, pair: str) -> str:
    """Render a field in the words of a SQL engine: ``struct`` and ``pair`` are its format strings."""
    if isinstance(field, dict):
        return struct.format(", ".join(pair.format(name=key, type=types[kind]) for key, kind in field.items()))
    return types[field]


def quoted(text: str) -> str:
    """Quote a SQL string."""
    return "'" + text.replace("'", "''") + "'"


class Peer(Protocol):
    """What an engine module offers."""

    def to_arrow(self, path: Path, columns: Sequence[Column]) -> "pa.Table":
        """Read a log into memory."""

    def to_parquet(self, path: Path, out: Path, columns: Sequence[Column]) -> None:
        """Convert a log to one Parquet file, zstd level 1."""


# In the order in which the tables of results list them.
ENGINES: Final = {
    "auditwake": "peers.auditwake_peer",
    "auditwake-all": "peers.auditwake_peer",
    "duckdb": "peers.duckdb_peer",
    "polars": "peers.polars_peer",
    "datafusion": "peers.datafusion_peer",
    "chdb": "peers.chdb_peer",
    "orjson": "peers.orjson_peer",
}
# The package whose version stands in the results; also how we see whether an engine is installed.
PACKAGES: Final = {name: name.partition("-")[0] for name in ENGINES}
# Engines that cannot keep a body as JSON text, and why; checked with the versions in requirements.txt.
NO_BODIES: Final = {
    "polars": "it writes objects anew without escaping the quotes inside keys, so managedFields is no JSON any more",
    "datafusion": "its JSON reader refuses an object where the schema says string",
}
# Engines for which the derived columns are written too: the two whose SQL has what that takes, and is quick.
EVERYTHING: Final = frozenset({"auditwake", "auditwake-all", "duckdb", "chdb"})
# Engines that are given a gzipped log: the quickest of the peers, and the reference.
GZIP: Final = frozenset({"auditwake", "auditwake-all", "duckdb", "orjson"})
# What the same content looks like; each engine has the form that is quickest for it.
FORMS: Final = {
    "auditwake": "dictionaries for repeated strings, maps as maps",
    "duckdb": "plain strings, maps as JSON text",
    "polars": "string views, maps as JSON text",
    "datafusion": "plain strings, maps as maps",
    "chdb": "plain strings, maps as maps, absent lists and maps as empty ones",
    "orjson": "plain strings, maps as JSON text",
}


def installed(package: str) -> str | None:
    """Return the version of a package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def load(engine: str) -> Peer:
    """Import an engine's module, and with it the engine."""
    return cast("Peer", import_module(ENGINES[engine]))
