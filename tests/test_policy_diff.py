"""Where policies decide differently: exactly, with nothing missing."""

# ruff: noqa: S311  # chance, not secrets

import gzip
import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import auditwake as aw
from auditwake.policy import Request
from auditwake.policy.diff import Diff

HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"
REQUESTS = 2_000
MANY = 100_000
STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")

Pair = tuple[int | None, int | None]


def load(rules: str) -> aw.Policy:
    return aw.Policy.load(f"{HEAD}{rules}\n")


@pytest.fixture(scope="module")
def policies(data: Path) -> list[aw.Policy]:
    answers = map(json.loads, (data / "policy" / "load-1.37.jsonl").read_text().splitlines())
    names = [answer["policy"] for answer in answers if answer["accepted"]]
    assert len(names) == 90
    return [aw.Policy.load(data / "policy" / "policies" / name) for name in names]


# --- requests by chance ----------------------------------------------------------------------------------------------


class Values:
    """What the rules of some policies name, and some that they do not."""

    def __init__(self, *policies: aw.Policy) -> None:
        rules = [rule for policy in policies for rule in policy.rules]
        entries = [entry for rule in rules for entry in rule.resources]
        specs = [spec for entry in entries for spec in entry.resources]
        urls = [url for rule in rules for url in rule.non_resource_urls]
        self.users = ["zoe", "", *(user for rule in rules for user in rule.users)]
        self.groups = ["people", *(group for rule in rules for group in rule.user_groups)]
        self.verbs = ["get", "list", "create", "post", *(verb for rule in rules for verb in rule.verbs)]
        self.api_groups = ["", "other.io", *(entry.group for entry in entries)]
        self.resources = ["things", *(spec.partition("/")[0] for spec in specs)]
        self.subresources = ["", "", "piece", *(spec.partition("/")[2] for spec in specs)]
        self.namespaces = ["", "far", *(namespace for rule in rules for namespace in rule.namespaces)]
        self.names = ["", "thing", *(name for entry in entries for name in entry.resource_names)]
        self.paths = ["/", "/far", *urls, *(url.rstrip("*") + more for url in urls for more in ("", "/x"))]

    def table(self, chance: random.Random, count: int) -> pa.Table:
        """Requests as events have them; without a URI where a resource is asked for: the columns tell the name."""

        def some(values: Sequence[str], among: Sequence[bool]) -> list[str | None]:
            return [
                value if wanted else None for value, wanted in zip(chance.choices(values, k=count), among, strict=True)
            ]

        named = [chance.random() > 0.1 for _ in range(count)]
        resource = [chance.random() > 0.25 for _ in range(count)]
        path = [not one for one in resource]
        lists = [chance.choices(self.groups, k=chance.randrange(4)) for _ in range(500)]
        groups = [one if wanted else None for one, wanted in zip(chance.choices(lists, k=count), named, strict=True)]
        columns = {
            "stage": ["ResponseComplete"] * count,
            "uri": some(self.paths, path),
            "verb": chance.choices(self.verbs, k=count),
            "user": some(self.users, named),
            "api_group": some(self.api_groups, resource),
            "resource": some(self.resources, resource),
            "subresource": some(self.subresources, resource),
            "namespace": some(self.namespaces, resource),
            "name": some(self.names, resource),
        }
        arrays = {name: pa.array(values, pa.string()) for name, values in columns.items()}
        return pa.table({**arrays, "user_groups": pa.array(groups, pa.list_(pa.string()))})


def as_table(asked: Sequence[Request]) -> pa.Table:
    """Witnesses as events have them."""

    def target(name: str) -> list[str | None]:
        return [None if one.path is not None else getattr(one, name) for one in asked]

    columns: dict[str, list[str | None]] = {
        "stage": ["ResponseComplete"] * len(asked),
        "uri": [one.path for one in asked],
        "verb": [one.verb for one in asked],
        "user": [one.user for one in asked],
        **{name: target(name) for name in ("api_group", "resource", "subresource", "namespace", "name")},
    }
    groups = [None if one.user is None else list(one.groups) for one in asked]
    arrays = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    return pa.table({**arrays, "user_groups": pa.array(groups, pa.list_(pa.string()))})


