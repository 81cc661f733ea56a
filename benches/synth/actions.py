"""What each kind of client asks of the API server, and how often.

The shares follow what idle and busy clusters show: leases, status patches, token requests, events, reviews and watches
are most of the traffic; people are a small part of it, and cause most of the denials.
"""

from dataclasses import dataclass
from typing import Final

# Group, version, kind and whether it lives in namespaces, by plural name.
RESOURCES: Final[dict[str, tuple[str, str, str, bool]]] = {
    "pods": ("", "v1", "Pod", True),
    "configmaps": ("", "v1", "ConfigMap", True),
    "secrets": ("", "v1", "Secret", True),
    "services": ("", "v1", "Service", True),
    "endpoints": ("", "v1", "Endpoints", True),
    "events": ("", "v1", "Event", True),
    "serviceaccounts": ("", "v1", "ServiceAccount", True),
    "persistentvolumeclaims": ("", "v1", "PersistentVolumeClaim", True),
    "namespaces": ("", "v1", "Namespace", False),
    "nodes": ("", "v1", "Node", False),
    "deployments": ("apps", "v1", "Deployment", True),
    "replicasets": ("apps", "v1", "ReplicaSet", True),
    "statefulsets": ("apps", "v1", "StatefulSet", True),
    "jobs": ("batch", "v1", "Job", True),
    "cronjobs": ("batch", "v1", "CronJob", True),
    "leases": ("coordination.k8s.io", "v1", "Lease", True),
    "endpointslices": ("discovery.k8s.io", "v1", "EndpointSlice", True),
    "ingresses": ("networking.k8s.io", "v1", "Ingress", True),
    "networkpolicies": ("networking.k8s.io", "v1", "NetworkPolicy", True),
    "poddisruptionbudgets": ("policy", "v1", "PodDisruptionBudget", True),
    "horizontalpodautoscalers": ("autoscaling", "v2", "HorizontalPodAutoscaler", True),
    "roles": ("rbac.authorization.k8s.io", "v1", "Role", True),
    "rolebindings": ("rbac.authorization.k8s.io", "v1", "RoleBinding", True),
    "clusterroles": ("rbac.authorization.k8s.io", "v1", "ClusterRole", False),
    "tokenreviews": ("authentication.k8s.io", "v1", "TokenReview", False),
    "subjectaccessreviews": ("authorization.k8s.io", "v1", "SubjectAccessReview", False),
    "selfsubjectaccessreviews": ("authorization.k8s.io", "v1", "SelfSubjectAccessReview", False),
    "csinodes": ("storage.k8s.io", "v1", "CSINode", False),
    "applications": ("argoproj.io", "v1alpha1", "Application", True),
    "certificates": ("cert-manager.io", "v1", "Certificate", True),
    "customresourcedefinitions": ("apiextensions.k8s.io", "v1", "CustomResourceDefinition", False),
}


@dataclass(frozen=True, slots=True)
class Action:
    """One kind of request.

    ``scope``: ``obj`` one object, ``own`` the client's own object (its node, its lease), ``ns`` all of a namespace,
    ``all`` all of the cluster, ``new`` an object whose name the server knows in the end, ``gen`` one whose name never
    appears, ``url`` a path that is no resource.
    """

    verb: str
    resource: str
    subresource: str
    scope: str
    query: str


_LISTS = "limit=500\\u0026resourceVersion=0"
_KUBECTL = "fieldManager=kubectl-client-side-apply\\u0026fieldValidation=Strict"
_APPLY = "fieldManager=argocd-controller\\u0026fieldValidation=Ignore\\u0026force=false"
_EXEC = "command=sh\\u0026command=-c\\u0026command=ls\\u0026container=app\\u0026stderr=true\\u0026stdout=true"

