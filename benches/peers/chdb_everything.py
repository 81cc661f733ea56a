"""chDB: the derived columns of auditwake too; see `everything`.

ClickHouse has functions for URLs, and computes only once what several expressions say.
"""

from collections.abc import Sequence
from typing import Final

from peers.common import LATENCIES, Column, quoted
from peers.everything import ANSWERS, CONTROL_PLANE, CREDENTIALS, PARAMETERS, fields, last, notes, stacked

# A missing key gives an empty text, and an empty text is something else than none.
_NOTE: Final = "if(mapContains(annotations, {0}), annotations[{0}], NULL)"
_CREDENTIAL: Final = "if(mapContains(extra, {0}), extra[{0}][1], NULL)"
_GIVEN: Final = "match(query, '[?&]{0}=')"
_DECODED: Final = "decodeURLFormComponent(extractURLParameter(query, '{0}'))"
_TRUTH: Final = "lower(extractURLParameter(query, '{0}')) NOT IN ('0', 'false')"
_MICROS: Final = """if(isNull({0}), NULL,
    toInt64OrZero(pieces_{0}[1]) * 3600000000 + toInt64OrZero(pieces_{0}[2]) * 60000000 + toInt64(trunc(
    toDecimal128OrZero(pieces_{0}[3], 9) * multiIf(pieces_{0}[4] = 'ns', toDecimal64(0.001, 3),
    pieces_{0}[4] = 'ms', toDecimal64(1000, 3), pieces_{0}[4] = 's', toDecimal64(1000000, 3), toDecimal64(1, 3)))))"""
_PIECES: Final = r"extractGroups(ifNull({0}, ''), '^(?:(\\d+)h)?(?:(\\d+)m)?(\\d+(?:\\.\\d+)?)(ns|us|µs|ms|s)$')"
_ACCOUNT: Final = """length({0}) = 4 AND {0}[2] = 'serviceaccount' AND {0}[3] != '' AND {0}[4] != ''
    AND {0}[1] = 'system'"""
_FIRST: Final = {
    "extra": "user.extra",
    "imp_groups": "impersonatedUser.groups",
    "no_object": "isNull(objectRef.resource)",
}
_SECOND: Final = {
    "names": "splitByChar(':', ifNull(user, ''))",
    "eff_user": "ifNull(imp_user, user)",
    "eff_groups": "if(isNull(imp_user), user_groups, imp_groups)",
    "agent": "extractGroups(ifNull(user_agent, ''), '^([^/ ]*)(?:/([^/ ]*))?')",
    "path": "decodeURLComponent(cutQueryString(uri))",
    "query": "if(position(uri, '?') > 0, substring(uri, position(uri, '?')), NULL)",
    "said": """if(startsWith(ifNull(authz_reason, ''), 'RBAC: allowed by '),
        splitByChar('"', ifNull(authz_reason, '')), [])""",
}
_THIRD: Final = {
    "is_account": _ACCOUNT.format("names"),
    "is_node": "startsWith(user, 'system:node:') AND length(user) > 12",
    "eff_names": "if(isNull(imp_user), names, splitByChar(':', ifNull(imp_user, '')))",
    "of_role": "length(said) > 6 AND endsWith(said[1], ' RoleBinding ')",
}
_KINDS: Final = f"""multiIf(ifNull(eff_user, '') IN ('', 'system:anonymous'), 'anonymous',
    startsWith(eff_user, 'system:node:') AND length(eff_user) > 12, 'node',
    eff_user = 'system:apiserver', 'apiserver', has(eff_groups, 'system:unauthenticated'), 'anonymous',
    has(eff_groups, 'system:nodes'), 'node',
    {_ACCOUNT.format("eff_names")}, multiIf(
        eff_names[3] = 'kube-system' AND eff_names[4] IN {tuple(CONTROL_PLANE.split())}, 'control-plane',
        eff_names[3] IN ('kube-system', 'kube-public', 'kube-node-lease'), 'cluster-service', 'workload'),
    NOT startsWith(eff_user, 'system:') OR eff_user = 'system:admin', 'user',
    eff_user IN ('system:kube-proxy', 'system:kube-dns'), 'cluster-service',
    startsWith(eff_user, 'system:kube-') OR eff_user = 'system:cloud-controller-manager', 'control-plane',
    'cluster-service')"""
