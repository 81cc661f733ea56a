"""What is wrong with a set of manifests: against Kubernetes' schemas, and against what a deployment has to hold."""

import functools
import json
from collections.abc import Iterator
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import yaml
from kubernetes_validate import utils

from tests.deploying.manifests import Manifest, of_kind, pods

__all__ = ["GRACE", "VERSIONS", "faults", "schema_faults"]

VERSIONS = ("1.28", "1.33", "1.37")
GRACE = 30  # seconds that the agent takes at most to send what is under way
CONTROL_PLANE = {"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"}
EXTENSIONS = {"PodMonitor"}  # kinds of other projects, for which there is no schema here
LOOPBACK = ("127.", "localhost", "[::1]")

# A schema is read anew for each document otherwise, and that is nearly all of the time.
utils.schema_contents = functools.cache(utils.schema_contents)


def faults(manifests: list[Manifest]) -> list[str]:
    """Say what is wrong with manifests that are applied together; an empty list: nothing."""
    return [
        *schema_faults(manifests),
        *(fault for workload, pod in pods(manifests) for fault in _of_workload(workload, pod, manifests)),
        *_of_policies(manifests),
    ]


def schema_faults(manifests: list[Manifest]) -> list[str]:
    """Say where manifests are not what each of `VERSIONS` takes, unknown fields included."""
    return [
        f"{found['kind']} in {version}: {fault}"
        for found in manifests
        if found["kind"] not in EXTENSIONS
        for version in VERSIONS
        if (fault := _against(json.dumps(found), version))
    ]


