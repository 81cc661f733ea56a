"""The manifests of `deploy/`: valid in three versions of Kubernetes, hardened, and able to read the log they name."""

import copy
import functools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

from auditwake.forwarder.config.schema import schema
from tests.deploying.faults import faults, schema_faults
from tests.deploying.manifests import (
    CHART,
    DEPLOY,
    KUSTOMIZE,
    ROOT,
    Manifest,
    documents,
    kustomized,
    of_kind,
    pods,
    rendered,
)

BASE = KUSTOMIZE / "base"
COMPONENTS = sorted(path.name for path in (KUSTOMIZE / "components").iterdir())
VALUES = sorted(path.name for path in (CHART / "ci").iterdir())
PAGE = DEPLOY / "datadog" / "daemonset.yaml"


@functools.cache
def _base() -> tuple[Manifest, ...]:
    listed = documents(BASE / "kustomization.yaml")[0]["resources"]
    return tuple(documents(*(BASE / name for name in listed)))


def base() -> list[Manifest]:
    """The base's own documents; a copy, to be broken."""
    return copy.deepcopy(list(_base()))


def example() -> Manifest:
    return documents(KUSTOMIZE / "overlays" / "example" / "kustomization.yaml")[0]


def test_the_base_is_sound() -> None:
    assert faults(base()) == []


def test_the_mounts_of_the_integration_page_are_sound() -> None:
    assert faults(documents(PAGE)) == []


def test_the_mounts_of_the_integration_page_are_unchanged() -> None:
    (_, pod), *_ = pods(documents(PAGE))
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts == {
        "pointdir": "/opt/datadog-agent/run",
        "auditdir": "/var/log/kubernetes/apiserver",
        "dd-agent-config": "/conf.d/kubernetes_audit.d",
    }
    volumes = {volume.pop("name"): volume for volume in pod["volumes"]}
    items = [{"key": "kubernetes-audit-log", "path": "conf.yaml"}]
    assert volumes == {
        "pointdir": {"hostPath": {"path": "/opt/datadog-agent/run"}},
        "auditdir": {"hostPath": {"path": "/var/log/kubernetes/apiserver"}},
        "dd-agent-config": {"configMap": {"name": "dd-agent-config", "items": items}},
    }


def test_one_configuration_of_the_integration_in_all_places() -> None:
    """The page's own `logs:`, in the base, the chart, the page's manifest and beside the systemd unit."""
    page = {
        "type": "file",
        "path": "/var/log/kubernetes/apiserver/audit.log",
        "source": "kubernetes.audit",
        "service": "audit",
    }
    found = [manifest for set_ in (base(), documents(PAGE), rendered({})) for manifest in of_kind(set_, "ConfigMap")]
    texts = [manifest["data"]["kubernetes-audit-log"] for manifest in found]
    texts.append((DEPLOY / "systemd" / "conf.d" / "kubernetes_audit.d" / "conf.yaml").read_text())
    assert [yaml.safe_load(text) for text in texts] == [{"logs": [page]}] * 4


def test_a_key_in_the_secret_is_seen_when_it_changes() -> None:
    """As a file, and a whole volume: neither an environment nor a `subPath` is ever written anew."""
    for manifests in (base(), rendered({})):
        (_, pod), *_ = pods(manifests)
        (container,) = pod["containers"]
        path = next(Path(env["value"]) for env in container["env"] if env["name"] == "DD_API_KEY_FILE")
        mount = next(mount for mount in container["volumeMounts"] if mount["mountPath"] == str(path.parent))
        assert "subPath" not in mount
        assert path.name in documents(BASE / "secret.example.yaml")[0]["stringData"]


