"""Rules that decide about nothing or change nothing, and requests that no rule is about. Exact, by the evaluator."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from math import comb
from typing import Final

from auditwake import _core
from auditwake.policy.lint.finding import Code, Finding
from auditwake.policy.lint.subject import Subject
from auditwake.policy.lint.witness import plain
from auditwake.policy.model import Rule
from auditwake.policy.request import Request

__all__ = ["CODES", "NOT_COMPARED", "find", "shadowing"]

NEVER: Final = Code(
    code="AWP401",
    name="never-matches",
    severity="error",
    why="What it asks for together is what no request has, so it does nothing wherever it stands.",
    fix="correct what it asks for, or take the rule out",
    bad="rules:\n- {level: Request, verbs: [post], resources: [{group: apps}]}\n- level: Metadata\n",
    good="rules:\n- {level: Request, verbs: [create], resources: [{group: apps}]}\n- level: Metadata\n",
)
UNREACHABLE: Final = Code(
    code="AWP402",
    name="unreachable-rule",
    severity="error",
    why="The first rule that matches decides, and every request that this one matches is matched by an earlier one.",
    fix="move it above, or take it out",
    bad="rules:\n- level: Metadata\n- {level: None, users: [system:kube-proxy]}\n",
    good="rules:\n- {level: None, users: [system:kube-proxy]}\n- level: Metadata\n",
)
NO_CATCH_ALL: Final = Code(
    code="AWP403",
    name="no-catch-all",
    severity="warning",
    why="Nothing is recorded of a request that no rule matches, and nothing in the file says so.",
    fix="end with '- level: Metadata', or with '- level: None' if that is meant",
    bad="rules:\n- {level: Metadata, verbs: [create, update, patch, delete]}\n",
    good="rules:\n- {level: Metadata, verbs: [create, update, patch, delete]}\n- level: None\n",
)
REDUNDANT: Final = Code(
    code="AWP404",
    name="redundant-rule",
    severity="note",
    why="Every request that it decides about gets the same answer from the rules after it.",
    fix="take it out, unless it says something to those who read the file",
    bad="rules:\n- {level: Metadata, users: [alice]}\n- level: Metadata\n",
    good="rules:\n- {level: Request, users: [alice]}\n- level: Metadata\n",
)
NOT_COMPARED: Final = Code(
    code="AWP405",
    name="not-compared",
    severity="note",
    why="The rules name too many users, verbs, resources, namespaces and names together to compare all requests.",
    fix="make it fewer rules, with fewer values each",
    bad="",
    good="rules:\n- level: Metadata\n",
)
CODES: Final = (NEVER, UNREACHABLE, NO_CATCH_ALL, REDUNDANT, NOT_COMPARED)

GUARDED: Final = frozenset({"secrets", "configmaps", "tokenreviews", "serviceaccounts/token"})
"""Resources that one names to keep them out of the rules after."""

MOST_SETS: Final = 2_000
"""Sets of rules of one size that are tried, before one rule after the other is left out."""

MOST_NAMED: Final = 3

MOST_REDUNDANT: Final = 60
"""Rules beyond which none is compared with the policy without it: that costs as much as all of them together."""


def find(subject: Subject) -> Iterator[Finding]:
    """Find rules without effect, and requests without a rule."""
    document = subject.document
    reached = subject.reached
    if reached is None:
        yield NOT_COMPARED.at(document, "rules", "the rules could not be compared with each other")
        return
    rules = document.rules
    for index, (path, rule) in enumerate(subject.rules()):
        if index in reached:
            continue
        if not _reaches([rule]):
            yield NEVER.at(document, path, "no request matches this rule, wherever it stands")
            continue
        earlier = shadowing(rules, index, [one for one in reached if one is not None and one < index])
        places = [
            f"rules[{one}] (line {mark.line if (mark := document.mark(f'rules[{one}]')) else '?'})" for one in earlier
        ]
        first = f"above {places[0].partition(' ')[0]}" if len(places) == 1 else "above them"
        message = (
            f"no request gets here: {_and(places)} {'matches' if len(places) == 1 else 'match'} all that this would"
        )
        yield UNREACHABLE.at(document, path, message, fix=f"move it {first}, or take it out")
    if None in reached:
        missed = plain(document, reached[None], lambda asked: subject.policy.decide_request(asked).rule is None)
        yield NO_CATCH_ALL.at(document, "rules", f"no rule matches {missed}")
    yield from _redundant(subject, reached)


def _evaluator(rules: Sequence[Rule]) -> _core.Evaluator:
    """Give an evaluator that is asked for rules alone."""
    return _core.Evaluator(rules, (), omit_managed_fields=False)


def _reaches(rules: Sequence[Rule]) -> bool:
    """Say whether the last rule decides about any request; also where the rules are too many to compare."""
    try:
        return any(first == [len(rules) - 1] for first, _ in _evaluator(rules).reach(possible=True))
    except ValueError:
        return True


def shadowing(rules: Sequence[Rule], index: int, earlier: Iterable[int]) -> tuple[int, ...]:
    """Give the fewest earlier rules that together match all that a rule matches.

    Args:
        rules: The rules.
        index: The rule, one that is never reached.
        earlier: The earlier rules that are reached.

    Returns:
        Their indexes. Where there are too many sets to try, none of them can be left out, but others may be fewer.

    Example:
        >>> rules = (Rule("Metadata", verbs=("get",)), Rule("None", users=("a",)), Rule("None", verbs=("get",)))
        >>> shadowing(rules, 2, [0, 1])
        (0,)
    """
    hidden = rules[index]
    near = sorted(one for one in earlier if _overlap(rules[one], hidden))
    for size in range(1, len(near)):
        if comb(len(near), size) > MOST_SETS:
            break
        for some in combinations(near, size):
            if not _reaches([*(rules[one] for one in some), hidden]):
                return some
    for one in tuple(near):
        fewer = [other for other in near if other != one]
        if not _reaches([*(rules[other] for other in fewer), hidden]):
            near = fewer
    return tuple(near)


def _overlap(one: Rule, other: Rule) -> bool:
    """Say whether a request matches both rules."""
    return any(pair == [0, 0] for pair, _ in _evaluator([one]).pairs(_evaluator([other]), possible=True))


def _redundant(subject: Subject, reached: Mapping[int | None, Request]) -> Iterator[Finding]:
    """Find rules without which the policy gives the same answers."""
    document = subject.document
    rules = document.rules
    if len(rules) > MOST_REDUNDANT:
        return
    whole = _evaluator(rules)
    for index, witness in reached.items():
        if index is None or _is_deliberate(rules, index):
            continue
        without = _evaluator([*rules[:index], *rules[index + 1 :]])
        # One request that makes a difference is enough; only where it makes none are all compared.
        if not _is_same(subject, index, [_first(without, witness)]):
            continue
        try:
            after = [pair[1] for pair, _ in whole.pairs(without, possible=True) if pair[0] == index]
        except ValueError:
            return  # too many to compare
        if _is_same(subject, index, after):
            later = sorted(after, key=lambda one: (one is None, one))
            places = ["no rule" if one is None else f"rules[{_shifted(one, index)}]" for one in later]
            where = _and(places if len(places) <= MOST_NAMED else [*places[:MOST_NAMED], "others"])
            message = f"without this rule the policy gives the same answers: {where} would decide, with the same effect"
            yield REDUNDANT.at(document, f"rules[{index}]", message)


def _first(evaluator: _core.Evaluator, request: Request) -> int | None:
    return next((index for index, failed in enumerate(evaluator.explain(request)) if failed is None), None)


def _shifted(index: int, left_out: int) -> int:
    """Give the index that a rule has in the whole policy."""
    return index if index < left_out else index + 1


def _is_same(subject: Subject, index: int, others: Iterable[int | None]) -> bool:
    effects = {subject.effect(None if one is None else _shifted(one, index)) for one in others}
    return effects == {subject.effect(index)}


def _is_deliberate(rules: Sequence[Rule], index: int) -> bool:
    """Say whether a rule is there for those who read and change the file: a last None, a guard around secrets."""
    named = {spec for entry in rules[index].resources for spec in entry.resources}
    return (rules[index].level == "Metadata" and not GUARDED.isdisjoint(named)) or rules[index:] == (Rule("None"),)


def _and(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
