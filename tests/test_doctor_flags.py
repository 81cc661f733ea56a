"""Where the doctor has the flags of the server from, and what stands with them: mounts and version."""

from pathlib import Path

import pytest

from auditwake.forwarder.doctor import Asked, gather, judge
from auditwake.forwarder.doctor.finding import Place
from auditwake.forwarder.doctor.flags import flags_in_text
from auditwake.forwarder.doctor.manifest import read_manifest
from tests.doctoring.node import FOLDER, LOG, MANIFEST, Node, codes


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


FORMS = {
    "one a line": "# audit\n--audit-log-path=/a/audit.log   # the log\n\n--audit-log-maxage=30\n",
    "spaces": "--audit-log-path /a/audit.log\n--audit-log-maxage 30\n",
    "a command line": "kube-apiserver --v=2 --audit-log-path=/a/audit.log --audit-log-maxage=30\n",
    "a shell script": "exec kube-apiserver \\\n  --audit-log-path='/a/audit.log' \\\n  --audit-log-maxage=30\n",
    "a list": "- --audit-log-path=/a/audit.log\n- --audit-log-maxage=30\n",
    "underscores": "--audit_log_path=/a/audit.log\n--audit_log_maxage=30\n",
    "booleans": "--audit-log-path=/a/audit.log\n--audit-webhook-batch-throttle-enable\n--audit-log-maxage=30\n",
    "k3s": "--kube-apiserver-arg=audit-log-path=/a/audit.log --kube-apiserver-arg audit-log-maxage=30\n",
    "the last counts": "--audit-log-path=/b\n--audit-log-maxage=1\n--audit-log-path=/a/audit.log --audit-log-maxage=30",
}


@pytest.mark.parametrize("form", FORMS)
def test_flags_are_read_in_every_form(form: str) -> None:
    flags = flags_in_text(FORMS[form].splitlines(), "flags")
    assert flags.text("audit-log-path") == "/a/audit.log"
    assert flags.number("audit-log-maxage", 0) == 30


MANIFESTS = {
    "command": "command: [kube-apiserver, --audit-log-path=/a]",
    "args": "command: [kube-apiserver]\n    args:\n    - --audit-log-path=/a",
    "spaces": "command:\n    - kube-apiserver\n    - --audit-log-path\n    - /a",
    "a shell": "command: [/bin/sh, -c, 'exec kube-apiserver --v=2 --audit-log-path=/a 2>&1']",
    "a block": "command:\n    - sh\n    - -c\n    - |\n      exec kube-apiserver \\\n        --audit-log-path=/a\n",
    "by name": "args: [--audit-log-path=/a]",
}


@pytest.mark.parametrize("form", MANIFESTS)
def test_a_manifest_is_read_in_every_form(form: str) -> None:
    text = f"kind: Pod\nspec:\n  containers:\n  - name: kube-apiserver\n    {MANIFESTS[form]}\n"
    flags = read_manifest(text, "m").flags
    place = flags.place("audit-log-path")
    assert flags.text("audit-log-path") == "/a"
    assert place is not None
    assert place.line is not None
    assert "--audit-log-path" in text.splitlines()[place.line - 1]


def test_a_file_of_flags_goes_before_what_runs(node: Node) -> None:
    node.processes[7] = ["kube-apiserver", *node.arguments()]
    file = node.home / "flags"
    file.write_text("--audit-policy-file=/etc/p.yaml\n--audit-log-path=-\n")
    found = node.judge(flags_file=file)
    assert "AWD113" in codes(found)
    assert next(one.where for one in found if one.code == "AWD113") == Place(str(file), 2)


