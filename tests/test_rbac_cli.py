"""`auditwake rbac`: what it prints, and on logs that cannot say."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from auditwake.cli import main
from auditwake.rbac.unused import COLUMNS
from tests.rbac_drawn import role, role_binding
from tests.rbac_log import Event, resource_event, write_log

BOB = "bob@example.com"
RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    def command(*words: str | Path) -> tuple[int, str, str]:
        code = main(["rbac", *map(str, words)])
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return command


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    path = tmp_path / "dump.yaml"
    cluster = [role("r", [RULE]), role_binding("b", "ClusterRole", "r", [{"kind": "User", "name": BOB}])]
    path.write_text(yaml.safe_dump_all(cluster))
    return path


def test_generate_prints_manifests_and_what_they_stand_on(metadata_log: Path, run: Run) -> None:
    code, out, err = run("generate", metadata_log)
    found = list(yaml.safe_load_all(out))
    assert code == 0
    assert len(found) == 74
    assert {one["kind"] for one in found} == {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
    assert out.count("\n# ") + out.startswith("# ") == sum(len(one.get("rules", [])) for one in found)
    assert "system:masters is allowed everything" in err
    assert "the affair of the Node authorizer" in err
    again = run("generate", metadata_log)[1]
    assert again == out


def test_generate_prints_json(metadata_log: Path, run: Run) -> None:
    code, out, err = run("generate", metadata_log, "--output", "json", "--user", "alice@example.com")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert [one["subject"]["name"] for one in found["subjects"]] == ["alice@example.com"]
    assert found["subjects"][0]["requests"] == 12
    assert len(found["manifests"]) == 2
    assert found["coverage"]["events"] == 5292


def test_users_are_found_by_pattern_and_by_whom_they_impersonate(metadata_log: Path, run: Run) -> None:
    out = run("generate", metadata_log, "--user", "carol*,ci-bot")[1]
    assert {one["metadata"]["name"] for one in yaml.safe_load_all(out)} == {"auditwake:carol@example.com"}
    assert "impersonate" in out


def test_fix_prints_a_patch_of_a_role(metadata_log: Path, run: Run, tmp_path: Path) -> None:
    bob = {"kind": "User", "name": BOB}
    path = tmp_path / "dump.yaml"
    own = [role("bobs", [RULE], "team-a11"), role_binding("bobs", "Role", "bobs", [bob], "team-a11")]
    path.write_text(yaml.safe_dump_all(own))
    code, out, err = run("fix", metadata_log, "--user", BOB, "--rbac", path)
    assert code == 0
    assert "# Role bobs in team-a11, with these rules added:" in out
    assert [one["metadata"]["name"] for one in yaml.safe_load_all(out)] == ["auditwake:bob@example.com"] * 2 + ["bobs"]
    assert "of what was denied, 1 is allowed by the roles and bindings that were given" in err
    found = json.loads(run("fix", metadata_log, "--user", BOB, "--rbac", path, "--output", "json")[1])
    (fixed,) = found["fixes"]
    assert [len(change["patch"]) for change in fixed["changes"]] == [0, 1]


def test_fix_needs_to_know_whose(metadata_log: Path, run: Run) -> None:
    code, _, err = run("fix", metadata_log)
    assert (code, "--user" in err) == (2, True)


def test_who_was_denied_nothing_has_nothing_to_mend(metadata_log: Path, run: Run) -> None:
    code, out, err = run("fix", metadata_log, "--user", "ci-bot")
    assert (code, out) == (0, "")
    assert "nothing was denied" in err


@pytest.mark.parametrize("form", ["table", "json", "ndjson", "csv"])
def test_unused_and_usage_print_rows(form: str, metadata_log: Path, dump: Path, run: Run) -> None:
    code, out, err = run("unused", metadata_log, "--rbac", dump, "--output", form)
    assert code == 0
    assert "unused" in out
    assert "unused means" in (out if form == "json" else err)
    assert run("usage", metadata_log, "--rbac", dump, "--output", form)[0] == 0


def test_unused_takes_a_policy(metadata_log: Path, dump: Path, run: Run, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None}]\n")
    out = run("unused", metadata_log, "--rbac", dump, "--policy", policy, "--output", "ndjson")[1]
    assert json.loads(out)["status"] == "unknown"


def test_a_dump_that_is_none_is_said(metadata_log: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text("kind: Pod")
    code, _, err = run("usage", metadata_log, "--rbac", tmp_path / "pod.yaml")
    assert code == 1
    assert "kubectl get clusterroles" in err


def test_standard_input_is_read_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert run("unused", "-", "--rbac", "-")[0] == 2


def test_the_commands_and_the_examples_of_the_page_are_so(
    metadata_log: Path, dump: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "audit.log").write_bytes(metadata_log.read_bytes())
    (tmp_path / "policy.yaml").write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n")
    monkeypatch.chdir(dump.parent)
    page = (Path(__file__).parents[1] / "docs" / "rbac.md").read_text()
    commands = re.findall(r"^\$ auditwake rbac (.*)$", page, re.MULTILINE)
    assert len(commands) == 4
    printed = [run(*command.split()) for command in commands]
    assert [code for code, _, _ in printed] == [0] * 4
    examples = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert [example for example in examples if example not in printed[0][1]] == []
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_the_page_names_every_option(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    page = (Path(__file__).parents[1] / "docs" / "rbac.md").read_text()
    common = {"--help", "--threads", "--until", "--output", "--since"}
    common |= {
        f"--{name}" for name in ("authenticated", "actor", "namespace", "resource", "name", "verb", "kube-version")
    }
    for command in ("generate", "fix", "unused", "usage"):
        with pytest.raises(SystemExit):
            main(["rbac", command, "--help"])
        options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - common
        assert {option for option in options if option not in page} == set()


def keys_of(value: object) -> set[str]:
    """Every key, but those of Kubernetes' own objects."""
    if isinstance(value, list):
        return {key for one in value for key in keys_of(one)}
    if not isinstance(value, dict):
        return set()
    within = (
        keys_of(one) for key, one in value.items() if key not in {"coverage", "manifests", "patch", "rule", "subject"}
    )
    return set(value).union(*within)


