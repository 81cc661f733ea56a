"""Events in the order of time: two or three lines a request, as the audit log backend would write them."""

import heapq
import random
from collections.abc import Iterator
from typing import Final

from synth import hostile
from synth.actions import RESOURCES, Action
from synth.bodies import BIG, Bodies
from synth.text import EPOCH_US, go_duration, go_json, micro_time
from synth.world import Actor, Thing, World, suffix, uuid

SHAPES: Final = ("metadata", "mixed", "bodies", "hostile")
MIXED_SHARE = 0.2  # of all requests, in the mixed log, carry bodies
_PER_SECOND = 70.0
_SLOW_US = 500_000  # the server adds the latency annotations above this
_OK: Final = {code: f',"responseStatus":{{"metadata":{{}},"code":{code}}}' for code in (101, 200, 201, 304)}
_SUCCESS = ',"responseStatus":{"metadata":{},"status":"Success","code":201}'


def _slow(rng: random.Random, micros: int) -> list[str]:
    """Return the latency annotations of a request that took longer than half a second."""
    parts = {
        "apf-queue-wait": rng.randrange(300, 90_000),
        "authentication": rng.randrange(40_000, 900_000),
        "authorization": rng.randrange(2_000, 80_000),
        "etcd": rng.randrange(10**6, micros * 700),
        "response-write": rng.randrange(600, 2_000),
        "serialize-response-object": rng.randrange(20_000, 5 * 10**6),
        "total": micros * 1000 + rng.randrange(1000),
        "transform-response-object": rng.randrange(200, 900),
    }
    return [f'"apiserver.latency.k8s.io/{part}":"{go_duration(nanos)}"' for part, nanos in parts.items()]


