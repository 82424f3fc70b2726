"""Dev mode while it runs: lets the cluster live, shows it, and knows when it has come to rest."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from commands.scene import Line, Scene, WaitingRow, pod_rows, site_rows
from commands.table import screen
from commands.teller import Teller
from commands.verdict import Verdict, judge
from scheduler.domain.errors import ClusterUnavailable, InputError
from scheduler.domain.snapshot import ClusterSnapshot
from scheduler.reliability.budgets import broken_budgets
from scheduler.service.queued_pod import QueuedPod, Stage
from scheduler.service.runtime import Runtime
from scheduler.service.state import ServiceState
from scheduler.ui.views import reason
from simulator.facts import Facts
from simulator.rest.client import RemoteWorld
from simulator.rest.launch import Simulator

_FRAME_S = 0.5
_LOOK_S = 0.25
_REST_S = 1.0
"""How long everything must be at rest to count as settled: ten batch windows."""

_PATIENCE_S = 120.0
"""How long ``--once`` waits for rest, after the scenario's own time."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a running dev mode consists of.

    `address` is that of the status page, `kubeconfig` the way to the embedded cluster.
    """

    state: ServiceState
    runtime: Runtime
    world: RemoteWorld
    simulator: Simulator
    teller: Teller
    address: str
    kubeconfig: Path

    def now_s(self) -> float:
        """Return the cluster's time, seconds since its start."""
        return self.state.clock.wall_s() - self.teller.started_s


async def live(parts: Parts, console: Console, *, once: bool) -> Verdict | None:
    """Run until stopped or, with `once`, until the demo has settled; return how it ended.

    Raises
    ------
    ClusterUnavailable
        If the process of the embedded cluster ends.
    BrokenPipeError
        If nobody reads what is printed.
    """
    watch = asyncio.create_task(_settled(parts)) if once else None
    try:
        async with asyncio.TaskGroup() as group:
            others = [
                group.create_task(parts.world.follow()),
                group.create_task(_stay_alive(parts.simulator)),
                group.create_task(_show(parts, console)),
            ]
            if watch is not None:
                watch.add_done_callback(lambda _: parts.runtime.stop())
            await parts.runtime.run()
            for other in others:
                other.cancel()
    except BaseExceptionGroup as group_error:
        raise _one_of(group_error) from None
    finally:
        if watch is not None:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
    if watch is None or watch.cancelled():
        return None
    return await _verdict(parts, has_settled=watch.result())


async def _stay_alive(simulator: Simulator) -> None:
    status = await simulator.process.wait()
    raise ClusterUnavailable(f"the process of the embedded cluster ended with status {status}")


def _one_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error to report: one that a person can act on, if there is any."""
    known = group.subgroup((InputError, ClusterUnavailable, BrokenPipeError))
    error: BaseException = known if known is not None else group
    while known is not None and isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


# Coming to rest


async def _settled(parts: Parts) -> bool:
    """Wait until the demo is at rest; return whether it came to rest in time."""
    end_s = (await parts.world.facts()).settles_after_s + _PATIENCE_S
    calm_since_s: float | None = None
    while parts.now_s() < end_s:
        await asyncio.sleep(_LOOK_S)
        if not _is_at_rest(parts.state, await parts.world.facts()):
            calm_since_s = None
            continue
        now_s = parts.now_s()
        calm_since_s = now_s if calm_since_s is None else calm_since_s
        if now_s - calm_since_s >= _REST_S:
            return True
    return False


def _is_at_rest(state: ServiceState, facts: Facts) -> bool:
    """Whether the cluster is quiet, every waiting pod was decided on, and none is to be retried."""
    if facts.pending != len(state.intake.held()):
        return False  # the watch is behind
    stages = state.queue.counts()
    if stages[Stage.ACTIVE] or stages[Stage.IN_FLIGHT] or not state.cache.is_synced:
        return False
    if not state.cache.rtt.nodes or not all(map(_is_decided, state.queue.entries())):
        return False
    return facts.is_quiet and not (facts.missing and stages[Stage.BACKOFF])


def _is_decided(queued: QueuedPod) -> bool:
    return queued.stage is Stage.GATED or queued.refusal is not None


async def _verdict(parts: Parts, *, has_settled: bool) -> Verdict:
    waiting = {queued.pod.key: reason(queued) for queued in parts.state.queue.entries()}
    broken = broken_budgets(_freeze(parts.state))
    return judge(await parts.world.facts(), broken, waiting, has_settled=has_settled)


# Showing


async def _show(parts: Parts, console: Console) -> None:
    """Draw the table on a terminal, or print what happens, line by line."""
    if not console.is_terminal:
        console.print(Text(f"status page on {parts.address}"))
        console.print(Text(f"kubectl --kubeconfig {parts.kubeconfig} get pods"))
        printed = 0
        try:
            while True:
                printed = _print(parts.teller, console, printed)
                await asyncio.sleep(_FRAME_S)
        finally:
            _print(parts.teller, console, printed)
    with Live(console=console, screen=True, auto_refresh=False) as display:
        while True:
            size = console.size
            scene = await _scene(parts)
            display.update(screen(scene, size.width, size.height), refresh=True)
            await asyncio.sleep(_FRAME_S)


def _print(teller: Teller, console: Console, after: int) -> int:
    """Print what happened after the line `after`; return the last line's number."""
    told = teller.since(after)
    for line in told:
        console.print(Text(f"{line.at_s - teller.started_s:7.1f}s  {line.text}"))
    return told[-1].number if told else after


async def _scene(parts: Parts) -> Scene:
    """Gather what is shown; the rows are made in a thread, from frozen columns."""
    snapshot = _freeze(parts.state)
    waiting = [
        WaitingRow(queued.pod.display_name, reason(queued))
        for queued in parts.state.queue.entries()
        if parts.state.cache.pods.is_pending(queued.pod)
    ]
    started_s = parts.teller.started_s
    lines = [Line(line.at_s - started_s, line.text) for line in parts.teller.since()]
    head = (parts.now_s(), parts.address)
    return await asyncio.to_thread(partial(_draw, snapshot, waiting, lines, head))


def _draw(
    snapshot: ClusterSnapshot,
    waiting: list[WaitingRow],
    lines: list[Line],
    head: tuple[float, str],
) -> Scene:
    return Scene(*head, site_rows(snapshot), pod_rows(snapshot), waiting, lines)


def _freeze(state: ServiceState) -> ClusterSnapshot:
    return state.cache.freeze((), state.clock.wall_s(), state.intake.held())