def test_the_log_can_only_be_read() -> None:
    for manifests in (base(), rendered({})):
        (container,) = next(pods(manifests))[1]["containers"]
        mounts = {mount["name"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}
        assert mounts == {"log": True, "state": False, "config": True, "secrets": True}


def test_the_namespace_allows_what_the_pod_needs() -> None:
    (namespace,) = of_kind(base(), "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"


def test_the_secret_is_valid_and_never_applied_with_the_rest() -> None:
    assert schema_faults(documents(BASE / "secret.example.yaml")) == []
    assert of_kind(base(), "Secret") == []


@pytest.mark.parametrize("name", COMPONENTS)
def test_what_a_component_patches_is_in_the_base(name: str) -> None:
    folder = KUSTOMIZE / "components" / name
    (component,) = documents(folder / "kustomization.yaml")
    assert component["kind"] == "Component"
    assert {*component.get("resources", []), *(patch["path"] for patch in component.get("patches", []))} == {
        path.name for path in folder.iterdir()
    } - {"kustomization.yaml"}
    known = {(found["kind"], found["metadata"]["name"]): found for found in base()}
    for patch in component.get("patches", []):
        for change in documents(folder / patch["path"]):
            if "target" in patch:
                assert (patch["target"]["kind"], patch["target"]["name"]) in known
                continue
            target = known[change["kind"], change["metadata"]["name"]]
            assert change.get("data", {}).keys() <= target.get("data", {}).keys()
            for (_, patched), (_, pod) in zip(pods([change]), pods([target]), strict=True):
                assert [c["name"] for c in patched["containers"]] == [c["name"] for c in pod["containers"]]


def test_the_example_lists_every_component() -> None:
    text = (KUSTOMIZE / "overlays" / "example" / "kustomization.yaml").read_text()
    assert all(f"../../components/{name}\n" in text for name in COMPONENTS)
    assert all((KUSTOMIZE / "overlays" / "example" / path).is_dir() for path in example()["resources"])


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_component_builds_and_is_sound(name: str, tmp_path: Path) -> None:
    shutil.copytree(KUSTOMIZE, tmp_path / "kustomize")
    overlay = tmp_path / "kustomize" / "overlays" / "example" / "kustomization.yaml"
    overlay.write_text(yaml.safe_dump({**example(), "components": [f"../../components/{name}"]}))
    built = kustomized(overlay.parent)
    assert faults(built) == []
    assert built != base()


@pytest.mark.parametrize("name", VALUES)
def test_the_chart_is_sound_with_each_set_of_values(name: str) -> None:
    (values,) = documents(CHART / "ci" / name)
    report = helm_python.lint(CHART, values, strict=True)
    assert (report["errors"], [m for m in report["messages"] if m["severity"] > 1]) == ([], [])
    manifests = rendered(values)
    assert faults(manifests) == []
    for sink in values.get("sinks", []):
        (config, *_) = of_kind(manifests, "ConfigMap")
        assert sink in yaml.safe_load(config["data"]["auditwake"])["auditwake"]["sinks"]


def test_there_are_values_for_every_sink() -> None:
    types = {sink["type"] for name in VALUES for sink in documents(CHART / "ci" / name)[0].get("sinks", [])}
    assert types == {"otlp", "http", "elasticsearch", "splunk", "parquet", "delta"}
    assert "datadog-values.yaml" in VALUES


def test_the_chart_deploys_what_the_base_deploys() -> None:
    (_, ours), *_ = pods(base())
    (_, theirs), *_ = pods(rendered({"fullnameOverride": "auditwake"}))
    assert ours["containers"][0].pop("image") == "auditwake"
    assert theirs["containers"][0].pop("image").startswith("auditwake:")
    for pod in (ours, theirs):
        env = {e.pop("name"): e for e in pod["containers"][0].pop("env")}
        pod["env"] = {name: value for name, value in env.items() if name != "DD_SITE"}
    assert ours == theirs


def test_the_webhook_receiver_is_off_and_needs_a_certificate() -> None:
    assert of_kind(rendered({}), "Deployment") == []
    with pytest.raises(helm_python.HelmRenderError, match=r"webhook\.tls\.secretName"):
        rendered({"webhook": {"enabled": True}})


def test_a_secret_is_made_of_a_key_only_where_none_is_named() -> None:
    (secret,) = of_kind(rendered({"apiKey": "k"}), "Secret")
    assert secret["stringData"] == {"api-key": "k"}
    assert of_kind(rendered({"apiKey": "k", "existingSecret": "mine"}), "Secret") == []


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"logDirectory": "/var/log/kubernetes/apiserver/audit.log"}, "/logDirectory"),
        ({"sink": []}, "'sink'"),
        ({"sinks": [{"type": "splunk", "url": "https://splunk"}]}, "hec_token_file"),
        ({"sinks": [{"type": "kafka"}]}, "/sinks/0/type"),
        ({"metrics": {"port": "8686"}}, "/metrics/port"),
        ({"settings": {"state_dir": "/tmp"}}, "/settings"),  # noqa: S108  # a value that is refused
        ({"logs": [{"type": "file", "path": "/var/log/audit.log", "sevice": "audit"}]}, "sevice"),
        ({"logs": [{"type": "file", "path": "/a.log", "log_processing_rules": [{"patern": "x"}]}]}, "patern"),
        ({"sinks": [{"type": "http", "url": "https://h", "tokenfile": "t"}]}, "tokenfile"),
        ({"sinks": [{"type": "parquet", "directory": "/srv/lake", "url": "https://h"}]}, "url"),
        ({"sinks": [{"type": "datadog", "batching": {"max_event": 5}}]}, "max_event"),
        ({"sinks": [{"type": "stdout", "backoff": {"maximum": 5}}]}, "maximum"),
        ({"settings": {"retension": {}}}, "retension"),
        ({"settings": {"retention": {"max_size": 5}}}, "max_size"),
        ({"resources": {"limit": {}}}, "limit"),
        ({"tolerations": [{"operater": "Exists"}]}, "operater"),
        ({"webhook": {"from": [{"podSelectors": {}}]}}, "podSelectors"),
        ({"networkPolicy": {"metricsFrom": [{"nameSpaceSelector": {}}]}}, "nameSpaceSelector"),
        ({"affinity": {"nodeAfinity": {}}}, "nodeAfinity"),
    ],
)
def test_values_that_cannot_work_are_refused(values: dict[str, Any], place: str) -> None:
    with pytest.raises(helm_python.HelmValuesError, match=place):
        rendered(values)


