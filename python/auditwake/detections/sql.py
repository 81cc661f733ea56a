"""The SQL of rules: all that need one request in one pass, those that count each by itself, and what was looked at."""

from collections.abc import Container, Mapping, Sequence
from importlib.resources import files
from typing import Final

from auditwake.detections.rule import LEVELS, Rule
from auditwake.questions.scope import literal

__all__ = [
    "EVIDENCE",
    "FINDINGS",
    "bodies_kept",
    "counting",
    "looked_at",
    "macros",
    "one_by_one",
    "prefilter",
    "reads_bodies",
    "sliced",
]

EVIDENCE: Final = {
    "time": "ts_received",
    "user": "eff_user",
    "authenticated": "user",
    "actor": "actor",
    "address": "source_ip",
    "agent": "user_agent",
    "verb": "verb",
    "what": "what(resource, api_group, subresource, path)",
    "namespace": "namespace",
    "name": "name",
    "code": "code",
    "audit_id": "audit_id",
    "src_file": "src_file",
    "src_offset": "src_offset",
    "src_bytes": "line_bytes",
}
"""Column of a finding -> what it is of the request."""
OWN: Final = {"rule": "integer", "detail": "varchar", "count": "bigint", "since": "timestamp with time zone"}
"""What a finding has beside: index of the rule, what was found, how much of it, and from when on."""
FINDINGS: Final = (*OWN, *EVIDENCE)
"""The columns of the table of findings."""
BODIES: Final = ("request_object", "response_object")


def macros() -> str:
    """Give the SQL of the macros that rules may use, beside those of the questions."""
    return (files(__package__) / "macros.sql").read_text(encoding="utf-8")


def prefilter(rules: Sequence[Rule]) -> str:
    """Give the condition of the events that any of the rules looks at."""
    return " or ".join(dict.fromkeys(f"({rule.of}\n)" for rule in rules)) or "false"


def bodies_kept(rules: Sequence[Rule]) -> Mapping[str, str]:
    """Give, for each body, the condition of the events of which a rule looks at it: the others need not be kept."""
    return {body: prefilter([rule for rule in rules if body in _sql_of(rule)]) for body in BODIES}


def reads_bodies(rule: Rule) -> bool:
    """Whether a rule looks into bodies."""
    return any(body in _sql_of(rule) for body in BODIES)


def sliced(rules: Sequence[Rule], size: int) -> str:
    """Give the requests whose bodies rules look at, with a `slice`: those of one slice have bodies of this size in all.

    What DuckDB takes out of a body is there as often as it is named, for 2,048 requests at a time.

    Args:
        rules: The rules.
        size: Bytes of the bodies of a slice; one that is larger has its own.
    """
    length = " + ".join(
        f"coalesce(strlen({body}::varchar), 0)" for body in BODIES if body in "".join(map(_sql_of, rules))
    )
    before = f"sum({length}) over (rows between unbounded preceding and current row)"
    columns = f"*, ({before} // {size})::bigint as slice, {length} as body_bytes"
    return f"select {columns} from requests where {prefilter(rules)}"


def one_by_one(rules: Sequence[Rule], of: Container[int] | None = None, table: str = "requests") -> str:
    """Give the findings of the rules for which once is enough, in one pass over the requests.

    Each condition stands behind the cheap one before it, in a `case`: bodies are opened for few requests.

    Args:
        rules: The rules.
        of: The indexes of those that are asked; None for all.
        table: Where the requests are, and a condition.
    """
    tests = [
        f"case when {rule.of}\n then case when {rule.where}\n then "
        f"{{'rule': {index}, 'detail': ({rule.detail}\n)::varchar}} end end"
        for index, rule in enumerate(rules)
        if rule.count is None and (of is None or index in of)
    ]
    tests = tests or ["null::struct(rule integer, detail varchar)"]
    names = ", ".join(EVIDENCE)
    found = f"list_filter([{', '.join(tests)}], lambda one: one is not null)"
    return (
        f"select one.rule, one.detail, 1::bigint as count, time as since, {names} from ("
        f"select unnest({found}) as one, {_evidence()} from {table})"
    )


def counting(index: int, rule: Rule) -> str:
    """Give the findings of a rule that counts: each time at which the count reaches what the rule says."""
    count = rule.count
    if count is None:
        message = f"{rule.id} does not count"
        raise ValueError(message)
    of_it = f"({rule.of}\n) and ({rule.where}\n)"
    enough = count.at_least
    # Only groups that have enough in all are looked at in the order of time. Values are told apart first and counted
    # then: DuckDB puts that on disk where it has to, and the sets of a count(distinct) it does not.
    groups = (
        f"select its_group from (select distinct ({count.by}\n)::varchar as its_group, "
        f"({count.distinct}\n)::varchar as its_value from requests where {of_it}) "
        f"where its_value is not null group by its_group having count(*) >= {enough}"
    )
    time = "unbounded preceding" if count.seconds is None else f"interval {count.seconds} seconds preceding"
    window = f"over (partition by its_group order by time range between {time} and current row)"
    before = "over (partition by its_group order by time, src_offset, audit_id)"
    # Columns are named one by one: a `*` would have all columns of the log read.
    names = f"detail, {', '.join(EVIDENCE)}"
    return (
        f"select {index} as rule, count, since, {names} from ("
        f"select count, since, {names}, lag(count, 1, 0) {before} as count_before from ("
        f"select {names}, its_group, count(distinct its_value) {window} as count, min(time) {window} as since from ("
        f"select {_evidence()}, ({rule.detail}\n)::varchar as detail, ({count.by}\n)::varchar as its_group, "
        f"({count.distinct}\n)::varchar as its_value from requests where {of_it})"
        f" where its_group in ({groups}))) where count >= {enough} and count_before < {enough}"
    )


def looked_at(rules: Sequence[Rule]) -> str:
    """Count, for each rule, the requests that it looks at, those at its level, and those whose bodies were cut off."""
    of = [f"coalesce(({rule.of}\n), false) as of_{index}" for index, rule in enumerate(rules)]
    counts = []
    for index, rule in enumerate(rules):
        enough = f"of_{index} and level in ({', '.join(map(literal, LEVELS[LEVELS.index(rule.level) :]))})"
        counts += [
            f"count(*) filter (of_{index}) as asked_{index}",
            f"count(*) filter ({enough}) as recorded_{index}",
            f"count(*) filter ({enough} and truncated) as cut_{index}",
        ]
    return f"select {', '.join(counts)} from (select level, truncated, {', '.join(of)} from requests)"


def _evidence() -> str:
    return ", ".join(f"{sql} as {name}" for name, sql in EVIDENCE.items())


def _sql_of(rule: Rule) -> str:
    count = rule.count
    return "\n".join((rule.of, rule.where, rule.detail, *((count.distinct, count.by) if count else ())))
