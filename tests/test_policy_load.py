"""Policies are accepted and refused as kube-apiserver's own loader does it, in its words."""

import json
from pathlib import Path
from typing import Any

import pytest

from auditwake import policy

VERSIONS = ("1.37", "1.35")


def answers(data: Path, version: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (data / "policy" / f"load-{version}.jsonl").read_text().splitlines()]


def answer(source: Path, version: str) -> dict[str, Any]:
    try:
        document = policy.load(source, kube_version=version)
    except policy.PolicyError as error:
        return {"policy": source.name, "accepted": False, "error": error.server_message}
    ignored = {"ignored": document.ignored_text} if document.ignored_text else {}
    return {"policy": source.name, "accepted": True, "rules": len(document.rules), **ignored}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_policy_is_answered_as_the_server_answers_it(data: Path, version: str) -> None:
    expected = answers(data, version)
    assert len(expected) == 141
    assert {one["policy"] for one in expected} == {path.name for path in (data / "policy" / "policies").iterdir()}
    assert [answer(data / "policy" / "policies" / one["policy"], version) for one in expected] == expected
