"""The load client, a process of its own: creates nodes and pods, and binds pods itself.

`python -m benchmarks.live.load --help`. Each command prints the seconds that its requests took.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.live.door import MERGE_PATCH, Door, opened
from benchmarks.live.kinds import namespace_of, node_numbers, pod_body
from benchmarks.live.runners import runner_body, status_body
from benchmarks.live.scenarios import TURNS, Kind, Scenario, never_fitting_of, sequence
from benchmarks.live.wanted import (
    PRESET_NAMESPACE,
    binding_body,
    node_body,
    pod_name,
    pods_path,
)

CONNECTIONS = 128
_CREATES_AT_ONCE = 32
Step = Callable[[Door, int], Awaitable[None]]

Kubeconfig = Annotated[Path, typer.Argument()]
AtOnce = Annotated[int, typer.Option(help="Requests under way at once.")]
Namespace = Annotated[str, typer.Option()]

app = typer.Typer(add_completion=False)


@app.command()
def nodes(kubeconfig: Kubeconfig, first: int, end: int, at_once: AtOnce = 32) -> None:
    """Create the nodes from `first` to before `end`."""
    bodies = [node_body(number) for number in range(first, end)]

    async def create(door: Door, turn: int) -> None:
        await door.send("POST", "/api/v1/nodes", bodies[turn])

    _tell(kubeconfig, create, len(bodies), at_once)


@app.command()
def pods(
    kubeconfig: Kubeconfig,
    count: int,
    scheduler: Annotated[str, typer.Option(help="Whose the pods are.")],
    scenario: Annotated[str, typer.Option()] = "plain",
    per_s: Annotated[float, typer.Option(help="Pods a second; 0 for all that go.")] = 0.0,
) -> None:
    """Create the pods to be measured, and those that fit nowhere between them."""
    known = _scenario(scenario)
    kinds = sequence(TURNS[known].measured, count, never_fitting_of(known))
    paths = [pods_path(namespace_of(kind)) for kind in kinds]
    bodies = [pod_body(number, scheduler, kind) for number, kind in enumerate(kinds)]

    async def create(door: Door, turn: int) -> None:
        await door.send("POST", paths[turn], bodies[turn])

    _tell(kubeconfig, create, len(kinds), _CREATES_AT_ONCE, per_s)


@app.command()
def bind(
    kubeconfig: Kubeconfig, count: int, nodes: int, namespace: Namespace, at_once: AtOnce = 64
) -> None:
    """Bind plain pods that are there to the nodes in turn."""
    step = _binding(["plain"] * count, nodes, namespace)
    _tell(kubeconfig, step, count, at_once)


@app.command()
def pods_and_bind(
    kubeconfig: Kubeconfig,
    count: int,
    nodes: int,
    namespace: Namespace = PRESET_NAMESPACE,
    scenario: Annotated[str, typer.Option(help="Whose presets they are.")] = "plain",
) -> None:
    """Create pods, and bind each at once to a node by the rules of its kind."""
    kinds = sequence(TURNS[_scenario(scenario)].preset, count)
    path = pods_path(namespace)
    bodies = [pod_body(number, "nobody", kind) for number, kind in enumerate(kinds)]
    bind_one = _binding(kinds, nodes, namespace)

    async def create_and_bind(door: Door, turn: int) -> None:
        await door.send("POST", path, bodies[turn])
        await bind_one(door, turn)

    _tell(kubeconfig, create_and_bind, count, _CREATES_AT_ONCE)


@app.command()
def runners(kubeconfig: Kubeconfig, first: int, end: int, nodes: int) -> None:
    """Create the pods from `first` to before `end` on the nodes in turn, and have each run."""
    path = pods_path(PRESET_NAMESPACE)

    async def create_and_run(door: Door, turn: int) -> None:
        number = first + turn
        body = status_body(number)
        await door.send("POST", path, runner_body(number, nodes))
        await door.send("PATCH", f"{path}/{pod_name(number)}/status", body, MERGE_PATCH)

    _tell(kubeconfig, create_and_run, end - first, _CREATES_AT_ONCE)


def _scenario(name: str) -> Scenario:
    """Return the scenario of a name: what the benchmark hands over is one."""
    return next(known for known in TURNS if known == name)


def _binding(kinds: Sequence[Kind], nodes: int, namespace: str) -> Step:
    bodies = [binding_body(turn, node) for turn, node in enumerate(node_numbers(kinds, nodes))]
    paths = [f"{pods_path(namespace)}/{pod_name(turn)}/binding" for turn in range(len(kinds))]

    async def bind_one(door: Door, turn: int) -> None:
        await door.send("POST", paths[turn], bodies[turn])

    return bind_one


def _tell(kubeconfig: Path, step: Step, count: int, at_once: int, per_s: float = 0.0) -> None:
    seconds = asyncio.run(_all(kubeconfig, step, count, at_once, per_s))
    print(json.dumps({"seconds": seconds}))


async def _all(kubeconfig: Path, step: Step, count: int, at_once: int, per_s: float) -> float:
    """Carry out all steps, `at_once` at a time; return the seconds from the first to the last."""
    loop = asyncio.get_running_loop()
    async with opened(kubeconfig, CONNECTIONS) as door:
        await door.send("GET", "/version")  # the first handshake is no part of the load
        started_s = loop.time()
        turns = iter(due_s(count, per_s))

        async def work() -> None:
            for turn, at_s in turns:
                await asyncio.sleep(max(0.0, started_s + at_s - loop.time()))
                await step(door, turn)

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())
        return loop.time() - started_s


def due_s(count: int, per_s: float) -> Sequence[tuple[int, float]]:
    """Return each turn and when it is due, seconds after the first; 0 a second is all at once."""
    return [(turn, turn / per_s if per_s else 0.0) for turn in range(count)]


if __name__ == "__main__":
    app()