def differing(old: aw.Policy, new: aw.Policy, table: pa.Table) -> set[Pair]:
    """Pairs of rules that decide differently about some request of a table."""
    columns = {}
    for name, policy in (("old", old), ("new", new)):
        found = pa.table(policy.evaluate(table))
        stages = found["omit_stages"].combine_chunks().cast(pa.list_(pa.string()))
        columns[f"{name}_rule"] = found["rule"]
        columns[f"{name}_level"] = found["level"].cast(pa.string())
        columns[f"{name}_stages"] = pc.binary_join(stages, ",")
        columns[f"{name}_managed"] = found["omit_managed_fields"]
    both = pa.table(columns).group_by(list(columns)).aggregate([]).to_pylist()
    parts = ("level", "stages", "managed")
    differ = [row for row in both if any(row[f"old_{part}"] != row[f"new_{part}"] for part in parts)]
    return {(row["old_rule"], row["new_rule"]) for row in differ}


def listed(found: Diff) -> dict[Pair, tuple[object, ...]]:
    return {(one.old.rule, one.new.rule): (*one.changes, one.possible) for one in found.differences}


# --- without a log ---------------------------------------------------------------------------------------------------


def test_a_policy_is_equal_to_itself(policies: list[aw.Policy]) -> None:
    for policy in policies:
        found = policy.diff(policy)
        assert found.equal
        assert found.differences == ()
        assert found.effect is None


def test_no_difference_is_missing_and_each_has_its_witness(policies: list[aw.Policy]) -> None:
    chance = random.Random(20261126)
    pairs = [tuple(chance.sample(policies, 2)) for _ in range(150)]
    seen = 0
    for old, new in pairs:
        found = old.diff(new)
        known = listed(found)
        assert len(known) == len(found.differences), "each pair once"
        for one in found.differences:
            before, after = old.decide_request(one.request), new.decide_request(one.request)
            assert (before, after) == (one.old, one.new)
            assert one.changes
        table = Values(old, new).table(chance, REQUESTS)
        shown = differing(old, new, table)
        assert shown <= set(known)
        seen += len(shown)
    assert seen > 1000


def test_the_witnesses_decide_differently_as_events_too(policies: list[aw.Policy]) -> None:
    chance = random.Random(7)
    for _ in range(30):
        old, new = chance.sample(policies, 2)
        found = old.diff(new)
        if not found.equal:
            table = as_table([one.request for one in found.differences])
            assert differing(old, new, table) == set(listed(found))


def test_the_other_way_round_it_is_the_same(policies: list[aw.Policy]) -> None:
    chance = random.Random(1)
    for _ in range(60):
        old, new = chance.sample(policies, 2)
        there, back = listed(old.diff(new)), listed(new.diff(old))
        assert there == {(before, after): changes for (after, before), changes in back.items()}


SAME = {
    "disjoint rules change places": (
        "rules:\n- {level: None, verbs: [watch]}\n- {level: Request, verbs: [create], users: [a]}\n- level: Metadata",
        "rules:\n- {level: Request, users: [a], verbs: [create]}\n- {level: None, verbs: [watch]}\n- level: Metadata",
    ),
    "a rule in two": (
        "rules:\n- {level: Request, verbs: [create, delete], resources: [{group: apps}, {group: batch}]}",
        """
rules:
- {level: Request, verbs: [create], resources: [{group: apps}, {group: batch}]}
- {level: Request, verbs: [delete], resources: [{group: batch}]}
- {level: Request, verbs: [create, delete], resources: [{group: apps}]}""",
    ),
    "a rule that is never reached": (
        "rules:\n- {level: Metadata, resources: [{group: '', resources: ['pods/*']}]}\n- level: None",
        """
rules:
- {level: Metadata, resources: [{group: '', resources: ['pods/*']}]}
- {level: Request, verbs: [get], resources: [{group: '', resources: [pods, 'pods/*']}]}
- level: None""",
    ),
    "stages of the policy and of each rule": (
        "omitStages: [RequestReceived]\nrules:\n- {level: Request, users: [a]}\n- level: Metadata",
        """
rules:
- {level: Request, users: [a], omitStages: [RequestReceived, RequestReceived]}
- {level: Metadata, omitStages: [RequestReceived]}""",
    ),
    "silence said and unsaid": (
        "rules:\n- {level: Metadata, namespaces: [a]}",
        "rules:\n- {level: Metadata, namespaces: [a]}\n- level: None",
    ),
    "paths, and all paths": (
        "rules:\n- {level: None, nonResourceURLs: ['/healthz', '/healthz*']}\n- level: Metadata",
        "rules:\n- {level: None, nonResourceURLs: ['/healthz*']}\n- level: Metadata",
    ),
}


