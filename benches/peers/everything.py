"""What the SQL of several engines shares for the columns that are derived: `docs/schema.md` says what each means.

Queries are selections on top of each other, so that each text is taken apart once, and what few events have is looked
for first. They are right for logs of the form that the API server writes (names without quotes, no parameter twice but
`command`); that the answers are equal is checked before a time counts.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from peers.common import LATENCIES, LATENCY, Column

# Annotations that columns are derived from, beside the latencies.
NOTES: Final = {"deprecated": "k8s.io/deprecated", "truncated": "audit.k8s.io/truncated"}
CREDENTIALS: Final = {"credential_id": "credential-id", "cred_pod_name": "pod-name", "cred_node_name": "node-name"}
PARAMETERS: Final = {
    "q_rv": "resourceVersion",
    "q_rv_match": "resourceVersionMatch",
    "q_label_sel": "labelSelector",
    "q_field_sel": "fieldSelector",
    "q_field_manager": "fieldManager",
    "exec_container": "container",
}
CONTROL_PLANE: Final = """
attachdetach-controller bootstrap-signer certificate-controller cloud-controller-manager cloud-provider
clusterrole-aggregation-controller cronjob-controller daemon-set-controller deployment-controller
device-taint-eviction-controller disruption-controller endpoint-controller endpointslice-controller
endpointslicemirroring-controller ephemeral-volume-controller expand-controller generic-garbage-collector
horizontal-pod-autoscaler job-controller kube-apiserver-serving-clustertrustbundle-publisher kube-controller-manager
kube-scheduler leader-election-controller legacy-service-account-token-cleaner namespace-controller node-controller
persistent-volume-binder pod-garbage-collector podcertificaterequestcleaner podcheckpoint-controller
pv-protection-controller pvc-protection-controller replicaset-controller replication-controller
resource-claim-controller resourcequota-controller root-ca-cert-publisher route-controller selinux-warning-controller
service-account-controller service-cidrs-controller service-controller statefulset-controller
storage-version-garbage-collector storage-version-migrator-controller token-cleaner ttl-after-finished-controller
ttl-controller validatingadmissionpolicy-status-controller volumeattributesclass-protection-controller
"""

ANSWERS: Final = {"response_name": "name", "response_uid": "uid", "response_rv": "resourceVersion"}


def notes(columns: Sequence[Column]) -> dict[str, str]:
    """Return the keys of all annotations that the columns need, by the names that the queries give them."""
    texts = {
        column.name: column.path[1] for column in columns if column.path[:1] == ("annotations",) and column.path[1:]
    }
    return NOTES | {name: LATENCY + key for name, key in LATENCIES.items()} | texts


def fields(columns: Sequence[Column]) -> dict[str, tuple[str, ...]]:
    """Return where the columns stand that are fields of the event."""
    texts = notes(columns)
    return {column.name: column.path for column in columns if column.path and column.name not in texts}


def last(columns: Sequence[Column], derived: Mapping[str, str], quote: str) -> dict[str, str]:
    """Return the uppermost selection."""
    return {column.name: derived.get(column.name, f"{quote}{column.name}{quote}") for column in columns}


def stacked(source: str, selections: Sequence[Mapping[str, str]], quote: str) -> str:
    """Return the query: each selection sees the names of the one below it, and all but the last hand them on."""
    for place, selection in enumerate(selections):
        names = [f"{expression} AS {quote}{name}{quote}" for name, expression in selection.items()]
        handed_on = ["*"] if 0 < place < len(selections) - 1 else []
        below = f"({source})" if place > 0 else source
        source = f"SELECT {', '.join(handed_on + names)} FROM {below}"  # noqa: S608 (our own names)
    return source
