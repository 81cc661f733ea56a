"""What is said of the stages of a request, against what the server wrote."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import auditwake as aw
from auditwake.policy import Decision
from auditwake.policy.explanation import explanation

HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"


@pytest.fixture(scope="module")
def everything() -> aw.Policy:
    return aw.Policy.load(HEAD + "rules:\n- level: RequestResponse\n")


def contains(policy: aw.Policy, decision: Decision, stage: str) -> tuple[bool, dict[str, str]]:
    """Whether the request comes to a stage; what is in its event, and under which condition."""
    (found,) = [one for one in explanation(policy, decision).stages if one.stage == stage]
    return bool(found.occurs), {text.partition(",")[0]: text.partition(",")[2] for text in found.contains}


def test_stages_and_bodies_are_those_that_the_server_writes(
    data: Path, everything: aw.Policy, metadata_events: list[dict[str, Any]]
) -> None:
    rotated = [
        json.loads(line)
        for path in sorted((data / "rotated").glob("audit-*.gz"))
        for line in gzip.decompress(path.read_bytes()).splitlines()
        if len(line) < 30_000 and b"[[[[" not in line and line.isascii()
    ]
    assert len(rotated) > 4000
    for event in [*rotated[::7], *metadata_events[::7]]:
        decision = everything.decide_event(event)
        occurs, has = contains(everything, decision, event["stage"])
        assert occurs, event
        for body in ("requestObject", "responseObject"):
            if body in event:
                assert body in has, event
            elif event["level"] == "RequestResponse" and body in has:
                # What cannot be decoded, or is denied before, is in no event.
                assert has[body] or event["responseStatus"]["code"] >= 400, event
        assert ("responseStatus" in event) == ("responseStatus" in has), event


def test_a_level_has_what_is_below_it() -> None:
    levels = {}
    for level in ("None", "Metadata", "Request", "RequestResponse"):
        policy = aw.Policy.load(f"{HEAD}rules:\n- level: {level}\n")
        decision = policy.decide(verb="update", resource="pods", name="a", namespace="b", user="c")
        levels[level] = set(contains(policy, decision, "ResponseComplete")[1])
    assert levels["None"] == set()
    assert levels["Request"] - levels["Metadata"] == {"requestObject"}
    assert levels["RequestResponse"] - levels["Request"] == {"responseObject"}


def test_managed_fields_stay_in_patches() -> None:
    policy = aw.Policy.load(HEAD + "omitManagedFields: true\nrules:\n- level: RequestResponse\n")
    for verb, expected in (("patch", "requestObject"), ("update", "requestObject, without managed fields")):
        told = explanation(policy, policy.decide(verb=verb, resource="pods", name="a", namespace="b", user="c"))
        assert told.stages[2].contains[2:] == (expected, "responseObject, without managed fields")


def test_the_source_is_the_rule_alone() -> None:
    text = HEAD + "rules:\n\n# first\n- level: None\n  verbs:\n  - get\n\n  - list\n# second\n- {level: Metadata}\n"
    policy = aw.Policy.load(text)
    first = explanation(policy, policy.decide(verb="get", resource="pods", user="a"))
    assert [line.line for line in first.source] == [6, 7, 8, 9, 10]
    second = explanation(policy, policy.decide(verb="create", resource="pods", user="a"))
    assert [(line.line, line.text) for line in second.source] == [(12, "- {level: Metadata}")]