@pytest.mark.parametrize("form", ["flags", "manifest"])
def test_what_another_machine_has_is_not_missed_here(form: str, tmp_path: Path) -> None:
    node = Node(tmp_path)
    (tmp_path / "flags").write_text("\n".join(node.arguments()))
    (tmp_path / "manifest").write_text(node.manifest())
    asked = Asked(
        root=tmp_path / "node",
        config=(tmp_path / "none",),
        offline=True,
        observe=0.0,
        flags_file=tmp_path / "flags" if form == "flags" else None,
        manifest=tmp_path / "manifest" if form == "manifest" else None,
    )
    found = judge(gather(asked))
    assert codes(found) == {"AWD701"}
    assert {"policy-loaded", "log-there"} <= {one.check for one in found if one.level == "skipped"}
    assert not {"directory-listable", "mount-here", "names"} & {one.check for one in found}


def test_a_manifest_that_is_named_and_not_there(node: Node) -> None:
    assert "AWD101" in codes(node.judge(manifest=node.home / "none.yaml"))


def test_a_running_server_with_the_flags_of_its_manifest(node: Node) -> None:
    node.processes[812] = ["/usr/local/bin/kube-apiserver", *node.arguments()]
    node.processes[9] = ["/usr/bin/kubelet", "--audit-log-path=-"]
    node.files["/proc/13/status"] = "gone"
    found = node.judge()
    assert codes(found) == set()
    assert {"manifest-in-force", "one-writer"} <= {one.check for one in found}


@pytest.mark.parametrize(
    ("mountinfo", "code"),
    [
        (f"1 0 8:1 /var {FOLDER} rw - ext4 d rw", None),
        (f"1 0 8:1 /srv/audit.log {LOG} rw - ext4 d rw", "AWD301"),
        ("1 0 0:5 / / rw - overlay overlay rw", "AWD302"),
        (f"1 0 8:1 /srv {FOLDER} ro - ext4 d rw", "AWD303"),
    ],
)
def test_the_mounts_of_a_process_are_known(mountinfo: str, code: str | None, node: Node) -> None:
    """Without a manifest, as where systemd or another distribution starts the server."""
    node.processes[812] = ["kube-apiserver", *node.arguments()]
    node.files[MANIFEST] = "kind: Pod\nspec: {containers: []}\n"
    node.files["/proc/812/mountinfo"] = mountinfo + "\nnonsense\n"
    found = node.judge()
    assert {one.code for one in found if one.check == "mount-of-server"} == {code or ""}


def test_a_path_in_a_container_is_found_on_the_host(node: Node) -> None:
    """The container has the directory at another place than the host."""
    node.flags["audit-log-path"] = "/logs/audit.log"
    node.mounts[0] = "{mountPath: /logs, name: audit}"
    assert codes(node.judge()) == set()
    node.processes[812] = ["kube-apiserver", *node.arguments()]
    node.files[MANIFEST] = "kind: Pod\n"
    node.files["/proc/812/mountinfo"] = f"1 0 8:1 {FOLDER} /logs rw - ext4 d rw"
    node.files["/proc/1/mountinfo"] = "1 0 8:1 / / rw - ext4 d rw"
    assert node.look().logs[0].path == str(node.at(LOG))


@pytest.mark.parametrize(
    ("image", "asked", "version"),
    [
        ("1.35.2", None, "1.35"),
        ("1.35.2", "v1.36.1", "1.36"),
        ("1.35.2", "v1.36.2+k3s1", "1.36"),
        ("1.35.2", "1.36+", "1.36"),
        ("1.35.2", "v1.36.2-eks-1234567", "1.36"),
        ("1.20.0", None, "1.28"),
        ("9.9.9", None, "1.37"),
    ],
)
def test_the_version_is_that_of_the_image_unless_it_is_said(
    image: str, asked: str | None, version: str, node: Node
) -> None:
    node.version = image
    assert node.look(kube_version=asked).kube_version == version


def test_the_defaults_changed_with_1_36(node: Node) -> None:
    for name in ("maxsize", "maxbackup", "maxage"):
        node.flags.pop(f"audit-log-{name}")
    assert codes(node.judge()) == {"AWD402"}
    assert codes(node.judge(kube_version="1.36")) == set()
