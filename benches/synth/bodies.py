"""Objects as they stand in requestObject and responseObject: 2 to 20 kB each, lists up to 200 kB.

Specs and statuses are rendered once into pools; an event only joins them with the metadata of its own object. That
keeps the generator fast, and it is also what real logs look like: the specs of one workload repeat, names and versions
do not.
"""

import random
from typing import Final

from synth.actions import RESOURCES
from synth.specs import Specs
from synth.text import plain_time, words
from synth.world import Thing, World

LIST_LIMIT = 200_000
_POOL = 24
# Kinds whose objects are large enough to count as "a request with bodies" in the mixed log.
BIG: Final = frozenset(
    words("""pods configmaps secrets deployments replicasets statefulsets jobs nodes applications certificates
    endpointslices""")
)


class Bodies:
    """Renders objects, lists and patches as canonical JSON text."""

    def __init__(self, rng: random.Random, world: World) -> None:
        """Render the pools."""
        self.rng = rng
        self.world = world
        specs = Specs(rng, world.nodes)
        self.tails = {plural: [specs.tail(plural) for _ in range(_POOL)] for plural in RESOURCES}
        self.patches = [specs.patch_tail() for _ in range(_POOL)]
        self.fields = [specs.managed_fields(containers) for containers in (2, 3, 4, 6)]

    def one(self, plural: str, thing: Thing, version: int, now: int, *, typed: bool = True) -> str:
        """Return one object; items of a list carry no kind."""
        group, api, kind, namespaced = RESOURCES[plural]
        rng = self.rng
        head = f'"kind":"{kind}","apiVersion":"{group + "/" if group else ""}{api}",' if typed else ""
        place = f'"namespace":"{thing.namespace}",' if namespaced else ""
        tail = self.tails[plural][int(rng.random() * _POOL)]
        fields = self.fields[int(rng.random() * len(self.fields))]
        return (
            f'{{{head}"metadata":{{"name":"{thing.name}",{place}"uid":"{thing.uid}","resourceVersion":"{version}",'
            f'"generation":{1 + version % 7},"creationTimestamp":"{plain_time(now - version % 90_000 * 1_000_000)}",'
            f'"labels":{{"app":"{thing.name[:12]}","pod-template-hash":"{thing.uid[:8]}"}},'
            f'"managedFields":{fields}}},{tail}}}'
        )

    def many(self, plural: str, namespace: str, version: int, now: int) -> str:
        """Return a list: mostly a few items, now and then as many as fit into the limit."""
        group, api, kind, _ = RESOURCES[plural]
        rng = self.rng
        budget = LIST_LIMIT if rng.random() < 0.03 else 4_000 + int(rng.expovariate(1 / 14_000))
        head = (
            f'{{"kind":"{kind}List","apiVersion":"{group + "/" if group else ""}{api}",'
            f'"metadata":{{"resourceVersion":"{version}"}},"items":['
        )
        items: list[str] = []
        size = len(head)
        while True:
            thing = self.world.pick(plural)
            if namespace:
                thing = Thing(namespace, thing.name, thing.uid)
            item = self.one(plural, thing, version - int(rng.random() * 5_000), now, typed=False)
            size += len(item) + 1
            if items and size > min(budget, LIST_LIMIT):
                return f"{head}{','.join(items)}]}}"
            items.append(item)

    def patch(self, thing: Thing) -> str:
        """Return a strategic merge patch, as kubelets and controllers send it."""
        return f'{{"metadata":{{"uid":"{thing.uid}"}},{self.patches[int(self.rng.random() * _POOL)]}}}'
