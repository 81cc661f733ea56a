"""What objects hold besides their metadata: specs, statuses, data. Rendered once into pools, see ``bodies``."""

import base64
import random
from collections.abc import Callable, Sequence
from typing import Any

from synth.text import go_json, plain_time, words
from synth.world import suffix, uuid

_Json = dict[str, Any]
_WORDS = words("alpha bravo cache delta engine factor golf hotel index journal kilo lambda metric node option proxy")
_WORKLOADS = ("deployments", "replicasets", "statefulsets", "jobs")


class Specs:
    """Invents the contents of objects, kind by kind."""

    def __init__(self, rng: random.Random, nodes: Sequence[str]) -> None:
        """Use this source of randomness and these nodes."""
        self.rng = rng
        self.nodes = nodes
        self.kinds: dict[str, Callable[[], _Json]] = {
            "pods": self._pod,
            "configmaps": self._config_map,
            "secrets": self._secret,
            "nodes": self._node,
            "endpointslices": self._endpoint_slice,
            "applications": self._application,
            "certificates": self._application,
            **dict.fromkeys(_WORKLOADS, self._workload),
        }

    def tail(self, plural: str) -> str:
        """Return what follows the metadata of an object, without the closing brace."""
        return go_json(self.kinds.get(plural, self._small)())[1:-1]

    def patch_tail(self) -> str:
        """Return what a status patch changes, without the closing brace."""
        conditions = self._conditions("Ready ContainersReady")
        return go_json({"status": {"conditions": conditions, "phase": "Running", "note": self._words(30)}})[1:-1]

    def managed_fields(self, containers: int) -> str:
        """Return managedFields; the quotes inside the keys are what makes them costly to scan."""
        spec: _Json = {f'k:{{"name":"{word}"}}': {".": {}, "f:image": {}} for word in _WORDS[:containers]}
        kinds = ("Ready", "Initialized")
        conditions: _Json = {f'k:{{"type":"{kind}"}}': {".": {}, "f:lastTransitionTime": {}} for kind in kinds}
        common = {"apiVersion": "v1", "time": "2026-03-01T11:12:13Z", "fieldsType": "FieldsV1"}
        entries = [
            {
                "manager": "kubectl-apply",
                "operation": "Apply",
                **common,
                "fieldsV1": {"f:spec": {"f:containers": spec}},
            },
            {"manager": "kubelet", "operation": "Update", **common, "fieldsV1": {"f:status": conditions}},
        ]
        return go_json(entries)

    def _words(self, count: int) -> str:
        return " ".join(self.rng.choices(_WORDS, k=count))

    def _image(self) -> str:
        return f"registry.example.com/{self._words(1)}/{self._words(1)}@sha256:{self.rng.getrandbits(256):064x}"

    def _conditions(self, kinds: str) -> list[_Json]:
        stamp = plain_time(1_772_000_000_000_000 + self.rng.randrange(10**12))
        common = {"status": "True", "lastProbeTime": None, "lastTransitionTime": stamp}
        return [{"type": kind, **common} for kind in kinds.split()]

    def _container(self, name: str) -> _Json:
        rng = self.rng
        # `&&`, `<` and `>` are common in commands, and Go writes each as six characters.
        script = f'test -f /run/{suffix(rng)} && exec /app --mode "{self._words(2)}" 2>&1 | tee </dev/null /tmp/out\n'
        mount = {"name": f"kube-api-access-{suffix(rng)}", "readOnly": True, "mountPath": "/var/run/secrets/sa"}
        return {
            "name": name,
            "image": self._image(),
            "command": ["/bin/sh", "-c", script],
            "ports": [{"name": "http", "containerPort": rng.randint(1024, 65535), "protocol": "TCP"}],
            "env": [{"name": word.upper(), "value": self._words(3)} for word in _WORDS[: rng.randint(2, 14)]],
            "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}, "requests": {"cpu": "50m", "memory": "128Mi"}},
            "volumeMounts": [mount],
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "timeoutSeconds": 1},
            "terminationMessagePath": "/dev/termination-log",
            "imagePullPolicy": "IfNotPresent",
            "securityContext": {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}},
        }

    def _pod_spec(self) -> _Json:
        tolerations = [
            {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            for key in ("not-ready", "unreachable")
        ]
        return {
            "containers": [self._container(name) for name in _WORDS[: self.rng.choice((1, 1, 1, 2, 2, 3, 5))]],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "default",
            "nodeName": self.rng.choice(self.nodes),
            "tolerations": tolerations,
            "priority": 0,
            "preemptionPolicy": "PreemptLowerPriority",
        }

    def _pod(self) -> _Json:
        address = f"10.244.{self.rng.randrange(256)}.{self.rng.randrange(256)}"
        conditions = self._conditions("Initialized Ready ContainersReady PodScheduled")
        status = {"phase": "Running", "conditions": conditions, "podIP": address, "qosClass": "Burstable"}
        return {"spec": self._pod_spec(), "status": status}

    def _workload(self) -> _Json:
        template = {"metadata": {"labels": {"app": self._words(1)}}, "spec": self._pod_spec()}
        status = {"observedGeneration": 4, "replicas": 3, "conditions": self._conditions("Available Progressing")}
        return {"spec": {"replicas": 3, "template": template, "revisionHistoryLimit": 10}, "status": status}

    def _config_map(self) -> _Json:
        return {"data": {f"{word}.conf": self._settings() for word in _WORDS[: self.rng.randint(1, 6)]}}

    def _settings(self) -> str:
        """Return a small configuration file: many line ends, quotes and comparison signs, so many escapes."""
        words = self.rng.choices(_WORDS, k=34)
        return "\n".join(f'{word}.{suffix(self.rng)} = "{self._words(4)}"  # <{word}> & co.' for word in words)

    def _secret(self) -> _Json:
        rng = self.rng
        data = {f"{word}.pem": base64.b64encode(rng.randbytes(rng.randint(900, 2400))).decode() for word in _WORDS[:4]}
        return {"data": data, "type": "Opaque"}

    def _node(self) -> _Json:
        rng = self.rng
        images = [{"names": [self._image()], "sizeBytes": rng.randrange(10**9)} for _ in range(rng.randint(15, 50))]
        capacity = {"cpu": "16", "memory": "65806572Ki", "pods": "110"}
        status = {"capacity": capacity, "conditions": self._conditions("Ready MemoryPressure"), "images": images}
        return {"spec": {"podCIDR": "10.244.3.0/24"}, "status": status}

    def _endpoint_slice(self) -> _Json:
        rng = self.rng
        ready = {"ready": True, "serving": True, "terminating": False}
        points = [
            {"addresses": [f"10.244.{rng.randrange(256)}.{i}"], "conditions": ready, "nodeName": rng.choice(self.nodes)}
            for i in range(rng.randint(8, 60))
        ]
        ports = [{"name": "http", "port": 8080, "protocol": "TCP"}]
        return {"addressType": "IPv4", "endpoints": points, "ports": ports}

    def _application(self) -> _Json:
        rng = self.rng
        common = {"status": "Synced", "health": {"status": "Healthy"}}
        names = [f"{self._words(1)}-{suffix(rng)}" for _ in range(rng.randint(12, 80))]
        message = f"successfully synced (all tasks run) in {rng.randrange(900)} µs → {uuid(rng)}"
        status = {"resources": [{"kind": "Deployment", "name": name, **common} for name in names], "message": message}
        return {"spec": {"project": "default"}, "status": status}

    def _small(self) -> _Json:
        return {"spec": {"note": self._words(12)}, "status": {"conditions": self._conditions("Ready")}}
