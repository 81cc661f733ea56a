"""Run rules over a log."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from auditwake.detections.found import Detections, RuleOutcome, order
from auditwake.detections.load import rules as built_in
from auditwake.detections.recording import Recording, recording
from auditwake.detections.rule import Rule
from auditwake.detections.server import ITS_OWN, RELEASES, lacking, unknown
from auditwake.detections.sql import (
    EVIDENCE,
    FINDINGS,
    bodies_kept,
    counting,
    looked_at,
    macros,
    one_by_one,
    prefilter,
    reads_bodies,
    sliced,
)
from auditwake.errors import QuestionError
from auditwake.questions import AskedOf, Log, Scope

if TYPE_CHECKING:
    import pyarrow as pa

    from auditwake.policy import Policy

__all__ = ["detect"]

LIMIT: Final = 1000
WHO: Final = 4
SLICE: Final = 1 << 21
"""Bytes of bodies that all rules look at together; twice that with the last body of a slice."""


def detect(
    source: AskedOf,
    *,
    rules: Iterable[Rule] | None = None,
    policy: "Policy | None" = None,
    scope: Scope | None = None,
    limit: int = LIMIT,
    threads: int | None = None,
) -> Detections:
    """Look for what should not have happened.

    The source is read once, or twice as `auditwake.questions.Log` says, and of it only the columns that the rules
    need. Memory is bounded: what does not fit is put into a temporary directory, and `limit` bounds what is given
    back.

    Args:
        source: Logs as `auditwake.read` takes them, Parquet files or a directory of them, or Arrow.
        rules: The rules; None for those that come with auditwake, see `auditwake.detections.rules`.
        policy: The audit policy of the server: then a rule that it keeps from firing says so.
        scope: Which events are looked at; None for all.
        limit: Most findings of a rule that are given with their evidence, the first ones; all are counted. 0 for all.
        threads: How many threads parse and compute; None for one a core.

    Returns:
        The outcome of each rule, and the findings.

    Raises:
        QuestionError: The source lacks a column, or the SQL of a rule fails on what the log holds.
        SourceError: The source names nothing that can be opened.

    Example:
        >>> import auditwake as aw
        >>> found = aw.detect(aw.demo.LOG)
        >>> found.fired[0].rule.name, found.fired[0].who
        ('secrets-listed-everywhere', ('system:admin',))
    """
    chosen = tuple(built_in() if rules is None else rules)
    if not chosen:
        message = "there is no rule to run"
        raise QuestionError(message)
    statements = [one_by_one(chosen), *(counting(at, rule) for at, rule in enumerate(chosen) if rule.count)]
    without = [at for at, rule in enumerate(chosen) if not reads_bodies(rule)]
    looking = looked_at(chosen)
    tells = any(rule.since for rule in chosen)
    asked = "\n".join((*statements, looking, *([RELEASES] if tells else [])))
    of = f"{prefilter(chosen)} or {ITS_OWN}" if tells else prefilter(chosen)
    with Log(source, asked, of, scope, threads, only=bodies_kept(chosen)) as log:
        log.execute(macros())
        log.execute(f"create temp table hits as {one_by_one(chosen, without)}")
        left_out = _look_into(log, chosen)
        for statement in statements[1:]:
            log.execute(f"insert into hits by name {statement}")
        counts = log.query(looking).to_pylist()[0]
        hits = {row["rule"]: row for row in log.query(_summary()).to_pylist()}
        table = _findings(log.query(_evidence(limit)), chosen)
        releases = log.query(RELEASES)["release"].to_pylist() if tells else []
        recorded = [] if policy is None else [recording(rule, policy) for rule in chosen]
        outcomes = [
            _outcome(
                rule,
                hits.get(at),
                _looked(counts, at),
                log,
                recorded[at] if recorded else None,
                releases=releases,
                left_out=left_out[at],
            )
            for at, rule in enumerate(chosen)
        ]
        too_large = (_too_large(rule, left_out[at]) for at, rule in enumerate(chosen) if left_out[at])
        notes = (*too_large, *_notes(log, table, sum(one.hits for one in outcomes), limit))
        return Detections(table=table, outcomes=tuple(sorted(outcomes, key=order)), coverage=log.coverage, notes=notes)


def _look_into(log: Log, rules: Sequence[Rule]) -> Counter[int]:
    """Run the rules on bodies, over a few requests at a time: a log may hold any number of large bodies.

    Returns:
        Index of a rule -> how many bodies it left out: each is too large by itself for the memory that there is.
    """
    left_out: Counter[int] = Counter()
    inside = [at for at, rule in enumerate(rules) if rule.count is None and reads_bodies(rule)]
    if not inside:
        return left_out
    log.execute(f"create temp table bodied as {sliced([rules[at] for at in inside], SLICE)}")
    together = one_by_one(rules, inside, "bodied where slice = $1")
    log.execute(f"prepare together as insert into hits by name {together}")
    columns = "slice, sum(body_bytes)::bigint as size, min(rowid) as first, max(rowid) as last"
    for row in log.query(f"select {columns} from bodied group by slice order by slice").to_pylist():
        if row["size"] <= 2 * SLICE and _fits(log, f"execute together({row['slice']})"):
            continue
        for at in inside:
            left_out[at] += _left_out(log, rules, at, row["first"], row["last"])
    return left_out


def _left_out(log: Log, rules: Sequence[Rule], at: int, first: int, last: int) -> int:
    """Run a rule over these rows, in halves where they do not fit at once, and count those that do not fit alone."""
    found = one_by_one(rules, [at], f"bodied where rowid between {first} and {last}")
    if _fits(log, f"insert into hits by name {found}"):
        return 0
    if first == last:
        return 1
    middle = (first + last) // 2
    return _left_out(log, rules, at, first, middle) + _left_out(log, rules, at, middle + 1, last)


def _too_large(rule: Rule, many: int) -> str:
    return f"{rule.id} leaves out {many:,} of the requests: too large a body for the memory"


def _fits(log: Log, sql: str) -> bool:
    """Run a statement, and say whether there was memory for it; where there was none, it did nothing."""
    try:
        log.execute(sql)
    except QuestionError as error:
        if "Out of Memory" not in str(error):
            raise
        return False
    return True


def _summary() -> str:
    who = f'list_sort(list_distinct(list(distinct "user") filter ("user" is not null)))[:{WHO}]'
    counts = 'count(*) as hits, count(distinct "user") as users'
    return f"select rule, {counts}, {who} as who, min(time) as first, max(time) as last from hits group by rule"


def _evidence(limit: int) -> str:
    few = f"qualify row_number() over (partition by rule order by time, src_offset) <= {limit}" if limit else ""
    return f"select {', '.join(FINDINGS)} from hits {few} order by time, src_offset, rule"


def _findings(found: "pa.Table", rules: Sequence[Rule]) -> "pa.Table":
    """Put the rule's own words in front of the evidence."""
    import pyarrow as pa

    of = [rules[at] for at in found["rule"].to_pylist()]
    front: dict[str, Any] = {
        "time": found["time"],
        "rule": pa.array([rule.id for rule in of], pa.string()),
        "title": pa.array([rule.title for rule in of], pa.string()),
        "severity": pa.array([rule.severity for rule in of], pa.string()),
        "attack": pa.array([list(rule.attack) for rule in of], pa.list_(pa.string())),
    }
    return pa.table(
        front | {name: found[name] for name in (*EVIDENCE, "detail", "count", "since") if name not in front}
    )


