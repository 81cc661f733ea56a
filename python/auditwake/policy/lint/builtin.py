"""The resources that Kubernetes has built in: which group, kind, scope, subresources and short names each has.

Sources: the typed clients of k8s.io/client-go and the types of k8s.io/api, 0.35.10 and 0.37.2, every version that they
have; for short names, subresources without a client (`exec`, `proxy`, …) and the two groups of the aggregator and of
custom resources, `api/discovery/aggregated_v2.json` of kubernetes/kubernetes.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

__all__ = ["GROUPS", "REMOVED", "Builtin", "builtins", "by_alias", "by_resource", "by_subresource"]


class Builtin(NamedTuple):
    """A resource of Kubernetes.

    Attributes:
        group: Its API group; `""` is the core group.
        resource: Its name, in the plural.
        kind: The kind of its objects.
        namespaced: Whether its objects are in namespaces.
        subresources: Its subresources.
        short: Its short names.
    """

    group: str
    resource: str
    kind: str
    namespaced: bool
    subresources: tuple[str, ...]
    short: tuple[str, ...]


TABLE: Final = """
[core]
bindings Binding namespaced - -
componentstatuses ComponentStatus cluster - cs
configmaps ConfigMap namespaced - cm
endpoints Endpoints namespaced - ep
events Event namespaced - ev
limitranges LimitRange namespaced - limits
namespaces Namespace cluster finalize,status ns
nodes Node cluster proxy,status no
persistentvolumeclaims PersistentVolumeClaim namespaced status pvc
persistentvolumes PersistentVolume cluster status pv
pods Pod namespaced attach,binding,ephemeralcontainers,eviction,exec,log,portforward,proxy,resize,status po
podtemplates PodTemplate namespaced - -
replicationcontrollers ReplicationController namespaced scale,status rc
resourcequotas ResourceQuota namespaced status quota
secrets Secret namespaced - -
serviceaccounts ServiceAccount namespaced token sa
services Service namespaced proxy,status svc
[admissionregistration.k8s.io]
mutatingadmissionpolicies MutatingAdmissionPolicy cluster - -
mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding cluster - -
mutatingwebhookconfigurations MutatingWebhookConfiguration cluster - -
validatingadmissionpolicies ValidatingAdmissionPolicy cluster status -
validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding cluster - -
validatingwebhookconfigurations ValidatingWebhookConfiguration cluster - -
[apiextensions.k8s.io]
customresourcedefinitions CustomResourceDefinition cluster status crd,crds
[apiregistration.k8s.io]
apiservices APIService cluster status -
[apps]
controllerrevisions ControllerRevision namespaced - -
daemonsets DaemonSet namespaced status ds
deployments Deployment namespaced scale,status deploy
replicasets ReplicaSet namespaced scale,status rs
statefulsets StatefulSet namespaced scale,status sts
[authentication.k8s.io]
selfsubjectreviews SelfSubjectReview cluster - -
tokenreviews TokenReview cluster - -
[authorization.k8s.io]
localsubjectaccessreviews LocalSubjectAccessReview namespaced - -
selfsubjectaccessreviews SelfSubjectAccessReview cluster - -
selfsubjectrulesreviews SelfSubjectRulesReview cluster - -
subjectaccessreviews SubjectAccessReview cluster - -
[autoscaling]
horizontalpodautoscalers HorizontalPodAutoscaler namespaced status hpa
[batch]
cronjobs CronJob namespaced status cj
jobs Job namespaced status -
[certificates.k8s.io]
certificatesigningrequests CertificateSigningRequest cluster approval,status csr
clustertrustbundles ClusterTrustBundle cluster - -
podcertificaterequests PodCertificateRequest namespaced status -
[coordination.k8s.io]
leasecandidates LeaseCandidate namespaced - -
leases Lease namespaced - -
[discovery.k8s.io]
endpointslices EndpointSlice namespaced - -
[events.k8s.io]
events Event namespaced - ev
[flowcontrol.apiserver.k8s.io]
flowschemas FlowSchema cluster status -
prioritylevelconfigurations PriorityLevelConfiguration cluster status -
[internal.apiserver.k8s.io]
storageversions StorageVersion cluster status -
[lifecycle.k8s.io]
evictionrequests EvictionRequest namespaced status -
evictions Eviction namespaced status -
[networking.k8s.io]
ingressclasses IngressClass cluster - -
ingresses Ingress namespaced status ing
ipaddresses IPAddress cluster - ip
networkpolicies NetworkPolicy namespaced - netpol
servicecidrs ServiceCIDR cluster status -
[node.k8s.io]
runtimeclasses RuntimeClass cluster - -
[policy]
poddisruptionbudgets PodDisruptionBudget namespaced status pdb
[rbac.authorization.k8s.io]
clusterrolebindings ClusterRoleBinding cluster - -
clusterroles ClusterRole cluster - -
rolebindings RoleBinding namespaced - -
roles Role namespaced - -
[resource.k8s.io]
deviceclasses DeviceClass cluster - -
devicetaintrules DeviceTaintRule cluster status -
resourceclaims ResourceClaim namespaced status -
resourceclaimtemplates ResourceClaimTemplate namespaced - -
resourcepoolstatusrequests ResourcePoolStatusRequest cluster status -
resourceslices ResourceSlice cluster - -
[scheduling.k8s.io]
compositepodgroups CompositePodGroup namespaced status -
podgroups PodGroup namespaced status -
priorityclasses PriorityClass cluster - pc
workloads Workload namespaced - -
[storage.k8s.io]
csidrivers CSIDriver cluster - -
csinodes CSINode cluster status -
csistoragecapacities CSIStorageCapacity namespaced - -
storageclasses StorageClass cluster - sc
volumeattachments VolumeAttachment cluster status -
volumeattributesclasses VolumeAttributesClass cluster - vac
[storagemigration.k8s.io]
storageversionmigrations StorageVersionMigration cluster status -
"""

REMOVED: Final = {
    ("extensions", "daemonsets"): "since Kubernetes 1.16 they are in group 'apps' alone",
    ("extensions", "deployments"): "since Kubernetes 1.16 they are in group 'apps' alone",
    ("extensions", "replicasets"): "since Kubernetes 1.16 they are in group 'apps' alone",
    ("extensions", "ingresses"): "since Kubernetes 1.22 they are in group 'networking.k8s.io' alone",
    ("extensions", "networkpolicies"): "since Kubernetes 1.16 they are in group 'networking.k8s.io' alone",
    ("extensions", "podsecuritypolicies"): "Kubernetes 1.25 has removed them",
    ("policy", "podsecuritypolicies"): "Kubernetes 1.25 has removed them",
}
"""What servers whose answers are known no longer have: group and resource, and what became of it."""


@cache
def builtins() -> tuple[Builtin, ...]:
    """Give all of them.

    Example:
        >>> next(one for one in builtins() if one.resource == "deployments")
        Builtin(group='apps', resource='deployments', kind='Deployment', namespaced=True, \
subresources=('scale', 'status'), short=('deploy',))
    """
    return tuple(_read(TABLE))


def _read(table: str) -> Iterator[Builtin]:
    group = ""
    for line in table.split("\n"):
        if line.startswith("["):
            group = "" if line == "[core]" else line.strip("[]")
        elif line:
            resource, kind, scope, subresources, short = line.split()
            yield Builtin(group, resource, kind, scope == "namespaced", _names(subresources), _names(short))


def _names(text: str) -> tuple[str, ...]:
    return () if text == "-" else tuple(text.split(","))


GROUPS: Final = frozenset(one.group for one in builtins())
"""Groups all of whose resources are known."""


def by_resource(resource: str) -> list[Builtin]:
    """Give the resources of a name, in any group."""
    return [one for one in builtins() if one.resource == resource]


def by_alias(text: str) -> list[Builtin]:
    """Give the resources that somebody may mean: by a kind, a singular, a short name, in any case.

    Example:
        >>> [one.resource for text in ("Pod", "deploy", "PODS") for one in by_alias(text)]
        ['pods', 'deployments', 'pods']
    """
    lower = text.lower()
    return [one for one in builtins() if lower in {one.resource, one.kind.lower(), *one.short}]


def by_subresource(text: str) -> list[Builtin]:
    """Give the resources that have a subresource.

    Example:
        >>> [one.resource for one in by_subresource("exec")]
        ['pods']
    """
    return [one for one in builtins() if text in one.subresources]
