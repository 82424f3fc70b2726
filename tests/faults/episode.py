"""One episode: a seed and a fault go in, violations and the time of recovery come out."""

import asyncio
from typing import Any

from tests.faults.at_end import (
    differences,
    is_at_work,
    left_behind,
    unexplained,
    unfinished,
)
from tests.faults.chance import chance
from tests.faults.fault import Fault
from tests.faults.loop import Stuck, VirtualLoop, run_virtually
from tests.faults.outcome import Outcome
from tests.faults.process import election_by_wall_clocks
from tests.faults.scene import FOREIGN
from tests.faults.world import World, live, new_world

_LOOK_S = 0.25
_LONGEST_S = 200.0
"""From the end of all harm to rest: a binding without an answer is held for 70 s, a watch that has
fallen silent is found after 100 s. Below the queue's own guard of 300 s, which must not be needed.
"""

_STOP_S = 30.0
"""A pod is given so long to stop."""


def run_episode(fault: Fault, seed: int) -> Outcome:
    """Run an episode; the same fault and seed make the same one, step by step."""

    async def main(loop: VirtualLoop) -> Outcome:
        return await _episode(loop, fault, seed)

    try:
        with election_by_wall_clocks():
            return run_virtually(main)
    except Stuck as stuck:
        return Outcome(fault.name, seed, (f"bug: {stuck}",), None, 0, 0.0, 0)


async def _episode(loop: VirtualLoop, fault: Fault, seed: int) -> Outcome:
    staging = fault.staging(chance(f"staging {fault.name}", seed))
    world = new_world(loop, seed, staging)
    loop.set_exception_handler(lambda _, context: world.violations.append(_said(context)))
    for _ in range(staging.replicas):
        world.start()
    beside = asyncio.create_task(world.agents.live())
    people = asyncio.create_task(live(world))
    await fault.strike(world)
    mended_s = loop.time()
    recovery_s = await _recovery_s(world, mended_s)
    await people
    world.agents.drifts = False
    wrong = await _settled(world)
    await _stop(world)
    beside.cancel()
    await asyncio.gather(beside, return_exceptions=True)
    if recovery_s is None:
        wrong.append(f"lost: some pod waited {_LONGEST_S:g} s for a place that there was")
    for process in (*world.processes, *world.dead):
        wrong += [f"bug: {process.name}: {bug}" for bug in process.bugs]
    return Outcome(
        fault.name,
        seed,
        (*world.violations, *wrong, *_bound_twice(world), *_crowded(world)),
        recovery_s,
        len(world.api.bindings),
        loop.time(),
        loop.steps,
    )


async def _recovery_s(world: World, mended_s: float) -> float | None:
    """Wait until nobody waits that could be placed; return how long that took."""
    seen: object = None
    waits = True
    while world.loop.time() - mended_s < _LONGEST_S:
        world.restart_deposed()
        leader = world.leader
        if leader is not None:
            now = world.standing(leader)
            if now != seen:  # deciding anew on the same is most of what an episode costs
                seen, waits = now, bool(left_behind(leader, world.fresh.cache()))
            if not waits:
                return world.loop.time() - mended_s
        await asyncio.sleep(_pause_s(world, mended_s))
    return None


def _pause_s(world: World, since_s: float) -> float:
    """Return how long to wait until the next look: a fortieth of what was waited already."""
    return max(_LOOK_S, (world.loop.time() - since_s) / 40)


async def _settled(world: World) -> list[str]:
    """Wait for rest; return what is still wrong when it should long have come."""
    began_s, wrong = world.loop.time(), ["not looked at"]
    while wrong and world.loop.time() - began_s < _LONGEST_S:
        await asyncio.sleep(_pause_s(world, began_s))
        world.restart_deposed()
        wrong = _wrong(world, is_last=False)
    return wrong and _wrong(world, is_last=True)


def _wrong(world: World, *, is_last: bool) -> list[str]:
    """Return what is not as it should be; the whole list in a last look alone."""
    leader = world.leader
    if leader is None:
        return ["lost: nobody leads"]
    if not is_last and any(map(is_at_work, world.processes)):
        return ["at work"]
    fresh = world.fresh.cache()
    wrong = list(unexplained(leader, fresh, world.api))
    for process in world.processes:
        wrong += differences(process, fresh)
        wrong += unfinished(process)
    return wrong or left_behind(leader, fresh)


async def _stop(world: World) -> None:
    await asyncio.gather(*world.stopping)
    for process in world.dead:
        await process.buried()
    for process in world.processes:
        try:
            async with asyncio.timeout(_STOP_S):
                await process.stop()
        except TimeoutError:
            world.violations.append(f"bug: {process.name} does not stop")


def _crowded(world: World) -> list[str]:
    """Return the nodes that one scheduler alone has bound too much to, as the server has it.

    Two, one after the other, may: what a dead one has sent can arrive when the next has listed.
    """
    foreign = {bound.node for bound in world.api.bindings if bound.process == FOREIGN}
    if world.started > 1 or foreign:
        return []
    return [
        f"overcommitted: {bound.key} at {bound.at_s:.3f} s, {bound.node} short of {bound.crowded}"
        for bound in world.api.bindings
        if bound.crowded
    ]


def _said(context: dict[str, Any]) -> str:
    """Return what a loop has to say of an exception that nobody caught."""
    return f"bug: {context.get('message')}: {context.get('exception')!r}"


def _bound_twice(world: World) -> list[str]:
    """Return the pods that two bindings were carried out for, or told of."""
    nodes: dict[str, set[str]] = {}
    for bound in world.api.bindings:
        nodes.setdefault(bound.uid, set()).add(bound.node)
    for uid, said in world.api.said.items():
        told = {note for reason, note in said if reason == "Scheduled"}
        if len(told) > 1:
            nodes.setdefault(uid, set()).update(told)
    return [f"doubled: {uid} on {sorted(found)}" for uid, found in nodes.items() if len(found) > 1]
