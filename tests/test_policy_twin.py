"""The evaluator against a plain twin that is written line for line from the server's semantics.

`AUDITWAKE_POLICY_PAIRS` sets how many pairs of a policy and a request are compared.
"""

# ruff: noqa: S311, PLR0911  # chance, not secrets; the twin returns where the server returns

import os
import random
from collections.abc import Sequence
from itertools import product

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import auditwake as aw
from auditwake.policy import Document, GroupResources, Level, Request, Rule, Stage
from tests.drawn import at_least

PAIRS = int(os.environ.get("AUDITWAKE_POLICY_PAIRS", "50000"))
REQUESTS = 500

USERS = ["alice", "bob", "system:anonymous", "", "*", "ALICE"]
GROUPS = ["dev", "ops", "system:masters", "", "*", "grüße"]
VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "", "GET", "*", "post"]
API_GROUPS = ["", "apps", "batch", "*"]
RESOURCES = ["pods", "nodes", "deployments", "*", "namespaces"]
SUBRESOURCES = ["", "log", "exec", "status", "*"]
NAMESPACES = ["", "default", "kube-system", "*"]
NAMES = ["", "web", "leader", "*"]
PATHS = [
    "/",
    "/healthz",
    "/healthz/etcd",
    "/healthzx",
    "/metrics",
    "/logs/kubelet.log",
    "/api",
    "/apis/",
    "",
    "*",
    "/é",
]
URLS = ["*", "/healthz*", "/healthz", "/healthz/*", "/logs/*", "/", "/api*", "/metrics", "/é*", "/*"]
SPECS = [f"{resource}/{sub}" for resource, sub in product(RESOURCES, SUBRESOURCES[1:])] + RESOURCES
STAGES: list[Stage] = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"]
LEVELS: list[Level] = ["None", "Metadata", "Request", "RequestResponse"]


# --- the twin --------------------------------------------------------------------------------------------------------


def first_rule(rules: Sequence[Rule], request: Request) -> int | None:
    return next((index for index, rule in enumerate(rules) if rule_matches(rule, request)), None)


def rule_matches(rule: Rule, request: Request) -> bool:
    if rule.users and (request.user is None or request.user not in rule.users):
        return False
    if rule.user_groups and (request.user is None or not set(request.groups) & set(rule.user_groups)):
        return False
    if rule.verbs and request.verb not in rule.verbs:
        return False
    if rule.namespaces or rule.resources:
        return matches_resource(rule, request)
    if rule.non_resource_urls:
        return request.path is not None and any(path_matches(request.path, spec) for spec in rule.non_resource_urls)
    return True


def matches_resource(rule: Rule, request: Request) -> bool:
    if request.path is not None:
        return False
    if rule.namespaces and request.namespace not in rule.namespaces:
        return False
    if not rule.resources:
        return True
    return any(entry_matches(entry, request) for entry in rule.resources)


def entry_matches(entry: GroupResources, request: Request) -> bool:
    if entry.group not in (request.api_group, "*"):
        return False
    if not entry.resources:
        return True
    if entry.resource_names and request.name not in entry.resource_names:
        return False
    combined = f"{request.resource}/{request.subresource}" if request.subresource else request.resource
    for spec in entry.resources:
        if spec in (combined, "*"):
            return True
        if request.subresource and spec.startswith("*/") and spec[2:] == request.subresource:
            return True
        if spec.endswith("/*") and spec[:-2] == request.resource:
            return True
    return False


def path_matches(path: str, spec: str) -> bool:
    return spec in ("*", path) or (spec.endswith("*") and path.startswith(spec.rstrip("*")))


# --- policies and requests -------------------------------------------------------------------------------------------


