"""What runs on the node itself: kube-apiserver's flags and policy, the systemd unit, the image."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

import auditwake as aw
from tests.deploying.faults import GRACE, VERSIONS
from tests.deploying.manifests import DEPLOY, ROOT, documents
from tests.deploying.unit import UNIT, settings

APISERVER = DEPLOY / "apiserver"
POLICY = APISERVER / "policy.yaml"
DOCKERFILE = DEPLOY / "Dockerfile"
EXPOSURE = 20  # tenths: "OK" is what systemd calls up to 4.9, and the unit is at 1.8
KUBEADM = ("v1beta3", "v1beta4")

ANALYZE = shutil.which("systemd-analyze")
with_systemd = pytest.mark.skipif(ANALYZE is None, reason="there is no systemd-analyze here")


def kubeadm(version: str) -> dict[str, Any]:
    return documents(APISERVER / f"kubeadm-{version}.yaml")[0]


def kind_patches() -> list[dict[str, Any]]:
    (node,) = documents(APISERVER / "kind.yaml")[0]["nodes"]
    return [yaml.safe_load(patch) for patch in node["kubeadmConfigPatches"]]


def flags(arguments: object) -> dict[str, str]:
    """Read kube-apiserver's flags in each of the forms in which they are given."""
    if isinstance(arguments, dict):
        assert all(isinstance(value, str) for value in arguments.values())
        return arguments
    assert isinstance(arguments, list)
    if isinstance(arguments[0], str):
        return dict(argument.split("=", 1) for argument in arguments)
    assert all(isinstance(argument["value"], str) for argument in arguments)
    return {argument["name"]: argument["value"] for argument in arguments}


def given() -> dict[str, dict[str, str]]:
    configured = {version: kubeadm(version) for version in KUBEADM}
    configured |= {f"kind-{patch['apiVersion']}": patch for patch in kind_patches()}
    found = {name: flags(config["apiServer"]["extraArgs"]) for name, config in configured.items()}
    return {**found, "k3s": flags(documents(APISERVER / "k3s.yaml")[0]["kube-apiserver-arg"])}


def test_the_flags_are_the_same_everywhere() -> None:
    all_flags = given()
    assert len(all_flags) == 5
    assert list(all_flags.values()) == [all_flags["k3s"]] * 5


def test_the_log_is_rotated_and_is_the_one_that_is_shipped() -> None:
    found = given()["k3s"]
    retention = {name: int(found[f"audit-log-{name}"]) for name in ("maxsize", "maxbackup", "maxage")}
    assert all(value > 0 for value in retention.values())
    (source,) = documents(DEPLOY / "systemd" / "conf.d" / "kubernetes_audit.d" / "conf.yaml")[0]["logs"]
    assert found["audit-log-path"] == source["path"]


def test_extra_arguments_have_the_form_of_their_version() -> None:
    """A list in v1beta3 and a map in v1beta4 are refused by kubeadm."""
    forms = {"kubeadm.k8s.io/v1beta3": dict, "kubeadm.k8s.io/v1beta4": list}
    for config in (*map(kubeadm, KUBEADM), *kind_patches()):
        assert type(config["apiServer"]["extraArgs"]) is forms[config["apiVersion"]]


def test_kind_patches_what_kubeadm_is_given() -> None:
    assert kind_patches() == [kubeadm(version) for version in KUBEADM]


@pytest.mark.parametrize("version", KUBEADM)
def test_the_server_has_the_directory_and_the_policy(version: str) -> None:
    server = kubeadm(version)["apiServer"]
    found = flags(server["extraArgs"])
    volumes = {volume["mountPath"]: volume for volume in server["extraVolumes"]}
    assert all(volume["hostPath"] == path for path, volume in volumes.items())
    log = volumes.pop(str(Path(found["audit-log-path"]).parent))
    assert (log["pathType"], log["readOnly"]) == ("DirectoryOrCreate", False)
    policy = volumes.pop(found["audit-policy-file"])
    assert (policy["pathType"], policy["readOnly"]) == ("File", True)
    assert volumes == {}


def test_kind_has_the_policy_on_its_node() -> None:
    (node,) = documents(APISERVER / "kind.yaml")[0]["nodes"]
    (mount,) = node["extraMounts"]
    assert mount == {
        "hostPath": "deploy/apiserver/policy.yaml",
        "containerPath": given()["k3s"]["audit-policy-file"],
        "readOnly": True,
    }
    assert (ROOT / mount["hostPath"]) == POLICY


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_is_found_in_the_policy(version: str) -> None:
    assert list(aw.Policy.load(POLICY, kube_version=version).check()) == []


def test_the_policy_keeps_secrets_out_and_changes_in() -> None:
    policy = aw.Policy.load(POLICY)

    def level(verb: str, resource: str = "", **more: str) -> str:
        return str(
            policy.decide(verb=verb, resource=resource, user="jane", groups=["system:authenticated"], **more).level
        )

    for resource in ("secrets", "configmaps"):
        assert {level(verb, resource) for verb in ("create", "update", "get", "list")} == {"Metadata"}
    assert level("create", "serviceaccounts", subresource="token") == "Metadata"
    assert level("create", "tokenreviews", api_group="authentication.k8s.io") == "Metadata"
    assert level("create", "clusterrolebindings", api_group="rbac.authorization.k8s.io") == "RequestResponse"
    assert level("create", "pods") == level("get", "pods", subresource="exec") == "Request"
    assert level("get", "pods") == level("create", "things", api_group="example.com") == "Metadata"
    assert level("get", path="/healthz") == level("create", "events") == "None"


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert ANALYZE is not None
    return subprocess.run([ANALYZE, *arguments], check=False, capture_output=True, text=True)


