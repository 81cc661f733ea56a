"""`auditwake policy explain`, `cost` and `diff`, as a shell and as a person see them."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import auditwake as aw
from auditwake.cli import main
from auditwake.cli.exits import Exit
from auditwake.policy.lines import line_at

POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:apiserver"]
- level: Request
  verbs: [create]
  resources:
  - group: ""
    resources: [pods]
  omitManagedFields: true
- level: Metadata
"""

Said = tuple[int, str, str]
Cli = Callable[..., Said]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command; gives the exit code, standard output and standard error."""

    def run(*arguments: object) -> Said:
        try:
            code = int(main(["policy", *map(str, arguments)]))
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other.yaml"
    path.write_text(POLICY.replace("verbs: [create]", "verbs: [create, delete]"))
    return path


def as_json(said: Said) -> Any:  # noqa: ANN401  # whatever was said
    return json.loads(said[1])


# --- explain ---------------------------------------------------------------------------------------------------------


def test_explain_tells_the_way_to_the_rule(cli: Cli, policy: Path) -> None:
    code, out, err = cli(
        "explain", policy, "--verb", "create", "--resource", "pods", "--user", "alice", "--group", "dev"
    )
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "'alice' in 'dev': create pods"
    assert f"  rules[0] {policy}:5  no   users: 'alice' is not 'system:apiserver'" in lines
    assert f"  rules[1] {policy}:7  yes" in lines
    assert [line for line in lines if " | " in line] == [
        f"    {number:>5} | {POLICY.splitlines()[number - 1]}" for number in range(7, 13)
    ]
    assert "level           Request" in lines
    assert "omitted stages  RequestReceived" in lines
    assert "RequestReceived   not written: omitted" in lines
    assert "ResponseStarted   this request has no such stage" in lines
    assert any("requestObject, without managed fields" in line for line in lines)
    assert "responseObject" not in out


def test_explain_an_http_request(cli: Cli, policy: Path) -> None:
    one = ("--user", "a", "--output", "json")
    told = as_json(cli("explain", policy, "--http", "GET /api/v1/namespaces/x/pods/y/log?follow=1", *one))
    asked = ("--verb", "get", "--resource", "pods/log", "--namespace", "x", "--name", "y")
    assert told == as_json(cli("explain", policy, *asked, *one))


def test_explain_as_json(cli: Cli, policy: Path) -> None:
    said = as_json(cli("explain", policy, "--verb", "get", "--resource", "pods/log", "--user", "a", "--output", "json"))
    assert (said["level"], said["rule"], said["mark"]["line"]) == ("Metadata", 2, 13)
    assert said["policy"] == str(policy)
    assert [(step["rule"], step["condition"]) for step in said["why"]] == [(0, "users"), (1, "verbs")]
    assert said["request"]["subresource"] == "log"
    stages = {stage["stage"]: stage for stage in said["stages"]}
    assert [stage for stage in stages if stages[stage]["written"]] == ["ResponseStarted", "ResponseComplete", "Panic"]
    assert stages["ResponseStarted"]["occurs"]
    assert said["event"] is None


def test_explain_a_request_that_no_rule_matches(cli: Cli, policy: Path, tmp_path: Path) -> None:
    narrow = tmp_path / "narrow.yaml"
    narrow.write_text(policy.read_text().replace("- level: Metadata\n", ""))
    code, out, _ = cli("explain", narrow, "--verb", "get", "--path", "/healthz")
    assert code == 0
    assert "no rule matches" in out
    assert "level           None" in out
    assert "nobody (authentication failed): get /healthz" in out


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_explain_an_event_of_a_log(cli: Cli, policy: Path, data: Path, tmp_path: Path, suffix: str) -> None:
    log = gzip.decompress((data / "integration-example" / "audit.log.gz").read_bytes())
    path = tmp_path / f"audit.log{suffix}"
    compressed = {"": log, ".gz": gzip.compress(log), ".zst": pa.compress(log, "zstd", asbytes=True)}
    path.write_bytes(compressed[suffix])
    lines = log.splitlines()
    loaded = aw.Policy.load(policy)
    for number in (1, 700, 2588):
        said = as_json(cli("explain", policy, "--event", f"{path}:{number}", "--output", "json"))
        event = json.loads(lines[number - 1])
        assert said["level"] == loaded.decide_event(event).level
        assert said["request"]["verb"] == event["verb"]
        assert said["event"]["stage"] == event["stage"]
        assert said["event"]["level"] == event["level"]
        assert said["event"]["emitted"] == loaded.decide_event(event).emits(event["stage"])
    code, out, _ = cli("explain", policy, "--event", f"{path}:1")
    assert code == 0
    assert f"{path}:1, recorded at" in out
    assert "this event would " in out


def test_explain_says_what_is_wrong_with_an_event(cli: Cli, policy: Path, data: Path, tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text('no event\n{"kind":"Pod"}\n')
    legacy, several = data / "legacy" / "audit.log", data / "eventlist" / "00003.json.gz"
    for place, words in (
        (f"{log}:1", "there is none"),
        (f"{log}:2", "there is none"),
        (f"{log}:3", "there is no line 3; the log has 2"),
        (f"{log}:0", "lines are counted from 1"),
        (f"{legacy}:1", "legacy"),
        (f"{several}:1", "there are 400"),
        (f"{tmp_path / 'nowhere.log'}:1", "there is no such file"),
        (f"{tmp_path}:1", "cannot be read"),
    ):
        code, out, err = cli("explain", policy, "--event", place)
        assert (code, out) == (Exit.FAILURE, "")
        assert words in err
        assert err.startswith("auditwake: ")
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--verb", "get"],
        ["--resource", "pods"],
        ["--verb", "get", "--resource", "pods", "--path", "/healthz"],
        ["--http", "GET"],
        ["--http", "GET /healthz", "--verb", "get"],
        ["--http", "GET /healthz", "--event", "audit.log:1"],
        ["--event", "audit.log"],
        ["--event", "audit.log:x"],
        ["--event", "audit.log:1", "--user", "alice"],
        ["--verb", "get", "--resource", "pods", "--kube-version", "0.9"],
    ],
)
def test_explain_refuses_what_makes_no_sense(cli: Cli, policy: Path, arguments: list[str]) -> None:
    code, out, err = cli("explain", policy, *arguments)
    assert (code, out) == (Exit.USAGE, "")
    assert err


def test_names_cannot_repaint_the_terminal(cli: Cli, policy: Path) -> None:
    code, out, _ = cli("explain", policy, "--verb", "get", "--resource", "pods", "--user", "\033[2Jowned")
    assert code == 0
    assert "\033" not in out
    assert "owned" in out


def test_lines_are_counted_as_sed_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    for chunk in (1, 2, 3, 1 << 20):
        monkeypatch.setattr("auditwake.policy.lines.CHUNK", chunk)
        for text in (b"", b"\n", b"a", b"a\n", b"a\n\nbb\nccc", b"\n\n\n", b"xx\nyy\r\nzz\n"):
            wanted = text.split(b"\n")[: None if text[-1:] not in (b"\n", b"") else -1]
            halves = gzip.compress(text[:3]) + gzip.compress(text[3:])
            for form in (text, halves, pa.compress(text, "zstd", asbytes=True)):
                path.write_bytes(form)
                assert [line_at(path, number + 1) for number in range(len(wanted))] == wanted
                with pytest.raises(aw.errors.AuditwakeError, match=f"the log has {len(wanted)}"):
                    line_at(path, len(wanted) + 1)
    path.write_bytes(gzip.compress(bytes(range(256)) * 1000)[:400])
    with pytest.raises(aw.errors.SourceError, match="cannot be read"):
        line_at(path, 1000)


# --- cost ------------------------------------------------------------------------------------------------------------


def test_cost_is_a_table(cli: Cli, policy: Path, data: Path) -> None:
    code, out, err = cli("cost", policy, data / "integration-example")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split()[:4] == ["rule", "line", "level", "events"]
    assert lines[1].startswith("rules[0]     5  None")
    assert lines[4].startswith("no rule")
    assert lines[5].startswith("all ")
    assert "5,471,730" in lines[5]
    assert "ResponseComplete" in out
    assert "user" in out
    assert err.startswith("note: Only what the log holds is counted")
    assert "\033" not in out


def test_cost_as_json_has_all_figures(cli: Cli, policy: Path, data: Path) -> None:
    said = as_json(cli("cost", policy, data / "rotated", data / "metadata", "--output", "json", "--top", "2"))
    expected = aw.Policy.load(policy).cost([data / "rotated", data / "metadata"], top=2)
    assert said["total"]["bytes"] == expected.total.bytes == 18_315_188 + 4_894_405
    assert said["total"]["new_bytes"] == expected.total.new_bytes
    assert [rule["rule"] for rule in said["rules"]] == [0, 1, 2, None]
    assert {len(rule["users"]) for rule in said["rules"]} <= {0, 1, 2}
    assert said["notes"] == list(expected.notes)
    assert said["span"][0].endswith("Z")
    assert "table" not in said


def test_cost_says_what_was_rejected(cli: Cli, policy: Path, hurt_log: Path, tmp_path: Path) -> None:
    code, out, err = cli("cost", policy, hurt_log)
    assert code == Exit.REJECTED
    assert "1 line rejected" in err
    assert "no rule" in out
    aw.convert(hurt_log, tmp_path / "audit.parquet")
    assert cli("cost", policy, tmp_path / "audit.parquet")[:2] == (0, out)


def test_cost_refuses(cli: Cli, policy: Path, data: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n")
    assert cli("cost", bad, data / "metadata")[0] == Exit.CONFIG
    assert cli("cost", policy)[0] == Exit.USAGE
    assert cli("cost", policy, data / "metadata", "--top", "-1")[0] == Exit.USAGE
    assert cli("cost", "-", "-")[0] == Exit.USAGE
    assert cli("cost", tmp_path / "nowhere.yaml", data / "metadata")[0] == Exit.FAILURE
    assert cli("cost", policy, tmp_path / "nowhere.log")[0] == Exit.FAILURE


def test_cost_reads_standard_input(cli: Cli, policy: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = cli("cost", policy, data / "metadata")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(policy.read_bytes())))
    assert cli("cost", "-", data / "metadata") == expected


# --- diff ------------------------------------------------------------------------------------------------------------


def test_diff_says_3_when_they_differ(cli: Cli, policy: Path, other: Path) -> None:
    code, out, err = cli("diff", policy, other)
    assert code == 3
    assert out.splitlines() == [
        f"{policy}:13 rules[2] -> {other}:7 rules[1]",
        "  level: Metadata -> Request",
        "  omit managed fields: false -> true",
        "  such as 'somebody': delete pods 'something' in namespace 'elsewhere'",
        "",
    ]
    assert err == "1 pair of rules decides differently\n"


def test_diff_says_0_when_they_do_not(cli: Cli, policy: Path) -> None:
    assert cli("diff", policy, policy) == (0, "", "the policies decide alike about every request\n")
    said = cli("diff", policy, policy, "--output", "json")
    assert said[0] == 0
    assert as_json(said)["equal"] is True
    assert as_json(said)["differences"] == []


def test_diff_says_0_on_impossible_requests(cli: Cli, policy: Path, tmp_path: Path) -> None:
    new = tmp_path / "star.yaml"
    new.write_text(POLICY.replace("rules:\n", "rules:\n- {level: None, verbs: ['*']}\n"))
    code, out, err = cli("diff", policy, new)
    assert code == 0
    assert "never builds" in out
    assert "of them on requests that kube-apiserver never builds" in err
    assert as_json(cli("diff", policy, new, "--output", "json"))["equal"] is False


def test_diff_with_a_log(cli: Cli, policy: Path, other: Path, data: Path) -> None:
    code, out, err = cli("diff", policy, other, data / "rotated", "--top", "2")
    assert code == Exit.FOUND
    assert "rules (old -> new)" in out
    assert "rules[2] -> rules[1]" in out
    assert "note: " in err
    said = as_json(cli("diff", policy, other, data / "rotated", "--top", "2", "--output", "json"))
    expected = aw.Policy.load(policy).diff(aw.Policy.load(other), data / "rotated", top=2)
    assert expected.effect is not None
    assert said["effect"]["total"]["bytes_gained"] == expected.effect.total.bytes_gained > 0
    assert len(said["effect"]["users"]) == 2
    (one,) = said["differences"]
    assert one["changes"] == ["level", "omit_managed_fields"]
    assert (one["old"]["rule"], one["new"]["rule"], one["possible"], one["visible"]) == (2, 1, True, True)


def test_diff_reads_one_policy_from_standard_input(
    cli: Cli, policy: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(policy.read_bytes())))
    assert cli("diff", "-", other)[0] == Exit.FOUND
    assert cli("diff", "-", "-")[0] == Exit.USAGE