@pytest.mark.parametrize("what", SAME)
def test_policies_that_are_called_equal_agree_on_many_requests(what: str) -> None:
    old, new = map(load, SAME[what])
    assert old.diff(new).equal
    assert new.diff(old).equal
    table = Values(old, new).table(random.Random(what), MANY)
    assert differing(old, new, table) == set()


@pytest.mark.parametrize(
    ("old", "new", "changes", "visible"),
    [
        ("rules: [{level: None}]", "rules: [{level: Metadata}]", ("level",), True),
        ("rules: [{level: Metadata}]", "omitStages: [Panic]\nrules: [{level: Metadata}]", ("omit_stages",), True),
        ("rules: [{level: None}]", "omitStages: [Panic]\nrules: [{level: None}]", ("omit_stages",), False),
        (
            "rules: [{level: Metadata}]",
            "omitManagedFields: true\nrules: [{level: Metadata}]",
            ("omit_managed_fields",),
            False,
        ),
        (
            "rules: [{level: Request}]",
            "omitManagedFields: true\nrules: [{level: Request}]",
            ("omit_managed_fields",),
            True,
        ),
        (
            "rules: [{level: None}]",
            f"rules: [{{level: Metadata, omitStages: [{', '.join(STAGES)}]}}]",
            ("level", "omit_stages"),
            False,
        ),
    ],
)
def test_what_differs_is_named(old: str, new: str, changes: tuple[str, ...], *, visible: bool) -> None:
    (one,) = load(old).diff(load(new)).differences
    assert one.changes == changes
    assert one.visible is visible
    assert one.possible


def test_impossible_requests_are_told_apart() -> None:
    old = load("rules:\n- {level: None, verbs: ['*']}\n- level: Metadata")
    new = load("rules:\n- level: Metadata")
    (one,) = old.diff(new).differences
    assert (one.old.rule, one.new.rule, one.possible) == (0, 0, False)
    assert one.request.verb == "*"


def test_a_resource_with_a_slash_in_its_name_is_impossible() -> None:
    """Only a resource that is itself called `pods/log` falls through `pods/*` into the second rule."""
    old = load("rules:\n- {level: Metadata, resources: [{resources: ['pods/*']}]}\n- level: None")
    new = load(
        """
rules:
- {level: Metadata, resources: [{resources: ['pods/*']}]}
- {level: Request, resources: [{resources: [pods, pods/log]}]}
- level: None"""
    )
    (one,) = old.diff(new).differences
    assert (one.request.resource, one.request.subresource, one.possible) == ("pods/log", "", False)


def test_possible_differences_come_first_in_the_order_of_the_rules() -> None:
    old = load("rules:\n- {level: None, verbs: ['*']}\n- {level: Metadata, users: [a]}\n- {level: Request, users: [b]}")
    found = old.diff(load("rules:\n- level: RequestResponse"))
    pairs = [(one.old.rule, one.new.rule, one.possible) for one in found.differences]
    assert pairs == [(1, 0, True), (2, 0, True), (None, 0, True), (0, 0, False)]


def test_policies_too_large_to_compare_say_so() -> None:
    def large(offset: int) -> aw.Policy:
        rules = [
            f"- {{level: Metadata, users: [u{at}], verbs: [v{at}], namespaces: [n{at}], resources: "
            f"[{{group: g{at}, resources: [r{at}], resourceNames: [x{at}]}}]}}"
            for at in range(offset, offset + 4000, 40)
        ]
        return load("rules:\n" + "\n".join(rules))

    try:
        assert not large(0).diff(large(1)).equal
    except ValueError as error:
        assert "too many" in str(error)  # noqa: PT017  # either answer is right, a wrong one is not


