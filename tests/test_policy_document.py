"""Where things stand in a policy, what errors show, and what is no policy at all."""

import dataclasses
import io
import os
import pickle
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditwake import errors, policy
from auditwake.policy import Mark, PolicyError

HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"
POLICY = f"""{HEAD}rules:
- level: Metadata
  verb: [get]
  users: ["a", b]
  resources:
  - group: apps
    resources: [pods]
    verbs: [list]
- {{level: None, users: [c]}}
"""


def refused(text: str | bytes, **options: Any) -> PolicyError:  # noqa: ANN401  # as `loads`
    with pytest.raises(PolicyError) as caught:
        policy.loads(text, **options)
    return caught.value


# --- marks -----------------------------------------------------------------------------------------------------------


def at(document: policy.Document, path: str) -> str:
    """The text that stands where a path is said to be."""
    mark = document.marks[path]
    return document.line(mark.line)[mark.column - 1 :]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_every_key_and_item_knows_its_place(newline: str, bom: str) -> None:
    document = policy.loads((bom + POLICY).replace("\n", newline))
    assert at(document, "apiVersion") == "apiVersion: audit.k8s.io/v1"
    assert at(document, "rules[0]") == "level: Metadata"
    assert at(document, "rules[0].verb") == "verb: [get]"
    assert at(document, "rules[0].users[1]") == "b]"
    assert at(document, "rules[0].resources[0].group") == "group: apps"
    assert at(document, "rules[0].resources[0].verbs") == "verbs: [list]"
    assert at(document, "rules[1]") == "{level: None, users: [c]}"
    assert document.marks["rules[1].users[0]"] == Mark(11, 25)
    assert document.line(11) == "- {level: None, users: [c]}"


def test_json_knows_its_places() -> None:
    document = policy.loads(
        '{"apiVersion": "audit.k8s.io/v1",\n "rules": [\n  {"level": "None", "users": ["é", "b"]}]}'
    )
    assert document.marks["rules"] == Mark(2, 2)
    assert document.marks["rules[0].level"] == Mark(3, 4)
    assert at(document, "rules[0].users[1]") == '"b"]}]}'


def test_utf_16_is_counted_in_characters() -> None:
    document = policy.loads(POLICY.replace("b]", "\N{GRINNING FACE}, b]").encode("utf-16"))
    assert document.marks["rules[0].users[2]"] == Mark(6, 19)
    assert at(document, "rules[0].users[2]") == "b]"


def test_what_has_no_place_has_that_of_what_is_around_it() -> None:
    document = policy.loads(POLICY)
    assert document.mark("rules[0].users[7]") == document.marks["rules[0].users"]
    assert document.mark("rules[1].verbs[0].x") == document.marks["rules[1]"]
    assert document.mark("omitStages") == document.mark("") == Mark(1, 1)
    assert document.line(0) == document.line(99) == ""


def test_what_an_alias_stands_for_has_the_place_of_the_text() -> None:
    document = policy.loads(f"x: &u [a]\n{HEAD}rules:\n- level: None\n  users: *u\n")
    assert document.marks["rules[0].users"] == Mark(6, 3)
    assert document.marks["rules[0].users[0]"] == Mark(1, 8)


# --- what the server drops -------------------------------------------------------------------------------------------


def test_what_is_dropped_is_named_with_its_place() -> None:
    document = policy.loads(POLICY)
    assert [(issue.path, issue.mark) for issue in document.ignored] == [
        ("rules[0].resources[0].verbs", Mark(10, 5)),
        ("rules[0].verb", Mark(5, 3)),
    ]
    assert document.ignored_text == "strict decoding error: " + ", ".join(issue.message for issue in document.ignored)


def test_a_key_set_twice_is_named_where_it_is_set_again() -> None:
    document = policy.loads(f"{HEAD}rules:\n- level: None\n  users: [a]\n  users:\n  - b\n")
    assert [(issue.path, issue.mark) for issue in document.ignored] == [("rules[0].users", Mark(6, 3))]
    assert document.ignored[0].message == 'line 7: key "users" already set in map'
    assert document.rules[0].users == ("b",)


# --- errors ----------------------------------------------------------------------------------------------------------


def test_an_error_shows_what_where_and_what_to_do() -> None:
    error = refused(f"{HEAD}rules:\n- users: [a]\n  level: metadata\n", name="policy.yaml")
    assert (error.name, error.line, error.column, error.path) == ("policy.yaml", 5, 3, "rules[0].level")
    message, place, line, caret, remedy = str(error).splitlines()
    assert message == error.server_message
    assert place == "  policy.yaml:5:3"
    assert line.index("level") == caret.index("^")
    assert remedy == error.remedy


