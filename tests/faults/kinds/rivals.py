"""Others write too: another scheduler binds, an admission check refuses, pods and nodes go."""

import asyncio
from contextlib import suppress

from simulator.change import JsonObject, Refused, key_of, uid_of
from simulator.command import Bind, Create, Delete, RefuseBindings
from tests.faults.fault import OneScheduler, moment_s
from tests.faults.messages import Request
from tests.faults.scene import FOREIGN, pod_object
from tests.faults.weather import Fate
from tests.faults.world import World


def _pod_of(world: World, request: Request) -> JsonObject | None:
    return world.api.get("Pod", request.path.split("/")[-2]) if request.is_binding else None


class BindConflict(OneScheduler):
    """Bindings are refused: somebody was sooner, or an admission check does not let them in."""

    name = "conflict"
    what = "409 (another bound it first), 403 (admission refuses)"

    async def strike(self, world: World) -> None:
        """Be sooner than some bindings, for some seconds."""
        rng, share = world.rng, world.rng.choice((0.3, 1.0))

        def rule(request: Request) -> Fate | None:
            pod = _pod_of(world, request)
            if pod is not None and rng.random() < share and not pod["spec"].get("nodeName"):
                node = rng.choice(world.scene.names)
                name, uid = pod["metadata"]["name"], uid_of(pod)
                try:
                    world.api.bind(Bind("default", name, node, uid), FOREIGN)
                except Refused:
                    return None
            return None

        await asyncio.sleep(moment_s(world))
        if rng.random() < 0.5:
            world.do(RefuseBindings(rng.choice((0.3, 1.0))))
        with world.net.weather.under(rule):
            await asyncio.sleep(rng.uniform(0.5, 10.0))
        world.do(RefuseBindings(0.0))


class ForeignPods(OneScheduler):
    """Another scheduler fills nodes at the same time, and frees them again."""

    name = "foreign"
    what = "another scheduler binds pods of its own to the same nodes"

    async def strike(self, world: World) -> None:
        """Bind foreign pods, and take them away."""
        rng, made = world.rng, list[JsonObject]()
        await asyncio.sleep(moment_s(world))
        for number in range(rng.randint(2, 10)):
            pod = world.do(Create(pod_object(f"foreign-{number}", "500m", FOREIGN)))
            if pod is not None:
                made.append(pod)
                bind = Bind("default", pod["metadata"]["name"], rng.choice(world.scene.names))
                with suppress(Refused):
                    world.api.bind(bind, FOREIGN)
            await asyncio.sleep(rng.choice((0.0, 0.01, rng.uniform(0.0, 1.5))))
        for pod in made:
            if rng.random() < 0.7:
                world.delete(pod, 0.0)


class PodGone(OneScheduler):
    """A pod is deleted while its binding is under way; another of its name may follow at once."""

    name = "pod-gone"
    what = "pod deleted mid-bind, before or after it; re-created under its name"

    async def strike(self, world: World) -> None:
        """Delete pods as their bindings arrive, for some seconds."""
        rng = world.rng

        def rule(request: Request) -> Fate | None:
            pod = _pod_of(world, request)
            if pod is None or rng.random() < 0.5:
                return None
            slow = Fate(rng.uniform(0.0, 0.2), rng.uniform(0.0, 0.2))
            after_s = rng.uniform(0.0, slow.there_s + slow.back_s)
            world.loop.call_later(after_s, self._replace, world, pod, rng.choice((None, 0.0)))
            return slow

        await asyncio.sleep(moment_s(world))
        with world.net.weather.under(rule):
            await asyncio.sleep(rng.uniform(1.0, 10.0))
        await asyncio.sleep(0.5)

    def _replace(self, world: World, pod: JsonObject, grace_s: float | None) -> None:
        world.delete(pod, grace_s)
        if not pod["metadata"].get("ownerReferences") and world.rng.random() < 0.7:
            again = pod_object(pod["metadata"]["name"], "200m")
            again["metadata"]["labels"] = pod["metadata"].get("labels", {})
            again["spec"]["volumes"] = pod["spec"].get("volumes", [])
            world.do(Create(again))


class NodeGone(OneScheduler):
    """A node is deleted while bindings to it are under way, and comes back later."""

    name = "node-gone"
    what = "node deleted mid-bind, back later"

    async def strike(self, world: World) -> None:
        """Delete nodes as bindings to them arrive, then bring them back."""
        rng, gone = world.rng, dict[str, JsonObject]()

        def rule(request: Request) -> Fate | None:
            if not request.is_binding or len(gone) >= 2 or rng.random() < 0.5:
                return None
            name = request.body.decode().rpartition('"name":"')[2].partition('"')[0]
            node = world.api.get("Node", name)
            if node is None:
                return None
            gone[name] = node
            slow = Fate(rng.uniform(0.0, 0.2), rng.uniform(0.0, 0.2))
            after_s = rng.uniform(0.0, slow.there_s + slow.back_s)
            world.loop.call_later(after_s, world.do, Delete(key_of(node)))
            return slow

        await asyncio.sleep(moment_s(world))
        with world.net.weather.under(rule):
            await asyncio.sleep(rng.uniform(1.0, 12.0))
        await asyncio.sleep(0.5)
        for name in gone:
            node = next(n for n in world.scene.nodes if n["metadata"]["name"] == name)
            world.do(Create(node))