DERIVED: Final = {
    "duration_us": """if(stage != 'RequestReceived',
        toUnixTimestamp64Micro(ts_stage) - toUnixTimestamp64Micro(ts_received), NULL)""",
    "is_terminal": "stage IN ('ResponseComplete', 'Panic')",
    "is_long_running": """verb IN ('watch', 'proxy') OR if(no_object, startsWith(path, '/debug/pprof/'),
        ifNull(subresource, '') IN ('attach', 'exec', 'proxy', 'log', 'portforward'))""",
    "user_kind": """multiIf(is_account, 'serviceaccount', is_node, 'node',
        user IN ('', 'system:anonymous'), 'anonymous', startsWith(user, 'system:'), 'system',
        isNotNull(user), 'person', NULL)""",
    "sa_namespace": "if(is_account, names[3], NULL)",
    "sa_name": "if(is_account, names[4], NULL)",
    "node_name": "if(is_node, substring(user, 13), NULL)",
    "eff_user": "eff_user",
    "actor": _KINDS,
    "source_ip": "if(empty(source_ips), NULL, source_ips[-1])",
    "client_ip_claimed": "if(empty(source_ips), NULL, source_ips[1])",
    "agent_name": "if(isNull(user_agent), NULL, agent[1])",
    "agent_version": "nullIf(agent[2], '')",
    "path": "path",
    "q_limit": "toInt32OrNull(extractURLParameter(query, 'limit'))",
    "q_timeout_s": "toInt32OrNull(extractURLParameter(query, 'timeoutSeconds'))",
    "q_continue": f"if({_GIVEN.format('continue')}, extractURLParameter(query, 'continue') != '', NULL)",
    "q_watch": f"if({_GIVEN.format('watch')}, {_TRUTH.format('watch')}, NULL)",
    "q_force": f"if({_GIVEN.format('force')}, {_TRUTH.format('force')}, NULL)",
    "q_dry_run": f"if({_GIVEN.format('dryRun')}, extractURLParameter(query, 'dryRun') = 'All', NULL)",
    "exec_command": r"""if(position(query, 'command=') > 0, arrayMap(word -> decodeURLFormComponent(word),
        extractAll(ifNull(query, ''), '[?&]command=([^&]*)')), [])""",
    "rbac_binding_kind": "if(empty(said), NULL, trimBoth(substring(said[1], 18)))",
    "rbac_binding": "if(empty(said), NULL, if(of_role, splitByChar('/', said[2])[1], said[2]))",
    "rbac_binding_ns": "if(of_role, splitByChar('/', said[2])[2], NULL)",
    "rbac_role_kind": "if(empty(said), NULL, trimBoth(substring(said[3], 5)))",
    "rbac_role": "if(empty(said), NULL, said[4])",
    "rbac_subject": """multiIf(empty(said), NULL, said[5] = ' to ServiceAccount ',
        concat('ServiceAccount/', splitByChar('/', said[6])[2], '/', splitByChar('/', said[6])[1]),
        concat(trimBoth(substring(said[5], 5)), '/', said[6]))""",
    "outcome": """multiIf(isNull(stage), NULL, stage = 'Panic', 'panic', ifNull(code, 0) = 0, 'unknown',
        decision = 'forbid', 'denied', code < 400, 'ok', code = 403 AND decision = 'allow', 'rejected',
        code IN (404, 410), 'not_found', code = 409, 'conflict', code = 429, 'throttled', code < 500, 'client_error',
        'server_error')""",
    "deprecated": "deprecated = 'true'",
    "truncated": "ifNull(truncated = 'true', false)",
    "failed_open": """arrayMap(key -> annotations[key],
        arrayFilter(key -> startsWith(key, 'failed-open.'), mapKeys(annotations)))""",
    **{name: f"if({_GIVEN.format(key)}, {_DECODED.format(key)}, NULL)" for name, key in PARAMETERS.items()},
    **{name: _MICROS.format(name) for name in LATENCIES},
}


def select(source: str, columns: Sequence[Column]) -> str:
    """Return the query for the columns; the source has the fields of the event."""
    first = _FIRST | {name: _NOTE.format(quoted(key)) for name, key in notes(columns).items()}
    first |= {name: ".".join(path) for name, path in fields(columns).items()}
    keys = {name: quoted(f"authentication.kubernetes.io/{key}") for name, key in CREDENTIALS.items()}
    second = _SECOND | {name: _CREDENTIAL.format(key) for name, key in keys.items()}
    if "response_object" in first:
        metadata = "nullIf(JSONExtractString(response_object, 'metadata', '{}'), '')"
        second |= {name: metadata.format(key) for name, key in ANSWERS.items()}
    third = _THIRD | {f"pieces_{name}": _PIECES.format(name) for name in LATENCIES}
    return stacked(source, [first, second, third, last(columns, DERIVED, "`")], "`")