def test_the_schema_of_the_values_has_the_keys_of_the_configuration() -> None:
    values = json.loads((CHART / "values.schema.json").read_text())["properties"]
    keys = schema()["$defs"]

    def same(theirs: dict[str, Any], ours: dict[str, Any]) -> bool:
        return bool(theirs["propertyNames"]["enum"] == sorted(ours["properties"]))

    log, sink, settings = values["logs"]["items"], values["sinks"]["items"], values["settings"]
    assert same(log, keys["an-entry-of-logs"])
    assert same(log["properties"]["log_processing_rules"]["items"], keys["a-rule-of-log_processing_rules"])
    assert same(settings, keys["the-auditwake-block"])
    assert same(settings["properties"]["retention"], keys["retention"])
    for name in ("batching", "backoff"):
        assert same(sink["properties"][name], keys[f"{name}-of-a-sink"])
    ours = {
        kind: one["then"]
        for one in keys["a-sink-of-sinks"]["allOf"]
        for kind in one["if"]["properties"]["type"]["enum"]
    }
    theirs = {one["if"]["properties"]["type"]["const"]: one["then"] for one in sink["allOf"]}
    assert set(theirs) == set(ours) == set(sink["properties"]["type"]["enum"])
    assert [kind for kind in ours if not same(theirs[kind], ours[kind])] == []