def some(values: Sequence[str], most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    """A list that is often empty, so that rules match."""
    return st.one_of(st.just(()), st.lists(st.sampled_from(values), max_size=most).map(tuple))


def entries() -> st.SearchStrategy[GroupResources]:
    return st.builds(GroupResources, st.sampled_from(API_GROUPS), some(SPECS), some(NAMES))


def rules() -> st.SearchStrategy[Rule]:
    return st.builds(
        Rule,
        level=st.sampled_from(LEVELS),
        users=some(USERS),
        user_groups=some(GROUPS),
        verbs=some(VERBS),
        resources=st.one_of(st.just(()), st.lists(entries(), max_size=3).map(tuple)),
        namespaces=some(NAMESPACES),
        non_resource_urls=some(URLS),
        omit_stages=st.lists(st.sampled_from(STAGES), max_size=2).map(tuple),
        omit_managed_fields=st.sampled_from([None, True, False]),
    )


# Up to 70 rules: a set of clauses then has more than one word.
POLICIES = st.builds(
    Document,
    name=st.just("<twin>"),
    text=st.just(""),
    rules=st.one_of(st.lists(rules(), max_size=8), st.lists(rules(), min_size=40, max_size=70)).map(tuple),
    omit_stages=st.lists(st.sampled_from(STAGES), max_size=2).map(tuple),
    omit_managed_fields=st.booleans(),
)


def random_request(chance: random.Random) -> Request:
    user = None if chance.random() < 0.1 else chance.choice(USERS)
    groups = () if user is None else tuple(chance.sample(GROUPS, chance.randrange(4)))
    verb = chance.choice(VERBS)
    if chance.random() < 0.3:
        return Request(verb, user, groups, path=chance.choice(PATHS))
    return Request(
        verb,
        user,
        groups,
        chance.choice(API_GROUPS[:-1]),
        chance.choice(RESOURCES),
        chance.choice(SUBRESOURCES),
        chance.choice(NAMESPACES),
        chance.choice(NAMES),
    )


def as_table(asked: Sequence[Request]) -> pa.Table:
    """Requests as events have them; without a URI where a resource is asked for, so that columns tell the name."""

    def column(name: str) -> list[str | None]:
        return [None if one.path is not None else getattr(one, name) for one in asked]

    targets = {name: column(name) for name in ("api_group", "resource", "subresource", "namespace", "name")}
    columns: dict[str, list[str | None]] = {
        "stage": ["ResponseComplete" for _ in asked],
        "uri": [one.path for one in asked],
        "verb": [one.verb for one in asked],
        "user": [one.user for one in asked],
        **targets,
    }
    arrays = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    groups = [None if one.user is None else list(one.groups) for one in asked]
    return pa.table({**arrays, "user_groups": pa.array(groups, pa.list_(pa.string()))})


@settings(max_examples=at_least(PAIRS // REQUESTS), suppress_health_check=list(HealthCheck))
@given(document=POLICIES, number=st.integers(0, 2**32))
def test_the_evaluator_agrees_with_its_twin(document: Document, number: int) -> None:
    chance = random.Random(number)
    asked = [random_request(chance) for _ in range(REQUESTS)]
    policy = aw.Policy(document)
    verdicts = pa.table(policy.evaluate(as_table(asked)))
    wanted = [first_rule(document.rules, request) for request in asked]
    assert verdicts["rule"].to_pylist() == wanted
    decision = policy.decide_request(asked[0])
    assert (decision.rule, decision.level) == (wanted[0], verdicts["level"][0].as_py())
    assert list(decision.omit_stages) == verdicts["omit_stages"][0].as_py()


@settings(max_examples=at_least(40), suppress_health_check=list(HealthCheck))
@given(document=POLICIES, number=st.integers(0, 2**32))
def test_a_rule_is_reached_if_and_only_if_it_is_said_to_be(document: Document, number: int) -> None:
    policy = aw.Policy(document)
    reached = policy.reached(possible=False)
    for rule, witness in reached.items():
        assert first_rule(document.rules, witness) == rule
    chance = random.Random(number)
    assert {first_rule(document.rules, random_request(chance)) for _ in range(REQUESTS)} <= set(reached)
    assert set(policy.reached()) <= set(reached)


@settings(max_examples=at_least(25), suppress_health_check=list(HealthCheck))
@given(old=POLICIES, new=POLICIES, number=st.integers(0, 2**32))
def test_pairs_of_rules_are_all_found(old: Document, new: Document, number: int) -> None:
    pairs = aw.Policy(old).pairs(aw.Policy(new), possible=False)
    for pair, witness in pairs.items():
        assert (first_rule(old.rules, witness), first_rule(new.rules, witness)) == pair
    chance = random.Random(number)
    for request in (random_request(chance) for _ in range(REQUESTS)):
        assert (first_rule(old.rules, request), first_rule(new.rules, request)) in pairs


@settings(max_examples=at_least(25), suppress_health_check=list(HealthCheck))
@given(document=POLICIES, number=st.integers(0, 2**32))
def test_why_names_a_condition_that_fails(document: Document, number: int) -> None:
    """With the condition of a step taken out, and those behind it, no earlier condition of the rule fails."""
    request = random_request(random.Random(number))
    for step in aw.Policy(document).decide_request(request).why:
        rule = document.rules[step.rule]
        assert not rule_matches(rule, request)
        assert step.condition == first_failed(rule, request)


def first_failed(rule: Rule, request: Request) -> str:
    """The first condition that fails, by the order in which the server looks."""
    if rule.users and request.user not in rule.users:
        return "users"
    if rule.user_groups and not set(request.groups) & set(rule.user_groups):
        return "userGroups"
    if rule.verbs and request.verb not in rule.verbs:
        return "verbs"
    for_resources = bool(rule.namespaces or rule.resources)
    if for_resources and request.path is not None:
        return "resource request"
    if not for_resources:
        return "nonResourceURLs" if request.path is not None else "non-resource request"
    if rule.namespaces and request.namespace not in rule.namespaces:
        return "namespaces"
    nameless = [GroupResources(entry.group, entry.resources) for entry in rule.resources]
    return "resourceNames" if any(entry_matches(entry, request) for entry in nameless) else "resources"
