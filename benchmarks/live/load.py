"""The load client, a process of its own: creates nodes and pods, and binds pods itself.

`python -m benchmarks.live.load --help`. Each command prints the seconds that its requests took.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.live.door import Door, opened
from benchmarks.live.wanted import binding_body, node_body, pod_body, pod_name, pods_path

CONNECTIONS = 128
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
    namespace: Namespace,
    at_once: AtOnce = 32,
    per_s: Annotated[float, typer.Option(help="Pods a second; 0 for all that go.")] = 0.0,
) -> None:
    """Create pods."""
    path, bodies = pods_path(namespace), [pod_body(number, scheduler) for number in range(count)]

    async def create(door: Door, turn: int) -> None:
        await door.send("POST", path, bodies[turn])

    _tell(kubeconfig, create, count, at_once, per_s)


@app.command()
def bind(
    kubeconfig: Kubeconfig, count: int, nodes: int, namespace: Namespace, at_once: AtOnce = 64
) -> None:
    """Bind pods that are there to the nodes in turn."""
    step = _binding(count, nodes, namespace)
    _tell(kubeconfig, step, count, at_once)


@app.command()
def pods_and_bind(
    kubeconfig: Kubeconfig, count: int, nodes: int, namespace: Namespace, at_once: AtOnce = 32
) -> None:
    """Create pods and bind each at once to the node that is its turn."""
    path, bodies = pods_path(namespace), [pod_body(number, "nobody") for number in range(count)]
    bind_one = _binding(count, nodes, namespace)

    async def create_and_bind(door: Door, turn: int) -> None:
        await door.send("POST", path, bodies[turn])
        await bind_one(door, turn)

    _tell(kubeconfig, create_and_bind, count, at_once)


def _binding(count: int, nodes: int, namespace: str) -> Step:
    bodies = [binding_body(number, nodes) for number in range(count)]
    paths = [f"{pods_path(namespace)}/{pod_name(number)}/binding" for number in range(count)]

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