def test_the_page_names_every_key_and_column(metadata_log: Path, dump: Path, run: Run) -> None:
    page = (Path(__file__).parents[1] / "docs" / "rbac.md").read_text()
    fixed = json.loads(run("fix", metadata_log, "--user", BOB, "--rbac", dump, "--output", "json")[1])
    found = json.loads(run("generate", metadata_log, "--user", BOB, "--output", "json")[1])
    rows = json.loads(run("usage", metadata_log, "--rbac", dump, "--output", "json")[1])["rows"]
    keys = keys_of(fixed) | keys_of(found) | set(rows[0]) | set(COLUMNS)
    assert {"bound", "patched", "answerable", "audit_ids"} < keys
    assert {key for key in keys if f"`{key}`" not in page} == set()


def without_annotations(one: Event) -> Event:
    return {key: value for key, value in one.items() if key != "annotations"}


def received(one: Event) -> Event:
    return {**without_annotations(one), "stage": "RequestReceived"}


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (None, "there is no event"),
        (without_annotations, "no event has the annotation authorization.k8s.io/decision"),
        (received, "no event says how a request ended"),
    ],
    ids=["empty", "without annotations", "only received"],
)
@pytest.mark.parametrize("command", ["generate", "fix", "unused", "usage"])
def test_a_log_that_cannot_say_is_said(
    command: str, made: Callable[[Event], Event] | None, said: str, dump: Path, run: Run
) -> None:
    events = [made(resource_event(BOB, "get", "pods", namespace="web", name="x"))] if made else []
    log = write_log(dump.with_name("audit.log"), events)
    more = {"fix": ["--user", BOB], "unused": ["--rbac", str(dump)]}.get(command, [])
    code, out, err = run(command, log, *more)
    assert code == 0
    assert f"the log cannot say: {said}" in err
    if command == "unused":
        assert json.loads(out)["status"] == "unknown"
    else:
        assert out == ""


def test_a_log_in_which_nobody_was_denied_is_answered(run: Run, dump: Path, tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.log", [resource_event(BOB, "get", "pods", namespace="web", name="x")])
    code, out, _ = run("unused", log, "--rbac", dump, "--all")
    assert (code, json.loads(out)["status"]) == (0, "used")
