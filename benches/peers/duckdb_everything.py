"""DuckDB: the derived columns of auditwake too; see `everything`."""

from collections.abc import Sequence
from typing import Final

from peers.common import LATENCIES, Column, quoted
from peers.everything import ANSWERS, CONTROL_PLANE, CREDENTIALS, PARAMETERS, fields, last, notes, stacked

MACROS: Final = r"""
CREATE TEMP MACRO parameter(uri, key) AS CASE WHEN contains(uri, key || '=')
    THEN regexp_extract(uri, '[?&]' || key || '=([^&]*)', ['value']).value END;
CREATE TEMP MACRO given(uri, key) AS contains(uri, '?' || key || '=') OR contains(uri, '&' || key || '=');
CREATE TEMP MACRO decoded(value) AS url_decode(replace(value, '+', ' '));
CREATE TEMP MACRO truth(value) AS NOT (value = '0' OR lower(value) = 'false');
CREATE TEMP MACRO pieces(value) AS
    regexp_extract(value, '^(?:(\d+)h)?(?:(\d+)m)?(\d+(?:\.\d+)?)(ns|us|µs|ms|s)$', ['h', 'm', 'n', 'unit']);
CREATE TEMP MACRO micros(value) AS CASE WHEN value IS NOT NULL THEN
    coalesce(TRY_CAST(pieces(value).h AS BIGINT), 0) * 3600000000
    + coalesce(TRY_CAST(pieces(value).m AS BIGINT), 0) * 60000000
    + CAST(trunc(CAST(pieces(value).n AS DECIMAL(28, 9)) * CASE pieces(value).unit
        WHEN 'ns' THEN 0.001 WHEN 'ms' THEN 1000 WHEN 's' THEN 1000000 ELSE 1 END) AS BIGINT) END;
"""

