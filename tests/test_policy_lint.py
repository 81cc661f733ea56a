"""What `Policy.check` finds: each code in a policy that raises it, and not in one near to it."""

import random
import re
from pathlib import Path

import pytest

from auditwake.policy import Finding, Policy
from auditwake.policy.lint import CODES, FAMILIES, SEVERITIES
from auditwake.policy.lint.builtin import builtins

HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"
ALL_STAGES = "[RequestReceived, ResponseStarted, ResponseComplete, Panic]"
NO_EXAMPLE = {"AWP405"}
"""Codes whose policy is too large to be shown."""


def check(rules: str, kube_version: str = "1.37") -> list[Finding]:
    return Policy.load(HEAD + rules, kube_version=kube_version).check()


def found(rules: str, code: str) -> list[Finding]:
    return [finding for finding in check(rules) if finding.code == code]


def too_many() -> str:
    """Give rules that name too many things to be compared."""
    rng = random.Random(1)  # noqa: S311  # seeded

    def some(letter: str) -> str:
        return f"[{', '.join(f'{letter}{index}' for index in range(80) if rng.random() < 0.5)}]"

    def rule() -> str:
        entry = f"{{group: x.io, resources: {some('r')}, resourceNames: {some('n')}}}"
        return f"- {{level: Metadata, users: {some('u')}, namespaces: {some('s')}, resources: [{entry}]}}\n"

    return "rules:\n" + "".join(rule() for _ in range(40))


# --- the registry ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_each_code_is_found_where_it_is_and_not_nearby(code: str) -> None:
    kind = CODES[code]
    assert kind.good
    assert bool(kind.bad) == (code not in NO_EXAMPLE)
    bad = kind.bad or too_many()
    assert [(finding.name, finding.severity) for finding in found(bad, code)][:1] == [(kind.name, kind.severity)]
    assert found(kind.good, code) == []


def test_codes_and_names_are_told_apart() -> None:
    codes = [code for family in FAMILIES for code in family.codes]
    assert len({code.code for code in codes}) == len({code.name for code in codes}) == len(codes) == len(CODES) > 25
    assert all(re.fullmatch(r"AWP[1-9]\d\d", code.code) for code in codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code.name) for code in codes)
    assert {code.severity for code in codes} == set(SEVERITIES)
    assert all(code.why.endswith(".") and not code.fix.endswith(".") for code in codes)


# --- where and what, exactly -----------------------------------------------------------------------------------------

