"""The SQL of rules: all that need one request in one pass, those that count each by itself, and what was looked at."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from auditwake.detections.rule import LEVELS, Rule
from auditwake.questions.scope import literal

__all__ = [
    "EVIDENCE",
    "FINDINGS",
    "Looked",
    "any_asks",
    "asks_of",
    "bodies_kept",
    "counting",
    "looked",
    "looked_at",
    "macros",
    "no_findings",
    "one_by_one",
    "prefilter",
    "reads_bodies",
    "sliced",
    "sql_of",
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
BITS: Final = 60
"""Rules that one number stands for."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a rule looked at."""

    asked: int = 0
    """Requests of the kind that it looks at."""
    enough: int = 0
    """Of those, how many were recorded at its level."""
    cut: int = 0
    """Of those, how many lost their bodies, which were too large for an event."""

    def with_more(self, requests: int, *, enough: bool, cut: bool) -> "Looked":
        """Give the sum of this and of some more requests.

        Args:
            requests: How many.
            enough: Whether they were recorded at the level of the rule.
            cut: Whether they lost their bodies.
        """
        return Looked(self.asked + requests, self.enough + requests * enough, self.cut + requests * (enough and cut))


def macros() -> str:
    """Give the SQL of the macros that rules may use, beside those of the questions."""
    return (files(__package__) / "macros.sql").read_text(encoding="utf-8")


def prefilter(rules: Sequence[Rule]) -> str:
    """Give the condition of the events that any of the rules looks at."""
    return " or ".join(dict.fromkeys(f"({rule.of}\n)" for rule in rules)) or "false"


def bodies_kept(rules: Sequence[Rule]) -> Mapping[str, str]:
    """Give, for each body, the condition of the events of which a rule looks at it: the others need not be kept."""
    return {body: prefilter([rule for rule in rules if body in sql_of(rule)]) for body in BODIES}


def reads_bodies(rule: Rule) -> bool:
    """Whether a rule looks into bodies."""
    return any(body in sql_of(rule) for body in BODIES)


def sliced(rules: Mapping[int, Rule], size: int) -> str:
    """Give the requests whose bodies rules look into, with a `slice`: the bodies of one slice are of this size in all.

    A column `asks_N` says whether rule N does. What DuckDB takes out of a body is there as often as it is named, for
    2,048 requests at a time.

    Args:
        rules: Index -> rule.
        size: Bytes of the bodies of a slice; one that is larger has its own.
    """
    named = "".join(map(sql_of, rules.values()))
    length = " + ".join(f"coalesce(strlen({body}::varchar), 0)" for body in BODIES if body in named)
    before = "sum(body_bytes) over (rows between unbounded preceding and current row)"
    asks = ", ".join(f"coalesce({_may_find(rule)}, false) as {asks_of(at)}" for at, rule in rules.items())
    return (
        f"select *, ({before} // {size})::bigint as slice from ("
        f"select *, {length} as body_bytes, {asks} from requests where {prefilter(list(rules.values()))}) "
        f"where {any_asks(rules)}"
    )


def asks_of(index: int) -> str:
    """Name the column that says whether a rule looks into the bodies of a request."""
    return f"asks_{index}"


def any_asks(rules: Iterable[int]) -> str:
    """Give the condition of the requests that any of these rules looks into."""
    return f"({' or '.join(map(asks_of, rules))})"


def _may_find(rule: Rule) -> str:
    """Give the cheap part of a rule's condition: looking for words in a text is much faster than taking JSON apart."""
    if not rule.words:
        return f"({rule.of}\n)"
    # A key may be written with escapes, and says none of its words then.
    escape = r"\\u"
    pattern = literal("|".join((*rule.words, escape)))
    found = (f"coalesce(regexp_matches({body}::varchar, {pattern}), false)" for body in BODIES if body in sql_of(rule))
    return f"case when {rule.of}\n then {' or '.join(found)} end"


def one_by_one(
    rules: Sequence[Rule], of: Collection[int] | None = None, table: str = "requests", *, is_sliced: bool = False
) -> str:
    """Give the findings of the rules for which once is enough, in one pass over the requests.

    Each condition stands behind the cheap one before it, in a `case`: bodies are opened for few requests.

    Args:
        rules: The rules.
        of: The indexes of those that are asked; None for all.
        table: Where the requests are, and a condition.
        is_sliced: Whether the table is one of `sliced`, which knows which rules look into what.
    """
    tests = [
        f"case when {asks_of(index) if is_sliced else rule.of}\n then case when {rule.where}\n then "
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


def no_findings() -> str:
    """Give the columns of findings, and no row."""
    return f"{one_by_one([])} limit 0"


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


def looked_at(rules: Mapping[int, Rule]) -> str:
    """Count the requests by level, by whether their bodies were cut off, and by which rules look at them.

    A column `seen_N` has a bit for each of 60 rules: one count for all, since DuckDB plans each by itself.

    Args:
        rules: Index -> rule.
    """
    seen = "".join(f", {_bits(some)} as seen_{first}" for first, some in _by_bits(rules))
    return f"select level, truncated, count(*) as requests{seen} from requests group by all"


def _bits(rules: Mapping[int, Rule]) -> str:
    return " + ".join(
        f"case when {rule.of}\n then {1 << at}::bigint else 0 end" for at, rule in enumerate(rules.values())
    )


def looked(rules: Mapping[int, Rule], counts: Iterable[Mapping[str, Any]]) -> dict[int, Looked]:
    """Say what each rule looks at.

    Args:
        rules: Index -> rule.
        counts: The rows of `looked_at`.
    """
    found: dict[int, Looked] = dict.fromkeys(rules, Looked())
    for row in counts:
        for first, some in _by_bits(rules):
            seen = (at for bit, at in enumerate(some) if row[f"seen_{first}"] >> bit & 1)
            for at in seen:
                enough = row["level"] in LEVELS[LEVELS.index(rules[at].level) :]
                found[at] = found[at].with_more(row["requests"], enough=enough, cut=bool(row["truncated"]))
    return found


def _by_bits(rules: Mapping[int, Rule]) -> Iterator[tuple[int, dict[int, Rule]]]:
    known = list(rules.items())
    return ((first, dict(known[first : first + BITS])) for first in range(0, len(known), BITS))


def _evidence() -> str:
    return ", ".join(f"{sql} as {name}" for name, sql in EVIDENCE.items())


def sql_of(rule: Rule) -> str:
    """Give all SQL of a rule.

    Args:
        rule: The rule.
    """
    count = rule.count
    return "\n".join((rule.of, rule.where, rule.detail, *((count.distinct, count.by) if count else ())))