def test_images_have_no_registry_and_one_version() -> None:
    """Whoever builds the image names the place that it is pushed to."""
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    images = [
        documents(path)[0]["images"][0] for path in (BASE / "kustomization.yaml", *KUSTOMIZE.glob("overlays/*/*"))
    ]
    assert {(image["newName"], image["newTag"]) for image in images} == {("auditwake", version)}
    for manifests in (documents(PAGE), rendered({})):
        assert {c["image"] for _, pod in pods(manifests) for c in pod["containers"]} == {f"auditwake:{version}"}
    assert f'\nversion = "{version}"' in (ROOT / "Cargo.toml").read_text()


def test_the_page_names_what_is_there() -> None:
    """Every path of `docs/deploy.md`, in a link or in a command; and each part of `deploy/` stands on the page."""
    page = (ROOT / "docs" / "deploy.md").read_text()
    named = {path.rstrip("./") for path in re.findall(r"\bdeploy/[\w./-]*\w", page)}
    assert len(named) > 10
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert {path.name for path in DEPLOY.iterdir() if path.is_dir()} <= {Path(path).parts[1] for path in named}


def test_the_page_says_what_is_in_the_manifests() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    assert all(f"`{name}`" in page for name in COMPONENTS)
    (_, pod), *_ = pods(base())
    (container,) = pod["containers"]
    environment = {env["name"]: env.get("value", "") for env in container["env"]}
    for said in (pod["priorityClassName"], environment["AUDITWAKE_METRICS_ADDRESS"]):
        assert f"`{said}`" in page or f"on `{said}`" in page
    assert f"{pod['terminationGracePeriodSeconds']} seconds to end" in page


def _pod(manifests: list[Manifest]) -> Manifest:
    return next(pod for _, pod in pods(manifests))


def _log(manifests: list[Manifest]) -> Manifest:
    return next(volume["hostPath"] for volume in _pod(manifests)["volumes"] if volume["name"] == "log")


BROKEN: dict[str, Callable[[list[Manifest]], object]] = {
    "a number as text": lambda m: _pod(m).update(terminationGracePeriodSeconds="45"),
    "an unknown field": lambda m: _pod(m).update(automountServiceAccountTokens=False),
    "a kind's missing field": lambda m: of_kind(m, "DaemonSet")[0]["spec"].pop("selector"),
    "the log and not its directory": lambda m: _log(m).update(
        path="/var/log/kubernetes/apiserver/audit.log", type="File"
    ),
    "another directory": lambda m: _log(m).update(path="/var/log/pods"),
    "no state": lambda m: _pod(m)["containers"][0]["volumeMounts"].pop(1),
    "probes to loopback": lambda m: _pod(m)["containers"][0]["env"][1].update(value="127.0.0.1:8686"),
    "another port": lambda m: _pod(m)["containers"][0]["ports"][0].update(containerPort=9090),
    "a writable root": lambda m: _pod(m)["containers"][0]["securityContext"].update(readOnlyRootFilesystem=False),
    "capabilities": lambda m: _pod(m)["containers"][0]["securityContext"].pop("capabilities"),
    "another user": lambda m: _pod(m)["containers"][0]["securityContext"].update(runAsUser=1000),
    "a token": lambda m: _pod(m).pop("automountServiceAccountToken"),
    "killed too early": lambda m: _pod(m).update(terminationGracePeriodSeconds=30),
    "a taint that is not tolerated": lambda m: _pod(m)["tolerations"].pop(),
    "every node": lambda m: _pod(m).pop("affinity"),
    "a key that is not in the ConfigMap": lambda m: of_kind(m, "ConfigMap")[0]["data"].pop("auditwake"),
    "a policy for no pod": lambda m: of_kind(m, "NetworkPolicy")[0]["spec"]["podSelector"]["matchLabels"].update(a="b"),
    "all nodes at once": lambda m: of_kind(m, "DaemonSet")[0]["spec"].pop("updateStrategy"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_manifest_is_found(fault: str) -> None:
    manifests = base()
    BROKEN[fault](manifests)
    try:
        found = faults(manifests)
    except (KeyError, TypeError):  # too broken for the further checks: the schemas alone must say so
        found = schema_faults(manifests)
    assert found
