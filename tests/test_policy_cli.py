"""`auditwake policy`: what the commands print and how they end; README and docs/policy.md say the same."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditwake.cli import main
from auditwake.cli.exits import Exit
from auditwake.policy import MAX_BYTES, Policy
from auditwake.policy.lint import CODES
from auditwake.policy.lint.page import updated

ROOT = Path(__file__).parents[1]
HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"
QUIET = HEAD + "omitStages: [RequestReceived]\nrules:\n- level: Metadata\n"
NOTED = HEAD + "rules:\n- level: Metadata\n"
LOUD = HEAD + "rules:\n- {level: Metadata, verbs: ['*']}\n- level: Metadata\n"
REFUSED = HEAD + "rules:\n- level: All\n- level: Some\n"

Printed = pytest.CaptureFixture[str]


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return tmp_path / "policy.yaml"


def check(*arguments: object) -> int:
    return main(["policy", "check", *map(str, arguments)])


def run(*arguments: object, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "auditwake", "policy", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, cwd=cwd, timeout=60)


# --- exit codes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"), [(QUIET, Exit.FINE), (NOTED, Exit.FINE), (LOUD, Exit.FOUND), (REFUSED, Exit.CONFIG)]
)
@pytest.mark.parametrize("output", ["text", "json", "github"])
def test_the_exit_code_says_what_was_found(text: str, code: Exit, output: str, policy: Path, capsys: Printed) -> None:
    policy.write_text(text)
    assert check(policy, "--output", output) == code
    printed = capsys.readouterr()
    assert ("AWP201" in printed.out) == (code == Exit.FOUND)
    assert ("AWP523" in printed.out) == (text in {NOTED, LOUD})


def test_a_policy_comes_on_standard_input() -> None:
    done = run("check", "-", stdin=LOUD.encode())
    assert done.returncode == Exit.FOUND
    assert done.stdout.startswith(b"<stdin>:3:1: AWP523 note: request-received\n")
    assert run("check", "-", stdin=b"").returncode == Exit.CONFIG


@pytest.mark.skipif(os.name == "nt", reason="permissions are others there")
def test_what_cannot_be_read_is_1(tmp_path: Path, policy: Path, capsys: Printed) -> None:
    for path in (policy, tmp_path):
        assert check(path) == Exit.FAILURE
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("auditwake: ")
        assert printed.err.count("\n") == 1
        assert str(path) in printed.err


@pytest.mark.parametrize("data", [b"\x00\xff\x80binary", b"\x7fELF\x02\x01\x01\x00", b"[" * 100_000, b"a: &a [*a]\n"])
def test_what_is_no_policy_is_78_and_is_said_briefly(data: bytes, policy: Path, capsys: Printed) -> None:
    policy.write_bytes(data)
    assert check(policy) == Exit.CONFIG
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err) < 2_000
    assert all(one.isprintable() or one == "\n" for one in printed.err)


def test_a_file_that_is_much_too_long_is_78(policy: Path, capsys: Printed) -> None:
    with policy.open("wb") as file:
        file.truncate(100 << 20)
    assert check(policy) == Exit.CONFIG
    assert f"longer than {MAX_BYTES} bytes" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["check"],
        ["nothing"],
        ["check", "p.yaml", "--output", "xml"],
        ["check", "p.yaml", "--kube-version", "1.99"],
        ["check", "p.yaml", "--kube-version", "newest"],
        ["check", "p.yaml", "--severity", "fatal"],
        ["check", "p.yaml", "--ignore", "AWP999"],
    ],
)
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == Exit.USAGE
    assert done.stdout == b""
    assert b"usage:" in done.stderr or b"AWP201" in done.stderr


# --- options ---------------------------------------------------------------------------------------------------------


def test_codes_are_left_out_by_code_and_by_name(policy: Path, capsys: Printed) -> None:
    policy.write_text(LOUD)
    assert check(policy, "--ignore", "AWP401, awp201,request-received") == Exit.FINE
    assert capsys.readouterr().out == ""


def test_the_severity_is_what_is_shown_at_the_least(policy: Path, capsys: Printed) -> None:
    policy.write_text(HEAD + "rules:\n- {level: Metadata, verbs: [get, '*']}\n")
    shown = {}
    for severity in ("note", "warning", "error"):
        check(policy, "--severity", severity, "--output", "json")
        shown[severity] = {one["severity"] for one in json.loads(capsys.readouterr().out)["findings"]}
    assert shown == {"note": {"note", "warning", "error"}, "warning": {"warning", "error"}, "error": {"error"}}


def test_the_version_is_the_one_that_answers(policy: Path, capsys: Printed) -> None:
    policy.write_text(QUIET + "  resources: [{group: '*'}]\n- level: None\n")
    assert check(policy, "--ignore", "AWP511") == Exit.FINE
    assert "AWP306" in capsys.readouterr().out
    assert check(policy, "--kube-version", "v1.35.2") == Exit.CONFIG
    assert "1.36" in capsys.readouterr().err


# --- forms -----------------------------------------------------------------------------------------------------------


def test_text_shows_the_place_the_line_and_what_to_do(policy: Path, capsys: Printed) -> None:
    policy.write_text(LOUD)
    check(policy, "--severity", "error", "--ignore", "AWP401")
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        f"{policy}:4:29: AWP201 error: literal-wildcard",
        "  '*' is no wildcard in verbs: it matches only what is called just so",
        "  | - {level: Metadata, verbs: ['*']}",
        "  |                             ^",
        "  why: Verbs, users, groups, namespaces and names are compared as they are: a * is the letter *, and nothing",
        "       has it.",
        "  fix: leave verbs out: without it, all are covered",
        "",
    ]
    assert printed.err == f"{policy}: 1 error\n"


def test_a_long_line_is_shown_around_the_place(policy: Path, capsys: Printed) -> None:
    users = ", ".join(f"user-{index}" for index in range(200))
    policy.write_text(HEAD + f"rules: [{{level: Metadata, users: [{users}, '*']}}, {{level: Metadata}}]\n")
    check(policy, "--severity", "error")
    _, _, source, caret, *_ = capsys.readouterr().out.splitlines()
    assert len(source) < 130
    assert source[caret.index("^") :].startswith("'*'")


def test_json_is_one_object(policy: Path, capsys: Printed) -> None:
    policy.write_text(LOUD)
    check(policy, "--output", "json")
    said = json.loads(capsys.readouterr().out)
    assert list(said) == ["policy", "kube_version", "accepted", "error", "findings"]
    assert (said["policy"], said["kube_version"], said["accepted"], said["error"]) == (str(policy), "1.37", True, None)
    findings = Policy.load(policy).check()
    assert [one["code"] for one in said["findings"]] == [finding.code for finding in findings]
    wildcard = next(one for one in said["findings"] if one["code"] == "AWP201")
    assert list(wildcard) == [
        "code", "name", "severity", "message", "why", "fix", "path", "line", "column", "rule",
    ]  # fmt: skip
    assert (wildcard["path"], wildcard["line"], wildcard["column"], wildcard["rule"]) == ("rules[0].verbs[0]", 4, 29, 0)


def test_a_refusal_is_said_in_the_form_that_was_asked_for(policy: Path, capsys: Printed) -> None:
    policy.write_text(REFUSED)
    assert check(policy, "--output", "json") == Exit.CONFIG
    printed = capsys.readouterr()
    said = json.loads(printed.out)
    assert (said["accepted"], said["findings"], printed.err) == (False, [], "")
    assert [(one["path"], one["line"]) for one in said["error"]["errors"]] == [
        ("rules[0].level", 4),
        ("rules[1].level", 5),
    ]
    assert check(policy, "--output", "github") == Exit.CONFIG
    places = re.findall(
        r"^::error file=.*,line=(\d+),col=3,title=kube-apiserver refuses", capsys.readouterr().out, re.MULTILINE
    )
    assert places == ["4", "5"]
    assert check(policy) == Exit.CONFIG
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "\n  | - level: All\n  |   ^\n" in printed.err


def test_annotations_are_escaped(tmp_path: Path, capsys: Printed) -> None:
    policy = tmp_path / "a,b:c%.yaml"
    policy.write_text(HEAD + 'rules:\n- {level: Metadata, users: ["100%\\n::error::*"]}\n- level: Metadata\n')
    assert check(policy, "--output", "github") == Exit.FOUND
    lines = capsys.readouterr().out.splitlines()
    assert all(
        re.match(r"::(notice|warning|error) file=[^,:]*a%2Cb%3Ac%25\.yaml,line=\d+,col=\d+,title=AWP", line)
        for line in lines
    )
    assert len(lines) == len(Policy.load(policy).check())
    assert "%0Awhy: " in lines[0]


def test_nothing_from_the_policy_reaches_the_terminal_raw(policy: Path, capsys: Printed) -> None:
    policy.write_text(
        HEAD
        + 'rules:\n- level: Metadata\n  "\\e[2J": 1\n  verbs: ["\\e]0;x\\a*"]\n  resources: [{resources: ["\\e[1m"]}]\n'
    )
    for output in ("text", "github", "json"):
        check(policy, "--output", output)
        printed = capsys.readouterr()
        assert "\x1b" not in printed.out + printed.err
        assert "AWP101" in printed.out


# --- README and docs/policy.md ---------------------------------------------------------------------------------------


def test_the_readme_shows_what_is_printed(data: Path, tmp_path: Path) -> None:
    example = data / "policy" / "policies" / "integration-example.yaml"
    (tmp_path / "policy.yaml").write_bytes(example.read_bytes())
    blocks = re.findall(r"^```console\n\$ auditwake policy ([^\n]*)\n(.*?)^```$", readme(), re.MULTILINE | re.DOTALL)
    assert blocks
    for command, shown in blocks:
        done = run(*command.split(), cwd=tmp_path)
        assert done.returncode == Exit.FOUND
        assert done.stdout.decode().rstrip("\n") == shown.rstrip("\n")
        assert "AWP101" in shown


def readme() -> str:
    return (ROOT / "README.md").read_text()


def page() -> str:
    return (ROOT / "docs" / "policy.md").read_text()


def test_the_page_has_every_code() -> None:
    """The section is written from the registry: `make docs`."""
    assert page() == updated(page())
    assert set(re.findall(r"^#### (AWP\d+) ", page(), re.MULTILINE)) == set(CODES)


def quirks() -> Iterator[tuple[str, str, str, str, str]]:
    """Give each row of the quirks: heading, policy, what is asked, level, rule."""
    for part in page().partition("\n## Quirks\n")[2].split("\n### ")[1:]:
        heading = part.partition("\n")[0]
        block = re.search(r"^```yaml\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
        assert block, heading
        rows = re.findall(r"^\| `(.*)` \| (\w+) \| (\d*) ?\|$", part, re.MULTILINE)
        assert rows, heading
        yield from ((heading, block[1], *row) for row in rows)


@pytest.mark.parametrize(("heading", "rules", "asked", "level", "rule"), list(quirks()))
def test_a_quirk_is_what_the_page_says(heading: str, rules: str, asked: str, level: str, rule: str) -> None:
    del heading
    call = ast.parse(f"ask({asked})", mode="eval").body
    assert isinstance(call, ast.Call)
    request = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    decided = Policy.load(HEAD + rules).decide(**request)
    assert (decided.level, "" if decided.rule is None else str(decided.rule)) == (level, rule)


def test_there_are_twelve_quirks() -> None:
    assert len({heading for heading, *_ in quirks()}) == 12
