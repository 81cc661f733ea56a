"""The doctor as a person and a program see it, and the ways in which it comes to its facts."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from time import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditwake.cli import main
from auditwake.forwarder.config import load
from auditwake.forwarder.doctor import Asked, gather, judge, page
from tests.doctoring.node import KEY, LOG, MANIFEST, POLICY, Node, codes, event, roomy

ROOT = Path(__file__).parents[1]
FINDING = {"level", "section", "check", "code", "name", "message", "file", "line", "why", "fix"}


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A healthy node with a configuration in files; its only sink is a directory."""
    node = Node(tmp_path)
    node.flags["audit-log-maxsize"] = "10"
    node.files["/conf.d/kubernetes_audit.d/conf.yaml"] = (
        f"logs:\n- type: file\n  path: {node.at(LOG)}\n  source: kubernetes.audit\n  service: audit\n"
        f"auditwake:\n  state_dir: {tmp_path / 'state'}\n"
        f"  sinks:\n  - type: parquet\n    directory: {tmp_path / 'parquet'}\n"
    )
    return node


def arguments(node: Node, *more: str) -> list[str]:
    node.write()
    return ["doctor", "--root", str(node.root), "-c", str(node.at("/conf.d")), "--observe", "0", *more]


# --- the command -----------------------------------------------------------------------------------------------------


def test_a_healthy_node_passes_strictly(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(node, "--strict")) == 0, capsys.readouterr().out
    shown = capsys.readouterr().out
    assert "✕" not in shown
    assert "!" not in re.sub(r"`[^`]*`", "", shown)
    assert shown.endswith("nothing is wrong\n")