# Code, rules, where in the file, and a part of the message or the fix.
EXACT = [
    ("AWP101", "rules:\n- {level: Metadata, resources: [{verbs: [get]}]}", "verbs: [get]", "covers all verbs"),
    ("AWP101", "rules:\n- {level: Metadata, usergroups: [a]}", "usergroups", "write 'userGroups'"),
    ("AWP101", "rules:\n- {level: Metadata, apiGroups: [apps]}", "apiGroups", "rules[0].resources[0].group"),
    ("AWP101", "rules:\n- {level: Metadata, user: a, users: [b]}", "user: a", "the server drops it"),
    ("AWP101", "omitStage: []\nrules:\n- level: Metadata", "omitStage", "write 'omitStages'"),
    ("AWP101", "users: [a]\nrules:\n- level: Metadata", "users: [a]", "belongs to a rule"),
    ("AWP102", "rules:\n- level: None\n  level: Metadata", "level: Metadata", "'level' is set twice"),
    ("AWP104", "rules:\n- {level: Metadata, users: [a, b, a]}", "a]", "'a' is in the list already"),
    ("AWP105", "rules:\n- level: Metadata\n--- # more\nrules: []", "--- # more", "another document"),
    ("AWP201", "rules:\n- {level: None, users: ['system:node:*']}", "'system:node:*'", "userGroups: ['system:nodes']"),
    (
        "AWP201",
        "rules:\n- {level: None, users: ['system:serviceaccount:ci:*']}",
        "'system:serviceaccount:ci:*'",
        "userGroups: ['system:serviceaccounts:ci']",
    ),
    (
        "AWP201",
        "rules:\n- {level: None, userGroups: ['system:serviceaccounts:*']}",
        "'system:serviceaccounts:*'",
        "write 'system:serviceaccounts'",
    ),
    ("AWP201", "rules:\n- {level: None, namespaces: [a, kube-*]}", "kube-*", "knows no patterns"),
    ("AWP201", "rules:\n- {level: None, resources: [{resources: [pods], resourceNames: ['*']}]}", "'*'", "no wildcard"),
    ("AWP202", "rules:\n- {level: None, resources: [{resources: [pods*]}]}", "pods*", "write 'pods/*'"),
    ("AWP202", "rules:\n- {level: None, resources: [{resources: [pods/exec/x]}]}", "pods/exec/x", "write 'pods/exec'"),
    ("AWP202", "rules:\n- {level: None, resources: [{resources: ['']}]}", "''", "matches no resource"),
    ("AWP203", "rules:\n- {level: None, verbs: [get, post], namespaces: [a]}", "post", "write 'create'"),
    ("AWP203", "rules:\n- {level: None, verbs: [create], nonResourceURLs: [/a]}", "create", "write 'post'"),
    ("AWP203", "rules:\n- {level: None, verbs: [impersonate]}", "impersonate", "impersonatedUser"),
    ("AWP203", "rules:\n- {level: None, verbs: [exec], namespaces: [a]}", "exec", "pods/exec"),
    ("AWP203", "rules:\n- {level: None, verbs: [wacth]}", "wacth", "write 'watch'"),
    ("AWP204", "rules:\n- {level: None, nonResourceURLs: [/apis/apps/v1/deployments]}", "/apis", "path of a resource"),
    ("AWP204", "rules:\n- {level: None, nonResourceURLs: ['/a?b=c']}", "'/a?b=c'", "write '/a'"),
    ("AWP301", "rules:\n- {level: None, resources: [{resources: [ingresses]}]}", "ingresses", "networking.k8s.io"),
    ("AWP301", "rules:\n- {level: None, resources: [{group: apps, resources: [pods]}]}", "pods", "group: ''"),
    ("AWP302", "rules:\n- {level: None, resources: [{group: apps, resources: [deploy]}]}", "deploy", "'deployments'"),
    ("AWP302", "rules:\n- {level: None, resources: [{resources: [po/log]}]}", "po/log", "write 'pods/log'"),
    ("AWP302", "rules:\n- {level: None, resources: [{group: x.io, resources: [Widgets]}]}", "Widgets", "'widgets'"),
    ("AWP302", "rules:\n- {level: None, resources: [{resources: [hpa]}]}", "hpa", "in an item with group: autoscaling"),
    ("AWP303", "rules:\n- {level: None, resources: [{resources: [exec]}]}", "exec", "write 'pods/exec'"),
    ("AWP303", "rules:\n- {level: None, resources: [{resources: [nodes/metrics]}]}", "nodes/metrics", "nodes/proxy"),
    ("AWP303", "rules:\n- {level: None, resources: [{group: batch, resources: ['*/exec']}]}", "'*/e", "no resource"),
    (
        "AWP303",
        "rules:\n- {level: None, resources: [{group: policy, resources: [podsecuritypolicies]}]}",
        "podsecuritypolicies",
        "there are no podsecuritypolicies",
    ),
    ("AWP304", "rules:\n- {level: None, resources: [{group: core}]}", "group: core", "write group: ''"),
    ("AWP304", "rules:\n- {level: None, resources: [{group: networking}]}", "group: networking", "networking.k8s.io"),
    ("AWP304", "rules:\n- {level: None, resources: [{group: batch.k8s.io}]}", "group: batch", "write group: batch"),
    ("AWP305", "rules:\n- {level: None, namespaces: [a], resources: [{group: node.k8s.io}]}", "group: n", "nothing in"),
    ("AWP313", "rules:\n- {level: Request, verbs: [create], resources: [{resources: ['*/exec']}]}", "create", "a get"),
    ("AWP402", "rules:\n- {level: None, verbs: [get]}\n- {level: None, verbs: [get], users: [a]}", "{", "rules[0]"),
    ("AWP522", f"rules:\n- {{level: Request, omitStages: {ALL_STAGES}}}", "omitStages", "the rule"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "rules", "place", "said"), EXACT)
def test_the_mark_is_at_the_value_and_the_words_are_about_it(code: str, rules: str, place: str, said: str) -> None:
    policy = Policy.load(HEAD + rules + "\n")
    findings = [finding for finding in policy.check() if finding.code == code]
    assert len(findings) == 1, policy.check()
    mark = findings[0].mark
    assert mark is not None
    assert policy.document.line(mark.line)[mark.column - 1 :].startswith(place)
    assert said in findings[0].message + findings[0].fix


