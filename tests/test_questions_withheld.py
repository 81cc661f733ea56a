"""`history --diff` never shows a token or the value of a secret, and still says what changed."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditwake import questions
from auditwake.cli import main
from auditwake.questions.changes import differences
from auditwake.questions.withheld import shown, withheld
from tests.asked import Event, event, write
from tests.drawn import at_least

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"
MARK = "hunter2"


def change(second: int, verb: str, ref: dict[str, str], sent: object, answered: object) -> Event:
    return event(
        auditID=str(second),
        verb=verb,
        level="RequestResponse",
        objectRef={"namespace": "web", "name": "one", **ref},
        requestReceivedTimestamp=f"2026-11-24T00:08:{second:02}.000000Z",
        stageTimestamp="2026-11-24T00:09:00.000000Z",
        requestObject=sent,
        responseObject=answered,
    )


def changes(tmp_path: Path, *events: Event) -> list[list[str]]:
    found = questions.changes(write(tmp_path / "audit.log", events)).table
    return [row["changes"] for row in found.to_pylist()]


def secret(value: str) -> dict[str, Any]:
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": {"key": value}})}
    return {"kind": "Secret", "metadata": {"name": "one", "annotations": applied}, "data": {"key": value}}


def test_what_changed_in_a_secret_is_said_without_its_value(tmp_path: Path) -> None:
    ref = {"resource": "secrets"}
    patch = [{"op": "replace", "path": "/data/key", "value": MARK}]
    assert changes(
        tmp_path,
        change(1, "create", ref, secret("a"), secret("a")),
        change(2, "update", ref, secret(MARK), secret(MARK)),
        change(3, "update", ref, secret(MARK), secret(MARK)),
        change(4, "patch", ref, patch, None),
    ) == [
        ["created"],
        [
            '.metadata.annotations."kubectl.kubernetes.io/last-applied-configuration": "(withheld)" -> "(withheld)"',
            '.data.key: "(withheld)" -> "(withheld)"',
        ],
        [],
        ['sent: [{"op":"replace","path":"/data/key","value":"(withheld)"}]'],
    ]


@pytest.mark.parametrize(
    ("ref", "body"),
    [
        (
            {"resource": "serviceaccounts", "subresource": "token"},
            {"kind": "TokenRequest", "spec": {"audiences": ["x"]}, "status": {"token": MARK}},
        ),
        (
            {"resource": "tokenreviews", "apiGroup": "authentication.k8s.io"},
            {"kind": "TokenReview", "spec": {"token": MARK}, "status": {"user": {}}},
        ),
        ({"resource": "configmaps"}, {"kind": "ConfigMap", "data": {"kubeconfig": f"token: {JWT}"}}),
        ({"resource": "pods"}, {"kind": "Pod", "spec": {"env": [{"name": "DB_PASSWORD", "value": MARK}]}}),
        ({"resource": "things", "apiGroup": "x.io"}, {"kind": "Thing", "spec": {"clientSecret": MARK}}),
        (
            {"resource": "manifestworks", "apiGroup": "x.io"},
            {"kind": "ManifestWork", "spec": {"manifests": [{"kind": "Secret", "data": {"key": MARK}}]}},
        ),
        (
            {"resource": "secrets"},
            {"kind": "Secret", "metadata": {"annotations": {"kapp.k14s.io/original": f"data {MARK}"}}},
        ),
        ({"resource": "pods"}, {"kind": "Pod", "spec": {"env": [{"name": "AWS_SECRET_ACCESS_KEY", "value": MARK}]}}),
        ({"resource": "pods"}, [{"op": "replace", "path": "/spec/containers/0/env/0/value", "value": MARK}]),
        ({"resource": "configmaps"}, {"kind": ["odd"], "data": {"pass": "none", "db_password": MARK}}),
    ],
    ids=lambda value: value.get("resource") if isinstance(value, dict) else "",
)
def test_no_token_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], ref: dict[str, str], body: dict[str, Any]
) -> None:
    other = json.loads(json.dumps(body).replace(MARK, f"{MARK}3").replace("c2ln", "d3nq"))
    log = write(
        tmp_path / "audit.log",
        [
            change(1, "create", ref, body, body),
            change(2, "update", ref, other, other),
            change(3, "patch", ref, body, None),
        ],
    )
    assert main(["history", "--diff", "--output", "ndjson", str(log)]) == 0
    said = capfd.readouterr().out
    assert "(withheld)" in said
    assert MARK not in said
    assert JWT not in said
    assert "d3nq" not in said


JSON = st.recursive(
    st.just(MARK) | st.none() | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "value", "spec", "token", "path", "a b"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=at_least(100))
@given(JSON)
def test_no_value_of_a_secret_body_is_shown(body: object) -> None:
    outside = {"kind": "Secret", "data": body, "items": [body]}
    assert MARK not in shown(withheld(outside, "anything"))


@settings(max_examples=at_least(100))
@given(JSON, JSON)
def test_what_is_withheld_is_compared(before: object, after: object) -> None:
    same = json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    bodies = (withheld({"kind": "Secret", "data": one}, "secrets") for one in (before, after))
    assert (list(differences(*bodies)) == []) == same


@pytest.mark.parametrize(
    ("plain", "hidden"),
    [
        ({"password": 12345678}, {"password": "(withheld)"}),
        (
            {"hasPassword": True, "topologyKey": "zone", "key": "x"},
            {"hasPassword": True, "topologyKey": "zone", "key": "x"},
        ),
        ({"jwe": "eyJhbGciOi..iv.c2ln.dGFn"}, {"jwe": "(withheld)"}),
        ({"broken": "eyJhbGciOi\n.eyJzdWIiOi\n.c2ln"}, {"broken": "(withheld)"}),
        ({"coded": "ZXlKaGJHY2lPaS5leUp6ZFdJaU9p"}, {"coded": "(withheld)"}),
    ],
)
def test_forms_of_secrets(plain: dict[str, object], hidden: dict[str, object]) -> None:
    assert json.loads(shown(withheld(plain, "things.x.io"))) == hidden