def test_several_errors_are_one_with_each_of_them() -> None:
    error = refused(f"{HEAD}omitStages: [foo]\nrules:\n- level: X\n- resources: [{{group: a}}, {{group: B}}]\n")
    assert error.server_message == f"[{', '.join(one.server_message for one in error.errors)}]"
    assert [(one.path, one.line, one.column) for one in error.errors] == [
        ("omitStages[0]", 3, 14),
        ("rules[0].level", 5, 3),
        ("rules[1].level", 6, 3),
        ("rules[1].resources[1].group", 6, 28),
    ]
    assert all(one.server_message in str(error) for one in error.errors)


def test_an_error_that_is_said_twice_is_two_errors() -> None:
    error = refused(f"{HEAD}rules: [{{level: None, resources: [{{group: A}}, {{group: A}}]}}]\n")
    assert [one.server_message for one in error.errors] == [error.server_message] * 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{HEAD}rules:\n- level: 3\n", 4),
        (f"{HEAD}rules:\n- level: None\n\tusers: [a]\n", 5),
        (f"{HEAD}rules:\n- level: None\n  users: *a\n", 5),
        (f"{HEAD}rules: []\n", 3),
        ("kind: Policy\nrules: []\n", 1),
        ("apiVersion: v1\nkind: Policy\n", 1),
        ("kind: Policy\napiVersion: audit.k8s.io/v1beta1\n", 2),
        ("apiVersion: audit.k8s.io/v1\nkind: Event\n", 2),
        ('{"apiVersion": "audit.k8s.io/v1",\n "rules": [,]}', 2),
        ('{"apiVersion": "audit.k8s.io/v1",\n "rules": 5}', 2),
        (f"{HEAD}metadata:\n  creationTimestamp: x\n", 4),
    ],
)
def test_an_error_knows_its_line(text: str, line: int) -> None:
    error = refused(text)
    assert error.line == line
    assert f":{line}:" in str(error)
    assert error.remedy not in {"", "correct the file"}


def test_a_long_line_is_shown_around_its_place() -> None:
    error = refused(f"{HEAD}rules: [{{level: None, users: [{'x,' * 5000} 3]}}]\n")
    line, caret = str(error).splitlines()[2:4]
    assert len(line) < 140
    assert line[caret.index("^")] == "3"


def test_an_error_is_cut_and_cleaned() -> None:
    error = refused("apiVersion: foo/\n" + "# \u200b\n" * 1000)
    assert len(error.server_message) > 4000
    assert len(str(error)) < 1400
    assert "\u200b" not in str(error)


def test_an_error_is_an_error_of_auditwake() -> None:
    error = refused("5")
    assert isinstance(error, errors.AuditwakeError)
    assert isinstance(error, ValueError)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert (str(again), again.line, again.remedy) == (str(error), error.line, error.remedy)


def test_a_policy_does_not_change() -> None:
    document = policy.loads(POLICY)
    with pytest.raises(dataclasses.FrozenInstanceError):
        document.rules = ()  # type: ignore[misc]
    with pytest.raises(TypeError):
        document.marks["x"] = Mark(1, 1)  # type: ignore[index]


# --- versions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.28", "1.37", "v1.36.2"])
def test_a_known_version(version: str) -> None:
    assert policy.loads(POLICY, kube_version=version).kube_version in {"1.28", "1.36", "1.37"}


@pytest.mark.parametrize("version", ["1.27", "1.38", "0.9", "2.0"])
def test_a_version_that_is_not_known(version: str) -> None:
    with pytest.raises(ValueError, match=r"known are 1\.28 to 1\.37: ask for"):
        policy.loads(POLICY, kube_version=version)


@pytest.mark.parametrize("version", ["", "1", "latest", "1.x", "1.36.1.2", "1.-3", "\N{SUPERSCRIPT ONE}.2"])
def test_what_is_no_version(version: str) -> None:
    with pytest.raises(ValueError, match="is no version"):
        policy.loads(POLICY, kube_version=version)


def test_the_group_star_is_taken_since_1_36() -> None:
    text = f"{HEAD}rules: [{{level: None, resources: [{{group: '*'}}]}}]\n"
    assert policy.loads(text, kube_version="1.36").rules[0].resources[0].group == "*"
    assert "1.36" in refused(text, kube_version="1.35").remedy


def test_older_servers_have_their_own_words() -> None:
    text = f"{HEAD}rules: [{{level: '<', resources: [{{resourceNames: [a, b]}}]}}]\n"
    assert 'Invalid value: ["a","b"]' in refused(text, kube_version="1.34").server_message
    assert 'Invalid value: []string{"a", "b"}' in refused(text, kube_version="1.33").server_message
    assert r'"\u003c"' in refused(text, kube_version="1.34").server_message
    assert '"<"' in refused(text, kube_version="1.33").server_message
    beta = "apiVersion: audit.k8s.io/v1beta1\nkind: Policy\n"
    lines = [refused(beta, kube_version=f"1.{minor}").server_message[-4:-1] for minor in range(28, 38)]
    assert lines == ["100"] * 5 + ["110"] * 2 + ["111"] * 3