# What must not be found: near to something that is.
QUIET = [
    ("AWP101", "metadata: {name: a}\nrules:\n- level: Metadata"),
    ("AWP105", "rules:\n- level: Metadata\n---\n"),
    ("AWP105", "rules:\n- level: Metadata\n--- # nothing more\n# a comment"),
    ("AWP201", "rules:\n- {level: None, nonResourceURLs: ['/a*', '*']}"),
    ("AWP202", "rules:\n- {level: None, resources: [{resources: ['*', '*/scale', 'pods/*', pods/log, pods]}]}"),
    ("AWP203", "rules:\n- {level: None, verbs: [get, post, head, create, '', proxy, deletecollection]}"),
    ("AWP203", "rules:\n- {level: None, verbs: ['', proxy], resources: [{group: apps}]}"),
    ("AWP203", "rules:\n- {level: None, verbs: [head, options], nonResourceURLs: ['*']}"),
    ("AWP204", "rules:\n- {level: None, nonResourceURLs: [/api, /api/v1, /apis/apps/v1, '/api*', /apis/*, '*', /]}"),
    ("AWP205", "rules:\n- {level: None, verbs: [create], resources: [{resources: [pods/exec], resourceNames: [a]}]}"),
    ("AWP205", "rules:\n- {level: None, verbs: [create], resources: [{resources: [pods], resourceNames: [a, '']}]}"),
    ("AWP301", "rules:\n- {level: None, resources: [{group: events.k8s.io, resources: [events]}]}"),
    ("AWP301", "rules:\n- {level: None, resources: [{group: metrics.k8s.io, resources: [pods, nodes]}]}"),
    ("AWP302", "rules:\n- {level: None, resources: [{group: x.io, resources: [widget, deploy]}]}"),
    ("AWP303", "rules:\n- {level: None, resources: [{group: '*', resources: [widgets, '*/frob']}]}"),
    ("AWP304", "rules:\n- {level: None, resources: [{group: x.io}, {group: snapshot.storage.k8s.io}, {group: ''}]}"),
    ("AWP304", "rules:\n- {level: None, resources: [{group: networking.istio.io}, {group: policy.networking.k8s.io}]}"),
    ("AWP305", "rules:\n- {level: None, namespaces: [a], resources: [{resources: [namespaces, pods]}]}"),
    ("AWP305", "rules:\n- {level: None, namespaces: [a], resources: [{group: rbac.authorization.k8s.io}]}"),
    ("AWP311", "rules:\n- {level: Metadata, resources: [{resources: [pods, pods/log]}]}"),
    ("AWP311", "rules:\n- {level: Metadata, resources: [{group: apps, resources: [deployments]}]}"),
    ("AWP311", "rules:\n- {level: None, resources: [{resources: [pods]}]}"),
    ("AWP312", "rules:\n- {level: None, resources: [{resources: ['*/status']}]}"),
    ("AWP313", "rules:\n- {level: None, verbs: [create], resources: [{resources: [pods/exec]}]}"),
    ("AWP313", "rules:\n- {level: Request, verbs: [create], resources: [{resources: [pods/eviction]}]}"),
    ("AWP403", "rules:\n- {level: Metadata, resources: [{group: '*'}]}\n- {level: None, nonResourceURLs: ['*']}"),
    ("AWP404", "rules:\n- {level: Metadata, users: [a]}\n- {level: Request, verbs: [get]}\n- level: Metadata"),
    ("AWP404", "rules:\n- {level: Metadata, resources: [{resources: [secrets]}]}\n- level: Metadata"),
    ("AWP404", "rules:\n- {level: Metadata, users: [a]}\n- level: None"),
    ("AWP501", "rules:\n- {level: RequestResponse, verbs: [watch]}\n- level: Metadata"),
    ("AWP501", "rules:\n- {level: Request, verbs: [get, list, delete]}\n- level: Metadata"),
    ("AWP501", "rules:\n- {level: RequestResponse, resources: [{resources: [secrets/status]}]}"),
    ("AWP501", "rules:\n- {level: Request, resources: [{resources: [serviceaccounts/token]}]}"),
    ("AWP501", "rules:\n- {level: Request, namespaces: [''], resources: [{group: ''}]}"),
    ("AWP502", "rules:\n- {level: Request, resources: [{resources: [secrets]}]}"),
    ("AWP511", "rules:\n- {level: None, resources: [{resources: [events, endpoints]}]}\n- level: Metadata"),
    ("AWP511", "rules:\n- {level: None, userGroups: [system:nodes]}\n- level: Metadata"),
    ("AWP511", "rules:\n- {level: None, namespaces: [a], resources: [{resources: [nodes/proxy]}]}\n- level: Metadata"),
    ("AWP522", f"rules:\n- {{level: None, omitStages: {ALL_STAGES}}}"),
    ("AWP523", "rules:\n- level: None"),
    ("AWP523", "rules:\n- {level: Metadata, omitStages: [RequestReceived]}\n- {level: Metadata, verbs: [create]}"),
    ("AWP524", "rules:\n- level: Metadata"),
    ("AWP524", "rules:\n- {level: Request, omitManagedFields: false}"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "rules"), QUIET)
def test_what_only_looks_like_it_is_not_found(code: str, rules: str) -> None:
    assert found(rules + "\n", code) == []


def test_a_sane_policy_is_quiet(data: Path) -> None:
    assert Policy.load(data / "policy" / "policies" / "controlplane-quiet.yaml").check() == []


def test_the_integration_example_has_its_one_error(data: Path) -> None:
    policy = Policy.load(data / "policy" / "policies" / "integration-example.yaml")
    findings = [finding for finding in policy.check() if finding.severity != "note"]
    assert [(one.code, one.path, one.rule) for one in findings] == [("AWP101", "rules[3].resources[0].verbs", 3)]
    assert "covers all verbs" in findings[0].message
    assert "rules[3] itself" in findings[0].fix


# --- the table of resources ------------------------------------------------------------------------------------------


def test_the_table_of_resources() -> None:
    table = builtins()
    assert len(table) == len({(one.group, one.resource) for one in table}) > 70
    assert all(one.resource == one.resource.lower() and one.kind[0].isupper() for one in table)
    cluster = {one.resource for one in table if not one.namespaced}
    assert {"nodes", "namespaces", "clusterroles", "persistentvolumes", "tokenreviews"} <= cluster
    assert cluster.isdisjoint({"pods", "roles", "leases", "localsubjectaccessreviews"})
