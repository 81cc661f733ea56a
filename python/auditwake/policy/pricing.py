"""What each key of a log comes to under a policy: events and bytes, exactly, from the sizes that the log recorded."""

from typing import TYPE_CHECKING, Final

from auditwake.errors import ColumnError
from auditwake.policy.keys import Keys
from auditwake.policy.model import LEVELS

if TYPE_CHECKING:
    import pyarrow as pa

    from auditwake.policy.policy import Policy

__all__ = ["NO_RULE", "NO_USER", "price"]

REQUEST: Final = LEVELS.index("Request")
RESPONSE: Final = LEVELS.index("RequestResponse")
REQUEST_KEY: Final = len(',"requestObject":')
RESPONSE_KEY: Final = len(',"responseObject":')

NO_RULE: Final = -1
"""Stands for requests that no rule matches."""

NO_USER: Final = "(authentication failed)"
"""Stands for requests without a user."""


def price(policy: "Policy", keys: Keys) -> "pa.Table":
    """Give what each key comes to under a policy.

    A line keeps its bytes but for the bodies that a lower level leaves out, with their keys, and for the name of the
    level itself. A level above the recorded one brings nothing back: the line is counted as it was recorded. This is
    exact, to the byte, but for what only the texts themselves tell: managed fields, patches of webhooks in annotations,
    and bodies that are no UTF-8, whose sizes are those of the text that was made of them.

    Args:
        policy: The policy.
        keys: The log.

    Returns:
        A row a key, in the order of `keys.table`: `rule` (`NO_RULE` for none), `stage`, `verb`, `user`, `resource` (or
        path), `recorded` and `level` (indexes of `LEVELS`, recorded and given by the policy), `events` and `bytes` as
        recorded, `new_events` and `new_bytes` under the policy, `unpriced_events` (of which the policy asks for more
        than was recorded), `bodies` (bodies that stay), `managed` (whether managed fields would be left out of them),
        and `omits_received` (whether RequestReceived is left out).

    Raises:
        ColumnError: The source of the keys did not have the sizes, or the recorded level.

    Example:
        >>> import auditwake as aw
        >>> policy = aw.Policy.load(\"\"\"
        ... apiVersion: audit.k8s.io/v1
        ... kind: Policy
        ... rules: [{level: Metadata}]
        ... \"\"\")
        >>> table = price(policy, aw.Keys(aw.demo.LOG))
        >>> table["bytes"] == table["new_bytes"]
        True
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    missing = sorted(keys.lacks & {"level", "line_bytes", "req_bytes", "resp_bytes"})
    if missing:
        message = f"the source lacks {', '.join(missing)}: without them nobody can tell what a policy costs"
        raise ColumnError(message)
    table = keys.table
    verdicts = pa.table(policy.evaluate(keys))
    levels = pa.array(LEVELS)
    asked = pc.index_in(verdicts["level"].cast(pa.string()), levels)
    recorded = pc.index_in(table["level"].cast(pa.string()), levels)
    effective = pc.min_element_wise(recorded, asked)  # where nothing was recorded, what is asked
    falls = pc.fill_null(pc.less(effective, recorded), fill_value=True)

    emitted = verdicts["emitted"]
    number = _integers(emitted)
    no_request = _integers(pc.and_(falls, pc.less(effective, REQUEST)))
    no_response = _integers(pc.and_(falls, pc.less(effective, RESPONSE)))
    request = pc.add(table["req_bytes"], pc.multiply(table["req_bodies"], REQUEST_KEY))
    response = pc.add(table["resp_bytes"], pc.multiply(table["resp_bodies"], RESPONSE_KEY))
    lengths = pa.array([len(level) for level in LEVELS], pa.int64())
    longer = pc.fill_null(pc.subtract(lengths.take(effective), lengths.take(recorded)), fill_value=0)

    events = table["events"]
    size = pc.add(table["line_bytes"], events)
    gone = pc.add(pc.multiply(request, no_request), pc.multiply(response, no_response))
    left = pc.add(pc.subtract(size, gone), pc.multiply(longer, events))
    raised = pc.fill_null(pc.greater(asked, recorded), fill_value=False)
    bodies = pc.add(
        pc.multiply(table["req_bodies"], pc.subtract(1, no_request)),
        pc.multiply(table["resp_bodies"], pc.subtract(1, no_response)),
    )
    return pa.table(
        {
            "rule": pc.fill_null(verdicts["rule"], NO_RULE),
            "stage": table["stage"].cast(pa.string()),
            "verb": table["verb"].cast(pa.string()),
            "user": pc.fill_null(table["user"].cast(pa.string()), NO_USER),
            "resource": _resources(table),
            "recorded": recorded,
            "level": asked,
            "events": events,
            "bytes": size,
            "new_events": pc.multiply(events, number),
            "new_bytes": pc.multiply(left, number),
            "unpriced_events": pc.multiply(events, _integers(pc.and_(emitted, raised))),
            "bodies": pc.multiply(bodies, number),
            "managed": verdicts["omit_managed_fields"],
            "omits_received": _omits(policy, "RequestReceived", verdicts["rule"]),
        }
    )


def _integers(flags: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa

    return flags.cast(pa.int64())


def _omits(policy: "Policy", stage: str, rules: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Tell for each row whether a stage is left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    always = stage in policy.document.omit_stages
    by_rule = pa.array([always or stage in rule.omit_stages for rule in policy.rules], pa.bool_())
    return pc.fill_null(by_rule.take(rules), always)


def _resources(table: "pa.Table") -> "pa.ChunkedArray":
    """Give the resource as `pods/log` or `deployments.apps`; the path where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def text(name: str) -> "pa.ChunkedArray":
        return table[name].cast(pa.string())

    def with_mark(mark: str, name: str) -> "pa.ChunkedArray":
        values = pc.fill_null(text(name), "")
        return pc.if_else(pc.equal(values, ""), "", pc.binary_join_element_wise(mark, values, ""))

    what = pc.binary_join_element_wise(text("resource"), with_mark("/", "subresource"), with_mark(".", "api_group"), "")
    return pc.fill_null(pc.coalesce(what, text("uri")), "")