@functools.cache
def _against(text: str, version: str) -> str | None:
    """Compare a manifest with a version's schema, once: most of a set that is broken in one place was seen before."""
    try:
        kubernetes_validate.validate(json.loads(text), version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{'.'.join(map(str, error.path))}: {error.message}"
    return None


def _of_workload(workload: Manifest, pod: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    spec = workload["spec"]
    if spec["selector"]["matchLabels"].items() - spec["template"]["metadata"]["labels"].items():
        yield "the selector does not match the pods"
    if pod.get("automountServiceAccountToken") is not False:
        yield "a token of the API server is mounted"
    if pod.get("securityContext", {}).get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "no seccomp profile"
    if pod.get("terminationGracePeriodSeconds", GRACE) <= GRACE:
        yield "killed before it has sent what is under way"
    if any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
        yield "a namespace of the host"
    if workload["kind"] == "DaemonSet":
        yield from _of_placement(spec, pod)
    for container in pod["containers"]:
        yield from _of_security(container, pod)
        yield from _of_probes(container)
        yield from _of_secrets(container)
        yield from _of_mounts(container, pod, manifests)


def _of_placement(spec: Manifest, pod: Manifest) -> Iterator[str]:
    """An agent runs on every control-plane node and nowhere else, and one at a time is replaced."""
    tolerated = {
        found["key"]
        for found in pod.get("tolerations", [])
        if found.get("operator") == "Exists" and found.get("effect") == "NoSchedule"
    }
    if tolerated < CONTROL_PLANE:
        yield f"not tolerated: {sorted(CONTROL_PLANE - tolerated)}"
    required = pod.get("affinity", {}).get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", {})
    keys = {
        found["key"]
        for term in required.get("nodeSelectorTerms", [])
        for found in term["matchExpressions"]
        if found["operator"] == "Exists"
    }
    if keys != CONTROL_PLANE:
        yield "not on exactly the control-plane nodes"
    if pod.get("priorityClassName") != "system-node-critical":
        yield "evicted before others"
    if spec.get("updateStrategy", {}).get("rollingUpdate") != {"maxUnavailable": 1}:
        yield "more than one node at a time is without an agent"


def _of_security(container: Manifest, pod: Manifest) -> Iterator[str]:
    context = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
    held = {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False, "privileged": False}
    for key, value in held.items():
        if context.get(key) is not value:
            yield f"{key} is not {value}"
    if context.get("capabilities", {}).get("drop") != ["ALL"]:
        yield "capabilities are kept"
    reads_host = any("hostPath" in volume for volume in pod["volumes"])
    if reads_host != (context.get("runAsUser") == 0):
        yield "root without need, or no root where the log is root's"
    resources = container.get("resources", {})
    if "memory" not in resources.get("limits", {}) or "cpu" in resources.get("limits", {}):
        yield "memory without a limit, or CPU with one"


def _of_probes(container: Manifest) -> Iterator[str]:
    ports = {found["name"]: found["containerPort"] for found in container["ports"]}
    address = _environment(container).get("AUDITWAKE_METRICS_ADDRESS", "127.0.0.1:8686")
    for name, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        asked = container.get(name, {}).get("httpGet", {})
        port = ports.get(asked.get("port"), asked.get("port"))
        if asked.get("path") != path or address.startswith(LOOPBACK) or not address.endswith(f":{port}"):
            yield f"{name} asks for {asked}, and {address} is listened on"


def _of_secrets(container: Manifest) -> Iterator[str]:
    for found in container["env"]:
        if found["name"] == "DD_API_KEY" and "value" in found:
            yield "a key stands in the manifest"


def _environment(container: Manifest) -> dict[str, str]:
    return {found["name"]: found.get("value", "") for found in container["env"]}


def _of_mounts(container: Manifest, pod: Manifest, manifests: list[Manifest]) -> Iterator[str]:
    volumes = {found["name"]: found for found in pod["volumes"]}
    mounts = container["volumeMounts"]
    missing = {mount["name"] for mount in mounts} ^ set(volumes)
    if missing:
        yield f"mounted and not there, or there and not mounted: {sorted(missing)}"
        return
    state = _environment(container).get("DD_LOGS_CONFIG_RUN_PATH", "/var/lib/auditwake")
    if not any(mount["mountPath"] == state and not mount.get("readOnly") for mount in mounts):
        yield f"offsets are lost with the pod: nothing is mounted at {state}"
    for mount in mounts:
        path = volumes[mount["name"]].get("hostPath", {})
        if path.get("path", "").startswith("/var/log") and (
            path.get("type", "").startswith("File") or path["path"].endswith(".log") or "subPath" in mount
        ):
            yield f"{path['path']} is mounted as a file: after a rotation it is the old one for ever"
    for volume in volumes.values():
        yield from _of_items(volume.get("configMap"), manifests)
    for path in _logs(volumes, manifests):
        if not any(_shows(mount, volumes[mount["name"]], path) for mount in mounts):
            yield f"{path} is read, and its directory of the host is not mounted there"


def _of_items(source: Manifest | None, manifests: list[Manifest]) -> Iterator[str]:
    """The ConfigMap is there, and so are the keys that are mounted; each is a file of the configuration."""
    if source is None:
        return
    data: dict[str, str] = next(
        (m["data"] for m in of_kind(manifests, "ConfigMap") if m["metadata"]["name"] == source["name"]), {}
    )
    for item in source["items"]:
        if item["key"] not in data:
            yield f"{source['name']} has no key {item['key']}"
        elif not yaml.safe_load(data[item["key"]]).keys() & {"logs", "auditwake"}:
            yield f"{item['key']} is no configuration"


def _logs(volumes: dict[str, Any], manifests: list[Manifest]) -> list[str]:
    """Give the paths of the logs that the mounted configuration reads."""
    names = {volume["configMap"]["name"] for volume in volumes.values() if "configMap" in volume}
    return [
        entry["path"]
        for manifest in of_kind(manifests, "ConfigMap")
        if manifest["metadata"]["name"] in names
        for text in manifest["data"].values()
        for entry in (yaml.safe_load(text) or {}).get("logs", [])
    ]


def _shows(mount: Manifest, volume: Manifest, path: str) -> bool:
    """Say whether a log of the host is seen through a mount, under its own path."""
    host = volume.get("hostPath", {}).get("path")
    return bool(host == mount["mountPath"] and path.startswith(f"{host}/"))


def _of_policies(manifests: list[Manifest]) -> Iterator[str]:
    for policy in of_kind(manifests, "NetworkPolicy"):
        wanted = policy["spec"]["podSelector"]["matchLabels"].items()
        chosen = [
            pod
            for workload, pod in pods(manifests)
            if wanted <= workload["spec"]["template"]["metadata"]["labels"].items()
        ]
        if len(chosen) != 1:
            yield f"the NetworkPolicy {policy['metadata']['name']} is for {len(chosen)} workloads"
            continue
        names = {port["name"] for container in chosen[0]["containers"] for port in container["ports"]}
        opened = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
        if opened != names:
            yield f"open: {sorted(opened)}, listened on: {sorted(names)}"
        if not all(rule.get("ports") for rule in policy["spec"]["egress"]):
            yield "everything may be reached"
