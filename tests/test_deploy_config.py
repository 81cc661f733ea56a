"""The configuration that a deployment mounts is one that the agent takes, without a warning, under the very paths."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.deploying.faults import GRACE
from tests.deploying.manifests import CHART, DEPLOY, KUSTOMIZE, Manifest, documents, of_kind, pods, rendered
from tests.deploying.unit import settings

if TYPE_CHECKING:
    from auditwake.forwarder.config import AgentConfig

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links need a privilege there, and no pod has Windows")

COMPONENTS = KUSTOMIZE / "components"
VALUES = sorted(path.name for path in (CHART / "ci").iterdir())
KEY = "0123456789abcdef0123456789abcdef"
SECRETS = ("/etc/auditwake/secrets", "/etc/auditwake/tls")
FILES = ("api-key", "token", "password", "hec-token", "ca.crt", "tls.crt", "tls.key")


def base() -> list[Manifest]:
    return documents(KUSTOMIZE / "base" / "configmap.yaml", KUSTOMIZE / "base" / "daemonset.yaml")


def mount(folder: Path, files: Mapping[str, str]) -> None:
    """Lay files out as the kubelet does it: behind a link to a folder, so that an update changes all at once."""
    (folder / "..2026_11_26").mkdir(parents=True)
    for path, text in files.items():
        real = folder / "..2026_11_26" / path
        real.parent.mkdir(parents=True, exist_ok=True)
        real.write_text(text)
    (folder / "..data").symlink_to("..2026_11_26", target_is_directory=True)
    for name in {PurePosixPath(path).parts[0] for path in files}:
        (folder / name).symlink_to(Path("..data", name))


def load(workload: Manifest, manifests: list[Manifest], root: Path, files: Iterable[str] = FILES) -> "AgentConfig":
    """Load what a container has under `/conf.d` or `/etc/auditwake/conf.d`, with its environment and its secrets."""
    from auditwake.forwarder.config import load as load_config

    pod = workload["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    environment = {env["name"]: env.get("value", "node-1") for env in container["env"]}
    if "DD_API_KEY" in environment:
        environment["DD_API_KEY"] = KEY
    for secrets in SECRETS:
        mount(root / secrets[1:], dict.fromkeys(files, KEY))

    def moved(text: str) -> str:
        for secrets in SECRETS:
            text = text.replace(secrets, (root / secrets[1:]).as_posix())
        return text

    (volume,) = [volume for volume in pod["volumes"] if "configMap" in volume]
    source = volume["configMap"]
    (data,) = [m["data"] for m in of_kind(manifests, "ConfigMap") if m["metadata"]["name"] == source["name"]]
    (place,) = [one["mountPath"] for one in container["volumeMounts"] if one["name"] == volume["name"]]
    mount(root / place[1:], {item["path"]: moved(data[item["key"]]) for item in source["items"]})
    configured = environment.pop("AUDITWAKE_CONFIG", "/conf.d")
    return load_config(root / configured[1:], {name: moved(value) for name, value in environment.items()})


def check(config: "AgentConfig", workload: Manifest) -> None:
    """Hold what the configuration says against the pod that it is mounted in."""
    pod = workload["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert config.warnings == ()
    assert config.enabled
    assert config.state.as_posix() in writable
    assert config.socket.is_relative_to(config.state)
    assert config.metrics_address == f"0.0.0.0:{ports['metrics']}"
    assert config.grace == GRACE < pod["terminationGracePeriodSeconds"]
    for sink in config.sinks:
        out = getattr(sink, "directory", None) or getattr(sink, "table", None)
        assert out is None or any(PurePosixPath(str(out)).is_relative_to(path) for path in writable)


def logs(config: "AgentConfig") -> list[tuple[Any, ...]]:
    return [(s.integration, getattr(s, "path", None), s.source, s.service) for s in config.sources]


PAGE = [("kubernetes_audit", "/var/log/kubernetes/apiserver/audit.log", "kubernetes.audit", "audit")]


def test_the_base_ships_the_log_to_datadog(tmp_path: Path) -> None:
    workload, _ = next(pods(base()))
    config = load(workload, base(), tmp_path)
    check(config, workload)
    assert logs(config) == PAGE
    assert [sink.type for sink in config.sinks] == ["datadog"]
    assert config.hostname == "node-1"


def test_the_mounts_of_the_integration_page_are_taken_as_they_are(tmp_path: Path) -> None:
    manifests = documents(DEPLOY / "datadog" / "daemonset.yaml")
    workload, _ = next(pods(manifests))
    config = load(workload, manifests, tmp_path)
    check(config, workload)
    assert logs(config) == PAGE
    assert [sink.type for sink in config.sinks] == ["datadog"]
    assert config.state == Path("/opt/datadog-agent/run")


@pytest.mark.parametrize("name", [path.parent.name for path in sorted(COMPONENTS.glob("*/configmap.yaml"))])
def test_each_component_names_its_sink(name: str, tmp_path: Path) -> None:
    config_map, workload = base()
    config_map["data"].update(documents(COMPONENTS / name / "configmap.yaml")[0]["data"])
    if (COMPONENTS / name / "daemonset.yaml").exists():
        (change,) = documents(COMPONENTS / name / "daemonset.yaml")
        mounts = change["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
        workload["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] += mounts
    # The Secret is optional: what no key of it is asked for has to do without one.
    text = config_map["data"]["auditwake"]
    config = load(workload, [config_map], tmp_path, [file for file in FILES if f"/{file}" in text])
    check(config, workload)
    assert logs(config) == PAGE
    assert [sink.type for sink in config.sinks] == [name]


@pytest.mark.parametrize("name", VALUES)
def test_the_chart_mounts_what_its_values_say(name: str, tmp_path: Path) -> None:
    (values,) = documents(CHART / "ci" / name)
    manifests = rendered(values)
    for number, (workload, _) in enumerate(pods(manifests)):
        config = load(workload, manifests, tmp_path / str(number))
        check(config, workload)
        assert [sink.type for sink in config.sinks] == [
            sink["type"] for sink in values.get("sinks", [{"type": "datadog"}])
        ]
        if workload["kind"] == "DaemonSet":
            assert logs(config) == PAGE
            assert config.hostname == "node-1"
        else:
            (receiver,) = config.sources
            (container,) = workload["spec"]["template"]["spec"]["containers"]
            port = next(port["containerPort"] for port in container["ports"] if port["name"] == "webhook")
            assert getattr(receiver, "address", None) == f"0.0.0.0:{port}"


def test_the_unit_ships_the_log_to_datadog(tmp_path: Path) -> None:
    from auditwake.forwarder.config import load as load_config

    found = settings()
    environment = dict(entry.split("=", 1) for entry in found["Environment"] if "PYTHON" not in entry)
    key = tmp_path / "api-key"
    key.write_text(KEY)
    assert environment.pop("AUDITWAKE_CONFIG") == "/etc/auditwake/conf.d"
    environment["DD_API_KEY_FILE"] = environment["DD_API_KEY_FILE"].replace("/run/credentials/%n", tmp_path.as_posix())
    config = load_config(DEPLOY / "systemd" / "conf.d", environment)
    assert (config.warnings, config.enabled, logs(config)) == ((), True, PAGE)
    assert config.state == Path("/var/lib/auditwake")
    assert config.grace < int(*found["TimeoutStopSec"])


def test_a_wrong_key_in_the_mounted_configuration_is_found(tmp_path: Path) -> None:
    from auditwake.errors import AuditwakeError

    config_map, workload = base()
    block = yaml.safe_load(config_map["data"]["auditwake"])
    config_map["data"]["auditwake"] = yaml.safe_dump({"auditwake": {**block["auditwake"], "sink": []}})
    with pytest.raises(AuditwakeError, match="sinks"):
        load(workload, [config_map], tmp_path)
