"""Who talks to the made-up cluster: components, controllers, nodes, workloads, people, robots, probes."""

import random
from dataclasses import dataclass, field
from itertools import accumulate

from synth.actions import RESOURCES, Action, table
from synth.text import go_json, words

VERSION = "v1.34.2 (linux/amd64) kubernetes/8cc511e"
_HOUR_US = 3_600_000_000
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # the alphabet of generated names: no vowels, so no words

_CONTROLLERS = words("""replicaset-controller deployment-controller endpointslice-controller job-controller
    generic-garbage-collector namespace-controller node-controller resourcequota-controller root-ca-cert-publisher
    service-account-controller statefulset-controller horizontal-pod-autoscaler cronjob-controller
    daemon-set-controller persistent-volume-binder disruption-controller ttl-after-finished-controller""")
# namespace, account, user agent, pods
_WORKLOADS = (
    (
        "argocd",
        "argocd-application-controller",
        "argocd-application-controller/v0.0.0 (linux/amd64) kubernetes/$Format",
        3,
    ),
    ("argocd", "argocd-server", "argocd-server/v0.0.0 (linux/amd64) kubernetes/$Format", 2),
    (
        "cert-manager",
        "cert-manager",
        "cert-manager-certificates-readiness/v1.18.2 (linux/amd64) cert-manager/1d4e5f0",
        1,
    ),
    ("monitoring", "prometheus-k8s", "Prometheus/3.5.0", 2),
    ("monitoring", "kube-state-metrics", "kube-state-metrics/v2.16.0 (linux/amd64) kube-state-metrics/8f4a2b6", 1),
    ("ingress-nginx", "ingress-nginx", "nginx-ingress-controller/v1.13.1 (linux/amd64) ingress-nginx/3e0b7c2", 3),
    ("kube-system", "coredns", "Go-http-client/2.0", 2),
    (
        "kube-system",
        "cilium",
        "cilium-agent/1.18.1 8a2f3c1 2025-08-15T10:11:12+00:00 go version go1.24.6 linux/amd64",
        12,
    ),
    ("kube-system", "metrics-server", "metrics-server/v0.8.0 (linux/amd64) kubernetes/$Format", 2),
    ("kube-system", "cluster-autoscaler", "cluster-autoscaler/v1.34.0 (linux/amd64) kubernetes/$Format", 1),
    ("flux-system", "kustomize-controller", "kustomize-controller/v1.6.1 (linux/amd64) kubernetes/$Format/leader", 1),
    ("kyverno", "kyverno-admission-controller", "kyverno/v1.15.0 (linux/amd64) kubernetes/$Format", 3),
    ("velero", "velero", "velero-server/v1.16.2 (linux/amd64) 6b2f1a9", 1),
    ("team-web-prod", "operator", "manager/v0.0.0 (linux/amd64) kubernetes/$Format", 2),
    ("team-data-prod", "spark-operator", "OpenAPI-Generator/33.1.0/python", 4),
)
_PEOPLE = words("alice bob carol dan erin frank grace heidi ivan judy mallory niaj olivia peggy rupert sybil")
_ONCALL = {"alice", "bob"}  # they act as the on-call user now and then
_TEAMS = words("web api data pay auth search mail media")
_AGENTS = (
    "kubectl/v1.34.1 (darwin/arm64) kubernetes/93248f9",
    "kubectl/v1.33.3 (linux/amd64) kubernetes/80779bd",
    "kubectl/v1.32.7 (windows/amd64) kubernetes/d9ef5b6",
    "k9s/v0.50.9 (darwin/arm64) kubernetes/$Format",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36",
)