# What the events give, and what is taken apart once, for the columns in `DERIVED`.
_FIRST: Final = {
    "nobody": '"user" IS NULL AND "impersonatedUser" IS NULL',
    "no_object": '"objectRef" IS NULL',
    "credentials": f"""json_extract_string("user".extra, {
        [f'$."authentication.kubernetes.io/{key}"[0]' for key in CREDENTIALS.values()]
    })""",
}
_SECOND: Final = {
    "names": """string_split("user", ':')""",
    "eff_user": 'coalesce(imp_user, "user")',
    "eff_groups": "CASE WHEN imp_user IS NULL THEN user_groups ELSE imp_groups END",
    "eff_names": """CASE WHEN imp_user IS NOT NULL THEN string_split(imp_user, ':') END""",
    "agent": "regexp_extract(user_agent, '^([^/ ]*)(?:/([^/ ]*))?', ['name', 'version'])",
    "path": """CASE WHEN contains(uri, '%') THEN url_decode(split_part(uri, '?', 1))
        ELSE split_part(uri, '?', 1) END""",
    "query": "CASE WHEN contains(uri, '?') THEN substr(uri, strpos(uri, '?')) END",
}
_ACCOUNT: Final = "len({0}) = 4 AND {0}[2] = 'serviceaccount' AND {0}[3] <> '' AND {0}[4] <> '' AND {0}[1] = 'system'"
_THIRD: Final = {
    "said": """CASE WHEN starts_with(authz_reason, 'RBAC: allowed by ') THEN string_split(authz_reason, '"') END""",
    "is_account": _ACCOUNT.format("names"),
    "is_node": """starts_with("user", 'system:node:') AND strlen("user") > 12""",
    "eff_account": f"""CASE WHEN imp_user IS NULL THEN {_ACCOUNT.format("names")}
        ELSE {_ACCOUNT.format("eff_names")} END""",
}
DERIVED: Final = {
    "duration_us": "CASE WHEN stage <> 'RequestReceived' THEN epoch_us(ts_stage) - epoch_us(ts_received) END",
    "is_terminal": "stage IN ('ResponseComplete', 'Panic')",
    "is_long_running": """verb IN ('watch', 'proxy') OR CASE WHEN no_object THEN starts_with(path, '/debug/pprof/')
        ELSE coalesce(subresource IN ('attach', 'exec', 'proxy', 'log', 'portforward'), false) END""",
    "user_kind": """CASE WHEN is_account THEN 'serviceaccount' WHEN is_node THEN 'node'
        WHEN "user" IN ('', 'system:anonymous') THEN 'anonymous' WHEN starts_with("user", 'system:') THEN 'system'
        WHEN "user" IS NOT NULL THEN 'person' END""",
    "sa_namespace": "CASE WHEN is_account THEN names[3] END",
    "sa_name": "CASE WHEN is_account THEN names[4] END",
    "node_name": """CASE WHEN is_node THEN substr("user", 13) END""",
    "eff_user": "eff_user",
    "actor": f"""CASE WHEN nobody THEN NULL
        WHEN coalesce(eff_user, '') IN ('', 'system:anonymous') THEN 'anonymous'
        WHEN starts_with(eff_user, 'system:node:') AND strlen(eff_user) > 12 THEN 'node'
        WHEN eff_user = 'system:apiserver' THEN 'apiserver'
        WHEN list_contains(eff_groups, 'system:unauthenticated') THEN 'anonymous'
        WHEN list_contains(eff_groups, 'system:nodes') THEN 'node'
        WHEN eff_account THEN CASE
            WHEN starts_with(eff_user, 'system:serviceaccount:kube-system:')
                AND substr(eff_user, 35) IN {tuple(CONTROL_PLANE.split())} THEN 'control-plane'
            WHEN starts_with(eff_user, 'system:serviceaccount:kube-system:')
                OR starts_with(eff_user, 'system:serviceaccount:kube-public:')
                OR starts_with(eff_user, 'system:serviceaccount:kube-node-lease:') THEN 'cluster-service'
            ELSE 'workload' END
        WHEN NOT starts_with(eff_user, 'system:') OR eff_user = 'system:admin' THEN 'user'
        WHEN eff_user IN ('system:kube-proxy', 'system:kube-dns') THEN 'cluster-service'
        WHEN starts_with(eff_user, 'system:kube-') OR eff_user = 'system:cloud-controller-manager'
            THEN 'control-plane'
        ELSE 'cluster-service' END""",
    "source_ip": "source_ips[-1]",
    "client_ip_claimed": "source_ips[1]",
    "agent_name": "agent.name",
    "agent_version": "nullif(agent.version, '')",
    "path": "path",
    "q_limit": "TRY_CAST(parameter(query, 'limit') AS INTEGER)",
    "q_timeout_s": "TRY_CAST(parameter(query, 'timeoutSeconds') AS INTEGER)",
    "q_continue": "CASE WHEN given(query, 'continue') THEN parameter(query, 'continue') <> '' END",
    "q_watch": "CASE WHEN given(query, 'watch') THEN truth(parameter(query, 'watch')) END",
    "q_force": "CASE WHEN given(query, 'force') THEN truth(parameter(query, 'force')) END",
    "q_dry_run": "CASE WHEN given(query, 'dryRun') THEN parameter(query, 'dryRun') = 'All' END",
    "exec_command": """CASE WHEN given(query, 'command') THEN
        list_transform(regexp_extract_all(query, '[?&]command=([^&]*)', 1), lambda word: decoded(word)) END""",
    "rbac_binding_kind": "CASE WHEN said IS NOT NULL THEN trim(substr(said[1], 18)) END",
    "rbac_binding": "CASE WHEN contains(said[1], ' RoleBinding') THEN split_part(said[2], '/', 1) ELSE said[2] END",
    "rbac_binding_ns": "CASE WHEN contains(said[1], ' RoleBinding') THEN split_part(said[2], '/', 2) END",
    "rbac_role_kind": "trim(substr(said[3], 5))",
    "rbac_role": "said[4]",
    "rbac_subject": """CASE said[5] WHEN ' to ServiceAccount ' THEN
        'ServiceAccount/' || split_part(said[6], '/', 2) || '/' || split_part(said[6], '/', 1)
        ELSE trim(substr(said[5], 5)) || '/' || said[6] END""",
    "outcome": """CASE WHEN stage IS NULL THEN NULL WHEN stage = 'Panic' THEN 'panic'
        WHEN coalesce(code, 0) = 0 THEN 'unknown' WHEN decision = 'forbid' THEN 'denied' WHEN code < 400 THEN 'ok'
        WHEN code = 403 AND decision = 'allow' THEN 'rejected' WHEN code IN (404, 410) THEN 'not_found'
        WHEN code = 409 THEN 'conflict' WHEN code = 429 THEN 'throttled' WHEN code < 500 THEN 'client_error'
        ELSE 'server_error' END""",
    "deprecated": "deprecated = 'true'",
    "truncated": "coalesce(truncated = 'true', false)",
    "failed_open": """CASE WHEN contains(annotations, '"failed-open.') THEN
        list_transform(list_filter(map_entries(CAST(annotations AS MAP(VARCHAR, VARCHAR))),
            lambda entry: starts_with(entry.key, 'failed-open.')), lambda entry: entry.value) END""",
    **{name: f"decoded(parameter(query, {quoted(key)}))" for name, key in PARAMETERS.items()},
    **{name: f"micros({name})" for name in LATENCIES},
}


def select(source: str, columns: Sequence[Column]) -> str:
    """Return the query for the columns; the source has the fields of the event."""
    texts = notes(columns)
    # One pass over the annotations for all that is wanted of them, and one over the body.
    first = _FIRST | {"notes": f"""json_extract_string(annotations, {[f'$."{key}"' for key in texts.values()]})"""}
    first |= {name: ".".join(f'"{part}"' for part in path) for name, path in fields(columns).items()}
    second = _SECOND | {name: f"notes[{place}]" for place, name in enumerate(texts, 1)}
    second |= {name: f"credentials[{place}]" for place, name in enumerate(CREDENTIALS, 1)}
    if "response_object" in first:
        paths = [f"$.metadata.{key}" for key in ANSWERS.values()]
        first["answers"] = f"""json_extract_string("responseObject", {paths})"""
        second |= {name: f"answers[{place}]" for place, name in enumerate(ANSWERS, 1)}
    return stacked(source, [first, second, _THIRD, last(columns, DERIVED, '"')], '"')
