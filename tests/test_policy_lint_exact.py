"""What `Policy.check` says of rules is so for all requests: it is asked again, of requests made from the policies."""

import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from auditwake.policy import Document, Finding, Policy, PolicyError, Request, Rule
from auditwake.policy.lint import CODES
from auditwake.policy.lint.values import METHODS, RESOURCE_VERBS

HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"


@cache
def checked(policy: Policy) -> tuple[Finding, ...]:
    return tuple(policy.check())


@pytest.fixture(scope="module")
def policies(data: Path) -> dict[str, Policy]:
    """Give every policy that the newest server accepts."""
    loaded = dict(accepted(data / "policy" / "policies"))
    assert len(loaded) == 90
    return loaded


def accepted(folder: Path) -> Iterator[tuple[str, Policy]]:
    for path in sorted(folder.iterdir()):
        try:
            yield path.name, Policy.load(path)
        except PolicyError:
            continue


def requests(document: Document, rng: random.Random) -> Callable[[], Request]:
    """Give a maker of requests out of the values of a policy."""
    rules = document.rules
    entries = [entry for rule in rules for entry in rule.resources]
    specs = [spec for entry in entries for spec in entry.resources]
    users = [*{user for rule in rules for user in rule.users}, "somebody", None]
    groups = [*{group for rule in rules for group in rule.user_groups}, "others"]
    api_groups = [*{entry.group for entry in entries} - {"*"}, "", "apps", "x.io"]
    resources = [*{part for spec in specs if (part := spec.partition("/")[0]) not in {"", "*"}}, "pods", "widgets"]
    subresources = [*{part for spec in specs if (part := spec.partition("/")[2]) not in {"", "*"}}, "", "", "log"]
    namespaces = [*{one for rule in rules for one in rule.namespaces}, "", "default"]
    names = [*{name for entry in entries for name in entry.resource_names}, "", "web"]
    urls = [*{url.rstrip("*") + more for rule in rules for url in rule.non_resource_urls for more in ("", "x")}, "/"]

    def make() -> Request:
        user = rng.choice(users)
        of = () if user is None else tuple(rng.sample(groups, rng.randint(0, min(2, len(groups)))))
        if rng.random() < 0.25:
            return Request(rng.choice(METHODS), user, of, path=rng.choice(urls) or "/")
        return Request(
            verb=rng.choice(RESOURCE_VERBS),
            user=user,
            groups=of,
            api_group=rng.choice(api_groups),
            resource=rng.choice(resources),
            subresource=rng.choice(subresources),
            namespace=rng.choice(namespaces),
            name=rng.choice(names),
        )

    return make


def test_a_rule_that_is_called_unreachable_is_never_the_answer_and_every_other_one_is(
    policies: dict[str, Policy],
) -> None:
    rng = random.Random(20)  # noqa: S311  # seeded
    unreachable = 0
    for policy in policies.values():
        reported = {one.rule for one in checked(policy) if one.code in {"AWP401", "AWP402"}}
        unreachable += len(reported)
        make = requests(policy.document, rng)
        assert reported.isdisjoint(policy.decide_request(make()).rule for _ in range(400))
        witnesses = policy.reached()
        assert {index for index in range(len(policy.rules)) if index not in reported} == set(witnesses) - {None}
        assert all(policy.decide_request(request).rule == index for index, request in witnesses.items())
    assert unreachable > 100


SHADOWED = """rules:
- {level: None, verbs: [list]}
- {level: Metadata, users: [a]}
- {level: Metadata, users: [b]}
- {level: None, userGroups: [g]}
- {level: Metadata, users: [a, b], verbs: [get]}
- {level: None, users: [a], namespaces: [x]}
- level: Metadata
"""


def test_the_fewest_rules_are_named_that_hide_another_one() -> None:
    messages = {one.rule: one.message for one in Policy.load(HEAD + SHADOWED).check() if one.code == "AWP402"}
    assert messages == {
        4: "no request gets here: rules[1] (line 5) and rules[2] (line 6) match all that this would",
        5: "no request gets here: rules[1] (line 5) matches all that this would",
    }