def uuid(rng: random.Random) -> str:
    """Return a random version 4 UUID; about three times as fast as ``uuid.UUID``."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def suffix(rng: random.Random, length: int = 5) -> str:
    """Return the random tail of a generated name."""
    return "".join([_LETTERS[int(rng.random() * len(_LETTERS))] for _ in range(length)])


@dataclass(slots=True)
class Thing:
    """An object of the cluster."""

    namespace: str
    name: str
    uid: str


@dataclass(slots=True)
class Token:
    """A credential: the user as JSON, and when the client will replace it."""

    user: str
    expires: int
    pod: Thing | None = None
    node: str = ""


@dataclass(slots=True)
class Actor:
    """A client of the API server."""

    kind: str
    name: str
    agent: str
    addresses: list[str]
    reason: str
    weight: float
    tokens: list[Token]
    account: tuple[str, str, str] | None = None  # namespace, name, uid of a service account: its tokens rotate
    impersonates: str = ""
    own: dict[str, Thing] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    cumulative: list[float] = field(default_factory=list)
    allowed: str = ""  # the usual annotations of an allowed request, rendered once

    def __post_init__(self) -> None:
        """Prepare what every request needs."""
        rows = table(self.kind)
        self.actions = [action for _, action in rows]
        self.cumulative = list(accumulate(weight for weight, _ in rows))
        self.agent = go_json(self.agent)
        self.reason = go_json(self.reason)
        self.allowed = (
            ',"annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":' + self.reason + "}"
        )


def _user(name: str, groups: list[str], *, uid: str = "", extra: dict[str, list[str]] | None = None) -> str:
    user: dict[str, object] = {"username": name}
    if uid:
        user["uid"] = uid
    user["groups"] = groups
    if extra:
        user["extra"] = dict(sorted(extra.items()))
    return go_json(user)


class World:
    """The cluster: namespaces, objects, clients."""

    def __init__(self, rng: random.Random) -> None:
        """Invent a cluster of 48 nodes and about 1,500 pods."""
        self.rng = rng
        teams = [f"team-{team}-{stage}" for team in _TEAMS for stage in ("dev", "test", "prod")]
        self.namespaces = ["default", "kube-system", *sorted({row[0] for row in _WORKLOADS[:13]}), *teams]
        self.nodes = [f"ip-10-0-{rng.randrange(64)}-{i + 10}.eu-west-1.compute.internal" for i in range(48)]
        self.things = {plural: self._pool(plural) for plural in RESOURCES}
        self.actors = [*self._components(), *self._nodes(), *self._workloads(), *self._people()]
        self.cumulative = list(accumulate(actor.weight for actor in self.actors))

    def _pool(self, plural: str) -> list[Thing]:
        rng = self.rng
        if plural == "nodes":
            return [Thing("", name, uuid(rng)) for name in self.nodes]
        if plural == "namespaces":
            return [Thing("", name, uuid(rng)) for name in self.namespaces]
        count = {"pods": 1500, "events": 500, "configmaps": 400, "secrets": 300}.get(plural, 150)
        namespaced = RESOURCES[plural][3]
        return [self.thing(plural, rng.choice(self.namespaces) if namespaced else "") for _ in range(count)]

    def thing(self, plural: str, namespace: str) -> Thing:
        """Invent one object."""
        rng = self.rng
        base = ("web", "api", "worker", "cache", "gateway", "billing-service", "ingest")[int(rng.random() * 7)]
        if plural in {"pods", "replicasets"}:
            name = f"{base}-{suffix(rng, 9)}" + (f"-{suffix(rng)}" if plural == "pods" else "")
        elif plural == "events":
            name = f"{base}-{suffix(rng, 9)}-{suffix(rng)}.{rng.getrandbits(64):016x}"
        else:
            name = f"{base}-{plural[:-1]}-{suffix(rng, 3)}"
        return Thing(namespace, name, uuid(rng))

    def pick(self, plural: str) -> Thing:
        """Return any object of a kind."""
        pool = self.things[plural]
        return pool[int(self.rng.random() * len(pool))]

    def replace(self, plural: str, thing: Thing) -> None:
        """Put a new object in the place of an old one: the cluster keeps its size while names come and go."""
        pool = self.things[plural]
        pool[int(self.rng.random() * len(pool))] = thing

    def user(self, actor: Actor, now: int) -> str:
        """Return the user of a request as JSON, with a fresh token where the old one has expired."""
        tokens = actor.tokens
        token = tokens[0] if len(tokens) == 1 else tokens[int(self.rng.random() * len(tokens))]
        if actor.account is not None and now >= token.expires:
            self._renew(actor.account, token, now)
        return token.user

    def _renew(self, account: tuple[str, str, str], token: Token, now: int) -> None:
        namespace, name, uid = account
        extra = {"authentication.kubernetes.io/credential-id": [f"JTI={uuid(self.rng)}"]}
        if token.pod is not None:
            extra["authentication.kubernetes.io/node-name"] = [token.node]
            extra["authentication.kubernetes.io/node-uid"] = [self.things["nodes"][self.nodes.index(token.node)].uid]
            extra["authentication.kubernetes.io/pod-name"] = [token.pod.name]
            extra["authentication.kubernetes.io/pod-uid"] = [token.pod.uid]
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
        token.user = _user(f"system:serviceaccount:{namespace}:{name}", groups, uid=uid, extra=extra)
        # Clients renew after 80 % of an hour, give or take.
        token.expires = now + int(_HOUR_US * (0.75 + 0.1 * self.rng.random()))

    def _account(
        self, namespace: str, name: str, slots: int, *, pods: bool
    ) -> tuple[tuple[str, str, str], list[Token]]:
        account = (namespace, name, uuid(self.rng))
        tokens = []
        for _ in range(slots):
            pod = Thing(namespace, f"{name}-{suffix(self.rng, 9)}-{suffix(self.rng)}", uuid(self.rng)) if pods else None
            # The first renewals are spread over the hour: the log starts in the middle of the cluster's life.
            tokens.append(Token("", 0, pod, self.rng.choice(self.nodes)))
            self._renew(account, tokens[-1], int(self.rng.random() * -_HOUR_US / 2))
        return account, tokens

    def _certificate(self, name: str, groups: list[str]) -> list[Token]:
        extra = {"authentication.kubernetes.io/credential-id": [f"X509SHA256={self.rng.getrandbits(256):064x}"]}
        return [Token(_user(name, groups, extra=extra), 0)]

    def _lease(self, namespace: str, name: str) -> dict[str, Thing]:
        return {"leases": Thing(namespace, name, uuid(self.rng))}

    def _components(self) -> list[Actor]:
        loopback = _user("system:apiserver", ["system:authenticated", "system:masters"], uid=uuid(self.rng))
        lease = self._lease("kube-system", f"apiserver-{suffix(self.rng, 26)}")
        agent = f"kube-apiserver/{VERSION}"
        actors = [Actor("apiserver", "system:apiserver", agent, ["::1"], "", 9, [Token(loopback, 0)], own=lease)]
        for kind, name, share in (("manager", "kube-controller-manager", 8), ("scheduler", "kube-scheduler", 7)):
            user, agent = f"system:{name}", f"{name}/{VERSION}/leader-election"
            reason = f'RBAC: allowed by ClusterRoleBinding "{user}" of ClusterRole "{user}" to User "{user}"'
            tokens, lease = self._certificate(user, ["system:authenticated"]), self._lease("kube-system", name)
            actors.append(Actor(kind, user, agent, ["10.0.0.5"], reason, share, tokens, own=lease))
        for name in _CONTROLLERS:
            account, tokens = self._account("kube-system", name, 1, pods=False)
            role = f"system:controller:{name}"
            reason = f'RBAC: allowed by ClusterRoleBinding "{role}" of ClusterRole "{role}" '
            reason += f'to ServiceAccount "{name}/kube-system"'
            user = f"system:serviceaccount:kube-system:{name}"
            agent = f"kube-controller-manager/{VERSION}/{user}"
            weight = 5.0 if name in _CONTROLLERS[:4] else 1.0
            actors.append(Actor("controller", user, agent, ["10.0.0.5"], reason, weight, tokens, account))
        return actors

    def _nodes(self) -> list[Actor]:
        actors = []
        for index, node in enumerate(self.nodes):
            tokens = self._certificate(f"system:node:{node}", ["system:nodes", "system:authenticated"])
            own = {**self._lease("kube-node-lease", node), "nodes": self.things["nodes"][index]}
            own["csinodes"] = own["nodes"]
            address = ".".join(node.split(".")[0].split("-")[1:])
            actors.append(
                Actor("node", f"system:node:{node}", f"kubelet/{VERSION}", [address], "", 0.55, tokens, own=own)
            )
        return actors

    def _workloads(self) -> list[Actor]:
        actors = []
        for namespace, name, agent, pods in _WORKLOADS:
            account, tokens = self._account(namespace, name, pods, pods=True)
            reason = f'RBAC: allowed by ClusterRoleBinding "{name}" of ClusterRole "{name}" '
            reason += f'to ServiceAccount "{name}/{namespace}"'
            user = f"system:serviceaccount:{namespace}:{name}"
            addresses = [f"10.0.{self.rng.randrange(64)}.{self.rng.randrange(10, 58)}" for _ in range(pods)]
            own = self._lease(namespace, f"{name}-leader")
            actors.append(Actor("workload", user, agent, addresses, reason, 1.5 + pods / 4, tokens, account, own=own))
        return actors

    def _people(self) -> list[Actor]:
        actors = []
        for index, person in enumerate(_PEOPLE):
            name, team = f"oidc:{person}@example.com", _TEAMS[index % len(_TEAMS)]
            user = _user(name, [f"oidc:team-{team}", "oidc:engineering", "system:authenticated"])
            reason = f'RBAC: allowed by RoleBinding "edit/team-{team}-prod" of ClusterRole "edit" '
            reason += f'to Group "oidc:team-{team}"'
            target = (
                _user("oidc:oncall@example.com", ["oidc:oncall", "system:authenticated"]) if person in _ONCALL else ""
            )
            # A person behind a proxy: the client's claim comes first, the address that the server saw last.
            addresses = [f"198.51.100.{self.rng.randrange(254)}", f"203.0.113.{index + 1}"]
            agent = _AGENTS[index % len(_AGENTS)]
            actors.append(Actor("person", name, agent, addresses, reason, 0.35, [Token(user, 0)], impersonates=target))
        for namespace in ("team-web-prod", "team-data-test"):
            account, tokens = self._account(namespace, "ci-deployer", 6, pods=False)
            reason = f'RBAC: allowed by RoleBinding "ci/{namespace}" of Role "deployer" '
            reason += f'to ServiceAccount "ci-deployer/{namespace}"'
            user = f"system:serviceaccount:{namespace}:ci-deployer"
            agent = "Helm/3.18.5" if namespace.endswith("prod") else _AGENTS[1]
            actors.append(Actor("robot", user, agent, ["192.0.2.17"], reason, 1.6, tokens, account))
        anonymous = Token(_user("system:anonymous", ["system:unauthenticated"]), 0)
        reason = 'RBAC: allowed by ClusterRoleBinding "system:public-info-viewer" of ClusterRole '
        reason += '"system:public-info-viewer" to Group "system:unauthenticated"'
        actors.append(Actor("prober", "system:anonymous", "kube-probe/1.34", ["10.0.0.5"], reason, 3, [anonymous]))
        return actors