# weight verb resource[/subresource] scope query
_TABLES: Final[dict[str, str]] = {
    "apiserver": """
        20 update leases own -
        12 get endpoints obj -
        10 list serviceaccounts all limit=500
        8 get namespaces obj -
        12 watch customresourcedefinitions all -
        8 watch clusterroles all -
        14 create subjectaccessreviews gen -
        6 get /readyz url -
        4 get /livez url -""",
    "manager": """
        30 update leases own timeout=5s
        26 create serviceaccounts/token obj -
        8 watch replicasets all -
        8 watch endpointslices all -
        5 get /api url timeout=32s
        5 get /openapi/v3 url timeout=32s
        4 get serviceaccounts obj -""",
    "scheduler": """
        20 update leases own timeout=5s
        16 create pods/binding obj -
        12 patch pods/status obj -
        18 create events new -
        4 watch pods all -
        4 watch nodes all -""",
    "controller": """
        14 update deployments/status obj -
        14 update replicasets/status obj -
        12 create pods gen -
        8 delete pods obj -
        10 update endpointslices obj -
        8 update replicasets obj -
        5 patch jobs/status obj -
        5 create events new -
        6 get configmaps obj -
        4 list pods ns -
        3 deletecollection events ns -
        3 update endpoints obj -""",
    "node": """
        26 update leases own timeout=10s
        22 patch pods/status obj -
        7 patch nodes/status own timeout=10s
        7 get nodes own resourceVersion=0\\u0026timeout=10s
        9 create serviceaccounts/token obj -
        8 create events new -
        6 watch configmaps obj -
        5 watch secrets obj -
        3 watch services all -
        5 create tokenreviews gen -
        5 create subjectaccessreviews gen -
        4 get pods obj -
        2 delete pods obj -
        2 get csinodes own -""",
    "workload": """
        16 update leases own -
        12 watch pods all -
        7 watch secrets ns -
        6 watch configmaps ns -
        12 list pods all limit=500\\u0026resourceVersion=0
        8 list pods ns labelSelector=app.kubernetes.io%2Fname%3Dweb%2Ctier%21%3Dcache
        8 get configmaps obj -
        7 get secrets obj -
        8 patch applications/status obj -
        5 patch applications obj -
        6 get deployments obj -
        4 patch deployments obj {apply}
        4 update certificates/status obj -
        6 list endpointslices all {lists}
        5 create events new -
        3 create subjectaccessreviews gen -
        3 update configmaps obj -
        3 get /apis url timeout=32s
        2 list nodes all resourceVersion=0
        2 get /metrics url -""",
    "person": """
        18 get pods obj -
        16 list pods ns limit=500
        8 list deployments ns limit=500
        8 get deployments obj -
        6 list events ns fieldSelector=involvedObject.name%3Dweb\\u0026limit=500
        5 get secrets obj -
        5 list secrets ns limit=500
        5 create selfsubjectaccessreviews gen -
        5 get pods/log obj container=app\\u0026follow=true\\u0026tailLines=100
        4 get pods/exec obj {exec}
        5 patch deployments obj {kubectl}
        2 create configmaps new {kubectl}
        3 delete pods obj -
        2 patch deployments/scale obj {kubectl}
        4 list namespaces all limit=500
        4 get /api url timeout=32s
        4 get /apis url timeout=32s
        3 list nodes all limit=500
        2 watch pods ns -""",
    "robot": """
        10 get deployments obj -
        10 patch deployments obj {kubectl}
        6 create jobs new {kubectl}
        5 create secrets new {kubectl}
        6 get configmaps obj -
        5 update configmaps obj -
        6 list pods ns labelSelector=app%3Dweb\\u0026limit=500
        3 get rolebindings obj -
        3 get /version url -""",
    "prober": """
        10 get /healthz url -
        10 get /livez url -
        10 get /readyz url verbose=
        1 get /metrics url -""",
}


def table(kind: str) -> list[tuple[float, Action]]:
    """Return the weighted actions of one kind of client."""
    rows = []
    for line in _TABLES[kind].strip().splitlines():
        weight, verb, target, scope, query = line.split()
        query = query.format(apply=_APPLY, kubectl=_KUBECTL, exec=_EXEC, lists=_LISTS)
        # A path keeps its slashes; only a resource has a subresource behind the first one.
        resource, _, subresource = (target, "", "") if scope == "url" else target.partition("/")
        rows.append((float(weight), Action(verb, resource, subresource, scope, "" if query == "-" else query)))
    return rows