def test_the_rules_that_are_named_suffice_and_none_of_them_can_be_left_out(policies: dict[str, Policy]) -> None:
    hidden = 0
    for policy in [*policies.values(), Policy.load(HEAD + SHADOWED)]:
        for finding in checked(policy):
            if finding.code == "AWP402":
                assert finding.rule is not None
                several = [int(index) for index in re.findall(r"rules\[(\d+)\]", finding.message)]
                assert several
                assert all(index < finding.rule for index in several)
                rule = policy.rules[finding.rule]
                assert not decides([*(policy.rules[index] for index in several), rule])
                for index in several:
                    assert decides([*(policy.rules[other] for other in several if other != index), rule])
                hidden += 1
    assert hidden > 100


def decides(rules: list[Rule]) -> bool:
    """Say whether the last rule decides about any request."""
    return len(rules) - 1 in Policy(Document("", "", tuple(rules))).reached()


@cache
def without(policy: Policy, index: int) -> Policy:
    document = policy.document
    rules = (*document.rules[:index], *document.rules[index + 1 :])
    return Policy(Document("", "", rules, document.omit_stages, document.omit_managed_fields))


def test_a_rule_that_is_called_redundant_makes_no_difference(policies: dict[str, Policy]) -> None:
    rng = random.Random(21)  # noqa: S311  # seeded
    compared = 0
    for policy in policies.values():
        for finding in checked(policy):
            if finding.code != "AWP404":
                continue
            assert finding.rule is not None
            make = requests(policy.document, rng)
            for request in (make() for _ in range(200)):
                whole, rest = policy.decide_request(request), without(policy, finding.rule).decide_request(request)
                assert whole.level == rest.level
                assert whole.level == "None" or set(whole.omit_stages) == set(rest.omit_stages)
                compared += whole.rule == finding.rule
    assert compared > 100


def test_a_request_that_is_shown_is_one_that_the_policy_decides_so(policies: dict[str, Policy]) -> None:
    """The requests in the messages, read back: no rule matches the one, the rule decides about the other."""
    shown = 0
    for policy in policies.values():
        missed = [one.message for one in checked(policy) if one.code == "AWP403"]
        assert bool(missed) == (None in policy.reached())
        for finding in checked(policy):
            text = re.search(r"(?:no rule matches|, as of|, as for) ('.*|nobody.*)", finding.message)
            request = text and read(text[1])
            if request:
                shown += 1
                assert policy.decide_request(request).rule == finding.rule
    assert shown > 100


def read(text: str) -> Request | None:
    """Read back what a request says of itself, where it is plain."""
    words = re.fullmatch(
        r"'(?P<user>[^']*)': (?P<verb>[a-z]+) (?P<what>[a-z/]+)(\.(?P<group>[a-z0-9.]+))?( '(?P<name>[^']+)')?"
        r"( in namespace '(?P<namespace>[^']+)')?",
        text,
    )
    if words is None or words["what"].startswith("/"):
        return None
    resource, _, subresource = words["what"].partition("/")
    return Request(
        words["verb"],
        words["user"],
        api_group=words["group"] or "",
        resource=resource,
        subresource=subresource,
        namespace=words["namespace"] or "",
        name=words["name"] or "",
    )


def test_findings_say_all_and_stand_in_the_order_of_the_file(policies: dict[str, Policy]) -> None:
    number = 0
    for policy in policies.values():
        findings = checked(policy)
        number += len(findings)
        assert all(one.mark and one.message and one.why and one.fix and one.code in CODES for one in findings)
        places = [one.mark for one in findings if one.mark]
        assert places == sorted(places)
        assert all(one.rule is None or one.path.startswith(f"rules[{one.rule}]") for one in findings)
        assert len(set(findings)) == len(findings)
        assert list(findings) == policy.check()
    assert number > 500


@pytest.mark.parametrize("verb", sorted({*RESOURCE_VERBS, *METHODS, "use", "GET", "replace"}))
def test_the_verbs_are_those_that_the_evaluator_knows(verb: str) -> None:
    of_resources = Rule("Metadata", verbs=(verb,), namespaces=("a",))
    of_paths = Rule("Metadata", verbs=(verb,), non_resource_urls=("*",))
    assert decides([of_resources]) == (verb in RESOURCE_VERBS)
    assert decides([of_paths]) == (verb in METHODS)
