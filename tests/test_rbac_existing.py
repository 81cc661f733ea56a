"""`rbac fix` binds and names roles that exist: that which grants the least, and a wildcard is more than any words."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditwake import rbac
from auditwake.rbac.existing import exact_role, wider_role
from tests.drawn import at_least
from tests.rbac_drawn import role, rules
from tests.rbac_evaluator import Manifest, Request, rule_allows

LIST_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}
WORDS = {
    "verb": ("get", "list", "other"),
    "group": ("", "apps", "other"),
    "resource": ("pods", "nodes", "other"),
    "subresource": ("", "log", "other"),
    "namespace": ("web",),
    "name": ("", "a", "b", "other"),
}
PATHS = ("/metrics", "/metrics/", "/m*", "/mx", "/logs/", "/x")
EVERY_REQUEST = [
    *(Request(*words) for words in itertools.product(*WORDS.values())),
    *(Request(verb, path=path) for verb in WORDS["verb"] for path in PATHS),
]


def lacking(*missing: Manifest, namespace: str = "") -> rbac.Roles:
    """What is missing in a place."""
    found = (
        rbac.Grounded(rule=rbac.Rule.from_json(one), requests=1, first=None, last=None, audit_ids=(), why="")
        for one in missing
    )
    return rbac.Roles(namespace=namespace, rules=tuple(found))


def called(found: rbac.Role | None) -> str | None:
    return found.name if found else None


@pytest.mark.parametrize(
    "wide",
    [
        {"apiGroups": [""], "resources": ["*"], "verbs": ["get"]},
        {"apiGroups": ["*"], "resources": ["pods"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["*/log"], "verbs": ["get"]},
        {"nonResourceURLs": ["/metrics*"], "verbs": ["get"]},
    ],
    ids=["resource", "group", "subresource", "path"],
)
def test_a_wildcard_is_more_than_any_number_of_words(wide: Manifest) -> None:
    many = {"apiGroups": ["", "apps"], "resources": [f"r{at}" for at in range(20)], "verbs": ["get", "watch"]}
    roles = [role("a-wide", [LIST_PODS, wide]), role("b-many", [LIST_PODS, many])]
    place = lacking(LIST_PODS)
    assert called(wider_role(place, rbac.rbac_of(roles))) == "b-many"
    assert called(wider_role(place, rbac.rbac_of(roles[:1]))) == "a-wide"


def test_every_name_is_more_than_any_number_of_names() -> None:
    every = role("a-every", [{**LIST_PODS, "verbs": ["get"]}])
    some = role("b-some", [{**LIST_PODS, "verbs": ["get"], "resourceNames": [f"n{at}" for at in range(20)]}])
    place = lacking({**LIST_PODS, "verbs": ["get"], "resourceNames": ["n0"]})
    assert called(wider_role(place, rbac.rbac_of([every, some]))) == "b-some"


def test_a_role_that_says_a_thing_twice_is_still_just_this() -> None:
    twice = role("twice", [LIST_PODS, {**LIST_PODS, "resourceNames": ["x"]}])
    path = role("path", [LIST_PODS, {"nonResourceURLs": ["/x"], "verbs": ["get"]}])
    assert called(exact_role(lacking(LIST_PODS), rbac.rbac_of([path, twice]))) == "twice"
    # A path counts in no namespace.
    assert called(exact_role(lacking(LIST_PODS, namespace="web"), rbac.rbac_of([path]))) == "path"


@st.composite
def missing(draw: st.DrawFn) -> tuple[Manifest, str]:
    """What one request lacks, and where."""
    one = draw(st.sampled_from(EVERY_REQUEST))
    if one.path:
        return {"verbs": [one.verb], "nonResourceURLs": [one.path]}, ""
    target = f"{one.resource}/{one.subresource}" if one.subresource else one.resource
    named = {"resourceNames": [one.name]} if one.name else {}
    rule = {"verbs": [one.verb], "apiGroups": [one.group], "resources": [target], **named}
    return rule, draw(st.sampled_from(["", "web"]))


def granted_by(rules: list[Manifest], namespace: str) -> set[Request]:
    asked = [one for one in EVERY_REQUEST if one.resource or not namespace]
    return {request for request in asked if any(rule_allows(rule, request) for rule in rules)}


@pytest.mark.hypothesis
@settings(max_examples=at_least(12))
@given(drawn=st.lists(st.lists(rules(paths=True), max_size=3), min_size=2, max_size=4), lacks=missing())
def test_the_role_that_is_named_grants_the_least(drawn: list[list[Manifest]], lacks: tuple[Manifest, str]) -> None:
    rule, namespace = lacks
    place = lacking(rule, namespace=namespace)
    needed = granted_by([rule], namespace)
    granted = {f"r{at}": granted_by(these, namespace) for at, these in enumerate(drawn)}
    known = rbac.rbac_of([role(f"r{at}", these) for at, these in enumerate(drawn)])

    exact = called(exact_role(place, known))
    assert exact is None or granted[exact] == needed
    assert (exact is None) == (needed not in granted.values())

    counts = [[one for one in these if not (namespace and "nonResourceURLs" in one)] for these in drawn]
    any_verb = {f"r{at}" for at, these in enumerate(counts) if any("*" in one["verbs"] for one in these)}
    would_do = {name for name, seen in granted.items() if needed <= seen} - any_verb
    found = called(wider_role(place, known))
    if found is None:
        assert would_do == set()
    else:
        assert found in would_do
        assert [name for name in would_do if granted[name] < granted[found]] == []