class Stream:
    """Invents requests and renders their events."""

    def __init__(self, shape: str, seed: int) -> None:
        """Prepare a cluster for this shape and seed; the same pair gives the same log."""
        if shape not in SHAPES:
            message = f"unknown shape {shape!r}: choose one of {', '.join(SHAPES)}"
            raise ValueError(message)
        self.rng = random.Random(f"{shape}-{seed}")  # noqa: S311 (repeatable on purpose)
        self.world = World(self.rng)
        self.bodies = Bodies(self.rng, self.world) if shape != "metadata" else None
        # The body-heavy log is what a policy writes that wants only these objects, in full, and omits RequestReceived.
        self.only_big = shape == "bodies"
        self.chance = {"metadata": 0.0, "bodies": 1.0}.get(shape, min(1.0, MIXED_SHARE / self._big_share()))
        self.version = 81_000_000
        self.pending: list[tuple[int, int, str]] = []
        self.serial = 0

    def _big_share(self) -> float:
        """Return the share of requests that may carry bodies of some size."""
        share = 0.0
        for actor in self.world.actors:
            total = previous = 0.0
            for action, until in zip(actor.actions, actor.cumulative, strict=True):
                total += (until - previous) * self._is_big(action)
                previous = until
            share += actor.weight * total / actor.cumulative[-1]
        return share / self.world.cumulative[-1]

    @staticmethod
    def _is_big(action: Action) -> bool:
        # Sub-resources other than status exchange small objects of their own.
        plain = action.subresource in {"", "status"}
        return plain and action.resource in BIG and action.verb not in {"watch", "delete", "deletecollection"}

    def __iter__(self) -> Iterator[str]:
        """Yield lines, each with its line end."""
        now = EPOCH_US
        rng, world, pending = self.rng, self.world, self.pending
        while True:
            now += 1 + int(rng.expovariate(_PER_SECOND) * 1_000_000)
            while pending and pending[0][0] <= now:
                yield heapq.heappop(pending)[2]
            actor = rng.choices(world.actors, cum_weights=world.cumulative)[0]
            action = rng.choices(actor.actions, cum_weights=actor.cumulative)[0]
            if not self.only_big or self._is_big(action):
                self._request(actor, action, now)

    def _target(self, actor: Actor, action: Action) -> tuple[str, str, Thing | None]:
        """Return the path, the namespace and the object of a request."""
        if action.scope == "url":
            return action.resource, "", None
        world, plural = self.world, action.resource
        group, api, _, namespaced = RESOURCES[plural]
        path = f"/apis/{group}/{api}" if group else f"/api/{api}"
        thing: Thing | None = None
        if action.scope in {"obj", "own"}:
            thing = actor.own.get(plural) if action.scope == "own" else None
            thing = thing or world.pick(plural)
            namespace = thing.namespace
        elif action.scope == "all" or not namespaced:
            namespace = ""
        else:
            namespace = world.namespaces[int(self.rng.random() * len(world.namespaces))]
        if action.scope in {"new", "gen"}:
            thing = world.thing(plural, namespace)
            world.replace(plural, thing)
        if namespace:
            path += f"/namespaces/{namespace}"
        path += f"/{plural}"
        if thing is not None and action.scope in {"obj", "own"} and action.verb != "watch":
            path += f"/{thing.name}"
            if action.subresource:
                path += f"/{action.subresource}"
        return path, namespace, thing

    def _watch_query(self, thing: Thing | None) -> str:
        minutes, seconds = 5 + int(self.rng.random() * 5), int(self.rng.random() * 60)
        selector = f"fieldSelector=metadata.name%3D{thing.name}\\u0026" if thing is not None else ""
        return (
            f"allowWatchBookmarks=true\\u0026{selector}resourceVersion={self.version}\\u0026"
            f"timeout={minutes}m{seconds}s\\u0026timeoutSeconds={minutes * 60 + seconds}\\u0026watch=true"
        )

    def _reference(self, action: Action, namespace: str, thing: Thing | None, *, done: bool) -> str:
        """Return objectRef; names of created objects, UIDs and versions are known only when the body was read."""
        if action.scope == "url":
            return ""
        group, api, _, _ = RESOURCES[action.resource]
        text = f',"objectRef":{{"resource":"{action.resource}"'
        if namespace:
            text += f',"namespace":"{namespace}"'
        if thing is not None and (action.scope in {"obj", "own"} or (done and action.scope == "new")):
            text += f',"name":"{thing.name}"'
            if done and (action.verb == "update" or action.subresource == "binding"):
                text += f',"uid":"{thing.uid}"'
        if group:
            text += f',"apiGroup":"{group}"'
        text += f',"apiVersion":"{api}"'
        if done and action.verb == "update":
            text += f',"resourceVersion":"{self.version - int(self.rng.random() * 90)}"'
        return f'{text},"subresource":"{action.subresource}"}}' if action.subresource else text + "}"

    def _failure(
        self, actor: Actor, action: Action, namespace: str, thing: Thing | None
    ) -> tuple[int, str, str] | None:
        """Return code, status and decision of a request that fails, or None."""
        dice = self.rng.random()
        denied = 0.07 if actor.kind == "person" else 0.004
        group = RESOURCES[action.resource][0] if action.scope != "url" else ""
        full = f"{action.resource}.{group}" if group else action.resource
        details: dict[str, object] = (
            {"name": thing.name} if thing is not None and action.scope in {"obj", "own"} else {}
        )
        details |= {"group": group} if group else {}
        details |= {"kind": action.resource} if action.scope != "url" else {}
        name = f' "{details["name"]}"' if "name" in details else ""
        if dice < denied:
            where = f' in the namespace "{namespace}"' if namespace else " at the cluster scope"
            what = f'{action.verb} resource "{action.resource}" in API group "{group}"{where}'
            if action.scope == "url":
                full, what = "", f'{action.verb} path "{action.resource}"'
            message = f'{full}{name} is forbidden: User "{actor.name}" cannot {what}'.removeprefix(" is ")
            return self._status(403, message, "Forbidden", details, "forbid")
        dice -= denied
        if name and action.verb in {"get", "delete", "patch"} and dice < 0.03:
            return self._status(404, f"{full}{name} not found", "NotFound", details, "allow")
        if action.verb == "update" and dice < 0.02:
            text = "the object has been modified; please apply your changes to the latest version and try again"
            message = f"Operation cannot be fulfilled on {full}{name}: {text}"
            return self._status(409, message, "Conflict", details, "allow")
        if action.scope == "new" and thing is not None and dice < 0.02:
            details = {"name": thing.name, **details}
            return self._status(409, f'{full} "{thing.name}" already exists', "AlreadyExists", details, "allow")
        if dice > 0.9995:
            return self._status(500, "etcdserver: request timed out", "InternalError", {}, "allow")
        return None

    def _status(
        self, code: int, message: str, reason: str, details: dict[str, object], decision: str
    ) -> tuple[int, str, str]:
        fields = {
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details,
            "code": code,
        }
        return code, f',"responseStatus":{go_json(fields)}', decision

    def _annotations(self, actor: Actor, action: Action, micros: int, failure: tuple[int, str, str] | None) -> str:
        rng = self.rng
        slow = micros > _SLOW_US and action.verb != "watch"
        changes_pod = action.resource == "pods" and action.scope == "gen"
        token = action.subresource == "token" and failure is None
        deprecated = action.resource == "endpoints"
        denied = failure is not None and failure[2] == "forbid"
        if not (slow or changes_pod or token or deprecated or denied):
            return actor.allowed
        notes = _slow(rng, micros) if slow else []
        decision, reason = ("forbid", '""') if denied else ("allow", actor.reason)
        notes += [f'"authorization.k8s.io/decision":"{decision}"', f'"authorization.k8s.io/reason":{reason}']
        if changes_pod and not denied:
            hook = (
                '{\\"configuration\\":\\"sidecar-injector\\",\\"webhook\\":\\"inject.example.com\\",\\"mutated\\":true}'
            )
            notes.append(f'"mutation.webhook.admission.k8s.io/round_0_index_0":"{hook}"')
            notes.append('"pod-security.kubernetes.io/enforce-policy":"baseline:latest"')
        if token:
            notes.append(f'"authentication.kubernetes.io/issued-credential-id":"JTI={uuid(rng)}"')
        if deprecated and not denied:
            notes.append('"k8s.io/deprecated":"true"')
        # Go sorts the keys of a map. The quote that ends a key sorts before every character that a key holds.
        return f',"annotations":{{{",".join(sorted(notes))}}}'

    def _body(self, action: Action, namespace: str, thing: Thing | None, now: int, failed: str) -> str:
        """Return requestObject and responseObject."""
        bodies, plural, verb = self.bodies, action.resource, action.verb
        if bodies is None or action.scope == "url":
            return ""
        thing = thing or Thing(namespace, f"web-{suffix(self.rng)}", uuid(self.rng))
        sent = received = ""
        if verb in {"create", "update"}:
            sent = bodies.one(plural, thing, self.version, now)
        elif verb == "patch":
            sent = bodies.patch(thing)
        elif verb in {"delete", "deletecollection"}:
            sent = '{"kind":"DeleteOptions","apiVersion":"meta.k8s.io/v1","propagationPolicy":"Background"}'
        if failed:
            # The response repeats the status, as a Status object of its own.
            received = '{"kind":"Status","apiVersion":"v1",' + failed.partition(":{")[2]
        elif verb == "list":
            received = bodies.many(plural, namespace, self.version, now)
        else:
            received = bodies.one(plural, thing, self.version, now)
        return (f',"requestObject":{sent}' if sent else "") + f',"responseObject":{received}'

    def _request(self, actor: Actor, action: Action, now: int) -> None:
        rng = self.rng
        path, namespace, thing = self._target(actor, action)
        watch = action.verb == "watch"
        query = self._watch_query(thing if action.scope == "obj" else None) if watch else action.query
        micros = int(rng.lognormvariate(7.74, 1.0)) + (int(rng.uniform(5e5, 9e6)) if rng.random() < 0.003 else 0)
        failure = self._failure(actor, action, namespace, thing)
        full = self.chance > 0 and self._is_big(action) and rng.random() < self.chance
        if action.verb in {"create", "update", "patch", "delete"} and failure is None:
            self.version += 1
        code = 101 if action.subresource == "exec" else 201 if action.verb == "create" else 200
        status = failure[1] if failure else _SUCCESS if action.subresource == "binding" else _OK[code]
        level = "RequestResponse" if full else "Metadata"
        head = f'{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"{level}","auditID":"{uuid(rng)}","stage":"'
        uri = f"{path}?{query}" if query else path
        request = f'","requestURI":"{uri}","verb":"{action.verb}","user":{self.world.user(actor, now)}'
        addresses = actor.addresses
        if actor.kind == "person":
            source = f'"{addresses[0]}","{addresses[1]}"'
        else:
            source = f'"{addresses[int(rng.random() * len(addresses))]}"'
        client = f',"sourceIPs":[{source}],"userAgent":{actor.agent}'
        received = f',"requestReceivedTimestamp":"{micro_time(now)}","stageTimestamp":"'
        # Impersonation is known only after the first stage.
        as_user = f',"impersonatedUser":{actor.impersonates}' if actor.impersonates and rng.random() < 0.3 else ""
        reference = self._reference(action, namespace, thing, done=False)
        if not self.only_big:
            self._push(now, f'{head}RequestReceived{request}{client}{reference}{received}{micro_time(now)}"}}\n')
        reference = self._reference(action, namespace, thing, done=failure is None or failure[2] == "allow")
        ends = now + micros
        notes = self._annotations(actor, action, micros, failure)
        if failure is None and (watch or action.subresource in {"exec", "log"}):
            line = f'{request}{as_user}{client}{reference}{status}{received}{micro_time(ends)}"{notes}}}\n'
            self._push(ends, f"{head}ResponseStarted{line}")
            ends += int(rng.uniform(3e8, 6e8)) if watch else int(rng.expovariate(1 / 2e7))
        body = self._body(action, namespace, thing, now, failure[1] if failure else "") if full else ""
        line = f'{request}{as_user}{client}{reference}{status}{body}{received}{micro_time(ends)}"{notes}}}\n'
        self._push(ends, f"{head}ResponseComplete{line}")

    def _push(self, when: int, line: str) -> None:
        self.serial += 1
        heapq.heappush(self.pending, (when, self.serial, line))


def lines(shape: str, seed: int) -> Iterator[bytes]:
    """Yield the lines of an endless log, as bytes with their line ends."""
    stream = Stream(shape, seed)
    if shape == "hostile":
        yield from hostile.spoil((line.encode() for line in stream), stream.rng)
    else:
        for line in stream:
            yield line.encode()