# --- with a log ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keys(data: Path) -> dict[str, aw.Keys]:
    return {name: aw.Keys(data / name) for name in ("metadata", "integration-example", "rotated")}


def test_a_policy_changes_nothing_against_itself(keys: dict[str, aw.Keys], data: Path) -> None:
    for name, seen in keys.items():
        policy = aw.Policy.load(data / "policy" / "logs" / f"{name}.yaml")
        effect = policy.diff(policy, seen).effect
        assert effect is not None
        assert effect.rules == effect.users == effect.resources == ()
        assert effect.total.old_bytes == effect.total.new_bytes
        assert effect.total.events_lost == effect.total.events_gained == effect.total.bytes_lost == 0
        assert len(effect.notes) == 1


def test_the_effect_is_the_difference_of_the_costs(keys: dict[str, aw.Keys], policies: list[aw.Policy]) -> None:
    chance = random.Random(3)
    for _ in range(25):
        old, new = chance.sample(policies, 2)
        seen = keys[chance.choice(sorted(keys))]
        before, after = old.cost(seen).total, new.cost(seen).total
        effect = old.diff(new, seen, top=100_000).effect
        assert effect is not None
        total = effect.total
        assert (total.old_events, total.old_bytes) == (before.new_events, before.new_bytes)
        assert (total.new_events, total.new_bytes) == (after.new_events, after.new_bytes)
        for parts in (effect.rules, effect.users, effect.resources, (total,)):
            assert sum(part.bytes_gained - part.bytes_lost for part in parts) == after.new_bytes - before.new_bytes
            assert sum(part.events_gained - part.events_lost for part in parts) == after.new_events - before.new_events
            assert sum(part.unpriced_events for part in parts) == total.unpriced_events


def test_pairs_and_actors_are_those_of_the_events(keys: dict[str, aw.Keys], data: Path) -> None:
    log = gzip.decompress((data / "metadata" / "audit.log.gz").read_bytes()).splitlines(keepends=True)
    old = load("rules:\n- level: Metadata")
    new = load("omitStages: [RequestReceived]\nrules:\n- {level: None, verbs: [watch]}\n- level: Metadata")
    found = old.diff(new, keys["metadata"], top=3)
    assert listed(found) == {(0, 0): ("level", "omit_stages", True), (0, 1): ("omit_stages", True)}
    users: Counter[str] = Counter()
    pairs: Counter[Pair] = Counter()
    for line in log:
        event = json.loads(line)
        if event["verb"] == "watch" or event["stage"] == "RequestReceived":
            users[event["user"].get("username", "(authentication failed)")] += len(line)
            pairs[0, 0 if event["verb"] == "watch" else 1] += len(line)
    effect = found.effect
    assert effect is not None
    assert [(user.name, user.bytes_lost) for user in effect.users] == users.most_common(3)
    assert [((pair.old_rule, pair.new_rule), pair.bytes_lost) for pair in effect.rules] == pairs.most_common()
    assert effect.rules[0].name == "rules[0] -> rules[1]"
    assert effect.total.bytes_lost == users.total()
    assert effect.total.bytes_gained == 0


def test_what_cannot_be_known_is_said(keys: dict[str, aw.Keys]) -> None:
    old, new = load("rules:\n- level: Metadata"), load("rules:\n- level: Request")
    effect = old.diff(new, keys["metadata"]).effect
    assert effect is not None
    assert effect.total.unpriced_events == 5292
    assert any("5,292 events" in note for note in effect.notes)
    assert not any("of which the old one writes none" in note for note in effect.notes)
    silent = load("rules:\n- level: None").diff(old, keys["metadata"]).effect
    assert silent is not None
    assert any("of which the old one writes none" in note for note in silent.notes)
    assert silent.total.events_gained == 5292


def test_one_read_is_enough_for_both_policies(data: Path) -> None:
    old, new = load("rules:\n- level: Metadata"), load("rules:\n- level: None")
    with gzip.open(data / "metadata" / "audit.log.gz") as log:
        effect = old.diff(new, log).effect
    assert effect is not None
    assert effect.total.events_lost == 5292
