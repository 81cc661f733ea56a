"""Run rules over a log."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from auditwake.detections.found import Detections, RuleOutcome, order
from auditwake.detections.load import rules as built_in
from auditwake.detections.recording import Recording, recording
from auditwake.detections.rule import Rule
from auditwake.detections.running import Running
from auditwake.detections.server import lacking, unknown
from auditwake.detections.sql import EVIDENCE, FINDINGS, Looked
from auditwake.errors import QuestionError
from auditwake.questions import AskedOf, Log, Scope

if TYPE_CHECKING:
    import pyarrow as pa

    from auditwake.policy import Policy

__all__ = ["detect"]

LIMIT: Final = 1000
WHO: Final = 4


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
    back. A rule whose columns the source lacks, or whose SQL fails, cannot fire and says so; the others run.

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
        QuestionError: The source lacks a column that every finding has, or that every rule needs.
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
    with Running(source, chosen, scope, threads) as running:
        running.find()
        log = running.log
        looked = running.looked()
        hits = {row["rule"]: row for row in log.query(_summary()).to_pylist()}
        table = _findings(log.query(_evidence(limit)), chosen)
        releases = running.releases()
        outcomes = [
            _outcome(
                rule,
                hits.get(at),
                looked.get(at, Looked()),
                log,
                None if policy is None else recording(rule, policy),
                releases=releases,
                left_out=running.left_out[at],
                failed=running.failed.get(at),
            )
            for at, rule in enumerate(chosen)
        ]
        too_large = (_too_large(rule, many) for at, rule in enumerate(chosen) if (many := running.left_out[at]))
        notes = (*too_large, *_notes(log, table, sum(one.hits for one in outcomes), limit))
        return Detections(table=table, outcomes=tuple(sorted(outcomes, key=order)), coverage=log.coverage, notes=notes)


def _too_large(rule: Rule, many: int) -> str:
    return f"{rule.id} leaves out {many:,} of the requests: too large a body for the memory"


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


def _outcome(
    rule: Rule,
    hits: dict[str, Any] | None,
    looked: Looked,
    log: Log,
    recorded: Recording | None,
    *,
    releases: Sequence[str],
    left_out: int,
    failed: str | None,
) -> RuleOutcome:
    asked = looked.asked
    unread = [failed] if failed else []
    if left_out:
        unread.append(f"{left_out:,} {'body was' if left_out == 1 else 'bodies were'} too large to look into")
    notes = [*unread, *_partly(rule, looked), *(recorded.notes if recorded else ())]
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
    why = [failed] if failed else [*log.coverage.missing(_needs(rule, asked))]
    if not why and asked and not looked.enough:
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


def _partly(rule: Rule, looked: Looked) -> Iterable[str]:
    if 0 < looked.enough < looked.asked:
        less = f"{looked.asked - looked.enough:,} of {looked.asked:,}"
        yield f"{less} requests that it looks at were recorded below level {rule.level}"
    if looked.cut and rule.level != "Metadata":
        yield f"{looked.cut:,} of them lost their bodies, which were too large for an event"


def _notes(log: Log, table: "pa.Table", hits: int, limit: int) -> Iterable[str]:
    if hits > table.num_rows:
        yield f"{hits:,} findings, of which the first {limit:,} of each rule are given: a larger limit gives more"
    if log.coverage.repeats:
        yield f"{log.coverage.repeats:,} events repeat another one in full and were counted once"
    if log.coverage.rejected:
        yield f"{log.coverage.rejected:,} lines hold no event that can be read"