def verify(unit: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Check a unit, with a program that is there: systemd looks for the one that it names."""
    path = folder / UNIT.name
    path.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", unit, flags=re.MULTILINE))
    return analyze("verify", "--man=no", str(path))


@with_systemd
def test_the_unit_is_verified(tmp_path: Path) -> None:
    done = verify(UNIT.read_text(), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for broken in (
        "Type=notify-often",
        "SystemCallFilter=@no-such-group",
        "ProtectSystems=strict",
        "WatchdogSec=often",
    ):
        key = broken.partition("=")[0].rstrip("s")
        worse = re.sub(rf"^{key}=.*", broken, UNIT.read_text(), count=1, flags=re.MULTILINE)
        assert worse != UNIT.read_text()
        assert verify(worse, tmp_path).stderr, broken


@with_systemd
def test_the_unit_is_hardened(tmp_path: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", str(UNIT))
    assert done.returncode == 0, done.stdout
    weaker = tmp_path / UNIT.name
    weaker.write_text(re.sub(r"^(Protect|Restrict|SystemCall).*\n", "", UNIT.read_text(), flags=re.MULTILINE))
    assert analyze("security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", str(weaker)).returncode != 0


def test_the_unit_lets_the_agent_work() -> None:
    found = settings()
    environment = dict(entry.split("=", 1) for entry in found["Environment"])
    assert found["Type"] == ["notify"]
    assert int(*found["TimeoutStopSec"]) > GRACE
    assert environment["AUDITWAKE_STATE"] == f"/var/lib/{found['StateDirectory'][0]}"
    credential = found["LoadCredential"][0].partition(":")[0]
    assert environment["DD_API_KEY_FILE"] == f"/run/credentials/%n/{credential}"
    assert int(*found["TasksMax"]) >= 512
    assert {"AF_UNIX", "AF_INET", "AF_INET6"} == set(found["RestrictAddressFamilies"][0].split())
    assert found["User"] == ["root"]
    assert found["CapabilityBoundingSet"] == ["CAP_DAC_READ_SEARCH"]
    log = given()["k3s"]["audit-log-path"]
    hidden = [path.lstrip("-") for path in found["InaccessiblePaths"][0].split()]
    assert not any(
        log.startswith(f"{path}/") or given()["k3s"]["audit-policy-file"].startswith(f"{path}/") for path in hidden
    )


def test_the_unit_asks_for_no_newer_systemd_than_the_page_says() -> None:
    """A specifier that came later than `LoadCredential`, in 247, would stand in the path as it is written."""
    text = re.sub(r"^#.*", "", UNIT.read_text(), flags=re.MULTILINE)
    assert set(re.findall(r"%(.)", text)) == {"n"}
    assert "systemd 247" in (UNIT.parents[2] / "docs" / "deploy.md").read_text()


def hadolint(dockerfile: Path) -> list[dict[str, Any]]:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if program is None:
        pytest.skip("there is no hadolint here")
    done = subprocess.run([program, "--format", "json", str(dockerfile)], check=False, capture_output=True, text=True)
    findings: list[dict[str, Any]] = json.loads(done.stdout)
    return findings


def test_hadolint_finds_nothing(tmp_path: Path) -> None:
    assert hadolint(DOCKERFILE) == []
    worse = tmp_path / "Dockerfile"
    worse.write_text(DOCKERFILE.read_text().replace("--no-cache-dir ", "").replace("# hadolint", "# "))
    assert {finding["code"] for finding in hadolint(worse)} >= {"DL3008", "DL3042"}


def instructions() -> list[tuple[str, str]]:
    """Read the Dockerfile: each instruction with the rest of its line, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in text.splitlines() if line.strip()]


def test_the_image_starts_the_agent_without_a_shell() -> None:
    found = dict(instructions())
    assert json.loads(found["ENTRYPOINT"]) == ["python3", "-m", "auditwake"]
    assert json.loads(found["CMD"]) == ["agent", "run"]


def test_the_image_is_built_of_what_the_context_has() -> None:
    """What is copied is there, and `.dockerignore` lets it through; what a build needs is copied."""
    allowed = [
        line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")
    ]
    copied = [
        path
        for name, rest in instructions()
        if name == "COPY" and not rest.startswith("--from")
        for path in shlex.split(rest)[:-1]
    ]
    assert {*copied} == {*allowed}
    assert all((ROOT / path).exists() for path in copied)
    members = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["members"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = [
        *members,
        project["project"]["readme"],
        *project["project"]["license-files"],
        project["tool"]["maturin"]["python-source"],
    ]
    assert all(any(fnmatch(path, one) or path.startswith(f"{one}/") for one in copied) for path in needed)


def test_the_image_is_built_with_versions_that_we_know() -> None:
    arguments = dict(rest.split("=", 1) for name, rest in instructions() if name == "ARG")
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
    assert arguments["VERSION"] == version["version"]
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    assert f"Programming Language :: Python :: {arguments['PYTHON_VERSION']}" in classifiers
    sources = [rest.split()[0] for name, rest in instructions() if name == "FROM"]
    (rust,) = [re.match(r"rust:(\d+)\.(\d+)-", source) for source in sources if source.startswith("rust")]
    assert rust is not None
    assert (int(rust[1]), int(rust[2])) >= tuple(map(int, version["rust-version"].split(".")))
    # Short names only: a name with a dot in front of its first slash is that of a registry.
    assert not any(
        "." in source.partition("/")[0] for source in [*sources, arguments["RUNTIME_IMAGE"]] if "/" in source
    )