def _looked(counts: dict[str, int], at: int) -> tuple[int, int, int]:
    return counts[f"asked_{at}"], counts[f"recorded_{at}"], counts[f"cut_{at}"]


def _outcome(
    rule: Rule,
    hits: dict[str, Any] | None,
    looked: tuple[int, int, int],
    log: Log,
    recorded: Recording | None,
    *,
    releases: Sequence[str],
    left_out: int,
) -> RuleOutcome:
    asked, enough, cut = looked
    unread = (
        [f"{left_out:,} {'body was' if left_out == 1 else 'bodies were'} too large to look into"] if left_out else []
    )
    notes = [*unread, *_partly(rule, asked, enough, cut), *(recorded.notes if recorded else ())]
    if hits is not None:
        return RuleOutcome(
            rule=rule,
            outcome="fired",
            hits=hits["hits"],
            who=tuple(hits["who"] or ()),
            users=hits["users"],
            first=hits["first"],
            last=hits["last"],
            looked_at=asked,
            notes=tuple(notes),
        )
    why = [*log.coverage.missing(_needs(rule, asked))]
    if not why and asked and not enough:
        why = [f"none of the {asked:,} requests that it looks at was recorded at level {rule.level}"]
    if not why and recorded is not None and recorded.never:
        why = list(recorded.notes)
    lacks = None if asked else lacking(rule, releases)
    if not why and lacks is not None:
        why = [lacks]
    if not why and unread:
        why = notes
    if why:
        return RuleOutcome(rule=rule, outcome="cannot fire", looked_at=asked, notes=tuple(why))
    if not asked and recorded is None:
        notes.append("no request that it looks at is in the log: a policy says whether it would be recorded")
    untold = None if asked else unknown(rule, releases)
    if untold is not None:
        notes.append(untold)
    return RuleOutcome(rule=rule, outcome="silent", looked_at=asked, notes=tuple(notes))


def _needs(rule: Rule, asked: int) -> list[str]:
    bodies = ["bodies"] if rule.level != "Metadata" and not asked else []
    return [*rule.needs, *bodies]


def _partly(rule: Rule, asked: int, enough: int, cut: int) -> Iterable[str]:
    if 0 < enough < asked:
        yield f"{asked - enough:,} of {asked:,} requests that it looks at were recorded below level {rule.level}"
    if cut and rule.level != "Metadata":
        yield f"{cut:,} of them lost their bodies, which were too large for an event"


def _notes(log: Log, table: "pa.Table", hits: int, limit: int) -> Iterable[str]:
    if hits > table.num_rows:
        yield f"{hits:,} findings, of which the first {limit:,} of each rule are given: a larger limit gives more"
    if log.coverage.repeats:
        yield f"{log.coverage.repeats:,} events repeat another one in full and were counted once"
    if log.coverage.rejected:
        yield f"{log.coverage.rejected:,} lines hold no event that can be read"