# --- sources ---------------------------------------------------------------------------------------------------------


def test_a_path_a_text_a_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    expected = policy.loads(POLICY)
    for source in (path, str(path), POLICY, io.StringIO(POLICY), io.BytesIO(POLICY.encode())):
        assert policy.load(source).rules == expected.rules
    with path.open() as file:
        assert policy.load(file).name == str(path)
    assert policy.load('{"apiVersion":"audit.k8s.io/v1","rules":[{"level":"None"}]}').rules[0].level == "None"


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(POLICY.encode())))
    assert policy.load("-").name == "<stdin>"


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        policy.load(tmp_path / "none.yaml")
    with pytest.raises(errors.SourceNotFoundError):
        policy.load("")
    with pytest.raises(errors.SourceError, match="directory"):
        policy.load(tmp_path)
    with pytest.raises(errors.SourceError, match="null"):
        policy.load("a\0b")
    with pytest.raises(TypeError, match="not int"):
        policy.load(7)  # type: ignore[arg-type]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.touch(0)
    with pytest.raises(errors.SourceError, match="denied"):
        policy.load(path)


class Endless(io.RawIOBase):
    """A stream that never ends, and says how much of it was read."""

    name = "endless"
    taken = 0

    def read(self, size: int = -1, /) -> bytes:
        self.taken += min(size, 1000)
        return b"#" * min(size, 1000)


def test_what_is_too_long_is_refused_before_it_is_read() -> None:
    stream = Endless()
    with pytest.raises(PolicyError, match=f"longer than {policy.MAX_BYTES} bytes") as caught:
        policy.load(stream)  # type: ignore[arg-type]
    assert stream.taken == policy.MAX_BYTES + 1
    assert "max_bytes" in caught.value.remedy
    assert policy.load(io.StringIO(POLICY), max_bytes=len(POLICY)).rules
    for source in (io.StringIO(POLICY), POLICY):
        with pytest.raises(PolicyError, match="longer"):
            policy.load(source, max_bytes=len(POLICY) - 1)


# --- texts that are made to hurt -------------------------------------------------------------------------------------


def hurting() -> Iterator[tuple[str, str, str]]:
    """Name of a text, the text, and what is said of it; `""` where it loads."""
    rule = f"{HEAD}rules:\n- level: None\n"
    laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    merges = "m0: &m0 {a: 1}\n" + "".join(
        f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}], b{n}: 1}}\n" for n in range(1, 60)
    )
    yield "laughs", rule + laughs, "excessive aliasing"
    yield "merges", merges + rule, "excessive aliasing"
    yield "deep", rule + "x: " + "[" * 900 + "]" * 900 + "\n", ""
    yield "too deep", rule + "x: " + "[" * 50_000 + "\n", "nesting depth"
    yield "dashes", "- " * 50_000, "nesting depth"
    yield (
        "deep json",
        '{"x":' + "[" * 9_990 + "]" * 9_990 + ',"apiVersion":"audit.k8s.io/v1","rules":[{"level":"None"}]}',
        "",
    )
    yield "too deep json", '{"x":' + "[" * 50_000, "exceeded max depth"
    yield "colons", rule + "  users: [" + "a:," * 50_000 + "]\n", ""
    yield "odd colons", rule + "  users: [" + "•:," * 50_000 + "]\n", "found unexpected ':'"
    yield "long number", rule + f"  x: {'1' * 100_000}\n", ""
    yield "long hexadecimal", rule + f"  x: 0x{'f' * 100_000}\n", ""
    yield (
        "long json number",
        '{"apiVersion":"audit.k8s.io/v1","metadata":{"generation":' + "1" * 100_000 + "}}",
        "of type int64",
    )
    yield "long group", rule + "  resources: [{group: '" + "a." * 50_000 + "!'}]\n", "no more than 253"
    yield "duplicates", rule + "x: {" + "a: ," * 20_000 + "}\n", ""
    yield "many errors", f"{HEAD}rules:\n" + "- level: X\n" * 10_000, "Unsupported value"


@pytest.mark.parametrize(("text", "said"), [pytest.param(*one[1:], id=one[0]) for one in hurting()])
def test_a_text_that_is_made_to_hurt_does_not(text: str, said: str) -> None:
    start = time.process_time()
    if said:
        error = refused(text)
        assert said in error.server_message
        assert len(str(error)) < 12_000
    else:
        assert policy.loads(text).rules
    assert time.process_time() - start < 20
