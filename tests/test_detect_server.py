"""Rules that look at what older servers do not write: they cannot fire there, and are not silent."""

import io

import pytest

import auditwake as aw
from auditwake import detections
from tests.detecting.events import event, line

NEWER = [rule for rule in detections.rules() if rule.id in {"AWD035", "AWD042"}]
RECORDS_ALL = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"


@pytest.mark.parametrize(
    ("release", "outcomes"),
    [
        ("v1.21.4", {"AWD035": "cannot fire", "AWD042": "cannot fire"}),
        ("v1.29.10", {"AWD035": "cannot fire", "AWD042": "silent"}),
        ("v1.30.0-rc.1", {"AWD035": "silent", "AWD042": "silent"}),
    ],
)
@pytest.mark.parametrize("policy", [None, aw.Policy.load(RECORDS_ALL)])
def test_what_an_older_server_does_not_write_cannot_fire(
    release: str, outcomes: dict[str, str], policy: aw.Policy | None
) -> None:
    agent = f"kube-apiserver/{release} (linux/amd64) kubernetes/0123456"
    own = {"as": "apiserver", "agent": agent, "verb": "update", "resource": "leases", "group": "coordination.k8s.io"}
    found = aw.detect(io.BytesIO(line(event("x", 0, own))), rules=NEWER, policy=policy)
    assert {one.rule.id: one.outcome for one in found.outcomes} == outcomes
    for one in found.cannot_fire:
        assert f"since {one.rule.since}, and the log is of {release[1:5]}" in one.notes[0]
    assert not [note for one in found.silent for note in one.notes if "does not say which one" in note]


def test_a_log_that_does_not_say_its_server_is_silent_with_a_note() -> None:
    claimed = {"verb": "get", "resource": "pods", "agent": "kube-apiserver/v1.37.2", "namespace": "a", "name": "x"}
    acting = claimed | {"impersonates": {"username": "system:apiserver", "groups": ["system:masters"]}}
    log = io.BytesIO(line(event("x", 0, claimed)) + line(event("y", 0, acting)))
    found = aw.detect(log, rules=NEWER, policy=aw.Policy.load(RECORDS_ALL))
    assert {one.outcome for one in found.outcomes} == {"silent"}
    assert all("the log does not say which one it is of" in one.notes[-1] for one in found.outcomes)


def test_a_policy_of_an_older_server_says_what_cannot_fire() -> None:
    older = aw.Policy.load(RECORDS_ALL, kube_version="1.28")
    assert [one.outcome for one in detections.coverage(older, NEWER)] == ["cannot fire", "can fire"]
    assert "since 1.30, and the policy is loaded for 1.28" in detections.coverage(older, NEWER)[0].notes[0]
