"""What `auditwake demo` asks of a log, with nothing but pyarrow.

The questions of `auditwake.questions` need DuckDB, an extra, and the demo is the first thing that somebody runs who has
installed the package alone. So it has three of them in small; a test holds them to what the questions say of its log.

Each question takes a table of all columns and gives a small table. All of them look at requests that have ended
(`is_terminal`): a request leaves up to three events, and must count once.
"""

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["denials", "slowest", "who_acted"]

LATENCIES = {
    "lat_mutating_us": "mutating webhooks",
    "lat_validating_us": "validating webhooks",
    "lat_etcd_us": "etcd",
    "lat_apf_us": "waiting in a queue",
    "lat_authn_us": "authentication",
    "lat_authz_us": "authorization",
    "lat_imp_us": "impersonation",
    "lat_decode_us": "decoding the response",
    "lat_serialize_us": "serializing it",
    "lat_transform_us": "transforming it",
    "lat_write_us": "writing it",
}
"""Column -> the part of a request whose duration it holds, in microseconds."""

WHAT = ("resource", "api_group", "subresource", "path")


def who_acted(log: pa.Table) -> pa.Table:
    """Count requests, distinct users and denials by kind of actor.

    Args:
        log: Events with all columns.

    Returns:
        Columns `actor`, `requests`, `users`, `denied`; most requests first.

    Example:
        >>> import auditwake as aw, pyarrow as pa
        >>> who_acted(pa.table(aw.read(aw.demo.LOG))).column_names
        ['actor', 'requests', 'users', 'denied']
    """
    requests = _requests(log, ["actor", "eff_user", "decision"])
    denied = pc.equal(requests["decision"], "forbid").fill_null(False).cast(pa.int64())  # noqa: FBT003  # Arrow's own
    counted = (
        requests.append_column("is_denied", denied)
        .group_by("actor")
        .aggregate([([], "count_all"), ("eff_user", "count_distinct"), ("is_denied", "sum")])
        .sort_by([("count_all", "descending"), ("actor", "ascending")])
    )
    return counted.select(["actor", "count_all", "eff_user_count_distinct", "is_denied_sum"]).rename_columns(
        ["actor", "requests", "users", "denied"]
    )


def denials(log: pa.Table) -> pa.Table:
    """Count what was forbidden, by who asked for what.

    Args:
        log: Events with all columns.

    Returns:
        Columns `eff_user`, `verb`, `what` (resource.group/subresource, or the path of a non-resource request),
        `namespace`, `requests`; most requests first.

    Example:
        >>> import auditwake as aw, pyarrow as pa
        >>> denials(pa.table(aw.read(aw.demo.LOG))).num_rows > 0
        True
    """
    requests = _requests(log, ["eff_user", "verb", "namespace", *WHAT, "decision"])
    forbidden = requests.filter(pc.equal(requests["decision"], "forbid"))
    group = pc.replace_substring_regex(forbidden["api_group"].fill_null(""), "^(.)", r".\1")
    resource = pc.binary_join_element_wise(forbidden["resource"], group, "")
    with_sub = pc.binary_join_element_wise(resource, forbidden["subresource"], "/")
    what = pc.coalesce(with_sub, resource, forbidden["path"])
    keys = ["eff_user", "verb", "what", "namespace"]
    counted = forbidden.append_column("what", what).group_by(keys).aggregate([([], "count_all")])
    order = [("count_all", "descending"), *((name, "ascending") for name in keys)]
    return counted.sort_by(order).select([*keys, "count_all"]).rename_columns([*keys, "requests"])


def slowest(log: pa.Table, count: int = 5) -> pa.Table:
    """Find the slowest requests and where their time went.

    Watches and other requests that are meant to be long are left out.

    Args:
        log: Events with all columns.
        count: How many requests.

    Returns:
        Columns `duration_us`, `verb`, `path`, `eff_user`, `code` and those of `LATENCIES`; slowest first.

    Example:
        >>> import auditwake as aw, pyarrow as pa
        >>> slowest(pa.table(aw.read(aw.demo.LOG)), 3).num_rows
        3
    """
    requests = _requests(log, ["duration_us", "verb", "path", "eff_user", "code", "is_long_running", *LATENCIES])
    short = requests.filter(pc.invert(requests["is_long_running"])).drop_columns(["is_long_running"])
    return short.sort_by([("duration_us", "descending")]).slice(0, count)


def _requests(log: pa.Table, names: list[str]) -> pa.Table:
    """Keep the ended requests, with text in place of dictionary codes: pyarrow groups over several batches only so."""
    ended = log.filter(log["is_terminal"]).select(names)
    fields = [
        pa.field(field.name, field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
        for field in ended.schema
    ]
    return ended.cast(pa.schema(fields))