def test_the_exit_code_says_how_bad_it_is(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    node.flags["audit-log-mode"] = "batch"
    assert main(arguments(node)) == 0
    assert main(arguments(node, "--strict")) == 3
    node.files.pop(MANIFEST)
    node.flags["audit-log-path"] = "-"
    assert main(arguments(node)) == 1
    shown = capsys.readouterr().out
    assert "✕ AWD113 log-to-stdout: " in shown
    assert f"at:  {node.at(MANIFEST)}:" in shown
    assert "why: On standard output" in shown
    assert "fix: - --audit-log-path=/var/log/kubernetes/apiserver/audit.log" in shown


def test_json_has_the_same_keys_always(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    node.flags["audit-log-mode"] = "batch"
    assert main(arguments(node, "--json")) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report) == {"healthy", "errors", "warnings", "kube_version", "findings"}
    assert (report["healthy"], report["errors"], report["warnings"], report["kube_version"]) == (False, 0, 1, "1.35")
    assert {frozenset(one) for one in report["findings"]} == {frozenset(FINDING)}
    found = next(one for one in report["findings"] if one["code"])
    assert (found["code"], found["name"], found["level"]) == ("AWD120", "log-mode-batch", "warning")
    assert found["line"] > 1


def test_a_terminal_without_such_letters_gets_others(node: Node) -> None:
    node.flags["audit-log-mode"] = "batch"
    done = subprocess.run(
        [sys.executable, "-m", "auditwake", *arguments(node)],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert "  !! AWD120 log-mode-batch" in done.stdout.decode("ascii")
    assert "  ok policy-flag" in done.stdout.decode("ascii")


@pytest.mark.parametrize("version", ["v1.36.2+k3s1", "1.36", "v1.36.2-gke.100"])
def test_the_version_of_a_distribution_is_a_version(version: str, node: Node) -> None:
    assert main(arguments(node, "--kube-version", version)) == 0


@pytest.mark.parametrize(
    "more", [["--kube-version", "new"], ["--kube-version", "1"], ["--kube-version", "1.x"], ["--observe", "-1"]]
)
def test_nonsense_is_refused(more: list[str], node: Node) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "auditwake", *arguments(node, *more)], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert not done.stdout


def test_without_anything_it_says_where_it_looked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDITWAKE_CONFIG", str(tmp_path / "conf.d"))
    assert main(["doctor", "--root", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "AWD100 no-apiserver" in shown
    assert MANIFEST in shown
    assert "AWD700 no-configuration" in shown


def test_what_is_wrong_with_the_configuration_is_said(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    node.files["/conf.d/kubernetes_audit.d/conf.yaml"] = "logs:\n- type: file\n  pth: /var/log/audit.log\n"
    assert main(arguments(node, "--json")) == 1
    found = [one for one in json.loads(capsys.readouterr().out)["findings"] if one["code"] == "AWD701"]
    assert found
    assert {one["file"] for one in found} == {str(node.at("/conf.d/kubernetes_audit.d/conf.yaml"))}


def test_the_page_has_every_code() -> None:
    text = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    assert page.updated(text) == text, "make docs"


# --- the log ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [("grow", None), ("rotate", None), ("cut", "AWD412")],
)
def test_the_log_is_looked_at_twice(change: str, code: str | None, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def meanwhile(_: float) -> None:
        log = node.at(LOG)
        if change == "rotate":
            log.rename(log.with_name("audit-2026-01-01T00-00-00.000.log"))
        with log.open("r+" if change == "cut" else "a") as file:
            file.truncate(10) if change == "cut" else file.write(event(time()))

    monkeypatch.setattr("time.sleep", meanwhile)
    found = node.judge(observe=1.0)
    assert codes(found) == ({code} if code else set()) | ({"AWD405"} & codes(found) if change == "rotate" else set())
    said = next((one.message for one in found if one.check == "log-grows" and one.level == "ok"), "")
    assert {"grow": "has grown", "rotate": "was rotated", "cut": ""}[change] in said


def test_a_sparse_hole_is_seen(node: Node) -> None:
    node.write()
    with node.at(LOG).open("r+b") as file:
        old = file.read()
        file.seek(0)
        file.truncate(0)
        file.seek(1 << 22)
        file.write(old)
    facts = roomy(gather(node.asked(), load=load, probe=None))
    assert "AWD411" in codes(judge(facts))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else")
def test_somebody_else_may_not_read_the_log(node: Node) -> None:
    """What is read is read as the user who looks: mode 0600 keeps all others out, and that is said."""
    node.look()
    with tempfile.TemporaryDirectory() as name:  # those of pytest are closed to others
        folder = Path(name)
        other = Node(folder)
        other.write()
        for path, _, _ in os.walk(folder):
            Path(path).chmod(0o755)
        os.seteuid(65534)
        try:
            facts = gather(Asked(root=other.root, config=(folder / "none",), offline=True, observe=0.0))
        finally:
            os.seteuid(0)
    found = judge(facts)
    assert codes(found) == {"AWD313", "AWD701"}
    message = next(one.message for one in found if one.code == "AWD313")
    assert "uid 65534" in message
    assert "no capability to read any file: Permission denied; it is of uid 0, mode 0600" in message


# --- whatever there is -----------------------------------------------------------------------------------------------

PLACES = [
    MANIFEST,
    POLICY,
    LOG,
    "/proc/812/cmdline",
    "/proc/812/mountinfo",
    "/proc/self/mountinfo",
    "/proc/1/mountinfo",
    "/etc/logrotate.d/audit",
    "/conf.d/kubernetes_audit.d/conf.yaml",
    "/flags",
]
PIECES = st.sampled_from(
    [
        b"\0",
        b"\n",
        b"kube-apiserver\0--audit-log-path=",
        b"--audit-log-maxsize=9",
        b"- ",
        b": ",
        b"{",
        b"[",
        b"spec: ",
        b"containers:\n",
        b" - ",
        b"/var/log/",
        b"\xff\xfe",
        b"'",
        b'"',
        b'{"kind":"Event",',
        b"AUDIT: id=",
        b"&a ",
        b"*a",
    ]
)
GARBAGE = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=30).map(b"".join))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.dictionaries(st.sampled_from(PLACES), GARBAGE, min_size=1))
def test_garbage_in_any_file_never_ends_it(garbage: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        node = Node(Path(folder))
        node.write()
        for path, data in garbage.items():
            node.at(path).parent.mkdir(parents=True, exist_ok=True)
            node.at(path).write_bytes(data)
        flags = node.at("/flags") if "/flags" in garbage else None
        asked = Asked(root=node.root, config=(node.at("/conf.d"),), flags_file=flags, offline=True, observe=0.0)
        for one in judge(gather(asked)):
            assert one.message


@pytest.mark.parametrize("path", ["/a\\0b/audit.log", "/" + "a" * 5000, "//..//../x", "\\ud800", "~", "/*[", "/a/\\nb"])
def test_odd_paths_never_end_it(path: str, node: Node) -> None:
    node.files["/conf.d/kubernetes_audit.d/conf.yaml"] = f'logs:\n- {{type: file, path: "{path}"}}\n'
    node.files[MANIFEST] = (
        f'spec: {{containers: [{{command: [kube-apiserver, "--audit-log-path={path}", "--audit-policy-file={path}"],'
        f' volumeMounts: [{{name: "{path}", mountPath: "{path}"}}]}}],'
        f' volumes: [{{name: "{path}", hostPath: {{path: "{path}"}}}}]}}\n'
    )
    node.write()
    assert judge(gather(Asked(root=node.root, config=(node.at("/conf.d"),), offline=True, observe=0.0)))


def test_a_file_that_is_a_directory_never_ends_it(tmp_path: Path) -> None:
    for path in PLACES:
        (tmp_path / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
    asked = Asked(root=tmp_path, config=(tmp_path / "conf.d",), offline=True, observe=0.0, log=tmp_path / LOG[1:])
    assert {"AWD101", "AWD313"} <= codes(judge(gather(asked)))


# --- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_shown(
    form: str, node: Node, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the keys of the configuration, nor what other flags of the server say, nor what stands in the log."""
    monkeypatch.setenv("DD_API_KEY", KEY)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{KEY}@127.0.0.1:9")
    node.more = [f"--etcd-servers=https://root:{KEY}@etcd", f"--oidc-client-id={KEY}"]
    node.log = event(time(), requestURI=f"/api?token={KEY}") + f"not json {KEY}\n"
    node.files["/conf.d/kubernetes_audit.d/conf.yaml"] = (
        f"logs:\n- type: file\n  path: {node.at(LOG)}\n"
        f"auditwake:\n  sinks:\n  - {{type: datadog, api_key: {KEY}, url: 'http://127.0.0.1:9/api/v2/logs'}}\n"
        f"  - {{name: lines, type: http, url: 'http://127.0.0.1:9/', token: {KEY}}}\n"
    )
    main(arguments(node, *(["--json"] if form == "json" else [])))
    said = capsys.readouterr()
    assert "AWD" in said.out
    assert KEY not in said.out + said.err
    assert KEY[-5:] not in said.out + said.err
    assert KEY not in repr(node.look())


def test_what_only_has_the_name_of_the_log_in_front_is_no_rotated_file(node: Node) -> None:
    """As the directory of auditd, whose name ends where the suffix of the log begins."""
    node.write()
    node.at(LOG).with_suffix("").mkdir()
    assert main(arguments(node, "--strict")) == 0
