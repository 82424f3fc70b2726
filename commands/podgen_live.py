"""`podgen` into a cluster: pods are created when they arrive."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from commands.podgen import said
from scheduler.kube.client import KubeClient, connected
from scheduler.kube.creation import Created, create_all
from simulator.change import JsonObject
from simulator.podgen.draw import App, draw
from simulator.podgen.mix import Mix
from simulator.podgen.objects import pod_group, pods, priority_classes


def run_podgen_live(mix: Mix, kubeconfig: Path, context: str | None) -> int:
    """Create the pods of a mix in a cluster; return the exit status.

    Raises
    ------
    InputError
        If the kubeconfig cannot be read, or the server refuses an object.
    ClusterUnavailable
        If the server does not answer.
    """
    apps = draw(mix)
    began_s = time.monotonic()

    async def run() -> Created:
        async with connected(kubeconfig, context=context) as client:
            return await create_pods(client, mix, apps)

    created = asyncio.run(run())
    took_s = time.monotonic() - began_s
    parts = [f"{created.new} created"]
    if created.there:
        parts.append(f"{created.there} were there already")
    if created.unsure:
        parts.append(f"{created.unsure} are there after an attempt without an answer")
    typer.echo(f"{said(mix, apps)}: {', '.join(parts)}, in {took_s:.1f} s")
    return 0


async def create_pods(client: KubeClient, mix: Mix, apps: Sequence[App]) -> Created:
    """Create PriorityClasses, then PodGroups, then the pods, each when it arrives.

    Groups come before all pods: a pod whose group does not exist waits for it, and that wait would
    be part of the experiment. Returns the counts of pods alone.

    Raises
    ------
    InputError, ClusterUnavailable
        As `run_podgen_live`.
    """
    groups = [pod_group(mix, app) for app in apps if app.is_gang]
    await create_all(client, _each(priority_classes(mix)))
    await create_all(client, _each(groups))
    console = Console(stderr=True)
    columns = (TextColumn("creating pods"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("pods", total=mix.number)
        return await create_all(
            client, arriving(mix, apps), lambda _object, _created: bar.advance(task)
        )


async def _each(objects: Sequence[JsonObject]) -> AsyncIterator[JsonObject]:
    for obj in objects:
        yield obj


async def arriving(mix: Mix, apps: Sequence[App]) -> AsyncIterator[JsonObject]:
    """Yield each pod when it arrives; where the server is slower than the pods, at once."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for app in apps:
        for made in pods(mix, app, tells_arrival=False):
            wait_s = began_s + made.arrives_s - loop.time()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            yield made.obj
