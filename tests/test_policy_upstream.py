"""The rows of upstream's own test table (`pkg/audit/policy/checker_test.go`), as facts."""

import pytest

import auditwake as aw
from auditwake.policy import Request

TIM = "tim@k8s.io"
HIS = ("humans", "developers")
RBAC = "rbac.authorization.k8s.io"

REQUESTS = {
    "ns": Request("get", TIM, HIS, resource="pods", namespace="default", name="busybox"),
    "cl": Request("get", TIM, HIS, api_group=RBAC, resource="clusterroles", name="edit"),
    "nr": Request("get", TIM, HIS, path="/logs/kubelet.log"),
    "sub": Request("get", TIM, HIS, resource="pods", subresource="log", namespace="default", name="busybox"),
    "un": Request("get", resource="pods", namespace="default", name="busybox"),
    "cru": Request("update", TIM, HIS, api_group=RBAC, resource="clusterroles", subresource="status", name="somerole"),
}

RULES = {
    "default": "{level: Metadata}",
    "create": "{level: Request, verbs: [create]}",
    "tims": "{level: Metadata, users: ['tim@k8s.io']}",
    "humans": "{level: Metadata, userGroups: [humans]}",
    "sa": "{level: Request, userGroups: ['system:serviceaccounts']}",
    "getPods": "{level: RequestResponse, verbs: [get], resources: [{resources: [pods]}]}",
    "podLogs": "{level: Request, verbs: [get], resources: [{resources: [pods/log]}]}",
    "wild": "{level: Request, verbs: [get], resources: [{resources: ['*']}]}",
    "resWild": "{level: Request, verbs: [get], resources: [{resources: ['*/log']}]}",
    "subWild": "{level: Request, verbs: [get], resources: [{resources: ['pods/*']}]}",
    "getCR": "{level: RequestResponse, verbs: [get], namespaces: [''], "
    "resources: [{group: RBAC, resources: [clusterroles]}]}",
    "grpWild": "{level: RequestResponse, verbs: [update], resources: [{group: '*', resources: ['*/status']}]}",
    "logs": "{level: RequestResponse, verbs: [get], nonResourceURLs: ['/logs*']}",
    "metrics": "{level: Request, verbs: [get], nonResourceURLs: [/metrics]}",
    "crEdit": "{level: Request, resources: [{group: RBAC, resources: [clusterroles], resourceNames: [edit]}]}",
    "omitRR": "{level: Request, omitStages: [RequestReceived]}",
    "panicOnly": "{level: Request, omitStages: [RequestReceived, ResponseStarted, ResponseComplete]}",
}

# Rules in order -> the level of some requests; N None, M Metadata, Q Request, R RequestResponse.
TABLE = {
    "default": "ns=M cl=M nr=M",
    "create": "ns=N cl=N nr=N",
    "tims": "ns=M cl=M nr=M un=N",
    "humans": "ns=M cl=M nr=M un=N",
    "sa": "ns=N cl=N nr=N",
    "getPods": "ns=R cl=N nr=N",
    "getCR": "ns=N cl=R nr=N",
    "logs": "ns=N cl=N nr=R",
    "metrics": "ns=N cl=N nr=N",
    "tims default": "un=M",
    "humans default": "un=M",
    "metrics sa default": "ns=M cl=M nr=M",
    "metrics getPods default": "ns=R cl=M nr=M",
    "metrics getCR default": "ns=M cl=R nr=M",
    "logs getCR default": "ns=M cl=R nr=R",
    "podLogs getPods": "ns=R cl=N nr=N sub=Q",
    "crEdit getCR": "cl=Q",
    "wild": "sub=Q",
    "resWild": "sub=Q",
    "subWild": "sub=Q",
    "grpWild": "cru=R",
}
BOTH = "[RequestReceived, ResponseStarted]"
LETTERS = {"N": "None", "M": "Metadata", "Q": "Request", "R": "RequestResponse"}


def policy(rules: str, omit: str = "[]") -> aw.Policy:
    listed = "".join(f"- {RULES[name]}\n" for name in rules.split())
    text = f"apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: {omit}\nrules:\n{listed}"
    return aw.Policy.load(text.replace("RBAC", RBAC))


@pytest.mark.parametrize("omit", ["[]", BOTH])
@pytest.mark.parametrize("rules", TABLE)
def test_levels(rules: str, omit: str) -> None:
    expected = dict(cell.split("=") for cell in TABLE[rules].split())
    assert expected
    for name, letter in expected.items():
        decision = policy(rules, omit).decide_request(REQUESTS[name])
        assert decision.level == LETTERS[letter], name
        assert len(decision.omit_stages) == (2 if omit != "[]" else 0)


@pytest.mark.parametrize(
    ("rules", "omit", "request_name", "level", "omitted"),
    [
        ("omitRR getPods default", "[]", "ns", "Request", "RequestReceived"),
        (
            "omitRR getPods default",
            "[RequestReceived, ResponseStarted]",
            "ns",
            "Request",
            "RequestReceived ResponseStarted",
        ),
        ("panicOnly getPods default", "[]", "ns", "Request", "RequestReceived ResponseStarted ResponseComplete"),
        ("panicOnly getPods default", "[]", "cl", "Request", "RequestReceived ResponseStarted ResponseComplete"),
        ("panicOnly getPods default", "[]", "nr", "Request", "RequestReceived ResponseStarted ResponseComplete"),
        (
            "default omitRR getPods",
            "[RequestReceived, ResponseStarted]",
            "nr",
            "Metadata",
            "RequestReceived ResponseStarted",
        ),
    ],
)
def test_stages(rules: str, omit: str, request_name: str, level: str, omitted: str) -> None:
    decision = policy(rules, omit).decide_request(REQUESTS[request_name])
    assert (decision.level, " ".join(decision.omit_stages)) == (level, omitted)


@pytest.mark.parametrize(
    ("of_policy", "of_rule", "result"),
    [("false", None, False), ("true", None, True), ("true", "false", False), ("false", "true", True)],
)
def test_managed_fields(of_policy: str, of_rule: str | None, result: bool) -> None:  # noqa: FBT001  # a row of the table
    own = "" if of_rule is None else f", omitManagedFields: {of_rule}"
    text = f"""apiVersion: audit.k8s.io/v1
kind: Policy
omitManagedFields: {of_policy}
rules: [{{level: Request{own}}}]
"""
    assert aw.Policy.load(text).decide_request(REQUESTS["ns"]).omit_managed_fields is result
