"""Policies are accepted and refused as kube-apiserver's own loader does it, in its words."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

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


@pytest.mark.parametrize("version", VERSIONS)
def test_without_libyaml_the_answers_differ_in_words_only(
    monkeypatch: pytest.MonkeyPatch, data: Path, version: str
) -> None:
    monkeypatch.setattr("auditwake.policy.loading.yaml.PARSER", yaml.Loader)
    found = [answer(data / "policy" / "policies" / one["policy"], version) for one in answers(data, version)]
    differ = [one["policy"] for one, other in zip(answers(data, version), found, strict=True) if one != other]
    assert differ == ["loader-broken-yaml.yaml", "loader-not-yaml.yaml", "loader-tabs.yaml"]
    assert not any(one["accepted"] for one in found if one["policy"] in differ)


# --- one thing each --------------------------------------------------------------------------------------------------


def cases() -> list[dict[str, Any]]:
    lines = (Path(__file__).parent / "data" / "policy" / "cases.jsonl").read_bytes().splitlines()
    return [json.loads(line) for line in lines]


def text_of(case: dict[str, Any]) -> str | bytes:
    return case["text"] if "text" in case else base64.b64decode(case["base64"])


def without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value not in (None, "", [])}


def loaded(document: policy.Document) -> dict[str, Any]:
    """The policy as `cases.jsonl` has it."""
    rules = [
        without_empty(
            {
                "users": [*rule.users],
                "userGroups": [*rule.user_groups],
                "verbs": [*rule.verbs],
                "namespaces": [*rule.namespaces],
                "nonResourceURLs": [*rule.non_resource_urls],
                "omitStages": [*rule.omit_stages],
                "omitManagedFields": rule.omit_managed_fields,
                "resources": [
                    without_empty(
                        {"group": one.group, "resources": [*one.resources], "resourceNames": [*one.resource_names]}
                    )
                    for one in rule.resources
                ],
            }
        )
        | {"level": rule.level}
        for rule in document.rules
    ]
    managed = {"omitManagedFields": True} if document.omit_managed_fields else {}
    return {"rules": rules, **without_empty({"omitStages": [*document.omit_stages]}), **managed}


def answer_to(case: dict[str, Any]) -> dict[str, Any]:
    try:
        document = policy.loads(text_of(case))
    except policy.PolicyError as error:
        return {"accepted": False, "error": error.server_message}
    return {"accepted": True, "policy": loaded(document), "ignored": document.ignored_text}


def wanted(case: dict[str, Any]) -> dict[str, Any]:
    if case["accepted"]:
        return {"accepted": True, "policy": case["policy"], "ignored": case.get("ignored")}
    return {"accepted": False, "error": case.get("ours", case["error"])}


def test_every_case_is_answered_as_the_server_answers_it() -> None:
    expected = cases()
    assert len(expected) == 1270
    assert sum(case["accepted"] for case in expected) == 560
    assert [(text_of(case), answer_to(case)) for case in expected if answer_to(case) != wanted(case)] == []


def test_few_cases_are_said_in_other_words() -> None:
    other = [case for case in cases() if "ours" in case]
    assert len(other) == 3
    assert all(case["ours"] != case["error"] for case in other)


def test_every_error_shows_itself() -> None:
    refused = [case for case in cases() if not case["accepted"]]
    assert len(refused) > 600
    for case in refused:
        with pytest.raises(policy.PolicyError) as caught:
            policy.loads(text_of(case), name="policy.yaml")
        shown = str(caught.value)
        assert "policy.yaml" in shown
        assert len(shown) < 12_000
        assert "\x00" not in shown
